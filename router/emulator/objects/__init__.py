"""What a resource keeps for its callers: files, batches, fine-tuning jobs and responses."""
