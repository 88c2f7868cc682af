# Each target sets up what it needs on a machine with make and Python 3.11 or later.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes that share the tests, one thread each.
WORKERS ?= 2

.PHONY: demo test lint types bench clean setup

demo: $(STAMP)  ## the main job on the built-in data, start to leaderboard
	$(BIN)/gistrec demo

test: $(STAMP)  ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

lint: $(STAMP)  ## style, format and the layers of the packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(STAMP)  ## static types
	$(BIN)/mypy

bench: $(STAMP)  ## the budgets for speed and memory, as JSON in benchmarks/
	for question in benchmarks/*.py; do $(BIN)/python $$question || exit 1; done

clean:  ## everything that was made here, the environment and the demo's run included
	rm -rf $(VENV) build dist src/*.egg-info runs/demo runs/demo-bazaar
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gistrec needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@
