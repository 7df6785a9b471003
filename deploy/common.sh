# shellcheck shell=bash
# Shared by run.sh and run-split.sh, which source it at the root of the checkout; `kind` is part of the names of state files.
began=${EPOCHREALTIME/[^0-9]/}

port=${PORT:-3000}
listen=${GROUNDPLAN_LISTEN:-127.0.0.1}
case $listen in # an address that this machine can reach
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
# Runs with their own data directory keep their logs there too.
kept=${GROUNDPLAN_DATA:-.groundplan}
run=$kept/run/${kind:-}$port
log=$kept/log/${kind:-}$port
# The names of running programs, in the order in which they are stopped, and the pid of each.
running=()
declare -A process=()

say() { printf '%s\n' "$*"; }
fail() { printf 'groundplan: %s\n' "$*" >&2; exit 1; }

# --- processes: a pid can be reused, so a file has the pid and its start time ------------------------------------------

started_at() {
    if [[ -r /proc/$1/stat ]]; then
        local stat words
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # After the program's name, which can contain anything, come the state and, 19 words later, the start. A zombie has
        # ended.
        read -ra words <<<"${stat##*) }"
        [[ ${words[0]} != Z ]] && printf '%s\n' "${words[19]}"
    else
        ps -o lstart= -p "$1" 2>/dev/null
    fi
}

# Moves the file into place, so that readers see it only complete.
remember() { printf '%s %s\n' "$2" "$(started_at "$2")" >"$run/$1.new" && mv "$run/$1.new" "$run/$1.pid"; }

# Prints the pid of a process of an earlier run, if it is still alive.
remembered() {
    local pid start
    [[ -f $run/$1.pid ]] && read -r pid start <"$run/$1.pid" || return 1
    [[ -n $pid && -n $start && $(started_at "$pid") == "$start" ]] && printf '%s\n' "$pid"
}

alive() { kill -0 "$1" 2>/dev/null && [[ -n $(started_at "$1") ]]; }

# Stops a process: sends SIGTERM, waits for the given number of seconds, then sends SIGKILL.
end() {
    local pid=$1 until=$((SECONDS + $2))
    kill -TERM "$pid" 2>/dev/null || return 0
    while alive "$pid"; do
        if ((SECONDS >= until)); then
            kill -KILL "$pid" 2>/dev/null || true
            return
        fi
        sleep 0.05 || true # a second Ctrl-C also ends this
    done
}

# Starts a program in its own process group, so that Ctrl-C reaches only the script, which stops the programs in reverse order
# of their start. Envoy stops late, because it carries the calls of the others.
start() {
    local name=$1 out=$2
    shift 2
    if [[ -z ${process[$name]:-} ]]; then
        : >"$log/$name.log"
        running=("$name" "${running[@]}")
    fi
    set -m
    "$@" </dev/null >>"$out" 2>>"$log/$name.log" &
    set +m
    process[$name]=$!
    remember "$name" $!
}

# shellcheck disable=SC2317,SC2329 # It is called: by the trap on EXIT.
stop() {
    trap '' HUP
    trap 'say "Not waiting"; kill -INT "${process[@]}" 2>/dev/null || true' INT TERM
    local name
    if ((${#running[@]} > 0)); then
        say "Stopping; a second Ctrl-C does not wait"
        # SIGTERM goes to all services first; they finish the calls that Envoy still carries.
        for name in "${running[@]}"; do
            case $name in envoy | postgres) ;; *) kill -TERM "${process[$name]}" 2>/dev/null || true ;; esac
        done
        for name in "${running[@]}"; do
            case $name in envoy | postgres) ;; *) end "${process[$name]}" 40 ;; esac
        done
        for name in envoy postgres; do
            [[ -z ${process[$name]:-} ]] || end "${process[$name]}" 40
        done
    fi
    rm -rf "$run"
}

failed() {
    tail -n 20 "$log/$1.log" >&2
    fail "$1 has ended; the last lines of its log, $log/$1.log, are above"
}

# Fails if a started program has ended.
all_alive() {
    local name
    for name in "${running[@]}"; do alive "${process[$name]}" || failed "$name"; done
}

