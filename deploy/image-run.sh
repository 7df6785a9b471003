#!/usr/bin/env bash
# Runs the image of deploy/image-check.sh with its own PostgreSQL: migrations, both services, models, a record, and the
# shutdown. That script calls it, in separate namespaces, with `folder`, `image` and the functions `begin`, `engine`, `say` and
# `fail`.
set -euo pipefail
: "${folder:?}" "${image:?}"

start_database() {
    local home=/var/lib/postgresql programs
    programs=$(dirname "$(find /usr/lib/postgresql -name initdb | sort --version-sort | tail -n 1)")
    mount -t tmpfs -o "uid=$(id -u postgres)" database $home # visible only to this script
    runuser -u postgres -- "$programs/initdb" --pgdata=$home/data --auth-local=peer --auth-host=scram-sha-256 --locale=C.UTF-8 >/dev/null
    runuser -u postgres -- "$programs/pg_ctl" --pgdata=$home/data --log=$home/log --options="-h 127.0.0.1 -k $home" start >/dev/null
    runuser -u postgres -- createdb --host=$home groundplan
    GROUNDPLAN_SCHEMA_PASSWORD=$secret GROUNDPLAN_RECORDS_PASSWORD=$secret \
        runuser -u postgres -- psql -X --quiet --host=$home --dbname=groundplan <deploy/postgres/roles.sql
}

# As in k8s/base, except the network, which is only loopback, and the limits of files and processes, which root cannot raise
# everywhere. `contain OPTIONS... -- ARGUMENTS...`
contain() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    engine run --pull=never --network host --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
        --pids-limit 512 --memory 1g --ulimit "nofile=$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu)" --env API_KEY \
        "${options[@]}" "$image" "${@:2}"
}

# Runs a service after its migrations, as in k8s/base: serve NAME PORT ADMIN_PORT
serve() {
    local began=$SECONDS
    export DB_URL="postgres://groundplan_$1:$secret@127.0.0.1:5432/groundplan" # not an argument, because every user can read arguments
    contain --rm --env DB_URL -- migrate "$1"
    contain --detach --replace --name "$1" --env DB_URL --env "PORT=$2" --env "GROUNDPLAN_ADMIN_PORT=$3" \
        --env GROUNDPLAN_MIGRATE=false --env GROUNDPLAN_LOG_FORMAT=json --env GROUNDPLAN_SCHEMA_URL=http://127.0.0.1:3000 \
        -- serve "$1" >/dev/null
    until curl -sf "http://127.0.0.1:$3/readyz" >/dev/null; do
        ((SECONDS < began + 30)) || { engine logs "$1"; fail "$1 is not ready after 30 seconds"; }
        sleep 0.2
    done
    curl -sf "http://127.0.0.1:$3/livez" >/dev/null || fail "$1 is not live"
    look_at "$1" "$(engine inspect --format '{{.State.Pid}}' "$1")"
}

# Checks the kernel's view of a service's process: look_at NAME PID
look_at() {
    local wanted
    for wanted in Uid:65532 Gid:65532 CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2; do
        [[ $(awk -v name="${wanted%:*}:" '$1 == name { print $2 }' "/proc/$2/status") == "${wanted#*:}" ]] || fail "$1 does not have $wanted"
    done
    [[ $(awk '$5 == "/" { print $6 }' "/proc/$2/mountinfo") == ro,* ]] || fail "$1 can write to its root"
    [[ $(engine top "$1" hpid | wc -l) == 2 ]] || fail "$1 is not one process"
    say "$1 is ready: one process, as user 65532, without capabilities, on a read-only root"
}

# Stops it by SIGTERM, and checks that it exits with 0.
stop() {
    local began=$SECONDS code
    engine kill --signal TERM "$1" >/dev/null
    code=$(engine wait "$1")
    [[ $code == 0 ]] || { engine logs "$1"; fail "$1 ended with $code"; }
    engine rm "$1" >/dev/null
    say "$1 has ended, $((SECONDS - began)) s after SIGTERM"
}

call() { curl -sS --fail-with-body -H @<(printf 'authorization: Bearer %s' "$secret") "$@" http://127.0.0.1:3001/api/v1/resource; }

begin
ip link set lo up
secret=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
export API_KEY=$secret
start_database
[[ $(contain --rm --) == *"Usage: groundplan"* ]] || fail "it does not print its help without arguments"
! contain --rm --entrypoint /bin/sh -- -c true 2>/dev/null || fail "the image contains a shell"
serve schema 3000 9464
serve records 3001 9465
contain --rm --volume "$PWD/examples:/models:ro" --env GROUNDPLAN_ADDRESS=http://127.0.0.1:3000 -- apply /models
[[ $(call -d '{"field1":"value","field2":123}') == *'"field1":"value"'* ]] || fail "no record was created"
[[ $(call) == *'"field2":123'* ]] || fail "the new record is not listed"
stop records
stop schema
say "all checks passed"
