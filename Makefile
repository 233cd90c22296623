# What a person types here. `make` alone lists it.

SPEED ?= 14400
PYTHON ?=
UPGRADE ?=
export PYTHON

bin := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo run install check test coverage mutants faults bench pins clean

help:  ## list what make does here
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo:  ## replay March 2022 on a page of this machine, at SPEED=14400 times its pace; Ctrl-C ends it
	@scripts/environment run
	@$(bin)/marketbell run --replay march-2022 --speed $(SPEED)

run:  ## run the bot with config.yaml and the tokens in the environment
	@scripts/environment run
	@$(bin)/marketbell run

install:  ## make .venv with what Marketbell needs to run
	@scripts/environment run

check:  ## read the code: lint, format, types, and which room imports which
	@scripts/environment develop
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/mypy
	@$(bin)/lint-imports --no-logo

test: check  ## check, then run every test; what it needs it installs or names
	@scripts/browser
	@$(bin)/pytest --numprocesses 2 --dist loadfile

coverage:  ## run the tests of the rules, which must go through every branch of bot/rules
	@scripts/environment develop
	@scripts/coverage

mutants:  ## break the rules in every way that mutmut knows and count what the tests notice; takes hours
	@scripts/environment develop
	@scripts/mutants

faults:  ## play every fault of docs/faults.md with real processes, then a thousand sessions of simulated time
	@scripts/environment develop
	@$(bin)/python -m tests.faults
	@$(bin)/python -m tests.simulation

bench:  ## measure what Marketbell costs in time and memory; what each figure means is in docs/bench.md
	@scripts/environment peers
	@missed=0; for each in market rules backtest delivery; do $(bin)/python -m bench $$each || missed=1; done; exit $$missed

pins:  ## write requirements/ anew from pyproject.toml; UPGRADE=yes moves to the newest releases
	@scripts/environment run
	@scripts/pins $(if $(UPGRADE),--upgrade)

clean:  ## remove the environment and what the tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	find bot bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
