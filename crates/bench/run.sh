#!/usr/bin/env bash
# Measures the suite: `make bench`, which builds first. Each measurement has a fresh suite with a private PostgreSQL, as
# deploy/run.sh makes it, on PORT (3900). Results go to standard output, progress to standard error.
#
# From the environment:
#   GROUNDPLAN_BIN      the binary (target/release/groundplan); groundplan-bench is next to it.
#   BENCH_RUNS          how often latencies are measured (3).
#   BENCH_SECONDS       how long each time (20).
#   BENCH_ROWS          how many rows are imported (1000000).
#   BENCH_FOLLOWERS     how many idle followers there are (10000).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export PORT=${PORT:-3900} GROUNDPLAN_BIN=${GROUNDPLAN_BIN:-target/release/groundplan} GROUNDPLAN_MODELS=examples
bench=$(dirname "$GROUNDPLAN_BIN")/groundplan-bench
runs=${BENCH_RUNS:-3} seconds=${BENCH_SECONDS:-20} followers=${BENCH_FOLLOWERS:-10000} rows=${BENCH_ROWS:-1000000}
direct=http://127.0.0.1:$((PORT + 10000))
envoy=http://127.0.0.1:$PORT
suite='' data=''

say() { printf '%s\n' "$*" >&2; }

stop() {
    [[ -z $suite ]] || kill -TERM "$suite" 2>/dev/null || true
    [[ -z $suite ]] || wait "$suite" || true
    [[ -z $data ]] || rm -rf "$data"
    suite='' data=''
}
trap stop EXIT

# Starts a suite, and waits until the examples are served.
start() {
    data=$(mktemp -d /tmp/groundplan-bench-XXXXXX)
    # The private PostgreSQL's user must be able to pass through.
    chmod 755 "$data"
    unset API_KEY
    GROUNDPLAN_DATA=$data/data deploy/run.sh >"$data/run.log" 2>&1 </dev/null &
    suite=$!
    until grep -q 'is ready' "$data/run.log"; do
        kill -0 "$suite" 2>/dev/null || { cat "$data/run.log" >&2; exit 1; }
        sleep 0.1
    done
    API_KEY=$(<"$data/data/api-key")
    export API_KEY
    read -r pid _ <"$data/data/run/$PORT/groundplan.pid"
}

measure() {
    say
    say "== groundplan-bench $*"
    printf '%s\n' "$*"
    "$bench" "$@"
}

for filters in 0 1; do
    start
    measure watch-idle --address "$direct" --pid "$pid" --followers "$followers" --filters "$filters"
    stop
done
start
# The private PostgreSQL has a socket, and nothing else.
socket=$(find "$data/data" -name '.s.PGSQL.*' ! -name '*.lock' | head -1)
url="host=$(dirname "$socket") user=groundplan dbname=groundplan"
measure import --address "$direct" --db-url "$url" --rows "$rows" --runs "$runs"
stop
start
for ((run = 1; run <= runs; run++)); do
    measure watch-latency --address "$direct" --seconds "$seconds"
done
if [[ -x $(deploy/envoy/find.sh) ]]; then
    for ((run = 1; run <= runs; run++)); do
        measure watch-latency --address "$envoy" --seconds "$seconds"
    done
fi
stop
