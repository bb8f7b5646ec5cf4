# Targets of the original Bin it right project, for people who know them; the Makefile includes this file.
model_provider ?= pytorch

##@ Compatibility
.PHONY: train-cli predict-cli lint ruff mypy black black-fix
train-cli: provider = $(model_provider)
train-cli: train ## make train; model_provider=pytorch|tensorflow

predict-cli: predict ## make predict

lint: check ## make check

ruff: dev ## lint alone
	$(BIN)/ruff check

mypy: dev ## types alone
	$(BIN)/mypy

black: dev ## the format alone
	$(BIN)/ruff format --check

black-fix: format ## make format
