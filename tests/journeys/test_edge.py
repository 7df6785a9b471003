"""Envoy as the edge: TLS whose certificate is replaced while it runs, a limit of calls, pages of other origins, and nothing of the inside outside."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import time

import grpc
import pytest

from suite import BINARY, ROOT, free_port, start_envoy


class Edge:
    """Another Envoy before the suite's servers, with arguments of render.py."""

    def __init__(self, suite, name, *more):
        self.port = free_port()
        configuration = suite.render_envoy(suite.folder / name, self.port, "/dev/null", *more)
        # With TLS, or a limit of calls, to be there is all that can be asked of it.
        self.process = start_envoy(suite, configuration, lambda: socket.create_connection(("127.0.0.1", self.port), timeout=2).close())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def curl(self, *arguments, scheme="http", path="/api/v1/resource?pageSize=1", retry=False):
        """The head and the body of an answer."""
        again = ["--retry", "20", "--retry-all-errors", "--retry-delay", "1"] if retry else []
        done = subprocess.run(["curl", "-sSi", "--max-time", "20", *again, *map(str, arguments), f"{scheme}://localhost:{self.port}{path}"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.replace("\r", "").partition("\n\n")
        return head.lower(), body


def make_certificates(out):
    subprocess.run([BINARY, "dev-certs", "--out", out, "--force"], check=True, capture_output=True, timeout=60)


@pytest.fixture
def certificates(tmp_path):
    """A folder with a certificate for the public port, and what replaces it by another, as Kubernetes does: with one move."""
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
    """The certificate that a port shows."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, context.wrap_socket(plain, server_hostname="localhost") as stream:
        return stream.getpeercert(binary_form=True)


def test_the_public_port_has_tls_whose_certificate_can_be_replaced(suite, certificates):
    folder, replace, authority = certificates
    with Edge(suite, "public", "--public-tls", folder) as edge:
        head, body = edge.curl("--cacert", authority, "-H", f"authorization: Bearer {suite.api_key}", scheme="https", retry=True)
        assert head.startswith("http/2 200") and json.loads(body)["data"] is not None
        credentials = grpc.ssl_channel_credentials(authority.read_bytes())
        with grpc.secure_channel(f"localhost:{edge.port}", credentials) as channel:
            channel.unary_unary("/example.v1.EntityService/ListEntities")(b"", metadata=[("authorization", f"Bearer {suite.api_key}")], timeout=10)
        before = shown(edge.port)
        replace()
        until = time.monotonic() + 20
        while shown(edge.port) == before:
            assert time.monotonic() < until, "the new certificate is not shown"
            time.sleep(0.1)
        assert edge.curl("--cacert", authority, "-H", f"authorization: Bearer {suite.api_key}", scheme="https")[0].startswith("http/2 200")
        # Without TLS there is no answer.
        assert subprocess.run(["curl", "-s", "--max-time", "5", f"http://localhost:{edge.port}/livez"], capture_output=True).returncode != 0


def test_more_calls_than_are_let_in_are_told_so(suite):
    with Edge(suite, "limited", "--rate", "5") as edge:
        # The health of the edge itself is no call.
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


def test_pages_of_named_origins_may_call(suite):
    preflight = ["-X", "OPTIONS", "-H", "access-control-request-method: POST", "-H", "access-control-request-headers: idempotency-key"]
    with Edge(suite, "origins", "--origins", r"https://shop\.example") as edge:
        head, _ = edge.curl(*preflight, "-H", "origin: https://shop.example")
        assert "access-control-allow-origin: https://shop.example" in head and "idempotency-key" in head
        head, _ = edge.curl(*preflight, "-H", "origin: https://evil.example")
        assert "access-control-allow-origin" not in head
        head, _ = edge.curl("-H", "origin: https://shop.example", "-H", f"authorization: Bearer {suite.api_key}")
        assert "idempotency-replayed" in head


def test_nothing_of_the_inside_is_outside(suite):
    status, fields, _ = suite.curl("GET", "/api/v1/resource?pageSize=1")
    assert status == 200
    assert not [name for name in fields if name.startswith("x-envoy") or name == "groundplan-untouched"], fields


def test_a_header_with_an_underscore_is_refused_in_words(suite):
    status, _, refused = suite.curl("GET", "/api/v1/resource?pageSize=1", headers=["x_request_id: 1"])
    assert status == 400 and refused["error"]["code"] == "INVALID_INPUT" and "underscore" in refused["error"]["message"], refused
    done = suite.grpcurl("-H", "x_request_id: 1", suite.address, "example.v1.EntityService/ListEntities", data={}, check=False)
    assert done.returncode != 0, done


def test_what_is_sent_again_is_what_only_reads(suite, stub):
    """The route of reads has the unary methods that are marked so, and no other."""
    template = (ROOT / "deploy/envoy/envoy.template.yaml").read_text()
    reads = re.search(r'name: reads\n +match: \{ safe_regex: \{ regex: "(.*)" \} \}', template)[1]
    names = [name for name in suite.grpcurl(suite.address, "list").stdout.split() if not name.startswith(("groundplan.", "grpc."))]
    methods = [method for name in names for method in stub.pool.FindServiceByName(name).methods]
    for method in methods:
        is_read = method.GetOptions().idempotency_level == method.GetOptions().NO_SIDE_EFFECTS and not method.server_streaming
        path = f"/{method.containing_service.full_name}/{method.name}"
        assert bool(re.fullmatch(reads, path)) == is_read, path
    assert len(methods) > 50
