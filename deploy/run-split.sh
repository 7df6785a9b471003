#!/usr/bin/env bash
# Runs the suite as an operator does, on one machine and in the foreground: three `serve records` (127.0.0.1 to 127.0.0.3) and
# two `serve schema` (127.0.0.4 and 127.0.0.5), and Envoy in front on PORT, all with mutual TLS, on a private PostgreSQL in
# which each service has its own role. Applies the models, restarts services that end, as Kubernetes does, and stops everything
# on Ctrl-C. `make run-split` builds first.
#
# Environment, in addition to the settings of `groundplan serve`; DB_URL is not used, and GROUNDPLAN_ADMIN_PORT is a port of
# each process on its own address:
#   PORT                the public port (3000). PORT + 10000 (schema), PORT + 10001 (Envoy's admin) and PORT + 10002 (records)
#                       are used too, on loopback.
#   GROUNDPLAN_DATA     the folder of PostgreSQL's data, the certificates and the key (.groundplan/split).
#   GROUNDPLAN_BIN      the binary (target/debug/groundplan).
#   GROUNDPLAN_MODELS   the folder of models to apply (examples); empty: none.
#
# State in GROUNDPLAN_DATA (.groundplan): run/split-PORT (the running processes) and log/split-PORT, as in run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export kind=split-
# shellcheck source=deploy/common.sh
. deploy/common.sh

records=(127.0.0.1 127.0.0.2 127.0.0.3)
schemas=(127.0.0.4 127.0.0.5)
schema_port=$((port + 10000))
records_port=$((port + 10002))

# Whether the private PostgreSQL, or an earlier run, has printed its DB_URL.
database_is_there() { [[ -s $run/postgres.url ]]; }

# Creates the roles and the tables of the services, each by its own role. PostgreSQL authenticates the operating system user,
# without a password.
prepare_database() {
    local url service
    url=$(<"$run/postgres.url")
    # .tools has a psql if the system has none.
    PATH=$PATH:.tools/bin GROUNDPLAN_SCHEMA_PASSWORD=$(random) GROUNDPLAN_RECORDS_PASSWORD=$(random) psql -X -q "$url" -f deploy/postgres/roles.sql \
        >>"$log/migrate.log" 2>&1 || fail "the database roles cannot be created; see $log/migrate.log"
    for service in schema records; do
        DB_URL=$(url_of "$service") "$binary" migrate "$service" >>"$log/migrate.log" 2>&1 ||
            fail "the tables of $service cannot be created; see $log/migrate.log"
    done
}

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# The DB_URL of a service's role.
url_of() { sed "s|^postgres://groundplan@|postgres://groundplan_$1@|" "$run/postgres.url"; }

# Starts a service, named by kind and address: serve schema-ADDRESS, serve records-ADDRESS
serve() {
    local name=$1 service=${1%%-*} address=${1#*-} number=$schema_port
    [[ $service == schema ]] || number=$records_port
    GROUNDPLAN_ADMIN_LISTEN=$address API_KEY=$api_key PORT=$number GROUNDPLAN_LISTEN=$address DB_URL=$(url_of "$service") GROUNDPLAN_MIGRATE=false \
        GROUNDPLAN_TLS_CERT=$certificates/$service.pem GROUNDPLAN_TLS_KEY=$certificates/$service.key \
        GROUNDPLAN_TLS_CA=$certificates/ca.pem GROUNDPLAN_SCHEMA_URL=$schema_urls \
        start "$name" /dev/null "$binary" serve "$service"
}

# Whether a process reports that it is ready: process_is_ready ADDRESS PORT
process_is_ready() {
    curl -sf -o /dev/null --max-time 3 --cert "$certificates/operator.pem" --key "$certificates/operator.key" \
        --cacert "$certificates/ca.pem" --connect-to "localhost:$2:$1:$2" "https://localhost:$2/readyz"
}

# Waits until Ctrl-C, or until Envoy or PostgreSQL ends. Restarts a service that ends.
look_after_services() {
    local name
    while true; do
        for name in "${running[@]}"; do
            if kill -0 "${process[$name]}" 2>/dev/null; then continue; fi
            case $name in
                envoy | postgres) failed "$name" ;;
                *)
                    sleep 0.5 # so that a service that cannot start does not use the whole machine
                    while [[ -e $run/hold ]]; do sleep 0.05; done # a test keeps it down for a while
                    say "$name has ended; restarting it"
                    serve "$name"
                    ;;
            esac
        done
        sleep 0.25 # `wait -n` does not report a process that has ended in the meantime
    done
}

check
: "${GROUNDPLAN_DATA:=$data/split}"
export GROUNDPLAN_DATA
data=$("$binary" config GROUNDPLAN_DATA)
program=$(deploy/envoy/find.sh) || fail "Envoy is missing, and the split suite needs it: run 'make run-split'"
begin
check_ports "$port" "$schema_port" $((port + 10001)) "$records_port"

mkdir -p "$data"
certificates=$data/certificates
names=() also=() schema_hosts='' schema_urls='' records_hosts=''
for address in "${schemas[@]}"; do
    names+=("schema-$address") also+=(--dns "$address")
    schema_hosts+=${schema_hosts:+,}$address:$schema_port
    schema_urls+=${schema_urls:+,}https://$address:$schema_port
done
for address in "${records[@]}"; do
    names+=("records-$address") also+=(--dns "$address")
    records_hosts+=${records_hosts:+,}$address:$records_port
done
# For the processes; existing certificates are kept.
"$binary" dev-certs --out "$certificates" "${also[@]}" >"$log/certificates.log"
if [[ -z ${API_KEY:-} && ! -e $data/api-key ]]; then
    (umask 077 && printf 'gp_%s\n' "$(random)" >"$data/api-key")
    show_key
fi
api_key=${API_KEY:-$(<"$data/api-key")}

: >"$run/postgres.url"
start postgres "$run/postgres.url" "$binary" postgres
wait_for PostgreSQL database_is_there
prepare_database
for name in "${names[@]}"; do serve "$name"; done
start_envoy "$program" --schema "$schema_hosts" --records "$records_hosts" --tls "$certificates"
for address in "${schemas[@]}"; do wait_for "schema on $address" process_is_ready "$address" "$schema_port"; done
for address in "${records[@]}"; do wait_for "records on $address" process_is_ready "$address" "$records_port"; done
wait_for "the suite" ready_on "$port"
show "behind Envoy; schema twice, and records three times"
look_after_services
