"""Envoy has no time-out for watches, on any path, and only for them. The test observes behavior, not configuration."""

import json
import time
import urllib.request

import pytest

from followers import by_curl, by_grpcurl
from suite import PATIENCE, free_port, start_envoy

ENTITIES = "example.v1.EntityService/WatchEntities"
MANY = "groundplan.records.v1.RecordsService/WatchMany"
TAIL = "groundplan.records.v1.RecordsService/TailChanges"
CATCH_ALL = "timeout: 75s"
SHORT = "timeout: 2s"


class Gateway:
    """Another Envoy in front of the suite's server, with the suite's configuration and some replaced text."""

    def __init__(self, suite, name, *changes):
        self.port, self.api_key = free_port(), suite.api_key
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.log = suite.folder / f"{name}.access.log"
        file = suite.render_envoy(suite.folder / name, self.port, self.log)
        rendered = file.read_text()
        for before, after in ((CATCH_ALL, SHORT), *changes):
            assert before in rendered, before
            rendered = rendered.replace(before, after)
        file.write_text(rendered)
        self.process = start_envoy(suite, file, lambda: urllib.request.urlopen(f"{self.url}/readyz", timeout=2))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


def followers(gateway):
    return [by_curl(gateway, "resource"), by_grpcurl(gateway, ENTITIES, {}),
            by_grpcurl(gateway, MANY, {"models": [{"model": "example.v1.Entity"}]})]


def test_watches_are_longer_than_the_time_out_of_other_calls(suite):
    with Gateway(suite, "short") as gateway:
        watching = followers(gateway)
        try:
            for follower in watching:
                follower.begun()
            time.sleep(3)
            suite.curl("POST", "/api/v1/resource", {"field1": "three seconds later"})
            for follower in watching:
                assert follower.changes(1) and follower.process.poll() is None, follower.name
        finally:
            for follower in watching:
                follower.__exit__()


def test_without_their_route_watches_time_out(suite):
    """Proves that the other tests can fail."""
    none = "- name: watches\n                match: {"
    with Gateway(suite, "none", (none, none + " headers: [{ name: nobody, present_match: true }],")) as gateway:
        for follower in followers(gateway):
            with follower:
                follower.ended()


@pytest.mark.split("the routes lead to different services")
def test_each_path_uses_its_route(suite):
    """Envoy's access log has the route of a call; its admin port has the configuration of the route."""
    calls = {f"journey {at} {time.time_ns()}": call for at, call in enumerate((
        ("GET", "/api/v1/resource:watch", "watches"), ("GET", "/api/v1/resource%3Awatch", "watches"), ("GET", "/api/v1/resource%3awatch?start=NOW", "watches"),
        ("POST", f"/{ENTITIES}", "watches"), ("POST", f"/{MANY}", "watches"), ("POST", f"/{TAIL}", "watches"),
        ("POST", "/example.v1.EntityService/ListEntities", "reads"), ("POST", "/WatchEntities", "records"), ("GET", "/api/v1/resource", "reads"),
        ("GET", "/api/v1/resource/watch", "reads"), ("GET", "/api/v1/resource/:watch", "reads"), ("GET", "/api/v1/resource:watcher", "reads"),
            ("POST", "/example.v1.EntityService/CreateEntity", "records"), ("POST", "/api/v1/resource", "records"),
            ("POST", "/groundplan.schema.v1.SchemaService/Plan", "schema_reads"), ("POST", "/groundplan.schema.v1.SchemaService/Apply", "schema")))}
    for agent, (method, path, _) in calls.items():
        suite.tool("curl", "-sS", "-X", method, "-A", agent, "-H", "content-type: application/json", suite.url + path)    # without a key, which Envoy does not check
    log = suite.logs / "access.log"
    until, routes = time.monotonic() + PATIENCE, {}
    while len(routes) < len(calls):    # Envoy writes its log with a delay
        assert time.monotonic() < until
        time.sleep(0.2)
        entries = [json.loads(line) for line in log.read_text().splitlines() if "journey" in line]
        routes = {entry["user_agent"]: entry["route"] for entry in entries if entry["user_agent"] in calls}
    assert [(*call[:2], routes[agent]) for agent, call in calls.items()] == list(calls.values())

    dump = json.load(urllib.request.urlopen(f"http://127.0.0.1:{suite.port + 10001}/config_dump?resource=static_route_configs", timeout=PATIENCE))
    limits = [(route["name"], route["route"]["timeout"], route["route"].get("idle_timeout")) for config in dump["configs"]
              for host in config["route_config"]["virtual_hosts"] for route in host["routes"] if route["name"] in ("watches", "records")]
    assert limits == [("watches", "0s", "60s")] * 3 + [("records", "75s", None)]


def test_a_browser_can_send_last_event_id(suite):
    asked = suite.curl("OPTIONS", "/api/v1/resource:watch", headers=["origin: http://localhost:5173", "access-control-request-method: GET",
                                                                     "access-control-request-headers: authorization, last-event-id"])
    assert "last-event-id" in asked[1]["access-control-allow-headers"]
