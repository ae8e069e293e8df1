# Everything that a newcomer needs: `make demo` and `make test`.  Both make their own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint check bench bench-envs clean

demo: $(READY)
	@$(BIN)/azure-router demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright

check: lint test

# What the router costs, measured here: `make bench ARGS="--quick"`.  The peers that it may be measured against
# (`ARGS="--against litellm,openai,switchboard"`) have environments of their own, which `make bench-envs` makes.
bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

bench-envs: $(READY)
	$(BIN)/python -m benchmarks.environments $(ARGS)

# Made anew only when pyproject.toml changes, so a second run starts at once.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $(READY)

clean:
	rm -rf $(VENV) benchmarks/.envs benchmarks/.cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
