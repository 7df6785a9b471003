#!/usr/bin/env bash
# Runs the whole suite in the foreground: `groundplan up` on a private PostgreSQL (or on DB_URL), with Envoy in front on
# PORT. Applies the models, prints calls to paste, and stops everything on Ctrl-C. `make run` builds first.
#
# From the environment, beside the settings of `groundplan up`:
#   PORT                the public port (3000). PORT + 10000 and PORT + 10001 are used too, on loopback: the server's own
#                       port behind Envoy, and Envoy's admin.
#   GROUNDPLAN_BIN      the binary (target/debug/groundplan).
#   GROUNDPLAN_MODELS   the folder of models to apply (examples); empty: none.
#
# What it keeps: .groundplan/run/PORT (who runs) and .groundplan/log/PORT. A run that was killed leaves both, and the next
# one ends what is left of it. If a healthy run is there already, this one applies the models, prints the calls and ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
began=${EPOCHREALTIME/[^0-9]/}

port=${PORT:-3000}
listen=${GROUNDPLAN_LISTEN:-127.0.0.1}
case $listen in # where this machine reaches it
    0.0.0.0) host=127.0.0.1 ;;
    ::) host=::1 ;;
    *) host=$listen ;;
esac
case $host in # the same in a URL
    127.0.0.1 | ::1) url_host=localhost ;;
    *:*) url_host="[$host]" ;;
    *) url_host=$host ;;
esac
binary=${GROUNDPLAN_BIN:-target/debug/groundplan}
models=${GROUNDPLAN_MODELS-examples}
run=.groundplan/run/$port
log=.groundplan/log/$port

say() { printf '%s\n' "$*"; }
fail() { printf 'groundplan: %s\n' "$*" >&2; exit 1; }

# --- processes: a pid alone may be somebody else's by now, so a file holds the pid and when it started -----------------

started_at() {
    if [[ -r /proc/$1/stat ]]; then
        local stat words
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # Behind the program's name, which may hold anything: the state, and 19 words on, the start. A zombie is gone.
        read -ra words <<<"${stat##*) }"
        [[ ${words[0]} != Z ]] && printf '%s\n' "${words[19]}"
    else
        ps -o lstart= -p "$1" 2>/dev/null
    fi
}

remember() { printf '%s %s\n' "$2" "$(started_at "$2")" >"$run/$1.pid"; }

# Prints the pid of a process of an earlier run, if it still lives.
remembered() {
    local pid start
    [[ -f $run/$1.pid ]] && read -r pid start <"$run/$1.pid" || return 1
    [[ -n $pid && -n $start && $(started_at "$pid") == "$start" ]] && printf '%s\n' "$pid"
}

# Ends a process: asks it, waits for as many seconds as are given, then does not ask.
end() {
    local pid=$1 until=$((SECONDS + $2))
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && [[ -n $(started_at "$pid") ]]; do
        if ((SECONDS >= until)); then
            kill -KILL "$pid" 2>/dev/null || true
            return
        fi
        sleep 0.05 || true # which a second Ctrl-C ends too
    done
}

# --- looking at ports ---------------------------------------------------------------------------------------------------

taken() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

# Whether the suite answers on a port, and is ready.
ready_on() {
    local answer
    answer=$(
        exec 2>/dev/null 3<>"/dev/tcp/$host/$1" || exit 1
        printf 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' >&3
        read -r -t 3 line <&3 && printf '%s' "$line"
    ) || return 1
    [[ $answer == "HTTP/1.1 200"* ]]
}

# --- the story ----------------------------------------------------------------------------------------------------------

check() {
    if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 55534)); then
        fail "PORT is ${port@Q}: it must be a number from 1 to 55534, since PORT + 10000 and PORT + 10001 are used too"
    fi
    [[ -x $binary ]] || fail "$binary is not there: run 'make run', which builds it"
    [[ -z $models || -e $models ]] || fail "GROUNDPLAN_MODELS is ${models@Q}: there is no such folder"
    data=$("$binary" config GROUNDPLAN_DATA) || exit 1
    export GROUNDPLAN_DATA=$data
}

# Applies the models. An apply that was killed holds the next one up for some seconds: it is tried again so long.
# What is live already may be more than these models; that is no reason not to run.
apply() {
    local until=$((SECONDS + 15)) outcome
    while true; do
        outcome=0
        # Without a key of yours the client finds the stored one; there is no need to say so here.
        API_KEY=${API_KEY:-$(<"$data/api-key")} "$binary" apply "$models" || outcome=$?
        ((outcome != 0)) || return 0
        if ((outcome != 1 || SECONDS >= until)); then
            say "The models in $models/ were not applied, for the reason above. What was live before is served."
            return 0
        fi
        sleep 1
    done
}

