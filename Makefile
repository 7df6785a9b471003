# What people and CI do with Groundplan. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help setup build run test torture lint clean

# The folder that `cargo` builds into, if it is not ./target.
CARGO_TARGET_DIR ?= target
# nextest, where it is installed, runs each test in a process of its own; plain cargo does too little, but does.
NEXTEST_PROFILE := $(if $(CI),ci,default)

## help: list these targets
help:
	@sed -n 's/^## \([a-z]*\): /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

## setup: install what is needed to build, run and test (does nothing if it is there)
setup:
	@deploy/setup.sh

## build: build the binary, target/debug/groundplan
build: setup
	@cargo build --locked --package groundplan

## run: set up, build, and start the whole suite behind Envoy on PORT (3000), with examples/ applied
run: build
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(CARGO_TARGET_DIR)/debug/groundplan}" exec deploy/run.sh

## test: run every test: the crates', on private PostgreSQLs, and the journeys, through Envoy with real clients
test: build
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --locked --workspace --profile $(NEXTEST_PROFILE); \
	else cargo test --locked --workspace --quiet; fi
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" .tools/bin/python -m pytest tests

# How many pairs of a filter and a record `make torture` takes, against our evaluator and against cel-python.
DIFFERENTIAL_PAIRS ?= 1000000
ORACLE_PAIRS ?= 100000

## torture: run the random tests for long, with progress; GROUNDPLAN_SEED repeats a run
torture: build
	@GROUNDPLAN_DIFFERENTIAL_PAIRS=$(DIFFERENTIAL_PAIRS) cargo test --locked --package groundplan-records --lib -- --nocapture differential
	@GROUNDPLAN_ORACLE_PAIRS=$(ORACLE_PAIRS) GROUNDPLAN_RANDOM_MODELS=40 GROUNDPLAN_RANDOM_RECORDS=100 GROUNDPLAN_WALK_ROWS=100000 GROUNDPLAN_NASTY_LITERALS=100000 \
	GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" \
	.tools/bin/python -m pytest -s \
	$(addprefix tests/journeys/test_,filters_against_cel.py random_models.py statements.py walk.py)

## lint: check formats and styles: Rust, proto, Envoy's configuration, shell
lint: setup
	@deploy/lint.sh

## clean: remove what was built, and .tools; the data in .groundplan stays
clean:
	@cargo clean
	@rm -rf .tools
