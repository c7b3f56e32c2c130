# Every target prepares what it needs; a second run only does what changed.
#
#   PYTHON    the Python that makes .venv, 3.11 or newer           make PYTHON=python3.12 run
#   ARGS      more arguments for the target's own command          make test ARGS="-k cards -x"
#                                                                  make run ARGS="--port 9000"
PYTHON ?= python3
ARGS ?=

VENV := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run test pages check prepared bench faults screens clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST))

run:             ## the whole platform on this machine, with a made-up city
	@$(PYTHON) bootstrap.py run
	@exec $(VENV)/ehc demo $(ARGS)

test:            ## everything: `check`, the web builds, the pages' own tests, and the platform's
	@$(MAKE) --no-print-directory --jobs 2 check pages
	@$(VENV)/python -m pytest --numprocesses auto --dist loadfile --ignore tests/rules $(ARGS)

pages: prepared  ## the web builds and the pages' own tests
	@$(PYTHON) bootstrap.py test
	@if [ -f miniprogram/package.json ]; then cd miniprogram && for script in type-check test check:alipay; do \
		npm run --if-present --silent $$script || exit 1; done; fi
	@if [ -f console/package.json ]; then cd console && for script in type-check test; do \
		npm run --if-present --silent $$script || exit 1; done; fi

prepared:
	@$(PYTHON) bootstrap.py check

check: prepared  ## style, types, import directions, house rules, security
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports --config setup.cfg
	$(VENV)/python -m pytest -q tests/rules
	$(VENV)/bandit --quiet --recursive --ini setup.cfg --severity-level high

bench:           ## measure the platform on this machine
	@$(PYTHON) bootstrap.py test
	@$(VENV)/python -m tests.bench $(ARGS)

faults:          ## the full fault campaign, with its result file
	@$(PYTHON) bootstrap.py test
	@$(VENV)/python -m tests.faults $(ARGS)

screens:         ## pictures of the pages
	@$(PYTHON) bootstrap.py test
	@$(VENV)/python -m tests.browser.screens $(ARGS)
	@$(VENV)/python -m tests.browser.care_screens
	@$(VENV)/python -m tests.browser.console_screens

clean:           ## removes what the other targets made, the demo's data too
	rm -rf .venv var miniprogram/node_modules miniprogram/dist console/node_modules console/dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