# Applies the models, and prints what can be done next.
show() {
    export GROUNDPLAN_ADDRESS=http://$url_host:$port
    if [[ -n $models ]]; then
        say "Applying $models/"
        apply
    fi
    local now=${EPOCHREALTIME/[^0-9]/}
    say
    say "Groundplan is ready on http://$url_host:$port ($1, in $(((now - began) / 1000)) ms). Logs: $log"
    deploy/calls.sh "$url_host:$port" "$data/api-key" "$models"
}

# If a run of ours is alive, uses that. Otherwise ends what is left of one that was killed.
meet_earlier_run() {
    local name pid
    if remembered run >/dev/null; then
        say "A run of yours is there already"
        local until=$((SECONDS + 60))
        while remembered run >/dev/null; do
            if ready_on "$port"; then
                show "it was running already; Ctrl-C where it runs stops it"
                exit 0
            fi
            ((SECONDS < until)) || fail "the run of process $(remembered run) does not get ready; stop it, or see $log/groundplan.log"
            sleep 0.1
        done
    fi
    for name in envoy groundplan; do
        if pid=$(remembered "$name"); then
            say "Ending $name (process $pid), left over from a run that was killed"
            end "$pid" 5
        fi
    done
    rm -rf "$run"
}

check_ports() {
    local number
    for number in "$@"; do
        taken "$number" || continue
        if ((number == port)); then
            fail "port $number is taken by another program; stop it, or choose another port: PORT=4000 make run"
        fi
        fail "port $number, which goes with PORT=$port, is taken by another program; stop it, or choose another: PORT=4000 make run"
    done
}

# Starts a program in a process group of its own, so that Ctrl-C reaches only this script, which stops them in order.
start() {
    local name=$1 out=$2
    shift 2
    set -m
    "$@" </dev/null >>"$out" 2>>"$log/$name.log" &
    set +m
    remember "$name" $!
}

# shellcheck disable=SC2317 # It is called: by the trap on EXIT.
stop() {
    trap '' HUP
    trap 'say "Not waiting"; kill -INT "$server" 2>/dev/null || true' INT TERM
    if [[ -n ${server:-} ]]; then
        say "Stopping; a second Ctrl-C does not wait"
        # The server first: it finishes the calls that Envoy still carries.
        end "$server" 40
    fi
    [[ -z ${envoy:-} ]] || end "$envoy" 5
    rm -rf "$run"
}

wait_until_ready() {
    local until=$((SECONDS + 120))
    until ready_on "$port"; do
        alive "$server" || failed groundplan
        [[ -z $envoy ]] || alive "$envoy" || failed envoy
        ((SECONDS < until)) || fail "the suite is not ready after two minutes; see $log"
        sleep 0.1
    done
}

alive() { kill -0 "$1" 2>/dev/null && [[ -n $(started_at "$1") ]]; }

failed() {
    tail -n 20 "$log/$1.log" >&2
    fail "$1 ended; the end of its log, $log/$1.log, is above"
}

check
# The private PostgreSQL's user must be able to pass through, whatever the umask says.
[[ -d .groundplan ]] || mkdir -m 755 .groundplan
meet_earlier_run
mkdir -p "$run" "$log"
find .groundplan/log -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
: >"$log/groundplan.log"
: >"$log/envoy.log"
remember run $$
server='' envoy=''
trap stop EXIT
# To be stopped is how it ends well.
trap 'exit 0' INT TERM HUP

had_key=''
[[ -z ${API_KEY:-} && ! -e $data/api-key ]] || had_key=yes
if program=$(deploy/envoy/find.sh); then
    check_ports "$port" $((port + 10000)) $((port + 10001))
    PORT=$((port + 10000)) GROUNDPLAN_LISTEN=127.0.0.1 start groundplan /dev/null "$binary" up
    server=$!
    deploy/envoy/render.sh "$listen" "$port" $((port + 10000)) $((port + 10001)) "$PWD/$log/access.log" >"$run/envoy.yaml"
    start envoy "$log/envoy.log" "$program" -c "$run/envoy.yaml" --log-level warn --disable-hot-restart
    envoy=$!
    how="behind Envoy"
else
    say "Envoy cannot be had for this machine (make setup says why): serving directly. gRPC, gRPC-Web and REST work; CORS,"
    say "access logs and limits on connections are Envoy's."
    check_ports "$port"
    PORT=$port start groundplan /dev/null "$binary" up
    server=$!
    how="without Envoy"
fi
wait_until_ready
if [[ -z $had_key ]]; then
    say "The root principal's API key was made and stored in $data/api-key. It is shown this once:"
    say "  $(<"$data/api-key")"
fi
show "$how"

# Until Ctrl-C, or until one of the two ends by itself.
while alive "$server" && { [[ -z $envoy ]] || alive "$envoy"; }; do
    wait -n || true
done
alive "$server" || failed groundplan
failed envoy
