# The tasks of people and CI. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help setup setup-run setup-test setup-lint build build-tests run run-split test test-split counts counts-baseline torture rollouts bench image-check lint clean

# The folder of cargo's output, if it is not ./target.
CARGO_TARGET_DIR ?= target
# nextest, if installed, runs each test in its own process; plain cargo works too.
NEXTEST_PROFILE := $(if $(CI),ci,default)
# Tests wait for their PostgreSQLs half of the time.
NEXTEST_THREADS := $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
# Journeys also wait half of the time. Each process of pytest has its own suite, and runs one file after the other.
PYTEST := .tools/bin/python -m pytest --numprocesses 2 --dist loadfile

## help: list these targets
help:
	@sed -n 's/^## \([a-z-]*\): /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

## setup: install the tools of all targets (does nothing if they exist); each target installs its own automatically
setup:
	@deploy/setup.sh all

setup-run setup-test setup-lint: setup-%:
	@deploy/setup.sh $*

## build: build target/debug/groundplan, and groundplan-bench for the journeys
build: setup-run
	@cargo build --locked --package groundplan --package groundplan-bench

# All programs and all tests together: tests change features of dependencies, and so everything is compiled only once.
build-tests: setup-test
	@cargo build --locked --workspace --all-targets

## run: set up, build, and start the whole suite behind Envoy on PORT (3000), with examples/ applied
run: build
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(CARGO_TARGET_DIR)/debug/groundplan}" exec deploy/run.sh

## run-split: the same with each service in its own process, records in three, schema in two, and mutual TLS between all
run-split: build
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(CARGO_TARGET_DIR)/debug/groundplan}" exec deploy/run-split.sh

## test: run every test: the crates', on private PostgreSQLs, and the journeys, through Envoy with real clients
test: build-tests
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --locked --workspace --profile $(NEXTEST_PROFILE) --test-threads $(NEXTEST_THREADS); \
	else cargo test --locked --workspace --quiet; fi
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" $(PYTEST) tests
	@GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" NEXTEST_PROFILE=$(NEXTEST_PROFILE) tests/on_postgres_18.sh

## test-split: run the journeys that can show something new on the suite of make run-split
test-split: build-tests
	@GROUNDPLAN_SUITE=split GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" $(PYTEST) -m "split or only_split" tests/journeys

## counts: compare the instruction counts of the codec, expressions and whole calls with a baseline; needs valgrind
counts: build-tests
	@crates/counts/check.py $(CARGO_TARGET_DIR)/debug/groundplan-counts

## counts-baseline: replace that baseline, after a change that is meant to change the counts
counts-baseline: build-tests
	@crates/counts/check.py $(CARGO_TARGET_DIR)/debug/groundplan-counts --write

# The number of pairs of a filter and a record in `make torture`, against our evaluator and against cel-python.
DIFFERENTIAL_PAIRS ?= 1000000
ORACLE_PAIRS ?= 100000
# The factor for the number of cases of tests/fuzz, compared with CI: a few minutes each.
FUZZ_FACTOR ?= 30
# The number of pairs of a rule in CEL and a message, against protovalidate's library.
RULE_PAIRS ?= 400000
# The duration of the event log torture, and the changes and watchers of the watch torture, which uses a release build.
LOG_SECONDS ?= 120
WATCH_CHANGES ?= 500000
WATCH_FOLLOWERS ?= 200

