# Every target builds its own environment: Python 3.10 or newer and make do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes that run tests, files dealt out among them.
JOBS ?= 2
# Programs of experiments/; the other files there are what they share.
EXPERIMENTS := synthetic attention representation_size number_of_slices discovery \
	indicator_maps low_rank narrow_layer interval_coverage error_coverage gate_power \
	gate_metrics audit_coverage drift_alarms

.PHONY: help demo test check format bench experiments clean

help:
	@echo "make demo         the whole way on real data, in about two minutes"
	@echo "make test         checks, then all tests"
	@echo "make check        ruff, mypy, architecture"
	@echo "make bench        the benchmarks of docs/benchmarks.md"
	@echo "make experiments  the paper's tables and figures"

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

demo: $(STAMP)
	$(BIN)/slice-tf demo --overwrite

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pip check
	$(BIN)/python -m pytest -q tests/test_architecture.py

test: check
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	for program in benchmarks/bench_*.py; do $(BIN)/python $$program || exit 1; done

experiments: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[experiments]"
	for name in $(EXPERIMENTS); do $(BIN)/python experiments/$$name.py || exit 1; done

clean:
	rm -rf $(VENV) dist build out slice-tf-demo
