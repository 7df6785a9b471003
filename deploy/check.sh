#!/usr/bin/env bash
# Checks the image, the manifests and the alerts with standard tools; part of `make lint`. Needs no network, no Docker and no
# cluster. tests/journeys/test_manifests.py compares the same files with the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PWD/.tools/checks/bin:$PWD/.tools/bin:$PATH
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

check() { printf -- '-- %s\n' "$1" && "${@:2}"; }

render() {
    local name
    for name in base overlays/dev overlays/production; do
        kubectl kustomize "k8s/$name" >"$rendered/${name##*/}.yaml"
    done
}

# Kubernetes' own kinds; ServiceMonitor and PrometheusRule belong to the operator.
validate() {
    .tools/checks/bin/python - "$rendered" <<'PYTHON'
import pathlib, sys, yaml, kubernetes_validate
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml")):
    count = 0
    for resource in yaml.safe_load_all(file.read_text()):
        if not resource["apiVersion"].startswith("monitoring.coreos.com/"):
            kubernetes_validate.validate(resource, "1.37", strict=True)
            count += 1
    print(f"{file.stem}: {count} resources are valid")
PYTHON
}

judge() {
    local file arguments=(--file deploy/Dockerfile)
    for file in "$rendered"/*.yaml; do arguments+=("$file"); done
    LOG_LEVEL=ERROR checkov --config-file deploy/checkov.yaml "${arguments[@]}"
}

alerts() {
    promtool check config deploy/prometheus/prometheus.yml
    promtool test rules deploy/prometheus/alerts_test.yml
}

check "the image's description" hadolint deploy/Dockerfile
check "what Kubernetes has of other files" k8s/render.sh --check
check "the containers, by Compose's own schema" check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
check "that the manifests render" render
check "the manifests, by Kubernetes' own schemas" validate
check "image and manifests, by checkov" judge
check "Prometheus' configuration, and that each alert is raised when it should" alerts
