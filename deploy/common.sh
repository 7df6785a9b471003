# shellcheck shell=bash
# What run.sh and run-split.sh share. It is sourced, at the root of the checkout; `kind` is in the names of what is kept.
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
# Runs with data of their own keep their logs there, too.
kept=${GROUNDPLAN_DATA:-.groundplan}
run=$kept/run/${kind:-}$port
log=$kept/log/${kind:-}$port
# What runs, in the order in which it is stopped, and the process of each.
running=()
declare -A process=()

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

# Whoever reads the file finds all of it.
remember() { printf '%s %s\n' "$2" "$(started_at "$2")" >"$run/$1.new" && mv "$run/$1.new" "$run/$1.pid"; }

# Prints the pid of a process of an earlier run, if it still lives.
remembered() {
    local pid start
    [[ -f $run/$1.pid ]] && read -r pid start <"$run/$1.pid" || return 1
    [[ -n $pid && -n $start && $(started_at "$pid") == "$start" ]] && printf '%s\n' "$pid"
}

alive() { kill -0 "$1" 2>/dev/null && [[ -n $(started_at "$1") ]]; }

# Ends a process: asks it, waits for as many seconds as are given, then does not ask.
end() {
    local pid=$1 until=$((SECONDS + $2))
    kill -TERM "$pid" 2>/dev/null || return 0
    while alive "$pid"; do
        if ((SECONDS >= until)); then
            kill -KILL "$pid" 2>/dev/null || true
            return
        fi
        sleep 0.05 || true # which a second Ctrl-C ends too
    done
}

# Starts a program in a process group of its own, so that Ctrl-C reaches only the script, which stops them in order: what is
# started later is stopped earlier, but for Envoy, which carries the calls of the others.
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
        # All services are asked first, and finish the calls that Envoy still carries.
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
    fail "$1 ended; the end of its log, $log/$1.log, is above"
}

# Fails if something that was started has ended.
all_alive() {
    local name
    for name in "${running[@]}"; do alive "${process[$name]}" || failed "$name"; done
}

# Waits until a command succeeds, for as long as everything lives: wait_for WHAT COMMAND...
wait_for() {
    local what=$1 until=$((SECONDS + 120))
    shift
    until "$@"; do
        all_alive
        ((SECONDS < until)) || fail "$what is not ready after two minutes; see $log"
        sleep 0.1
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

# --- the story ----------------------------------------------------------------------------------------------------------

check() {
    if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 55533)); then
        fail "PORT is ${port@Q}: it must be a number from 1 to 55533, since PORT + 10000 to PORT + 10002 are used too"
    fi
    [[ -x $binary ]] || fail "$binary is not there: run 'make run', which builds it"
    [[ -z $models || -e $models ]] || fail "GROUNDPLAN_MODELS is ${models@Q}: there is no such folder"
    data=$("$binary" config GROUNDPLAN_DATA) || exit 1
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

show_key() {
    say "The root principal's API key was made and stored in $data/api-key. It is shown this once:"
    say "  $(<"$data/api-key")"
}

# If a run of ours is alive, uses that. Otherwise ends what is left of one that was killed.
meet_earlier_run() {
    local file name pid
    if remembered run >/dev/null; then
        say "A run of yours is there already"
        local until=$((SECONDS + 60))
        while remembered run >/dev/null; do
            if ready_on "$port"; then
                show "it was running already; Ctrl-C where it runs stops it"
                exit 0
            fi
            ((SECONDS < until)) || fail "the run of process $(remembered run) does not get ready; see $log"
            sleep 0.1
        done
    fi
    for file in "$run"/*.pid; do
        name=$(basename "$file" .pid)
        if pid=$(remembered "$name"); then
            say "Ending $name (process $pid), left over from a run that was killed"
            end "$pid" 5
        fi
    done
    rm -rf "$run"
}

# Makes room for this run, and sees that it ends well.
begin() {
    # The private PostgreSQL's user must be able to pass through, whatever the umask says.
    [[ -d $kept ]] || { mkdir -p "$kept" && chmod 755 "$kept"; }
    meet_earlier_run
    mkdir -p "$run" "$log"
    find "$kept/log" -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
    remember run $$
    trap stop EXIT
    # To be stopped is how it ends well.
    trap 'exit 0' INT TERM HUP
}

# Starts Envoy in front of services: start_envoy PROGRAM ARGUMENTS..., the arguments as render.py has them.
start_envoy() {
    local program=$1
    shift
    deploy/envoy/render.py --out "$run/envoy" --listen "$listen" --port "$port" --admin-port $((port + 10001)) \
        --log "$(realpath "$log")/access.log" "$@"
    start envoy "$log/envoy.log" "$program" -c "$run/envoy/envoy.yaml" --log-level warn --disable-hot-restart
}

# Until Ctrl-C, or until something ends by itself.
until_the_end() { while true; do all_alive; wait -n || true; done; }
