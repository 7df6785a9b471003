#!/usr/bin/env bash
# Prints Envoy's configuration: render.sh LISTEN PORT UPSTREAM_PORT ADMIN_PORT ACCESS_LOG
set -euo pipefail
[[ $# -eq 5 ]] || { echo "usage: $0 LISTEN PORT UPSTREAM_PORT ADMIN_PORT ACCESS_LOG" >&2; exit 2; }

# `|` ends sed's parts: a path that has one must not end them too.
sed -e "s|@LISTEN@|$1|" -e "s|@PORT@|$2|" -e "s|@UPSTREAM_PORT@|$3|" -e "s|@ADMIN_PORT@|$4|" -e "s|@LOG@|${5//[|&\\]/\\&}|" \
    "$(dirname "${BASH_SOURCE[0]}")/envoy.yaml"
