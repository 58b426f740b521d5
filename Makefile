# Everything a person or CI does with the project. Needs GNU make and Python 3.11 or 3.12; uv makes the set-up quicker where it is present.

VENV := .venv
BIN := $(VENV)/bin
DAY := .day
UV ?= uv
PYTHONS ?= python3.11 python3.12 python3 python
WORKERS ?= 2
ROUNDS ?= 10
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check install
LOCKED := --require-hashes --only-binary :all: --requirement requirements.lock
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-emit-index-url

# A Python is taken only if it answers, has the version, and can make a venv with pip in it (on Debian that part is a package of its own).
HAS_VERSION := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
HAS_VENV := import ensurepip, venv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run score test hunt lint fmt docs lock clean

help: ## print these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/ready | $(DAY) ## set up, start the live system, and play a sample delivery day into it at 60x (Ctrl-C ends it)
	$(BIN)/fleetcast --play $(DAY) --speed 60

score: $(VENV)/ready | $(DAY) ## the same day at full speed, with its scorecard
	$(BIN)/fleetcast-replay score $(DAY) --out $(DAY)/out

test: lint ## set up, lint, and run the whole suite
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

hunt: $(VENV)/ready ## look for drawn examples that break a promise, others in each of ROUNDS rounds (CI draws the same ones every time)
	for round in $$(seq $(ROUNDS)); do CI= $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal -m hypothesis || exit 1; done

lint: $(VENV)/ready ## style, order of floors, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy

fmt: $(VENV)/ready ## put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/ready ## write docs/commands.md, docs/exceptions.md, docs/messages.md and docs/settings.md from the code
	$(BIN)/python docs/generate_commands.py
	$(BIN)/python docs/generate_exceptions.py
	$(BIN)/python docs/generate_messages.py
	$(BIN)/python docs/generate_settings.py

lock: ## choose versions anew within the bounds of pyproject.toml, with their hashes (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv, and found no '$(UV)': install it, or say where it is with UV=..." >&2; exit 1; }
	$(COMPILE) --upgrade pyproject.toml --group dev --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock --output-file requirements-run.lock

clean: ## remove the venv, the sample day and all caches
	rm -rf $(VENV) $(DAY) $(DAY).part .fleetcast build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made aside and moved, so that a day that was cut short is never taken for a whole one.
$(DAY): | $(VENV)/ready
	rm -rf $@.part
	$(BIN)/fleetcast-replay make-day $@.part --seed 7 --fleets 1 --vehicles 12
	mv $@.part $@

$(VENV)/ready: $(VENV)/locked pyproject.toml
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# Made from nothing whenever the lock changes, so that nothing stays in it that the lock no longer names.
$(VENV)/locked: requirements.lock
	@found=; lacks=; \
	for python in $(PYTHONS); do \
	  "$$python" -c '$(HAS_VERSION)' 2>/dev/null || continue; \
	  if "$$python" -c '$(HAS_VENV)' 2>/dev/null; then found=$$python; break; fi; \
	  lacks=$${lacks:-$$python}; \
	done; \
	if [ -n "$$found" ]; then \
	  echo "making $(VENV) with $$found: takes a minute or two the first time"; \
	  "$$found" -m venv --clear $(VENV); \
	elif [ -n "$$lacks" ]; then \
	  echo "Fleetcast needs the venv and ensurepip modules, which $$lacks here lacks (on Debian: apt-get install python3-venv)." >&2; exit 1; \
	else \
	  echo "Fleetcast needs Python 3.11 or 3.12, and none of these is one here: $(PYTHONS). Install one, or name it: make PYTHONS=/path/to/python3.11" >&2; exit 1; \
	fi
	@if command -v $(UV) >/dev/null && $(UV) pip install --quiet --python $(BIN)/python $(LOCKED); then :; else $(PIP) $(LOCKED); fi
	@touch $@
