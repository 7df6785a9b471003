"""The guarantees of the overlays: no secret in a manifest, no foreign image, and allowed connections only."""

import re

import pytest
import yaml

from manifests import OVERLAYS, containers, is_groundplan, of_kind, pods, rendered, selects, variables

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
SECRETS = {"API_KEY", "DB_URL", "POSTGRES_PASSWORD", "GROUNDPLAN_SCHEMA_PASSWORD", "GROUNDPLAN_RECORDS_PASSWORD"}
SECRET_VALUES = r"-----BEGIN [A-Z ]*PRIVATE KEY|postgres(?:ql)?://[^\s/@:]+:[^\s/@]+@|\bgp_[A-Za-z0-9_-]{20,}|Bearer [A-Za-z0-9_-]{16,}"


@overlays
def test_no_manifest_has_a_secret(overlay):
    """Secrets are references, and nothing in the rendered manifests looks like the value of one."""
    for container, _ in containers(overlay):
        found = variables(container, overlay)
        assert all(found[name] is None for name in SECRETS & set(found)), container["name"]
    assert not re.search(SECRET_VALUES, yaml.safe_dump_all(rendered(overlay), width=10000))


def test_the_secret_check_detects_secrets():
    """Ensures that the test above can fail."""
    for text in ("-----BEGIN PRIVATE KEY-----", "DB_URL: postgres://groundplan:hunter2@database:5432/groundplan", "gp_" + "a" * 43):
        assert re.search(SECRET_VALUES, text), text


def test_production_names_images_by_digest():
    images = {container["image"] for container, _ in containers("overlays/production") if is_groundplan(container["image"])}
    assert len(images) == 1
    assert re.fullmatch(r"registry\.invalid/groundplan@sha256:[0-9a-f]{64}", images.pop())


def test_dev_has_one_of_each_and_a_node_port():
    assert {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind("overlays/dev", "Deployment")} == {"schema": 1, "records": 1, "envoy": 1}
    assert not of_kind("overlays/dev", "HorizontalPodAutoscaler", "PodDisruptionBudget")
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind("overlays/dev", "Service")}
    assert [name for name, one in services.items() if one.get("type") == "NodePort"] == ["groundplan"]


def test_production_has_more_than_one_of_each():
    """Each is scaled or has a number of replicas, so that one can stop, and a budget for that."""
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one["spec"]["minReplicas"] for one in of_kind("overlays/production", "HorizontalPodAutoscaler")}
    assert set(scaled) == {"records", "envoy"}
    for deployment in of_kind("overlays/production", "Deployment"):
        name = deployment["metadata"]["name"]
        # Both would undo each other at each apply.
        assert (name in scaled) != ("replicas" in deployment["spec"]), name
        assert scaled.get(name, deployment["spec"].get("replicas")) >= 2, name
    budgets = {one["metadata"]["name"]: one["spec"]["maxUnavailable"] for one in of_kind("overlays/production", "PodDisruptionBudget")}
    assert budgets == {"schema": 1, "records": 1, "envoy": 1}


def ways(overlay, way):
    """Returns each (pod, peer, port) that the policies allow in one direction. A peer is a pod, or a namespace."""
    labels = {template["metadata"]["labels"]["app.kubernetes.io/name"]: template["metadata"]["labels"] for _, template in pods(overlay)}
    found = set()
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in policy["spec"].get(way, []):
            peers = set()
            for peer in rule.get("from", []) + rule.get("to", []):
                if "namespaceSelector" in peer:
                    [(key, value)] = peer["namespaceSelector"]["matchLabels"].items()
                    peers.add(f"{key}={value}")
                else:
                    peers |= {name for name, one in labels.items() if selects(peer["podSelector"], one)}
            if "from" not in rule and "to" not in rule:
                peers = {"everybody"}
            chosen = [name for name, one in labels.items() if selects(policy["spec"]["podSelector"], one)]
            found |= {(name, peer, port["port"]) for name in chosen for peer in peers for port in rule["ports"]}
    return found


@pytest.mark.parametrize("overlay", ["base", "overlays/production"])
def test_allowed_connections(overlay):
    """Exactly these, and a connection between two pods is allowed as egress and as ingress."""
    names = "kubernetes.io/metadata.name=kube-system"
    watchers = "kubernetes.io/metadata.name=observability"
    database = "groundplan.dev/database=true"
    between = {("envoy", "schema", 3000), ("envoy", "records", 3000), ("records", "schema", 3000)}
    outside = {(name, names, 53) for name in ("schema", "records", "envoy", "migrate")}
    outside |= {(name, database, 5432) for name in ("schema", "records", "migrate")}
    outside |= {(name, watchers, 4317) for name in ("schema", "records")}
    assert ways(overlay, "egress") == between | outside
    inside = {(name, watchers, 9464) for name in ("schema", "records", "envoy")} | {("envoy", "everybody", 3000)}
    assert ways(overlay, "ingress") == {(there, here, port) for here, there, port in between} | inside


def test_only_services_reach_the_database_of_dev():
    users = {("schema", "postgres", 5432), ("records", "postgres", 5432), ("migrate", "postgres", 5432)}
    assert {one for one in ways("overlays/dev", "egress") if one[2] == 5432} == users
    assert {one for one in ways("overlays/dev", "ingress") if one[2] == 5432} == {(there, here, port) for here, there, port in users}
