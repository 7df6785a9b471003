#!/usr/bin/env bash
# Checks formats and styles: `make lint`. Prints the name of each check before it runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PWD/.tools/checks/bin:$PWD/.tools/bin:$PATH

# A check that cannot run has not passed.
for tool in cargo-clippy cargo-deny shellcheck buf hadolint checkov kubectl promtool; do
    command -v "$tool" >/dev/null || { echo "lint: $tool is missing; run deploy/setup.sh lint, which installs it or prints how to install it" >&2; exit 1; }
done

step() { printf '\n== %s\n' "$*"; "$@"; }

# Validates the template with Envoy, as run.sh, run-split.sh and Kubernetes render it.
envoy_configuration() {
    local envoy folder
    envoy=$(deploy/envoy/find.sh)
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

shell_scripts() { shellcheck deploy/*.sh deploy/envoy/*.sh deploy/postgres/*.sh k8s/*.sh tests/*.sh crates/bench/*.sh .ci/run; }

# Licences, duplicates and sources. Without advisories, which would need a download.
dependencies() { cargo deny --locked check bans licenses sources; }

# Crates that know no runtime, no protocol and no database, and the REST adapter, which knows neither gRPC nor SQL: also by way of others.
crates_stay_apart() {
    local crate
    links_none() {
        local tree
        tree=$(cargo tree --locked --edges normal --prefix none --package "groundplan-$1") || return
        if grep -E "^($2) " <<<"$tree"; then
            echo "lint: crates/$1 must not link it" >&2
            return 1
        fi
    }
    for crate in budget codec error expr identity model operations validation; do
        links_none "$crate" 'axum|diesel|hyper|tokio|tonic' || return
    done
    links_none rest 'diesel|tonic'
}

step cargo fmt --all --check
step deploy/prose.py
step crates_stay_apart
step deploy/modules.py
step cargo clippy --locked --workspace --all-targets -- -D warnings
step buf lint
step buf format --diff --exit-code --path proto/groundplan
step envoy_configuration
step shell_scripts
step dependencies
step deploy/check.sh
