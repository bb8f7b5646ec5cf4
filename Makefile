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
.PHONY: run export doctor
run: ## start Triton and the gateway on port 8080 (PORT=…); TORCH=cuda|cpu decides on PyTorch
	@$(ENVIRONMENT) serve
	@exec $(BIN)/bin-it-right serve --stop-with-parent

export: ## export the released weights into the model repository
	@$(ENVIRONMENT) serve
	@$(BIN)/bin-it-right export

doctor: ## say what this machine can do, and what to do about the rest
	@$(ENVIRONMENT) serve
	@$(BIN)/bin-it-right doctor


##@ Data and training
photos ?=
dataset_path ?= data/processed/trashnet
model_path ?= runs/$(model)
model ?= raw
provider ?= pytorch
epochs ?=
image ?=
source ?=
extras ?=
feedback ?=

.PHONY: data eda train evaluate evaluate-cli promote predict notebooks install-kernel
data: dev ## fetch, verify and lay out the photos; source=PATH takes what is there, extras=web,general more; feedback=FOLDER too
	@$(BIN)/bin-it-right data $(if $(source),--source "$(source)") $(if $(extras),--extras $(extras)) \
		$(if $(feedback),--feedback "$(feedback)")

eda: dev ## look at the data set: one HTML page and its figures
	@$(BIN)/bin-it-right eda "$(dataset_path)"

train: ## train a network: model=raw|pretrained dataset_path=… model_path=… epochs=… provider=pytorch|tensorflow
	@$(ENVIRONMENT) $(if $(filter tensorflow,$(provider)),tensorflow,dev)
	@$(BIN)/bin-it-right train "$(dataset_path)" "$(model_path)" --model $(model) --provider $(provider) \
		$(if $(epochs),--epochs $(epochs))

# What `make data extras=web` laid out is measured on too; the gate of `make promote` asks for it.
web := data/processed/web
measure_web := $(if $(wildcard $(web)/heldout.parquet),--extra $(web)/train.parquet \
	--extra-split web_heldout=$(web)/heldout.parquet --out-of-distribution $(web)/out_of_distribution.parquet)

# A folder of photos from other places, and the names of those that nothing was chosen by.
places ?=
held_out ?=
measure_places := $(if $(places),--places "$(places)" $(addprefix --held-out ,$(held_out)))

evaluate-cli: dev ## calibrate and measure a run, and write its card: model_path=…
	@$(BIN)/bin-it-right evaluate "$(model_path)" "$(dataset_path)" $(measure_web) $(measure_places)

evaluate: dev ## measure the test split through the real gateway and Triton; places=FOLDER held_out="NAME …" too
	@$(BIN)/bin-it-right dev evaluate-server "$(dataset_path)" $(measure_places)

promote: dev ## release evaluated weights, unless they are worse: model=…
	@$(BIN)/bin-it-right promote $(model)
	@$(BIN)/bin-it-right export

predict: dev ## classify without a server: image=… model=…
	@$(BIN)/bin-it-right predict training/weights/$(model).safetensors $(if $(image),"$(image)")

notebooks: dev ## open the notebooks in JupyterLab, without Docker
	@$(ENVIRONMENT) jupyter
	@exec $(BIN)/jupyter lab training/notebooks

install-kernel: dev ## offer this environment to a Jupyter that is installed already, as "Bin it right"
	@$(BIN)/python -m ipykernel install --user --name bin-it-right --display-name "Bin it right"

##@ Checks
.PHONY: dev test check docs-check readme bench-gpu check-gpu check-container fuzz format
dev: ## make the environment for tests and training
	@$(ENVIRONMENT) dev

# A worker for each core, but none for the end-to-end tests: their servers use all cores. The slowest tests stand at the
# end of build/tests/*.txt.
test: dev ## run all tests, the end-to-end ones against a real Triton too
	@mkdir -p build/tests
	@set -o pipefail; status=0; \
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --durations=40 tests/unit tests/contract tests/browser \
		| tee build/tests/without_triton.txt || status=1; \
	$(BIN)/python -m pytest --durations=40 tests/e2e tests/gpu | tee build/tests/with_triton.txt || status=1; \
	exit $$status

