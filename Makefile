# Set-up and the main jobs. `make bench` and `make test` do all the set-up on a fresh machine.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
PYTHONS := 3.10 3.11 3.12 3.13
# The first Python of a supported version that is on PATH and starts.
PYTHON ?= $(firstword $(foreach name,python3 $(addprefix python,$(PYTHONS)),$(shell $(name) -c 'import sys; print("$(name)") if (3, 10) <= sys.version_info[:2] <= (3, 13) else None' 2>/dev/null)))

# Real checkpoints and images, where they are: never part of the project, which works without them.
SOURCES := benchmarks conversion core ethosu_simulator harness targets

DATA := $(or $(ETHOS_BENCH_TEST_DATA),$(wildcard ../shared))
CHECKPOINTS := $(wildcard $(DATA)/models/checkpoints)
DATASET := $(wildcard $(DATA)/datasets/traffic-signs/data.yaml)
NPUS := --npu ethos-u65-256 --npu ethos-u55-256 --npu ethos-u85-256
# What `make bench` runs; ARGS replaces it.
ARGS ?= --target sim --target host $(NPUS) $(if $(CHECKPOINTS),--checkpoints $(CHECKPOINTS)) $(if $(DATASET),--data $(DATASET))

.PHONY: help environment executorch bench test check lint fast-tests lock lock-resolves faults nightly rules simulator-cases fuzz fuzz-commands audit docs board screenshots clean

help: ## Say what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

environment: $(STAMP) ## Create .venv with everything that requirements.lock pins.

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.10 to 3.13 on PATH"; exit 3; }
	$(BIN)/uv --version >/dev/null 2>&1 && $(BIN)/python -c '' || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv$$(sed -n 's/^uv\(==[^ ]*\) .*/\1/p' requirements.lock)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

bench: $(STAMP) ## The main job: the suite on the checkpoints at hand, else on seeded models.
	$(BIN)/pytest benchmarks/ $(ARGS)

test: $(STAMP) ## All tests but nightly and fuzz.
	$(BIN)/pytest tests -n 2 --dist worksteal -m "not nightly and not fuzz"

check: lint lock-resolves fast-tests ## Lint, types, import rule, lock, fast tests on each Python found.

lint: $(STAMP) ## Lint, types, import contracts, length and complexity of functions.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(SOURCES)
	$(BIN)/python -m pytest -q tests/test_code_shape.py tests/test_import_contracts.py

# The lock must resolve on every supported Python, whichever is installed here.
lock-resolves: $(STAMP)
	@for version in $(PYTHONS); do \
	  $(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version $$version requirements.lock >/dev/null \
	    && echo "requirements.lock resolves on Python $$version"; \
	done

# Each Python gets an environment without the extra `convert`: the suite must work there too. Whole sessions of it, half of the
# time, run on the oldest and the newest.
FAST_PYTHONS ?= $(PYTHONS)
fast-tests: $(STAMP)
	@for version in $(FAST_PYTHONS); do \
	  python=; \
	  for candidate in python$$version $(HOME)/.pyenv/versions/$$version.*/bin/python; do \
	    if $$candidate -c '' 2>/dev/null; then python=$$(command -v $$candidate); break; fi; \
	  done; \
	  test -n "$$python" || { echo "== Python $$version: not on this machine"; continue; }; \
	  venv=.venv-$$version; \
	  test -x $$venv/bin/python || $(BIN)/uv venv --quiet --python $$python $$venv; \
	  $(BIN)/uv pip install --quiet --python $$venv/bin/python --constraint requirements.lock --editable . hypothesis pytest-xdist; \
	  echo "== Python $$version: fast tests"; \
	  case $$version in $(firstword $(PYTHONS))|$(lastword $(PYTHONS))) sessions=;; *) sessions=" and not session";; esac; \
	  $$venv/bin/python -m pytest tests -q -n 2 --dist worksteal -m "not slow and not convert and not nightly and not fuzz$$sessions"; \
	done

lock: $(STAMP) ## Resolve requirements.lock, requirements-board.lock and those of ExecuTorch and TOSA's converter anew.
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.10 \
	  --extra convert --extra explore --extra farm --extra postgres --extra dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.9 \
	  requirements-board.in --output-file requirements-board.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  conversion/executorch/requirements-executorch.in --output-file conversion/executorch/requirements-executorch.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.10 \
	  tests/ethosu_simulator/tosa/requirements.in --output-file tests/ethosu_simulator/tosa/requirements.lock

executorch: $(STAMP) ## Make the environment of --frontend executorch (5.5 GB, in the cache folder).
	$(BIN)/python -m conversion.executorch

FAULTS ?= 20
faults: $(STAMP) ## Make every fault of a board FAULTS times (20) and write docs/reference/faults.md; needs root.
	$(BIN)/python -m tests.boards.faults_table $(FAULTS)

rules: $(STAMP) ## Judge every layer that the Ethos-N78 reference has an answer for, and break each rule once.
	for file in named random; do $(BIN)/python -m conversion.rules $(DATA)/reference/ethos-n78/$$file.jsonl; done
	$(BIN)/pytest tests/conversion/rules

nightly: $(STAMP) ## The long counts.
	$(BIN)/pytest tests -m nightly

# How many random graphs, and how long to fuzz.
CASES ?= 3000
SECONDS ?= 1800

VELAS ?= 3.9.0 3.12.0 4.2.0 4.5.0 5.0.0 5.1.0
velas: $(STAMP) ## Make the older Velas' environments in the cache folder (VELAS="3.12.0 4.2.0": only these).
	$(BIN)/ethos-bench velas install $(VELAS)

simulator-cases: $(STAMP) ## Compare CASES random graphs and write the tables of what is bit-exact.
	$(BIN)/python -m tests.ethosu_simulator.coverage $(CASES)

fuzz: $(STAMP) ## Fuzz the simulator for SECONDS and write the statistics.
	$(BIN)/python -m tests.ethosu_simulator.fuzz.statistics $(SECONDS) --write

docs: $(STAMP) ## Write the generated pages anew and build the documentation site into build/site.
	$(BIN)/python -m harness.pytest_plugin.options_page
	$(BIN)/python -m harness.report.metrics_page
	$(BIN)/python -m harness.cli.profiles_page
	$(BIN)/python -m harness.cli.simulator_page
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m benchmarks.studies.board.page
	$(BIN)/python -m benchmarks.studies.explorations pages

board: $(STAMP) ## Compute the model board anew; `make docs` makes its page.
	ETHOS_BENCH_TEST_DATA=$(DATA) $(BIN)/python -m benchmarks.studies.board

RUN ?= results/latest
screenshots: docs ## Take the pictures of docs/images from the report of RUN (results/latest), of CLASSIFIER (a run of one), and the site.
	$(BIN)/python -m benchmarks.studies.screenshots $(RUN) $(if $(CLASSIFIER),--classifier $(CLASSIFIER))

fuzz-commands: $(STAMP) ## Feed every command mutated files for SECONDS and write the statistics.
	$(BIN)/python -m tests.harness.cli.fuzz $(SECONDS) --write

audit: $(STAMP) ## Hold requirements.lock against the advisories of PyPI; a package that is skipped is a failure.
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

clean: ## Remove environments and caches of tools; results stay.
	rm -rf $(VENV) .venv-3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis build
