#!/usr/bin/env bash
# Runs the whole suite in the foreground: `groundplan up` on a private PostgreSQL (or on DB_URL), with Envoy in front on PORT.
# Applies the models, prints calls to paste, and stops everything on Ctrl-C. `make run` builds first.
#
# Environment, in addition to the settings of `groundplan up`:
#   PORT                the public port (3000). PORT + 10000 and PORT + 10001 are used too, on loopback: the server's port for
#                       Envoy, and Envoy's admin.
#   GROUNDPLAN_BIN      the binary (target/debug/groundplan).
#   GROUNDPLAN_MODELS   the folder of models to apply (examples); empty: none.
#
# State in GROUNDPLAN_DATA (.groundplan): run/PORT (the running processes) and log/PORT. A killed run leaves both, and the next
# one stops its remaining processes. If a healthy run exists already, this one applies the models, prints the calls and exits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

check
export GROUNDPLAN_DATA=$data
begin
had_key=''
[[ -z ${API_KEY:-} && ! -e $data/api-key ]] || had_key=yes
if program=$(deploy/envoy/find.sh); then
    check_ports "$port" $((port + 10000)) $((port + 10001))
    PORT=$((port + 10000)) GROUNDPLAN_LISTEN=127.0.0.1 start groundplan /dev/null "$binary" up
    start_envoy "$program" --schema "127.0.0.1:$((port + 10000))" --records "127.0.0.1:$((port + 10000))"
    how="behind Envoy"
else
    say "Envoy is not available on this machine (deploy/setup.sh prints the reason): serving directly. gRPC, gRPC-Web and REST work; CORS,"
    say "access logs and limits on connections need Envoy."
    check_ports "$port"
    PORT=$port start groundplan /dev/null "$binary" up
    how="without Envoy"
fi
wait_for "the suite" ready_on "$port"
[[ -n $had_key ]] || show_key
show "$how"
until_the_end
