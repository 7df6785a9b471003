"""The rendered manifests of Kubernetes, and the compose file, each as data."""

import functools
import json
import re
import subprocess

import yaml

from suite import BINARY, ROOT, TOOLS

OVERLAYS = ("base", "overlays/dev", "overlays/production")


@functools.cache
def rendered(overlay):
    """Returns the resources of an overlay, as `kubectl apply -k` would send them."""
    done = subprocess.run([TOOLS / "kubectl", "kustomize", ROOT / "k8s" / overlay], check=True, capture_output=True, text=True, timeout=60)
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay, *kinds):
    return [resource for resource in rendered(overlay) if resource["kind"] in kinds]


def workloads(overlay):
    return of_kind(overlay, "Deployment", "StatefulSet", "Job")


def pods(overlay):
    """Returns the name and the template of each kind of pod."""
    return [(one["metadata"]["name"], one["spec"]["template"]) for one in workloads(overlay)]


def containers(overlay):
    """Returns each container, with the specification of its pod."""
    return [(container, template["spec"]) for _, template in pods(overlay)
            for container in template["spec"].get("initContainers", []) + template["spec"]["containers"]]


def is_groundplan(image):
    return re.split(r"[:@]", image)[0].split("/")[-1] == "groundplan"


def compose():
    return yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())


def variables(container, overlay):
    """Returns the environment of a container: values, and None for values from a secret."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    found = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    return found | {one["name"]: one.get("value") for one in container.get("env", [])}


def configuration(**environment):
    """Returns the program's settings with these variables: each with its value and its source."""
    done = subprocess.run([BINARY, "config", "--output", "json"], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return {row["setting"]: row for row in json.loads(done.stdout)}


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", duration).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def selects(selector, labels):
    """Whether a label selector matches these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In", one
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def pinned_version(package):
    return re.search(rf"^{re.escape(package)}==(\S+)", (ROOT / "deploy" / "python" / "run.in").read_text(), re.M).group(1)


