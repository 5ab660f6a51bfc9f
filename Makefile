# Convscope: `make run` opens the dashboard, `make test` runs the tests; both set everything up first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
HOST ?= localhost
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test lint format bench thumbnails clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/run.stamp: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -r requirements.txt
	@touch $@

$(VENV)/test.stamp: requirements.txt requirements-scale.txt tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -r tests/requirements.txt
	@touch $@ $(VENV)/run.stamp

run: $(VENV)/run.stamp  ## set up, warm up and serve the dashboard (HOST=, PORT=)
	HOST=$(HOST) PORT=$(PORT) $(BIN)/python -m pages.ui.server

test: $(VENV)/test.stamp  ## set up and run all tests, those in the browser last
	sh tests/e2e/chromium.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not e2e"
	$(BIN)/python -m pytest -m e2e -rs

lint: $(VENV)/test.stamp  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/test.stamp  ## speed against other implementations
	@for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

thumbnails: $(VENV)/run.stamp  ## make the pictures of the home page's cards anew
	$(BIN)/python -m viz_core.thumbnails

clean:  ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
