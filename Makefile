# `make demo` and `make test` are all that a fresh machine with Python needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# A GPU machine takes the torch that fits it; any other is held to the CPU's version.
CONSTRAINT := $(shell command -v nvidia-smi >/dev/null 2>&1 || echo "-c constraints-cpu.txt")

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-clients mutants lint format house clean

help:  ## What there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints-cpu.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Maksud needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once; a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINT) -e '.[dev]'
	@touch $@

setup: $(STAMP)  ## The virtual environment with everything in it

demo: $(STAMP)  ## The whole road on the shipped data: check, train, tune, evaluate, serve, ask
	@$(BIN)/maksud demo $(ARGS)

# A process for each core: threads beside them would only wait for each other.
test: $(STAMP)  ## The default test suite: offline; ten minutes on two cores is the goal
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder $(ARGS)

test-clients: $(STAMP)  ## The examples: clients of other stacks, of an environment of their own, and of npm
	@for extra in clients clients-openai2; do \
	  test -x .venv-$$extra/bin/python || $(PYTHON) -m venv .venv-$$extra; \
	  .venv-$$extra/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$$extra]" || exit 1; \
	done
	@! command -v npm >/dev/null || npm install --prefix examples/javascript --no-audit --no-fund
	@$(BIN)/python -m pytest tests/serving/test_examples.py tests/serving/test_fuzz.py -rs $(ARGS)

test-slow: $(STAMP)  ## The tests that take minutes or need the embedded language model
	@$(BIN)/python -m pytest -m slow $(ARGS)

mutants: $(STAMP)  ## Plants small faults in the core and counts which turn a test red; an hour or more
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINT) -e '.[dev,mutants]'
	@$(BIN)/python benchmarks/mutants.py $(ARGS)

lint: $(STAMP)  ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)  ## Formats the code and sorts its imports
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

house: $(STAMP)  ## Draws docs/house.svg from the imports
	@$(BIN)/python docs/draw_house.py

clean:  ## Removes the virtual environment and caches; leaves data and runs alone
	rm -rf $(VENV) .venv-clients .venv-clients-openai2 .mypy_cache .ruff_cache .pytest_cache .hypothesis
