PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install serve test check fmt bench soak sdl settings lock graphiql clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Create .venv with exactly what the lock file names

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tollgate needs Python 3.11 or newer; name one with make PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

serve: install ## Start a server with the demo organization on SQLite; prints the URL and a token
	$(BIN)/tollgate serve --demo

test: install ## Run the tests, on SQLite and on a PostgreSQL that they start themselves
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not soak" $(PYTEST_ARGS)

check: install ## Lint, types, import directions, and that generated files are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app scripts tests $(wildcard bench)
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.sdl --check
	$(BIN)/python -m scripts.settings --check

fmt: install ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Measure, and print the figures
	$(BIN)/python -m bench $(BENCH_ARGS)

soak: install ## The endurance runs at full size
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

sdl: install ## Write graphql/schema.graphql from the served schema
	$(BIN)/python -m scripts.sdl

settings: install ## Write docs/settings.md from app/settings.py
	$(BIN)/python -m scripts.settings

lock: install ## Resolve the lock files anew, to today's releases
	$(BIN)/python -m scripts.lock

graphiql: ## Build GraphiQL's files anew (needs npm)
	scripts/graphiql/build

clean: ## Remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
