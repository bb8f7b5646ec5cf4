# Every target with a line each: `make`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8080
TORCH ?=
VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT := $(PYTHON) scripts/environment.py --venv $(VENV) $(if $(TORCH),--torch $(TORCH))

.PHONY: help
help: ## list every target
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Serving
.PHONY: run
run: ## start Triton and the gateway on port 8080 (PORT=…); TORCH=cpu downloads 2.5 GB less
	@$(ENVIRONMENT) serve
	@exec $(BIN)/python -m scripts.cli.serve --port $(PORT)

##@ Checks
.PHONY: dev test check format lint ruff mypy
dev: ## make the environment for tests and training
	@$(ENVIRONMENT) dev

test: dev ## run all tests, the end-to-end ones against a real Triton too
	$(BIN)/python -m pytest

check: dev ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: dev ## put the code into the one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lint: check ## the ancestor's name of `make check`
ruff: dev ## lint alone
	$(BIN)/ruff check
mypy: dev ## types alone
	$(BIN)/mypy
