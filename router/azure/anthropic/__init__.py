"""How do we speak to Claude on Foundry, whose words are Anthropic's and not OpenAI's?

Everything here is pure: `request.py` and `content.py` turn a chat request into a Messages request, `reply.py` a
Message into a chat completion, `stream.py` the events of a stream into chunks, one by one.  `reader.py` judges a
stream as it comes, `models.py` knows what differs between generations of Claude.
Sources: azure.md §1.5; Anthropic's public Messages API, version 2023-06-01, and the types of its Python client 2.14.
"""
