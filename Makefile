# Every target sets up what it needs in .venv; Python (3.11 or newer), make and a network are enough.
# The default Python is PYTHON; DIR is what the demo reads; MINUTES is how long the mixed load of the soak lasts; ARGS goes
# to pytest or to the benchmark.

PYTHON ?= python3
DIR ?= .
MINUTES ?= 1
ARGS ?=

VENV := .venv
ifeq ($(OS),Windows_NT)
RUN := $(VENV)/Scripts/python
else
RUN := $(VENV)/bin/python
endif
SETUP := $(PYTHON) -m tools.environments $(VENV)
CORE := $(RUN) -m tools.compiled
# docs.h is made by a tool.
CHAPTERS := aiochan/core/_speedups.c bench/floors.c $(filter-out %/docs.h,$(wildcard aiochan/core/speedups/*.h))
TYPED := aiochan examples tools $(wildcard tests/typing)

.PHONY: help demo test test-quick stress bench wheels clean
.PHONY: check check-format check-lint check-types check-mypy check-pyright check-stub check-layers

help:
	@echo 'make demo        run the example in examples/digest on this repository, or on DIR=...'
	@echo 'make test        run the tests on every Python from 3.11 to 3.13 that is found, on both cores'
	@echo 'make test-quick  run the quick tests on the default Python only'
	@echo 'make check       format, lint, types, layers and the quick tests on one loop; about a minute'
	@echo 'make stress      everything at volume, as in docs/testing.md: an hour and more; MINUTES=60 for the long soak'
	@echo 'make bench       compare with others, half an hour; two minutes with ARGS=--quick (bench/README.md)'
	@echo 'make wheels      build the sdist and a wheel for each Python that is found, into dist/, and try them'
	@echo 'make sanitize, valgrind, leaks, nomemory   the compiled core under tools: docs/testing.md'
	@echo 'make clean       remove the environments, the caches and what was built'

demo:
	@$(SETUP) demo
	@$(RUN) -m examples.digest "$(DIR)"

test:
	@$(PYTHON) -m tools.test_matrix $(ARGS)

test-quick:
	@$(SETUP) test
	@$(CORE)
	$(RUN) -m pytest -q --numprocesses=auto --maxprocesses=4 $(ARGS)

check: check-format check-lint check-types check-layers check-tests
	@echo 'make check: all is well'

check-format:
	@$(SETUP) lint
	$(RUN) -m ruff format --check .
	$(dir $(RUN))clang-format --dry-run --Werror $(CHAPTERS)

check-lint:
	@$(SETUP) lint
	$(RUN) -m ruff check .

check-types: check-mypy check-pyright check-stub

check-mypy:
	@$(SETUP) lint
	$(RUN) -m mypy $(TYPED)

check-pyright:
	@$(SETUP) lint
	$(RUN) -m pyright --pythonpath $(RUN)

# The stub of the compiled core beside the module itself; skipped, with the reason, where it was not built.
check-stub:
	@$(SETUP) lint
	$(RUN) -m pytest -q -rs tests/building/test_stub.py

check-layers:
	@$(SETUP) test
	$(RUN) -m pytest -q tests/architecture

check-tests:
	@$(SETUP) test
	@$(CORE)
	$(RUN) -m pytest -q --numprocesses=auto --maxprocesses=4 --loops=asyncio --ignore=tests/architecture

stress:
	@$(SETUP) test
	@$(CORE)
	AIOCHAN_SOAK_MINUTES=$(MINUTES) $(RUN) -m pytest -q -s -m stress --ignore=tests/mutants $(ARGS)
	$(RUN) -m tests.mutants

bench:
	@$(SETUP) bench
	@$(RUN) -m bench $(ARGS)

wheels:
	@$(PYTHON) -m tools.wheels

clean:
	rm -rf .venv .venv-3.* .venv-bench-* build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f aiochan/core/_speedups.*.so aiochan/core/_speedups.*.pyd
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The compiled core under tools: docs/testing.md. Each says so where its tool is missing.
.PHONY: sanitize valgrind leaks nomemory

sanitize:
	@$(SETUP) test
	@$(RUN) -m tools.sanitize warnings
	@$(RUN) -m tools.sanitize asan $(ARGS)

valgrind:
	@$(SETUP) test
	@$(RUN) -m tools.sanitize valgrind $(ARGS)

leaks:
	@$(SETUP) test
	@$(CORE)
	@$(RUN) -m tests.safety.leaks $(ARGS)
	$(RUN) -m pytest -q -m stress tests/safety/test_interpreters.py

nomemory:
	@$(SETUP) test
	@$(CORE)
	@$(RUN) -m tests.safety.nomemory $(ARGS)
