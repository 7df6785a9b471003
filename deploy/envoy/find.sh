#!/usr/bin/env bash
# Prints the path of Envoy's program; .tools/bin contains only a wrapper. Fails if there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for envoy in .tools/lib/python3*/site-packages/envoy/_bin/envoy; do
    if [[ -x $envoy ]]; then
        printf '%s\n' "$PWD/$envoy"
        exit
    fi
done
command -v envoy