# Waits until a command succeeds, while all programs are alive: wait_for WHAT COMMAND...
wait_for() {
    local what=$1 until=$((SECONDS + 120))
    shift
    until "$@"; do
        all_alive
        ((SECONDS < until)) || fail "$what is not ready after two minutes; see $log"
        sleep 0.1
    done
}

# --- ports --------------------------------------------------------------------------------------------------------------

taken() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

# Whether the suite responds on a port, and is ready.
ready_on() {
    local answer
    answer=$(
        exec 2>/dev/null 3<>"/dev/tcp/$host/$1" || exit 1
        printf 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' >&3
        read -r -t 3 line <&3 && printf '%s' "$line"
    ) || return 1
    [[ $answer == "HTTP/1.1 200"* ]]
}

check_ports() {
    local number
    for number in "$@"; do
        taken "$number" || continue
        if ((number == port)); then
            fail "port $number is used by another program; stop it, or choose another port: PORT=4000 make run"
        fi
        fail "port $number, which PORT=$port also needs, is used by another program; stop it, or choose another: PORT=4000 make run"
    done
}

# --- the run ------------------------------------------------------------------------------------------------------------

check() {
    if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 55533)); then
        fail "PORT is ${port@Q}: it must be a number from 1 to 55533, because PORT + 10000 to PORT + 10002 are used too"
    fi
    [[ -x $binary ]] || fail "$binary does not exist: run 'make run', to build it"
    [[ -z $models || -e $models ]] || fail "GROUNDPLAN_MODELS is ${models@Q}: the folder does not exist"
    data=$("$binary" config GROUNDPLAN_DATA) || exit 1
}

# Applies the models. A killed apply blocks the next one for some seconds, so this retries for that long. The live models can
# include more than these; that is not an error.
apply() {
    local until=$((SECONDS + 15)) outcome
    while true; do
        outcome=0
        # Without API_KEY the client finds the stored one; it prints no note about that here.
        API_KEY=${API_KEY:-$(<"$data/api-key")} "$binary" apply "$models" || outcome=$?
        ((outcome != 0)) || return 0
        if ((outcome != 1 || SECONDS >= until)); then
            say "The models in $models/ were not applied, for the reason above. The previous models stay live."
            return 0
        fi
        sleep 1
    done
}

# Applies the models, and prints the next steps.
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

show_key() {
    say "The new API key of the root principal is stored in $data/api-key. It is shown only once:"
    say "  $(<"$data/api-key")"
}

# If an earlier run is alive, uses it. Otherwise stops the remaining processes of a killed one.
meet_earlier_run() {
    local file name pid
    if remembered run >/dev/null; then
        say "The suite is already running"
        local until=$((SECONDS + 60))
        while remembered run >/dev/null; do
            if ready_on "$port"; then
                show "it was running already; Ctrl-C where it runs stops it"
                exit 0
            fi
            ((SECONDS < until)) || fail "the run of process $(remembered run) does not become ready; see $log"
            sleep 0.1
        done
    fi
    for file in "$run"/*.pid; do
        name=$(basename "$file" .pid)
        if pid=$(remembered "$name"); then
            say "Stopping $name (process $pid) of a killed run"
            end "$pid" 5
        fi
    done
    rm -rf "$run"
}

# Creates the folders of this run, and registers its cleanup.
begin() {
    # The private PostgreSQL's user must be able to enter, regardless of the umask.
    [[ -d $kept ]] || { mkdir -p "$kept" && chmod 755 "$kept"; }
    meet_earlier_run
    mkdir -p "$run" "$log"
    find "$kept/log" -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
    remember run $$
    trap stop EXIT
    # A signal is the regular end, so exit with 0.
    trap 'exit 0' INT TERM HUP
}

# Starts Envoy in front of services: start_envoy PROGRAM ARGUMENTS..., with the arguments of render.py.
start_envoy() {
    local program=$1
    shift
    deploy/envoy/render.py --out "$run/envoy" --listen "$listen" --port "$port" --admin-port $((port + 10001)) \
        --log "$(realpath "$log")/access.log" "$@"
    start envoy "$log/envoy.log" "$program" -c "$run/envoy/envoy.yaml" --log-level warn --disable-hot-restart
}

# Waits until Ctrl-C, or until a program ends.
until_the_end() { while true; do all_alive; wait -n || true; done; }