check: dev ## lint, format, types, Markdown
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pymarkdown scan $$(git ls-files '*.md')

docs-check: dev ## follow every link of the documents, and run every command block that can run
	$(BIN)/bin-it-right dev docs-check

bench-gpu: dev ## measure this GPU in 8 minutes: photos=FOLDER for real photos
	@$(BIN)/bin-it-right dev benchmark-gpu $(if $(photos),"$(photos)")

check-gpu: ## everything that needs a GPU, results in build/gpu: tests, benchmark; no network with WHEELS=FOLDER
	@PYTHON=$(PYTHON) scripts/benchmarks/gpu/everything.sh build/gpu $(if $(photos),"$(photos)")

check-container: dev ## test and measure NVIDIA's container on this GPU; a report for an issue
	@$(BIN)/bin-it-right dev container-check $(if $(photos),--photos "$(photos)")

readme: dev ## write anew what README and docs/configuration.md take from code, cards and the service on PORT
	@$(BIN)/bin-it-right dev settings-table
	@$(BIN)/bin-it-right dev readme-table
	@$(BIN)/bin-it-right dev readme-answer --url http://localhost:$(PORT)
	@$(BIN)/bin-it-right dev page-picture --url http://localhost:$(PORT)

fuzz: dev ## fuzz what reads clients' bytes, findings in build/fuzz: target=decoders|multipart seconds=60
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --require-hashes -r requirements/fuzz.txt
	@$(BIN)/bin-it-right dev fuzz $(or $(target),decoders) --seconds $(or $(seconds),60)

format: dev ## put the code into the one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

##@ Measuring
# For Triton without the gateway: NVIDIA's program out of the last wheel whose program runs on glibc 2.36.
PERF_ANALYZER := build/perf_analyzer/bin/perf_analyzer
seconds ?=
rounds ?=
only ?=
models ?=
short ?=
concurrency ?=

.PHONY: bench
bench: $(PERF_ANALYZER) ## compare the service with alternatives: photos=FOLDER seconds=3 rounds=2 only=… short=1
	@$(ENVIRONMENT) bench
	@$(BIN)/bin-it-right dev benchmark --perf-analyzer $< $(if $(short),--short) \
		$(if $(seconds),--seconds $(seconds)) $(if $(rounds),--rounds $(rounds)) \
		$(if $(concurrency),--concurrency $(concurrency)) $(if $(photos),--photos "$(photos)") \
		$(if $(only),--only $(only)) $(if $(models),--models $(models))

$(PERF_ANALYZER): requirements/perf_analyzer.txt
	@$(ENVIRONMENT) bench
	@$(BIN)/uv pip install --quiet --target build/perf_analyzer --no-deps --require-hashes -r $<
	@touch $@

##@ Deployment
.PHONY: api jupyter images sbom rolling-update
api: ## start the service in Docker: COMPOSE_PROFILES=gpu on an NVIDIA GPU, cpu,monitoring with Grafana
	docker compose up --build --detach --wait
	@echo "http://localhost:$(PORT) answers; docker compose logs -f shows what happens, docker compose down ends it"

jupyter: ## start the notebooks in Docker, and print their address
	docker compose --profile jupyter up --build --detach --wait --no-deps jupyter
	@docker compose --profile jupyter exec jupyter jupyter server list

images: ## build the gateway's and the CPU Triton's image without Docker, run them, classify a photo
	scripts/images/prove.sh

sbom: dev ## bill of materials, licences and known vulnerabilities of what is released, in build/sbom
	$(BIN)/bin-it-right dev sbom

rolling-update: dev ## replace real Triton servers under load and count what is lost
	@$(BIN)/bin-it-right export
	$(BIN)/bin-it-right dev rolling-update

include compat.mk
