# The words people say. `make` alone lists them; docs/setup.md tells what setup does and needs.

export PATH := $(CURDIR)/.tools/bin:$(PATH)
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench docs lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

setup: ## Bring everything into this checkout: uv, the locked packages, restic (quick when nothing changed)
	@scripts/setup

demo: setup ## Play a whole breach, from backup to recovery, and print the path of its page
	@$(PY) scripts/demo.py

test: setup ## Run the tests (make test ARGS="-k drill" for some of them)
	@$(PY) -m pytest -n 2 --dist loadgroup --ignore=tests/benchmarks $(ARGS)

lint: setup ## Check style, types and layers
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## Measure start-up and the cost of a backup over bare restic
	@$(PY) -m compileall -q src
	@$(PY) tests/benchmarks/run.py

docs: setup ## Write the reference pages from the code
	@$(PY) scripts/docs.py

lock: ## Resolve the dependencies again into requirements.lock (make lock ARGS=--upgrade for newer ones)
	@uv=$$(scripts/get-uv) && "$$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --group dev $(ARGS) pyproject.toml -o requirements.lock

clean: ## Remove everything that make made, .venv and .tools included
	@rm -rf .venv .tools .build dist demo .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests flows scripts -name __pycache__ -type d -prune -exec rm -rf {} +
