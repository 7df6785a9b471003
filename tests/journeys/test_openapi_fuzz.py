"""schemathesis reads `/api/openapi.json` and calls everything in it, with valid and invalid requests: the responses match
the document.

`GROUNDPLAN_FUZZ_EXAMPLES` is the number of calls of each kind to each operation."""

import os
import random
import subprocess

import pytest

from seeds import SEED
from suite import TOOLS, Suite

EXAMPLES = os.environ.get("GROUNDPLAN_FUZZ_EXAMPLES", "3")

# All checks except one.
SETTINGS = """
[checks]
# A schema cannot describe CEL, page tokens, etags, rules across fields and references to records: many requests that match it are
# rejected correctly. The other journeys test that valid calls are accepted.
positive_data_acceptance.enabled = false
# A condition is checked before the body: RFC 9110 leaves the order open. And a body can be too large.
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "431"]

[phases.coverage]
# All but QUERY, which has no RFC yet: Envoy itself rejects it, with 400, without a Content-Type.
unexpected-methods = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"]
"""


@pytest.fixture(scope="module")
def fuzzed():
    """A separate suite, because the records stay in it."""
    suite = Suite()
    suite.start()
    yield suite
    suite.close()


def test_schemathesis_finds_no_failure(fuzzed):
    settings = fuzzed.folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    print(f"GROUNDPLAN_SEED={SEED} GROUNDPLAN_FUZZ_EXAMPLES={EXAMPLES}")
    done = subprocess.run(
        [TOOLS / "schemathesis", "--config-file", settings, "run", f"{fuzzed.url}/api/openapi.json",
         "--header", f"Authorization: Bearer {fuzzed.api_key}", "--seed", str(SEED), "--max-examples", EXAMPLES,
         # Streams do not end; the journeys of watches test them.
         "--exclude-by", "/x-groundplan-streams == true", "--continue-on-failure",
         # With one thread: two that parse Python at the same time crash CPython 3.11 with "AST constructor recursion depth
         # mismatch".
         "--workers", "1", "--generation-database", "none", "--no-color", "--output-truncate", "false"],
        cwd=fuzzed.folder, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-5_000:]
    document = fuzzed.curl("GET", "/api/openapi.json")[2]
    operations = [operation for path in document["paths"].values() for verb, operation in path.items()
                  if verb in ("get", "post", "put", "patch", "delete")]
    streams = sum(operation.get("x-groundplan-streams", False) for operation in operations)
    assert streams == 5, "one of each model"
    assert f"Tested: {len(operations) - streams}" in done.stdout, done.stdout[-3_000:]
    assert fuzzed.curl("GET", "/api/v1/resource")[0] == 200


def test_the_document_needs_a_key(fuzzed):
    for headers in ([], ["authorization: Bearer wrong"]):
        status, fields, body = fuzzed.curl("GET", "/api/openapi.json", headers=headers, authorized=False)
        assert (status, body["error"]["code"], fields["www-authenticate"]) == (401, "UNAUTHENTICATED", "Bearer")


def test_random_paths_and_queries_cause_no_server_error(fuzzed):
    """Sends random paths and queries that no schema describes. No response is a 5xx except 501, and each one is an envelope."""
    dice = random.Random(SEED)
    pieces = ["books", "authors", ":batchGet", ":aggregate", ":explainList", ":", "%3A", "/", "//", "?", "&", "=", "filter", "orderBy", "pageSize",
              "readMask", "expand", "count", "skip", "pageToken", "allowScan", "id", "title", "author", ",", ".", "..", "%00", "%ff", "%20", "%22",
              "%27", "%5C", "+", "-1", "1e9", "9" * 30, "true", "EXACT", "*", "$1", "--", ";", "(", ")", "[", "]", "'", "%F0%9F%98%80", "~", "@"]
    for _ in range(150):
        path = "/api/v1/" + "".join(dice.choices(pieces, k=dice.randint(1, 8)))
        method = dice.choice(["GET", "GET", "GET", "POST", "DELETE"])
        status, fields, body = fuzzed.curl(method, path.replace("[", "%5B").replace("]", "%5D"), headers=["expect:"])
        assert status < 500 or status == 501, (method, path, body)
        if status >= 400:
            assert fields["content-type"] == "application/json" and body["error"]["message"], (method, path, body)
