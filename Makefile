# Everything a developer does here, in one list: `make` prints it.
# Needed beforehand: git, make and python3 (3.11 or later, with venv).

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-deps --require-hashes
PROJECTS := . $(patsubst %/pyproject.toml,%,$(wildcard guard/pyproject.toml))
CODE := src tests tools $(wildcard guard examples bench docs/conf.py)
ARGS ?=
# Tests wait for servers more than they compute.
PROCESSES ?= 3

.PHONY: help setup run test test-postgres faults bench bench-peers bench-growth check format lock docs docs-reference clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
	  printf '  make %-16s %s\n' "$$name" "$$what"; done

setup: .venv/.dev ## build .venv with everything; the other tasks do what they need of it

run: .venv/.run ## start the server with a demo application and a demo API (ARGS= goes to troth dev)
	@$(BIN)/troth dev $(ARGS)

test: .venv/.dev tests/interop/node_modules/.stamp ## run all tests (ARGS= goes to pytest, e.g. ARGS="-k refresh -x")
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup $(ARGS)

# 18 comes with what `make setup` installs; Debian has others in /usr/lib/postgresql.
POSTGRES ?= $(firstword $(wildcard /usr/lib/postgresql/*/bin))
test-postgres: .venv/.dev ## run the store's tests on another PostgreSQL (POSTGRES=the folder of its programs)
	@TROTH_TEST_POSTGRES=$(POSTGRES) $(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup \
	  tests/store -k "postgres or copy" $(ARGS)

faults: .venv/.dev ## run the fault harnesses at full length and print their figures (an hour)
	@rm -f .faults.jsonl; TROTH_FAULTS_FIGURES=$(CURDIR)/.faults.jsonl \
	  $(BIN)/python -m pytest -q tests/faults $(ARGS); status=$$?; \
	  $(BIN)/python -m tests.faults.table .faults.jsonl; exit $$status

bench-growth: .venv/.dev ## refresh over ten million chains and over ten thousand; bytes of each thing
	@$(BIN)/python -m bench.growth $(ARGS)

bench: .venv/.dev ## measure this machine: Troth against the limit, into bench/RESULTS.md (six minutes)
	@$(BIN)/python -m bench.run

bench-peers: .venv/.dev bench/peers/.venv/.stamp bench/peers/node_modules/.stamp ## measure Troth against other servers, into bench/RESULTS.md (five minutes)
	@$(BIN)/python -m bench.peers.run

check: .venv/.dev ## lint, format, types, layers, and generated documentation up to date
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m tools.reference --check

format: .venv/.dev ## put code into shape and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet $(CODE)
	$(BIN)/ruff format $(CODE)

docs: .venv/.dev ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

docs-reference: .venv/.dev ## write the generated pages of docs/reference anew
	$(BIN)/python -m tools.reference

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
lock: .venv/.dev ## lock the dependencies anew after an edit (UPGRADE=1: newest versions)
	$(LOCK) --extra demo --no-emit-package troth-guard -o requirements/run.txt \
	  pyproject.toml $(wildcard guard/pyproject.toml) requirements/run.in
	$(LOCK) -o requirements/dev.txt requirements/dev.in
	$(LOCK) --extra postgres -o requirements/serve.txt pyproject.toml requirements/serve.in
	$(LOCK) -o bench/peers/requirements.txt bench/peers/requirements.in
	$(BIN)/python -m tools.npm lock tests/interop bench/peers

clean: ## remove what was built: .venv, caches, documentation
	rm -rf .venv docs/_build tests/interop/node_modules bench/peers/node_modules bench/peers/.venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests tools guard -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The newest python3 that will do, or one sentence that says what is missing.
.venv/bin/python:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && found=$$python && break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Troth needs Python 3.11 or later; python3 here is: $$(python3 --version 2>&1 || true)" >&2; exit 1; fi; \
	if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$found lacks its venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; fi; \
	echo "building .venv with $$($$found --version)"; \
	rm -rf .venv && "$$found" -m venv .venv || { rm -rf .venv; exit 1; }

# Both distributions are installed as links to the source. What they need was locked with hashes.
.venv/.run: requirements/run.txt $(PROJECTS:%=%/pyproject.toml) | .venv/bin/python
	@echo "installing what Troth needs to run"
	@$(INSTALL) -r requirements/run.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation $(PROJECTS:%=--editable %)
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "installing what tests, checks and documentation need"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

# Client libraries of other people for the interoperability tests; Node.js itself is in dev.txt.
tests/interop/node_modules/.stamp: tests/interop/package.json tests/interop/package-lock.json | .venv/.dev
	@echo "installing the JavaScript clients of tests/interop"
	@if $(BIN)/python -m tools.npm ci tests/interop; then touch $@; else \
	  echo "they could not be installed: the tests that need them are left out" >&2; fi

# The peers of the benchmark have an environment of their own: Troth needs nothing of them.
bench/peers/.venv/.stamp: bench/peers/requirements.txt | .venv/bin/python
	@echo "installing the peers that are written in Python"
	@rm -rf bench/peers/.venv && $(BIN)/python -m venv bench/peers/.venv
	@bench/peers/.venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps \
	  --require-hashes -r $<
	@touch $@

bench/peers/node_modules/.stamp: bench/peers/package.json bench/peers/package-lock.json | .venv/.dev
	@echo "installing the peer that is written in JavaScript"
	@$(BIN)/python -m tools.npm ci bench/peers
	@touch $@
