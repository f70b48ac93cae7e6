# Strongroom's commands. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT ?= 8000
HOST ?= 127.0.0.1
DATA ?= data
# The first Python that is new enough; the bootstrap says so when there is none.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV_PYTHON := .venv/bin/python
# One stamp a place: a tree that was moved or copied with its .venv installs its client anew.
PLACE := $(shell pwd | cksum | cut -d' ' -f1)
PINS := requirements.txt client/pyproject.toml bin/bootstrap.py

.PHONY: help run test lint format types demo bench faults pictures requirements clean

help:  ## List these commands
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/run-$(PLACE)  ## Start everything at http://127.0.0.1:8000 (PORT=8000 DATA=data HOST=127.0.0.1)
	@exec $(VENV_PYTHON) -m artifacts_site.serve --host "$(HOST)" --port "$(PORT)" --data "$(DATA)"

test: .venv/test-$(PLACE)  ## Lint, types, migrations and all tests, on SQLite and PostgreSQL (ARGS="-k word")
	@exec $(VENV_PYTHON) bin/check.py $(ARGS)

lint: .venv/test-$(PLACE)  ## Lint and check the format of code and templates
	@exec $(VENV_PYTHON) bin/check.py --only lint

format: .venv/test-$(PLACE)  ## Format the code
	@$(VENV_PYTHON) -m ruff check --fix --quiet . ; exec $(VENV_PYTHON) -m ruff format .

types: .venv/test-$(PLACE)  ## Check the types
	@exec $(VENV_PYTHON) bin/check.py --only types

demo: .venv/demo-$(PLACE)  ## Train real models and log them to the running server
	@PORT="$(PORT)" DATA="$(DATA)" $(VENV_PYTHON) bin/demo.py $(ARGS)

bench: .venv/run-$(PLACE)  ## Measure against MLflow and the machine's limits (minutes; bench/README.md)
	@exec sh bench/run_all.sh $(ARGS)

faults: .venv/test-$(PLACE)  ## Kill, fill the disk, trace, race, and count what was lost (docs/operations.md)
	@exec $(VENV_PYTHON) tests/faults/run.py $(ARGS)

pictures: .venv/test-$(PLACE) .venv/demo-$(PLACE)  ## Take a picture of every page from the demo's data, into pictures/ (ARGS="home version --only-light")
	@exec $(VENV_PYTHON) tests/pictures.py $(ARGS)

requirements:  ## Pin the newest packages that requirements*.in allow (needs uv)
	@for list in requirements requirements-dev requirements-demo; do \
		uv pip compile --quiet --upgrade --universal --python-version 3.11.0 --generate-hashes --no-annotate \
			--custom-compile-command "make requirements" $$list.in -o $$list.txt || exit 1; done

clean:  ## Remove what can be made again (never the data)
	rm -rf .venv .cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The bootstrap looks closer (hashes, not times) and is quick when nothing is to be done.
.venv/run-$(PLACE): $(PINS)
	@$(PYTHON) bin/bootstrap.py run && touch $@

.venv/test-$(PLACE): $(PINS) requirements-dev.txt tests/support/azurite/package-lock.json
	@$(PYTHON) bin/bootstrap.py test && touch $@

.venv/demo-$(PLACE): $(PINS) requirements-demo.txt
	@$(PYTHON) bin/bootstrap.py demo && touch $@
