#!/usr/bin/env bash
# Runs the whole suite in containers, with its telemetry: compose.sh [arguments of `docker compose`, by default: up --build
# --wait]
#
# It creates what deploy/compose.yaml needs and must not be in the repository: passwords and the API key, once, and Envoy's
# configuration from its template. Both are below .groundplan/compose. `compose.sh prepare` does only that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=.groundplan/compose

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# Creates a password for each name without one, in a file that only its owner can read. The file is written atomically.
make_secrets() {
    [[ ! -e $folder/.env ]] || return 0
    local line value
    draft=$(umask 077 && mktemp "$folder/.env.XXXXXX")
    trap 'rm -f "$draft"' EXIT
    while read -r line; do
        [[ $line == *= ]] || continue
        value=$(random)
        printf '%s%s\n' "$line" "$value"
    done <deploy/compose.env.example >"$draft"
    mv "$draft" "$folder/.env"
    trap - EXIT
    echo "Created $folder/.env, the only copy of the API key and the passwords."
}

mkdir -p "$folder"
make_secrets
deploy/envoy/render.py --out "$folder/envoy" --folder /etc/envoy --listen 0.0.0.0 --admin-port 9901 --operators-port 9464 \
    --schema schema:3000 --records records:3000 --heap-mib 400
chmod -R a+rX "$folder/envoy" # Envoy runs as another user

[[ $# -gt 0 ]] || set -- up --build --wait
[[ $1 != prepare ]] || exit 0
exec docker compose --file deploy/compose.yaml --env-file "$folder/.env" "$@"
