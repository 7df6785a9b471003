"""Envoy as the edge: TLS with a certificate that is replaced at run time, a rate limit, pages of other origins, and no
internal API outside."""

import collections
import gzip
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import grpc
import pytest

from suite import BINARY, PATIENCE, ROOT, free_port, start_envoy

pytestmark = pytest.mark.split("Envoy connects to two services, by mutual TLS")


class Edge:
    """Another Envoy in front of the suite's servers, with arguments of render.py."""

    def __init__(self, suite, name, *more):
        self.port = free_port()
        configuration = suite.render_envoy(suite.folder / name, self.port, "/dev/null", *more)
        # With TLS, or a rate limit, a connection is all that can be checked.
        self.process = start_envoy(suite, configuration, lambda: socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)

    def curl(self, *arguments, scheme="http", path="/api/v1/resource?pageSize=1", retry=False):
        """Returns the head and the body of a response."""
        again = ["--retry", "20", "--retry-all-errors", "--retry-delay", "1"] if retry else []
        done = subprocess.run(["curl", "-sSi", "--max-time", "20", *again, *map(str, arguments), f"{scheme}://localhost:{self.port}{path}"],
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.replace("\r", "").partition("\n\n")
        return head.lower(), body


def make_certificates(out):
    subprocess.run([BINARY, "dev-certs", "--out", out, "--force"], check=True, capture_output=True, timeout=PATIENCE)


@pytest.fixture
def certificates(tmp_path):
    """Returns a folder with a certificate for the public port, and a function that replaces it like Kubernetes: with one
    move."""
    folder = tmp_path / "public"
    folder.mkdir()
    folder.parent.chmod(0o755)

    def replace():
        make_certificates(tmp_path / "made")
        for name, file in (("tls.crt", "envoy.pem"), ("tls.key", "envoy.key")):
            shutil.copy(tmp_path / "made" / file, folder / f"{name}.new")
        for name in ("tls.crt", "tls.key"):
            (folder / f"{name}.new").rename(folder / name)
    replace()
    return folder, replace, tmp_path / "made" / "ca.pem"


def shown(port):
    """Returns the certificate of a port."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain, context.wrap_socket(plain, server_hostname="localhost") as stream:
        return stream.getpeercert(binary_form=True)


def test_the_tls_certificate_of_the_public_port_can_be_replaced(suite, certificates):
    folder, replace, authority = certificates
    with Edge(suite, "public", "--public-tls", folder) as edge:
        head, body = edge.curl("--cacert", authority, "-H", f"authorization: Bearer {suite.api_key}", scheme="https", retry=True)
        assert head.startswith("http/2 200") and json.loads(body)["data"] is not None
        credentials = grpc.ssl_channel_credentials(authority.read_bytes())
        with grpc.secure_channel(f"localhost:{edge.port}", credentials) as channel:
            channel.unary_unary("/example.v1.EntityService/ListEntities")(b"", metadata=[("authorization", f"Bearer {suite.api_key}")], timeout=10)
        before = shown(edge.port)
        replace()
        until = time.monotonic() + PATIENCE
        while shown(edge.port) == before:
            assert time.monotonic() < until, "the new certificate is not in use"
            time.sleep(0.1)
        assert edge.curl("--cacert", authority, "-H", f"authorization: Bearer {suite.api_key}", scheme="https")[0].startswith("http/2 200")
        # Without TLS there is no response.
        assert subprocess.run(["curl", "-s", "--max-time", "5", f"http://localhost:{edge.port}/livez"], capture_output=True).returncode != 0


def test_calls_over_the_rate_limit_get_an_error(suite):
    with Edge(suite, "limited", "--rate", "5") as edge:
        # Health checks of the edge itself do not count as calls.
        answers = [edge.curl("-H", f"authorization: Bearer {suite.api_key}") for _ in range(30)]
        refused = [(head, body) for head, body in answers if head.startswith("http/1.1 429")]
        assert refused and any(head.startswith("http/1.1 200") for head, _ in answers)
        head, body = refused[0]
        assert "retry-after: 1" in head
        error = json.loads(body)["error"]
        assert error["code"] == "RATE_LIMITED" and error["details"][0]["reason"] == "RATE_LIMITED"
        codes = set()
        with grpc.insecure_channel(f"localhost:{edge.port}") as channel:
            for _ in range(30):
                try:
                    channel.unary_unary("/example.v1.EntityService/ListEntities")(b"", metadata=[("authorization", f"Bearer {suite.api_key}")], timeout=10)
                except grpc.RpcError as error:
                    codes.add(error.code())
        assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}


def test_pages_of_allowed_origins_can_call(suite):
    preflight = ["-X", "OPTIONS", "-H", "access-control-request-method: POST", "-H", "access-control-request-headers: idempotency-key"]
    with Edge(suite, "origins", "--origins", r"https://shop\.example") as edge:
        head, _ = edge.curl(*preflight, "-H", "origin: https://shop.example")
        assert "access-control-allow-origin: https://shop.example" in head and "idempotency-key" in head
        head, _ = edge.curl(*preflight, "-H", "origin: https://evil.example")
        assert "access-control-allow-origin" not in head
        head, _ = edge.curl("-H", "origin: https://shop.example", "-H", f"authorization: Bearer {suite.api_key}")
        assert "idempotency-replayed" in head


def test_internal_headers_and_apis_are_not_public(suite):
    status, fields, _ = suite.curl("GET", "/api/v1/resource?pageSize=1")
    assert status == 200
    assert not [name for name in fields if name.startswith("x-envoy") or name == "groundplan-untouched"], fields


def test_a_header_with_an_underscore_is_dropped(suite, stub):
    """Metadata of gRPC can have such names; it cannot bypass a rule on a header, because no service sees it."""
    status, _, _ = suite.curl("GET", "/api/v1/resource?pageSize=1", headers=["my_key: 1"])
    assert status == 200
    request = stub.message("example.v1.ListEntitiesRequest")(page_size=1)
    stub.call("example.v1.EntityService/ListEntities", request, metadata=stub.metadata + [("my_key", "1")])
    status, _, _ = suite.curl("GET", "/api/v1/resource?pageSize=1", headers=[f"x_y: {suite.api_key}", "idempotency_key: 1"], authorized=False)
    assert status == 401


def raw_http(suite, request):
    """Sends bytes to Envoy, and returns its response."""
    host, port = suite.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while b"}]}}" not in answer and b"grpc-status" not in answer:
            more = connection.recv(65536)
            if not more:
                break
            answer += more
    return answer.decode()


def test_errors_of_envoy_have_the_envelope(suite):
    for request, status, words in [
        (b"GET /a%2Fb HTTP/1.1\r\nhost: x\r\n\r\n", 400, "the path has an escaped slash or backslash"),
        (b"GET /api/v1/resource HTTP/1.0\r\nhost: x\r\n\r\n", 426, "HTTP/1.0 is not served"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "the request has no Host header"),
    ]:
        answer = raw_http(suite, request)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        refused = json.loads(answer.split("\r\n\r\n", 1)[1])
        assert refused["error"]["code"] == "INVALID_INPUT" and words in refused["error"]["message"], refused
        assert refused["error"]["details"][0]["reason"] == "MALFORMED_REQUEST"


def test_grpc_errors_of_envoy_have_a_status(suite):
    """Envoy alone would return INTERNAL, without details."""
    for path, content_type in [("/a%2Fb/C", "application/grpc"), ("/a%2Fb/C", "application/grpc-web+proto"),
                               ("/example.v1.EntityService/ListEntities", "application/grpc-web-text")]:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {suite.api_key}\r\ncontent-type: {content_type}\r\ncontent-length: 4\r\n\r\n!!!!"
        answer = raw_http(suite, head.encode()).lower()
        assert answer.startswith("http/1.1 200 ") and "grpc-status: 3\r\n" in answer, answer
        assert "grpc-status-details-bin: " in answer and "grpc-message: the " in answer, answer


def test_responses_are_compressed_and_etags_stay(suite):
    def get(path, *headers):
        request = urllib.request.Request(suite.url + path, headers={"authorization": f"Bearer {suite.api_key}", **dict(headers)})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()

    zipped = ("accept-encoding", "gzip")
    _, plain, text = get("/api/openapi.json")
    assert plain["content-encoding"] is None
    status, headers, body = get("/api/openapi.json", zipped)
    assert status == 200 and headers["content-encoding"] == "gzip" and len(body) < len(text) / 4
    assert gzip.decompress(body) == text and headers["etag"] == plain["etag"] and headers["etag"].startswith("W/")
    status, headers, body = get("/api/openapi.json", zipped, ("if-none-match", headers["etag"]))
    assert (status, body) == (304, b"")
    for number in range(20):
        suite.curl("POST", "/api/v1/resource", {"field1": "x" * 200})
    _, headers, body = get("/api/v1/resource?pageSize=20", zipped)
    assert headers["content-encoding"] == "gzip" and len(json.loads(gzip.decompress(body))["data"]) == 20
    # The etag of a record identifies these bytes: If-Match must match it.
    status, _, made = suite.curl("POST", "/api/v1/resource", {"field1": "y" * 2000})
    path = f"/api/v1/resource/{made['data']['id']}"
    _, headers, body = get(path, zipped)
    assert headers["content-encoding"] is None and headers["etag"].startswith('"')
    assert suite.curl("PATCH", path, {"field2": 2}, headers=[f"if-match: {headers['etag']}"])[0] == 200


def test_only_reads_are_retried(suite, stub):
    """The route of reads contains exactly the unary methods that are marked as reads."""
    template = (ROOT / "deploy/envoy/envoy.template.yaml").read_text()
    reads = re.search(r'name: reads\n +match: \{ safe_regex: \{ regex: "(.*)" \} \}', template)[1]
    names = [name for name in suite.grpcurl(suite.address, "list").stdout.split() if not name.startswith(("groundplan.", "grpc."))]
    methods = [method for name in names for method in stub.pool.FindServiceByName(name).methods]
    for method in methods:
        is_read = method.GetOptions().idempotency_level == method.GetOptions().NO_SIDE_EFFECTS and not method.server_streaming
        path = f"/{method.containing_service.full_name}/{method.name}"
        assert bool(re.fullmatch(reads, path)) == is_read, path
    assert len(methods) > 50


def attempt(suite, connection, key, forwarded):
    """Sends one REST call, and returns its status, headers and body."""
    connection.request("GET", "/api/v1/resource?pageSize=1", headers={"authorization": f"Bearer {key}", "x-forwarded-for": forwarded})
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read())


def test_wrong_keys_are_limited_by_the_address_that_envoy_sees(suite):
    """The address that the caller claims does not count. The right key is always served, and other addresses are not
    limited."""
    connection = http.client.HTTPConnection("127.0.0.1", suite.port, source_address=("127.0.0.91", 0), timeout=PATIENCE)
    statuses = collections.Counter()
    while statuses[429] == 0:
        status, headers, body = attempt(suite, connection, "wrong", f"10.9.8.{statuses.total() % 250}")
        statuses[status] += 1
        # Each of three processes of records admits 60.
        assert status in (401, 429) and statuses.total() < 1000, statuses
    assert statuses[401] >= 60 and headers["retry-after"] == "1"
    assert body["error"]["code"] == "RATE_LIMITED" and body["error"]["details"][0]["reason"] == "RATE_LIMITED", body
    assert attempt(suite, connection, suite.api_key, "")[0] == 200
    other = http.client.HTTPConnection("127.0.0.1", suite.port, source_address=("127.0.0.92", 0), timeout=PATIENCE)
    assert attempt(suite, other, "wrong", "127.0.0.91")[0] == 401


def test_internal_services_are_not_public(suite):
    """Otherwise a caller could report the storage of a revision as ready before it is."""
    for method in ("DistributionService/ReportProgress", "DistributionService/TailRevisions", "Made/Up"):
        with grpc.insecure_channel(suite.address) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(f"/groundplan.schema.v1.{method}")(b"", metadata=[("authorization", f"Bearer {suite.api_key}")], timeout=10)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED and "services themselves" in refused.value.details()
        status, _, body = suite.curl("POST", f"/groundplan.schema.v1.{method}", {})
        assert status == 404 and body["error"]["code"] == "NOT_FOUND" and body["error"]["details"][0]["reason"] == "PATH_NOT_FOUND", body
