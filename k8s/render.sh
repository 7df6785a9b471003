#!/usr/bin/env bash
# Writes what Kubernetes has of files elsewhere, because kustomize reads nothing outside of its folder:
#   k8s/base/envoy/                          Envoy's configuration, out of deploy/envoy/envoy.template.yaml
#   k8s/overlays/production/alerts.yaml      a PrometheusRule, out of deploy/prometheus/alerts.yml
#   k8s/overlays/dev/postgres/               the services' roles, out of deploy/postgres
# `render.sh --check` writes nothing, and fails if what is there is not what it would write.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

render() {
    local to=$1
    deploy/envoy/render.py --out "$to/base/envoy" --folder /etc/envoy --listen 0.0.0.0 --admin-port 9901 --operators-port 9464 --drain-port 9465 \
        --schema schema:3000 --records records:3000 --tls /tls --tls-files tls.crt,tls.key,ca.crt --heap-mib 800
    mkdir -p "$to/overlays/production" "$to/overlays/dev/postgres"
    {
        printf '# Made by k8s/render.sh out of deploy/prometheus/alerts.yml: change that.\n'
        printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: groundplan\nspec:\n'
        sed -e '/^#/d' -e 's/^/  /' -e 's/ *$//' deploy/prometheus/alerts.yml
    } >"$to/overlays/production/alerts.yaml"
    cp deploy/postgres/init.sh deploy/postgres/roles.sql "$to/overlays/dev/postgres/"
}

if [[ ${1:-} != --check ]]; then
    render k8s
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
render "$folder"
cd "$folder"
find . -type f | while read -r file; do
    cmp -s "$file" "$OLDPWD/k8s/$file" || { echo "k8s/${file#./} is not what k8s/render.sh makes: run it" >&2; exit 1; }
done
