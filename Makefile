# Every target brings its own environment: `make test` on a fresh clone is enough.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: help dev test lint format demo docs bench argocd fuzz lock clean

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/' | expand -t 14

$(VENV)/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

dev: $(VENV)/ready ## Make the development environment in .venv

test: $(VENV)/ready ## Run every test; says what was left out and why
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(VENV)/ready ## Check style, types, workflows and shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --pedantic --quiet .github actions action.yml examples
	git ls-files '*.sh' .ci/run | xargs $(BIN)/shellcheck
	git ls-files '*Dockerfile' | xargs $(BIN)/hadolint
	$(BIN)/python -m docs.tables --check

format: $(VENV)/ready ## Put the code into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(VENV)/ready ## Run both pipelines on this machine, from push to healthy rollout
	$(BIN)/python -m astrago_actions demo

docs: $(VENV)/ready ## Write the input and output tables into the READMEs
	$(BIN)/python -m docs.tables

bench: $(VENV)/ready ## Print the figures of docs/measurements.md
	$(BIN)/python -m bench.startup
	$(BIN)/python -m bench.edit --generated
	$(BIN)/python -m bench.uncontended
	$(BIN)/python -m bench.storm 2 10 50
	$(BIN)/python -m bench.wait

argocd: $(VENV)/ready ## Wait on a real Argo CD, built from Go's modules
	bash bench/real_argocd/build.sh .cache/real-argocd
	REAL_ARGOCD_BINARIES=$(CURDIR)/.cache/real-argocd/bin $(BIN)/python -m pytest tests/real_argocd

fuzz: $(VENV)/ready ## Edit 20,000 random documents, let 800 storms of writers rage, and look for damage
	$(BIN)/python -m pytest tests/unit/domain -k property --hypothesis-profile=fuzz
	$(BIN)/python -m pytest tests/actions/test_bump_invariants.py --hypothesis-profile=fuzz

lock: $(VENV)/ready ## Renew the locked dependencies
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-annotate --no-header --no-emit-index-url requirements/actions.in --output-file requirements/actions.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --constraint requirements/actions.txt --extra dev --extra build pyproject.toml --output-file requirements/dev.txt

clean: ## Remove what the targets made
	rm -rf $(VENV) .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
