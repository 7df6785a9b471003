"""Alerts and dashboards use existing metrics, and link to a page with a remedy.

test_telemetry compares docs/telemetry.md with a running suite, so the table of that page is the list of metrics."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
import yaml

from collector import Collector
from manifests import of_kind
from suite import PATIENCE, RECORDS, ROOT, SCHEMAS, SPLIT, TOOLS, free_port

PROMETHEUS = ROOT / "deploy" / "prometheus"
GROUPS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
# The labels that Prometheus adds.
ADDED = {"job", "instance", "namespace"}


def metrics():
    """Returns the metrics of docs/telemetry.md, each with its labels."""
    rows = re.findall(r"^\| `(groundplan_\w+)` \| (\w+) \| (.*?) \| ", (ROOT / "docs" / "telemetry.md").read_text(), re.M)
    found = {"up": set()}
    for name, kind, labels in rows:
        labels = set(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    assert len(found) > 15
    return found


def expressions():
    """Returns each expression, with its location."""
    found = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES]
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text())
        found += [(f"{file.name}: {panel['title']}", target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
        found += [(file.name, one["query"]) for one in dashboard["templating"]["list"] if one["type"] == "query"]
    return found


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def test_each_metric_and_label_exists():
    known = metrics() | {rule["record"]: ADDED for rule in RULES if "record" in rule}
    for where, expression in expressions():
        names = re.findall(r"(?<![\w:])(up|groundplan[_:][\w:]+)\b(?![\"|])", re.sub(r'"[^"]*"', '""', expression))
        assert names, where
        assert not set(names) - set(known), where
        for name, matchers in re.findall(r"([\w:]+)\{([^}]*)\}", expression):
            labels = set(re.findall(r"(\w+)\s*[=!]", re.sub(r'"[^"]*"', '""', matchers)))
            assert not labels - known[name] - ADDED, (where, name)
        of_all = set().union(*(known[name] for name in names)) | ADDED
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            assert not set(re.split(r", *", grouped)) - of_all, where


def test_dashboards_have_unique_panels():
    identities = set()
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text())
        assert dashboard["uid"] not in identities
        identities.add(dashboard["uid"])
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert all(panel["description"] for panel in dashboard["panels"]), file.name


def test_each_alert_is_documented_and_tested():
    headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                for line in re.findall(r"^#+ (.*)$", (ROOT / "docs" / "operations.md").read_text(), re.M)}
    tested = {case["alertname"] for test in yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
              for case in test.get("alert_rule_test", []) if case["exp_alerts"]}
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["for"]
        notes = rule["annotations"]
        assert notes["summary"] and notes["description"]
        assert notes["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert notes["runbook"].partition("#")[2] in headings, rule["alert"]
    assert tested == {rule["alert"] for rule in ALERTS}


def test_kubernetes_has_the_same_alerts():
    [rules] = of_kind("overlays/production", "PrometheusRule")
    assert rules["spec"]["groups"] == GROUPS


@pytest.mark.split("Prometheus finds several processes")
def test_prometheus_loads_rules_and_scrapes_a_suite(suite_of_its_own, collector):
    """A real Prometheus with these rules scrapes a running suite, finds the processes and the metrics of the rules,
    evaluates the queries of the dashboards, and stores exemplars."""
    suite, port, admin = suite_of_its_own, free_port(), free_port()
    plain = suite.environment
    suite.environment = lambda **more: plain(GROUNDPLAN_ADMIN_PORT=str(admin), OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **more)
    suite.start()
    settings = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    settings["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(PROMETHEUS / "alerts.yml")]
    for job in settings["scrape_configs"]:
        del job["dns_sd_configs"]
        addresses = {"records": RECORDS, "schema": SCHEMAS}.get(job["job_name"], RECORDS) if SPLIT else ["127.0.0.1"]
        job["static_configs"] = [{"targets": [f"{address}:{admin}" for address in addresses]}]
    (suite.folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    running = subprocess.Popen([TOOLS / "prometheus", f"--config.file={suite.folder}/prometheus.yml", f"--web.listen-address=127.0.0.1:{port}",
                                f"--storage.tsdb.path={suite.folder}/metrics", "--enable-feature=exemplar-storage"], stderr=(suite.folder / "prometheus.log").open("w"))
    try:
        def ask(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=PATIENCE) as answer:
                return json.load(answer)["data"]

        def query(expression):
            return ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]

        def is_settled():
            suite.call("example.v1.EntityService/CreateEntity", {"entity": {"field1": "value"}})
            try:
                rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
                recorded = ask("query?query=groundplan:calls_failed:ratio_rate5m")["result"]
                up = ask('query?query=up{job="records"}')["result"]
            except OSError:
                return False
            return up and recorded and len(rules) == len(RULES) and all(rule["health"] == "ok" for rule in rules)

        until = time.monotonic() + PATIENCE
        while not is_settled():
            assert time.monotonic() < until, (suite.folder / "prometheus.log").read_text()
            time.sleep(0.5)
        assert [one["value"][1] for one in query("up")] == ["1"] * sum(len(job["static_configs"][0]["targets"]) for job in settings["scrape_configs"])
        assert [one["labels"]["alertname"] for one in ask("alerts")["alerts"] if one["state"] == "firing"] == []
        # With one process, all jobs scrape it; `service` is the called service.
        called = query('groundplan_calls_total{service="example.v1.EntityService",method="CreateEntity",code="OK"}')
        assert {one["metric"]["job"] for one in called} == ({"records", "envoy"} if SPLIT else {"schema", "records", "envoy"})
        for where, expression in expressions():
            if not expression.startswith("label_values("):  # a function of Grafana
                query(re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m")))
        kept = ask("query_exemplars?" + urllib.parse.urlencode({"query": "groundplan_call_duration_seconds_bucket", "start": time.time() - 60, "end": time.time() + 60}))
        assert re.fullmatch(r"[0-9a-f]{32}", kept[0]["exemplars"][0]["labels"]["trace_id"]), kept
    finally:
        running.terminate()
        running.wait(timeout=PATIENCE)
