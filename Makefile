# Every verb does its own set-up. `make demo` runs the main job, `make test` runs every test.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
UV := .uv/bin/uv
ONCE ?=
STEPS ?= 10000
JOBS ?= 2
SEED ?= 1

.PHONY: help setup pages demo up check check-python check-pages test test-pages test-tools bench methods chaos converges e2e docs openapi format clean

help: ## What can be asked
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

$(UV):
	$(PYTHON) -c 'import sys; sys.exit("SCE Lab needs Python 3.11 or newer: set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.ready: pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --frozen --all-extras --no-extra codec --python $(PYTHON)
	touch $@

frontend/node_modules/.ready: frontend/package.json frontend/package-lock.json
	@command -v npm >/dev/null || { echo "The pages are built with Node.js 20 or newer: install node and npm." >&2; exit 1; }
	npm --prefix frontend ci --no-audit --no-fund --loglevel=error
	touch $@

PAGE_SOURCES := $(shell find frontend/src frontend/index.html frontend/vite.config.ts -type f 2>/dev/null)
backend/static/index.html: frontend/node_modules/.ready $(PAGE_SOURCES)
	npm --prefix frontend run --silent build

setup: .venv/.ready pages ## Python packages and the built pages
pages: backend/static/index.html

demo: setup ## The main job: demo videos, SCE pretraining and its evaluations, in the browser (ONCE=1 ends by itself)
	$(BIN)/python -m worker.demo $(if $(ONCE),--once)

up: setup ## API, worker and broker on this machine
	$(BIN)/scelab up

check: setup ## Format, lint, types and house rules: what a commit must pass
	@$(MAKE) --no-print-directory -j2 check-python check-pages

check-python:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py
	$(BIN)/python -m backend.document | diff -q - frontend/src/api/openapi.json >/dev/null || { echo "frontend/src/api is stale: make openapi" >&2; exit 1; }

check-pages:
	npm --prefix frontend run --silent api:check
	npm --prefix frontend run --silent typecheck
	npm --prefix frontend run --silent lint

test-pages: check-pages
	npm --prefix frontend run --silent test

test-tools:
	@scripts/install-test-tools

test: setup ## Every test: unit, real services, and the browser
	@$(MAKE) --no-print-directory -j3 check-python test-pages test-tools
	$(BIN)/pytest -q -n 2 --dist loadgroup --durations=25 --ignore=tests/test_house.py

e2e: setup test-tools ## Only the browser journeys against the real stack
	$(BIN)/pytest -q tests/e2e

bench: setup ## Each benchmark prints one table
	for file in $(filter-out benchmarks/methods.py,$(wildcard benchmarks/[a-z]*.py)); do $(BIN)/python $$file; done

methods: setup ## Four methods on the demo videos and the digits, three seeds each, against the untrained trunk
	$(BIN)/python benchmarks/methods.py

chaos: setup test-tools ## Kill every part again and again, and print what became of the trainings (KILLS=10 ROWS="slurmctld slurmd")
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),10) $(ROWS:%=--only %)

converges: setup ## Let anything happen to a laboratory of two hosts, and see that it mends itself (STEPS=10000 JOBS=2 SEED=1)
	seq $(SEED) $$(($(SEED) + $(JOBS) - 1)) | xargs -P $(JOBS) -I SEED nice $(BIN)/python -m tests.worker.lab_machine $$(($(STEPS) / $(JOBS))) --seed SEED

openapi: .venv/.ready frontend/node_modules/.ready ## Write the OpenAPI document and the TypeScript client again
	$(BIN)/python -m backend.document > frontend/src/api/openapi.json
	npm --prefix frontend run --silent api

docs: .venv/.ready ## Write docs/definition.md again from the fields' own docstrings
	$(BIN)/python -m docs.build

format: .venv/.ready ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove everything that was built
	rm -rf .venv .uv frontend/node_modules backend/static .mypy_cache .ruff_cache .pytest_cache
