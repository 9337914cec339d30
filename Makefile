# Two commands: `make run` measures this machine, `make test` proves the program. Both set up what they
# need the first time (Python 3.11+ and make are enough) and start at once after that.

PYTHON ?= python3
# For pip, e.g. the index of torch's CPU wheels: PIP_ARGS="--extra-index-url URL"
PIP_ARGS ?=
# How tests are run: a process for each processor, up to four; PARALLEL= runs them in one.
PARALLEL ?= --numprocesses logical --maxprocesses 4 --dist loadfile
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help run test setup check format wheel clean

help:
	@echo "make run    measure this machine: a table and a Pareto front, in minutes"
	@echo "make test   set up and pass all tests"
	@echo "make setup  only make the environment ($(VENV))"
	@echo "make check  ruff, mypy and the format check"
	@echo "make wheel  build the package into dist/"
	@echo "make clean  remove the environment and build outputs; reports/ stays"

run: $(READY)
	@$(BIN)/mnv4bench run
	@$(BIN)/mnv4bench pareto reports/

test: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL)

setup: $(READY)

# The stamp is written last, so a set-up that was stopped half-way is taken up again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mnv4bench needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". next: make PYTHON=python3.11 " + "setup")'
	@echo "setting up $(VENV) (torch and the exporters; a few minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

wheel: $(READY)
	@$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
