#!/usr/bin/env bash
# Holds the image, the manifests and the alerts against the field's own tools: `make lint`, or this by itself. It needs no network,
# no Docker and no cluster. tests/journeys/test_manifests.py holds the same files against the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=.tools/checks/bin
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

# Says what is checked, and checks it where the tool is there. CI has all.
check() {
    printf -- '-- %s\n' "$1"
    if [[ -x $tools/$2 ]]; then
        "${@:3}"
    elif [[ -n ${CI:-} ]]; then
        echo "$2 is not in .tools/checks; make setup says why" >&2
        return 1
    else
        echo "$2 is not there: not checked"
    fi
}

render() {
    local name
    for name in base overlays/dev overlays/production; do
        "$tools/kubectl" kustomize "k8s/$name" >"$rendered/${name##*/}.yaml"
    done
}

# What Kubernetes itself knows; ServiceMonitor and PrometheusRule are its operator's.
validate() {
    "$tools/python" - "$rendered" <<'PYTHON'
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
    LOG_LEVEL=ERROR "$tools/checkov" --config-file deploy/checkov.yaml "${arguments[@]}"
}

alerts() {
    "$tools/promtool" check config deploy/prometheus/prometheus.yml
    "$tools/promtool" test rules deploy/prometheus/alerts_test.yml
}

check "the image's description" hadolint "$tools/hadolint" deploy/Dockerfile
check "what Kubernetes has of other files" python k8s/render.sh --check
check "the containers, by Compose's own schema" check-jsonschema \
    "$tools/check-jsonschema" --builtin-schema vendor.compose-spec deploy/compose.yaml
check "that the manifests render" kubectl render
check "the manifests, by Kubernetes' own schemas" kubernetes-validate validate
check "image and manifests, by checkov" checkov judge
check "Prometheus' configuration, and that each alert is raised when it should" promtool alerts
