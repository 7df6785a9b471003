"""A new user calls the example of the template, by every client, through Envoy."""

import json
import re

import pytest

pytestmark = pytest.mark.split("the output of make run-split must work too")

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")


def test_the_template_to_the_letter(suite):
    status, _, body = suite.curl("POST", "/api/v1/resource", {"field2": 123})
    assert status == 400
    assert body["error"]["code"] == "INVALID_INPUT"
    assert body["error"]["message"] == "Field1 is required"
    assert body["error"]["details"]

    status, headers, body = suite.curl("POST", "/api/v1/resource", {"field1": "value", "field2": 123})
    assert status == 201
    assert list(body) == ["data"]
    entity = body["data"]
    assert set(entity) == {"id", "field1", "field2", "createdAt", "updatedAt"}
    assert entity["field1"] == "value" and entity["field2"] == 123
    assert UUID.fullmatch(entity["id"]) and TIME.fullmatch(entity["createdAt"]) and TIME.fullmatch(entity["updatedAt"])
    assert headers["location"] == f"/api/v1/resource/{entity['id']}"
    assert headers["etag"].startswith('"')

    status, again, body = suite.curl("GET", headers["location"])
    assert (status, body) == (200, {"data": entity})
    assert again["etag"] == headers["etag"]


def test_curl_without_a_content_type(suite):
    """`curl -d` alone sends application/x-www-form-urlencoded; the first call of a new user must not fail because of that."""
    done = suite.tool("curl", "-sS", "-H", f"authorization: Bearer {suite.api_key}", "-d", '{"field2":123}', f"{suite.url}/api/v1/resource")
    assert json.loads(done.stdout)["error"]["message"] == "Field1 is required"


def test_grpcurl_lists_and_describes(suite):
    services = suite.grpcurl(suite.address, "list").stdout.split()
    assert {"example.v1.EntityService", "library.v1.BookService", "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"} <= set(services)
    methods = suite.grpcurl(suite.address, "list", "example.v1.EntityService").stdout.split()
    assert methods == [f"example.v1.EntityService.{name}" for name in
                       ("AggregateEntities", "BatchCreateEntities", "BatchDeleteEntities", "BatchGetEntities", "BatchUpdateEntities", "CreateEntity", "DeleteEntity",
                        "ExplainListEntities", "GetEntity", "ListEntities", "UpdateEntity", "WatchEntities")]
    described = suite.grpcurl(suite.address, "describe", "example.v1.Entity").stdout
    assert "//" in described, "the model's own comments are shown"
    assert "string field1 = 2" in described


def test_grpcurl_creates_and_gets(suite):
    made = suite.call("example.v1.EntityService/CreateEntity", {"entity": {"field1": "value", "field2": 123}})
    assert UUID.fullmatch(made["id"]) and made["field2"] == 123
    assert suite.call("example.v1.EntityService/GetEntity", {"id": made["id"]}) == made
    refused = suite.grpcurl(suite.address, "example.v1.EntityService/CreateEntity", check=False, data={"entity": {"field2": 123}})
    assert refused.returncode != 0
    assert "InvalidArgument" in refused.stderr and "Field1 is required" in refused.stderr


def test_buf_curl(suite):
    """buf uses reflection v1, and gRPC and gRPC-Web."""
    for protocol in ("grpc", "grpcweb"):
        done = suite.tool("buf", "curl", "--protocol", protocol, "--http2-prior-knowledge", "-H", f"authorization: Bearer {suite.api_key}",
                          "--reflect-header", f"authorization: Bearer {suite.api_key}", "-d", '{"entity":{"field1":"by buf"}}',
                          f"{suite.url}/example.v1.EntityService/CreateEntity")
        assert json.loads(done.stdout)["field1"] == "by buf"


def test_only_health_is_open(suite):
    for headers in ([], ["authorization: Bearer wrong"], ["authorization: Basic eDp5"], ["authorization: Bearer"],
                    [f"authorization: Bearer {suite.api_key}", f"authorization: Bearer {suite.api_key}"]):
        status, fields, body = suite.curl("GET", "/api/v1/resource", headers=headers, authorized=False)
        assert (status, body["error"]["code"]) == (401, "UNAUTHENTICATED"), headers
        assert fields["www-authenticate"].startswith("Bearer")
    assert suite.curl("GET", "/api/openapi.json", authorized=False)[0] == 401
    assert suite.curl("GET", "/livez", authorized=False)[0] == 200
    assert suite.curl("GET", "/readyz", authorized=False)[0] == 200
    closed = suite.grpcurl(suite.address, "list", check=False, authorized=False)
    assert closed.returncode != 0
    health = suite.tool("grpcurl", "-plaintext", "-H", f"authorization: Bearer {suite.api_key}", suite.address, "grpc.health.v1.Health/Check")
    assert json.loads(health.stdout) == {"status": "SERVING"}


def test_the_printed_calls_work_twice(suite):
    """The calls that `make run` prints are pasted into a shell, two times."""
    printed = suite.log.read_text().split("is ready", 1)[1]
    calls = [line.strip() for line in printed.splitlines() if re.match(r"\s+(export|grpcurl|curl|\S*/grpcurl|\S*/buf)\s", line)]
    assert any("grpcurl" in call for call in calls) and any(call.startswith("curl") for call in calls), printed
    # A watch ends only by Ctrl-C.
    watch = [call for call in calls if ":watch" in call]
    assert len(watch) == 1
    calls = [f"timeout -s INT 3 {call} || true" if call in watch else call for call in calls]
    for _ in range(2):
        done = suite.tool("bash", "-euo", "pipefail", "-c", "\n".join(calls))
        assert "event: CREATED" in done.stdout and "event: SYNCED" in done.stdout
        assert '"field1"' in done.stdout


def test_printed_commands_name_their_suite(suite):
    """With several running suites, the wrong one could be changed unnoticed. The printed commands name this one."""
    for command in ("plan", "apply"):
        done = suite.run(command, "examples")
        assert done.stderr.startswith(f"groundplan: calling {suite.url} with the API key in {suite.data}/api-key"), done.stderr
    printed = suite.log.read_text()
    for command in ("plan", "apply"):
        assert f"groundplan {command} --address http://localhost:{suite.port} " in printed
