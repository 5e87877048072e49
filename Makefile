SHELL := /bin/bash
.DEFAULT_GOAL := help
TOPOLOGY ?= reference-gpu
# Each reference topology has a lab; that of reference-gpu is called lab alone.
INVENTORY ?= inventories/$(patsubst lab-gpu,lab,$(TOPOLOGY:reference-%=lab-%))
SCENARIO ?= cluster
VENV := .venv
AMALGAM := $(VENV)/bin/amalgam
PYTEST := $(VENV)/bin/pytest
# ansible-lint, molecule and the tests start the tools of this checkout by name.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help
help: ## List what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.complete: requirements/dev.lock pyproject.toml scripts/bootstrap.sh
	@scripts/bootstrap.sh
	@touch $@

.PHONY: venv
venv: $(VENV)/.complete ## Install what this machine lacks and the pinned Python tools

.PHONY: lab
# Each step notes there what it did; the last one says it all.
lab: export AMALGAM_WORK_LOG := $(CURDIR)/.lab/work
lab: venv ## Bring the lab up: bundle, nodes, cluster, platform (TOPOLOGY=reference-gpu)
	@mkdir -p .lab && date +%s >$$AMALGAM_WORK_LOG
	@echo "1/5  bundle"
	@$(AMALGAM) lab bundle --inventory $(INVENTORY)
	@echo "2/5  nodes"
	@$(AMALGAM) lab up --inventory $(INVENTORY)
	@echo "3/5  site"
	@$(VENV)/bin/ansible-playbook --inventory $(INVENTORY) playbooks/site.yml
	@$(AMALGAM) lab kubeconfig
	@echo "4/5  platform"
	@KUBECONFIG=$(CURDIR)/.lab/kubeconfig $(AMALGAM) platform up --inventory $(INVENTORY)
	@echo "5/5  addresses"
	@$(AMALGAM) lab status

.PHONY: lab-down
lab-down: ## Take the lab down and leave nothing
	@if [ -x $(AMALGAM) ]; then $(AMALGAM) lab down; \
	elif [ -e .lab ]; then echo "a lab may be up, and $(AMALGAM), which takes it down, is gone: run make venv first" >&2; exit 1; \
	else echo "no lab here"; fi
	@if [ -d .lab-own ]; then $(VENV)/bin/python -m tests.e2e.support.own_lab; fi

.PHONY: lab-status
lab-status: venv ## Show the lab's nodes and addresses
	$(AMALGAM) lab status

.PHONY: bundle
bundle: venv ## Build the whole bundle, for both architectures
	$(AMALGAM) bundle build --arch amd64 --arch arm64

.PHONY: lock
lock: venv ## Write versions/lock.yml and the Python locks anew
	$(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra dev pyproject.toml --output-file requirements/dev.lock
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --constraint requirements/dev.lock pyproject.toml --output-file requirements/controller.lock
	for source in requirements/training-*.in; do \
	  $(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate \
	    --python-version 3.11 $$source --output-file $${source%.in}.lock || exit 1; \
	done
	$(AMALGAM) lock update

.PHONY: lint
lint: venv ## Lint Python, Ansible, YAML and shell
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/yamllint --strict .
	ANSIBLE_LINT_NODEPS=1 $(VENV)/bin/ansible-lint --offline --strict
	shellcheck scripts/*.sh .ci/run roles/*/templates/usr/local/libexec/amalgam/* roles/*/files/*

.PHONY: test-fast
test-fast: venv lint ## Lint, unit and contract tests: no lab needed
	$(PYTEST) --numprocesses auto --dist worksteal tests/unit tests/contract

.PHONY: test
test: test-fast lab ## Lint, unit and contract tests, and those on the lab; starts it where it is not up
	$(PYTEST) --durations 60 --durations-min 5 tests/testinfra tests/e2e

.PHONY: soak
soak: lab ## The tests that take long, or need more than this machine's architecture
	$(PYTEST) tests/soak

.PHONY: molecule
molecule: lab ## Run one scenario on the lab (SCENARIO=host_base); starts the lab where it is not up
	molecule test --scenario-name $(SCENARIO)

.PHONY: bench
bench: venv ## Time bundle, install, second run, a new worker, a gang, 200 VCs, monitoring; storage beside a disk (COLD=1: the bundle from nothing, too)
	$(VENV)/bin/python -m tests.bench $(if $(COLD),--cold)

.PHONY: format
format: venv ## Format the Python code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
