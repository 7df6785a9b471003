#!/usr/bin/env bash
# Checks formats and styles: `make lint`. Says each check's name before it runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

# The template as run.sh, run-split.sh and Kubernetes render it, held against Envoy's own rules.
envoy_configuration() {
    local envoy folder
    envoy=$(deploy/envoy/find.sh) || { echo "Envoy is not in .tools: not checked"; return; }
    folder=$(mktemp -d)
    render() { deploy/envoy/render.py --out "$folder/$1" --admin-port 13001 --log /dev/null "${@:2}"; }
    render together --schema 127.0.0.1:13000 --records 127.0.0.1:13000
    render split --schema 127.0.0.1:13000 --records 127.0.0.1:13002,127.0.0.2:13002 --tls "$folder"
    render kubernetes --listen 0.0.0.0 --operators-port 9464 --drain-port 9465 --schema schema.groundplan.svc:3000 --records records.groundplan.svc:3000 --tls "$folder"
    render public --schema 127.0.0.1:13000 --records 127.0.0.1:13000 --public-tls "$folder" --rate 100 --origins "https://.*"
    for rendered in "$folder"/*/envoy.yaml; do
        "$envoy" --mode validate --log-level warn -c "$rendered"
    done
    rm -r "$folder"
}

# Shell scripts, where shellcheck is installed; otherwise that they parse.
shell_scripts() {
    local scripts=(deploy/*.sh deploy/envoy/*.sh deploy/postgres/*.sh k8s/*.sh crates/bench/*.sh .ci/run)
    if command -v shellcheck >/dev/null; then
        shellcheck "${scripts[@]}"
    else
        echo "shellcheck is not installed: only whether they parse"
        for script in "${scripts[@]}"; do bash -n "$script"; done
    fi
}

# Licences, duplicates and sources, where cargo-deny is installed. Without advisories: their list is not ours to fetch.
dependencies() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --locked check bans licenses sources
    else
        echo "cargo-deny is not installed: not checked"
    fi
}

step cargo fmt --all --check
step cargo clippy --locked --workspace --all-targets -- -D warnings
if [[ -x .tools/bin/buf ]]; then
    step .tools/bin/buf lint
    step .tools/bin/buf format --diff --exit-code --path proto/groundplan
fi
step envoy_configuration
step shell_scripts
step dependencies
step deploy/check.sh