## torture: run the random tests for a long time, with progress; GROUNDPLAN_SEED repeats a run
torture: export GROUNDPLAN_SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
torture: build-tests
	@GROUNDPLAN_DIFFERENTIAL_PAIRS=$(DIFFERENTIAL_PAIRS) cargo test --locked --package groundplan-records --lib -- --nocapture differential
	@PROPTEST_CASES=5000 PROPTEST_RNG_SEED=$(GROUNDPLAN_SEED) cargo test --locked --package groundplan-codec --package groundplan-expr --package groundplan-model --package groundplan-validation
	@GROUNDPLAN_RULE_PAIRS=$(RULE_PAIRS) cargo test --locked --package groundplan-validation --lib -- --nocapture random_rules
	@GROUNDPLAN_LOG_TORTURE_SECONDS=$(LOG_SECONDS) cargo test --locked --package groundplan-eventlog --test eventlog -- --nocapture torture
	@GROUNDPLAN_ORACLE_PAIRS=$(ORACLE_PAIRS) GROUNDPLAN_RANDOM_MODELS=40 GROUNDPLAN_RANDOM_RECORDS=100 GROUNDPLAN_WALK_ROWS=100000 GROUNDPLAN_NASTY_LITERALS=100000 \
	GROUNDPLAN_REQUEST_IDS=10000 GROUNDPLAN_HISTORY_SECONDS=120 GROUNDPLAN_FUZZ_EXAMPLES=50 \
	GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" \
	.tools/bin/python -m pytest -s \
	$(addprefix tests/journeys/test_,filters_against_cel.py random_models.py statements.py walk.py exactly_once.py histories.py openapi_fuzz.py)
	@GROUNDPLAN_FUZZ_FACTOR=$(FUZZ_FACTOR) GROUNDPLAN_BIN="$${GROUNDPLAN_BIN:-$(abspath $(CARGO_TARGET_DIR))/debug/groundplan}" \
	.tools/bin/python -m pytest -s tests/fuzz
	@cargo build --locked --release --package groundplan --package groundplan-bench
	@GROUNDPLAN_WATCH_CHANGES=$(WATCH_CHANGES) GROUNDPLAN_WATCH_FOLLOWERS=$(WATCH_FOLLOWERS) GROUNDPLAN_WATCH_SLOW=20 GROUNDPLAN_WATCH_RECONNECTING=20 \
	GROUNDPLAN_WATCH_WRITERS=16 GROUNDPLAN_WATCH_BUFFER=256KiB GROUNDPLAN_MEMORY_LARGE=50 GROUNDPLAN_MEMORY_PLANS=1000 GROUNDPLAN_MEMORY_APPLIES=200 GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan \
	.tools/bin/python -m pytest -s tests/journeys/test_watch_torture.py tests/journeys/test_memory.py
	@GROUNDPLAN_BUDGETS=full GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan .tools/bin/python -m pytest -s tests/hostile/test_budgets.py
	@GROUNDPLAN_IDLE_CONNECTIONS=2000 GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan \
	.tools/bin/python -m pytest -s tests/hostile/test_idle.py

# The number of replacements of each process, and the changes per second during them.
ROLLOUTS ?= 20
ROLLOUT_RATE ?= 500

## rollouts: replace every process of the split suite repeatedly under load; with a release build
rollouts: setup-test
	@cargo build --locked --release --package groundplan --package groundplan-bench
	@GROUNDPLAN_SUITE=split GROUNDPLAN_ROLLOUTS=$(ROLLOUTS) GROUNDPLAN_ROLLOUT_RATE=$(ROLLOUT_RATE) GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan \
	.tools/bin/python -m pytest -s tests/journeys/test_rollout.py

## bench: compare Groundplan with hand-written services and pgbench, measure growth and watches; writes docs/benchmarks.md (BENCH_SIZE=small: a trial of minutes)
bench: setup-test
	@cargo build --locked --release --package groundplan --package groundplan-bench --package groundplan-peer
	@GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan .tools/bin/python crates/bench/harness
	@[[ "$${BENCH_SIZE:-full}" != full ]] || GROUNDPLAN_BIN=$(abspath $(CARGO_TARGET_DIR))/release/groundplan crates/bench/run.sh

## image-check: build the image and run it hardened, as root on Debian, without a registry; IMAGE_FOLDER keeps what is built
image-check:
	@deploy/image-check.sh $(IMAGE_FOLDER)

## lint: check formats and styles: Rust, proto, Envoy's configuration, shell, image, manifests, alerts
lint: setup-lint
	@deploy/lint.sh

## clean: remove build output and .tools; the data in .groundplan stays
clean:
	@cargo clean
	@rm -rf .tools
