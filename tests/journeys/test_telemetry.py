"""What operators see: one trace from a client through Envoy to the statement, metrics with a limited number of series, logs
without secrets."""

import base64
import collections
import concurrent.futures
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from collector import Collector, attributes
from conftest import Stub
from suite import PATIENCE, RECORDS, ROOT, SCHEMAS, SPLIT, Suite, free_port

pytestmark = pytest.mark.split("traces, metrics and logs come from several processes")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Observed(Suite):
    """A suite with an admin port for each process, that exports to a collector, and logs everything as JSON."""

    addresses = RECORDS + SCHEMAS if SPLIT else ("127.0.0.1",)

    def __init__(self, collector):
        super().__init__()
        self.collector = collector
        self.admin = free_port()

    def environment(self, **more):
        return super().environment(GROUNDPLAN_ADMIN_PORT=str(self.admin), OTEL_EXPORTER_OTLP_ENDPOINT=self.collector.endpoint,
                                   OTEL_METRIC_EXPORT_INTERVAL="500", OTEL_BSP_SCHEDULE_DELAY="200", OTEL_BLRP_SCHEDULE_DELAY="200",
                                   GROUNDPLAN_LOG="debug", GROUNDPLAN_LOG_FORMAT="json", GROUNDPLAN_TRACE_STATEMENTS="true", **more)

    def ask(self, path, address="127.0.0.1", accept="*/*"):
        request = urllib.request.Request(f"http://{address}:{self.admin}{path}", headers={"accept": accept})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def logged(self):
        """Returns the log messages of all processes."""
        return b"".join(file.read_bytes() for file in sorted(self.logs.glob("*.log")) if file.name not in ("access.log", "envoy.log"))

    def series(self):
        """Returns the name and labels of each series of /metrics, with its value, added over all processes."""
        found = collections.Counter()
        for line in "".join(self.ask("/metrics", address) for address in self.addresses).splitlines():
            if not line.startswith("#"):
                name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
                labels = dict(re.findall(r'(\w+)="([^"]*)"', labels or ""))
                labels = {key: value for key, value in labels.items() if not key.startswith("otel_scope")}
                found[name, frozenset(labels.items())] += float(value)
        return found


@pytest.fixture(scope="module")
def observed():
    with Collector() as collector:
        suite = Observed(collector)
        suite.start()
        yield suite
        suite.close()


def until(condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)
    return found


def test_one_trace_from_the_client_to_the_statement(observed):
    stub = Stub(observed)
    request = stub.message("example.v1.CreateEntityRequest")(entity={"field1": "traced"})
    metadata = stub.metadata + [("traceparent", f"00-{TRACE}-{PARENT}-01")]
    stub.call("example.v1.EntityService/CreateEntity", request, metadata=metadata)
    stub.channel.close()

    def traced():
        spans = [span for _, span in observed.collector.spans() if span.trace_id.hex() == TRACE]
        names = {span.name for span in spans}
        return spans if names >= {"router", "queue", "validate", "statement"} and any(not_statement(span) for span in spans) else None

    def not_statement(span):
        return span.name == "/example.v1.EntityService/CreateEntity"

    spans = until(traced)
    by_id = {span.span_id.hex(): span for span in spans}
    call = next(span for span in spans if not_statement(span))
    assert call.parent_span_id.hex() == PARENT
    assert attributes(call)["rpc.service"] == "example.v1.EntityService" and attributes(call)["rpc.method"] == "CreateEntity"
    statement = next(span for span in spans if span.name == "statement")
    text = attributes(statement)["db.query.text"]
    assert text.startswith("WITH") or "INSERT INTO" in text, text
    assert "traced" not in text
    above = statement
    while above is not call:
        above = by_id[above.parent_span_id.hex()]
    assert attributes(call)["rpc.system"] == "grpc"
    # The log of the call belongs to the same trace.
    until(lambda: any(record.trace_id.hex() == TRACE for record in observed.collector.logs()))


def test_a_transaction_shows_its_commit(observed):
    trace = "af7651916cd43dd8448eb211c80319c0"
    requests = [{"field1": "one"}, {"field1": "two"}]
    observed.curl("POST", "/api/v1/resource:batchCreate", body={"requests": [{"entity": each} for each in requests]},
                  headers=(f"traceparent: 00-{trace}-{PARENT}-01",))
    until(lambda: any(span.trace_id.hex() == trace and span.name == "commit" for _, span in observed.collector.spans()))


def test_errors_name_their_trace(observed):
    headers = ("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)
    _, fields, answer = observed.curl("GET", "/api/v1/resource/0198c0de-7a5e-7c3b-9d41-0242ac120002", headers=headers)
    assert {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "0af7651916cd43dd8448eb211c80319c"} in answer["error"]["details"]
    timing = re.fullmatch(r"queue;dur=([\d.]+), db;dur=([\d.]+), total;dur=([\d.]+)", fields["server-timing"])
    queue, database, total = map(float, timing.groups())
    assert database > 0 and queue + database < total
    stub = Stub(observed)
    request = stub.message("example.v1.GetEntityRequest")(id="0198c0de-7a5e-7c3b-9d41-0242ac120002")
    with pytest.raises(grpc.RpcError) as refused:
        stub.call("example.v1.EntityService/GetEntity", request, metadata=stub.metadata + [("traceparent", f"00-{TRACE}-{PARENT}-01")])
    stub.channel.close()
    info = error_details_pb2.RequestInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(refused.value).details) and info.request_id == TRACE


def test_a_statement_names_its_span(observed):
    """In a comment, like sqlcommenter: PostgreSQL's views and its log lead to the trace."""
    trace = "b7ad6b7169203331af7651916cd43dd8"
    shown = f"SELECT left(query, 75) FROM pg_stat_activity WHERE query LIKE '%{trace}%' AND pid <> pg_backend_pid()"

    def comments():
        observed.curl("GET", "/api/v1/resource?pageSize=1", headers=(f"traceparent: 00-{trace}-{PARENT}-01",))
        return observed.psql(shown)
    comment = until(comments)[0]
    named = re.fullmatch(rf"/\*traceparent='00-{trace}-([0-9a-f]{{16}})-01'\*/.*", comment)[1]
    span = until(lambda: [span for _, span in observed.collector.spans() if span.span_id.hex() == named])[0]
    assert span.name == "statement"
    # An unsampled statement costs no extra round trip.
    trace = trace[::-1]
    observed.curl("GET", "/api/v1/resource?pageSize=1", headers=(f"traceparent: 00-{trace}-{PARENT}-00",))
    assert not observed.psql(f"SELECT query FROM pg_stat_activity WHERE query LIKE '%{trace}%' AND pid <> pg_backend_pid()")


CANARY = "canary-of-a-slow-call"


def slow_call(observed):
    """Returns the log of a call while another session locks its table for longer than GROUNDPLAN_SLOW_CALL."""
    words = ["psql", "-X", "-q", "-h", observed.socket_folder(), "-U", "groundplan", "-d", "groundplan"]
    holder = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    holder.stdin.write("BEGIN; LOCK TABLE example_v1.entity IN ACCESS EXCLUSIVE MODE;\n")
    holder.stdin.flush()

    def locks(which):
        return observed.psql(f"SELECT 1 FROM pg_locks WHERE {which} AND relation = 'example_v1.entity'::regclass")

    until(lambda: locks("mode = 'AccessExclusiveLock' AND granted"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(observed.curl, "GET", f"/api/v1/resource?pageSize=7&filter=field1%20==%20%22{CANARY}%22&allowScan=true")
        until(lambda: locks("NOT granted"))
        time.sleep(1.2)
        holder.communicate("COMMIT;\n", timeout=PATIENCE)
        status, fields, _ = call.result()
    assert status == 200 and holder.returncode == 0
    assert float(re.search(r"db;dur=([\d.]+)", fields["server-timing"])[1]) > 500
    told = [json.loads(line) for line in observed.logged().splitlines() if b'"a slow call"' in line]
    return [one for one in told if one["span"]["path"] == "/api/v1/resource"][-1]


def test_a_slow_call_logs_its_statement_and_plan(observed):
    told = slow_call(observed)
    for _ in range(5):  # if something else was slow on this machine: there is one plan in ten seconds
        if "plan" in told:
            break
        time.sleep(10)
        told = slow_call(observed)
    assert told["statement_us"] <= told["statements_us"] <= told["took_us"]
    assert "example_v1" in told["statement"] and CANARY not in told["statement"]
    assert re.search(r"(Scan|Limit).*entity", told["plan"]) and CANARY not in told["plan"], told


def test_a_slow_bucket_has_an_exemplar(observed):
    """Prometheus requests OpenMetrics, which has exemplars."""
    trace = "c43dd8448eb211c80319c0af7651916c"
    observed.curl("GET", "/api/v1/resource?pageSize=1", headers=(f"traceparent: 00-{trace}-{PARENT}-01",))
    texts = [observed.ask("/metrics", address, accept="application/openmetrics-text; version=1.0.0") for address in observed.addresses]
    assert all(text.endswith("\n# EOF\n") for text in texts)
    lines = [line for text in texts for line in text.splitlines() if trace in line]
    [line] = lines
    assert re.fullmatch(r'groundplan_call_duration_seconds_bucket\{.*method="ListEntities".*le="[^"]+"\} \d+ # \{trace_id="\w{32}"\} [\d.e-]+ [\d.]+', line)
    assert "# TYPE groundplan_calls counter\n" in texts[0]


def test_invented_names_create_no_series(observed):
    stub = Stub(observed)
    for at in range(20):
        for path in (f"made.up.v1.Service{at}/Call", f"example.v1.EntityService/Made{at}", f"groundplan.schema.v1.SchemaService/Made{at}"):
            call = stub.channel.unary_unary(f"/{path}")
            with pytest.raises(grpc.RpcError):
                call(b"", metadata=stub.metadata, timeout=PATIENCE)
        observed.curl("GET", f"/api/v1/made-up-{at}")
        observed.curl("GET", f"/api/v1/resource/{at}")
    stub.channel.close()
    series = observed.series()
    calls = {labels for name, labels in series if name == "groundplan_calls_total"}
    assert not any("made" in value.lower() for labels in calls for _, value in labels), calls
    get = frozenset({"service": "example.v1.EntityService", "method": "GetEntity", "code": "INVALID_ARGUMENT"}.items())
    assert series["groundplan_calls_total", get] >= 20
    assert ("groundplan_calls_total", frozenset({"service": "other", "method": "other", "code": "UNIMPLEMENTED"}.items())) in series


def test_the_documented_metrics_exist(observed):
    """docs/telemetry.md lists every metric with its labels, and nothing else."""
    rows = re.findall(r"^\| `(groundplan_\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs" / "telemetry.md").read_text(), re.M)
    documented = {name: {label.strip(" `") for label in labels.split(",") if label.strip() not in ("", "–")} for name, _, labels in rows}
    observed.curl("GET", "/api/v1/resource")
    observed.curl("GET", "/api/v1/resource", authorized=False)
    found = {}
    for name, labels in observed.series():
        if name.startswith("groundplan_"):
            name = re.sub(r"_(bucket|sum|count)$", "", name)
            found.setdefault(name, set()).update(key for key, _ in labels if key != "le")
    # A counter of events that have not happened.
    found.setdefault("groundplan_connections_refused_total", {"reason"})
    assert found == documented
    kinds = dict(re.findall(r"^# TYPE (groundplan_\w+) (\w+)", "".join(observed.ask("/metrics", one) for one in observed.addresses), re.M))
    assert {name: kind for name, kind, _ in rows if name in kinds} == kinds


def test_the_admin_port_is_for_health_and_metrics_only(observed):
    assert json.loads(observed.ask("/livez")) == {"status": "ok"} and json.loads(observed.ask("/readyz")) == {"status": "ok"}
    for path in ("/api/v1/resource", "/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            observed.ask(path)
        assert refused.value.code == 404
    assert {"groundplan.calls", "groundplan.eventlog.lag", "groundplan.pool.connections"} <= until(observed.collector.metrics)


def test_no_secret_and_no_value_reaches_logs_or_the_collector(observed):
    """Canaries in fields, filters, ids and keys, with everything logged."""
    canary = "canary-7b1f4e"
    stub = Stub(observed)
    created = stub.call("example.v1.EntityService/CreateEntity", stub.message("example.v1.CreateEntityRequest")(entity={"field1": f"{canary}-field"}))
    stub.channel.close()
    observed.curl("GET", f"/api/v1/resource?filter=field1%20==%20%22{canary}-filter%22")
    observed.curl("POST", "/api/v1/resource", body={"field1": f"{canary}-rest", "field2": "no number"})
    observed.curl("PATCH", f"/api/v1/resource/{created.id}", body={"field1": f"{canary}-patch"})
    observed.curl("GET", "/api/v1/resource", authorized=False, headers=(f"authorization: Bearer {canary}-key",))
    observed.curl("POST", "/api/v1/resource", body={"field1": f"{canary}-once"}, headers=(f"idempotency-key: {canary}-id",))
    # The records of these calls have arrived when those of a later call have.
    last = "5cd43dd8448eb211c80319c0af765191"
    observed.curl("GET", "/api/v1/resource?pageSize=1", headers=(f"traceparent: 00-{last}-{PARENT}-01",))
    until(lambda: any(span.trace_id.hex() == last for _, span in observed.collector.spans()))
    until(lambda: any(record.trace_id.hex() == last for record in observed.collector.logs()))
    logs = observed.logged()
    assert created.id.encode() in logs and observed.collector.logs(), "there are no logs"
    sent = b"".join(observed.collector.raw)
    for where in (logs, sent):
        for secret in (canary, observed.api_key):
            for form in forms(secret):
                assert form not in where, form


def forms(secret):
    """Returns the forms of a secret in a log: plain, as a list of bytes (the Debug form of a bound value), as hexadecimal
    digits or as base64."""
    raw = secret.encode()
    return raw, ", ".join(map(str, raw)).encode(), raw.hex().encode(), base64.b64encode(raw)[:len(raw) // 3 * 4]


def test_the_connection_metric_counts_callers(observed):
    """Scrapes of the metrics do not count."""
    def count():
        return observed.series()["groundplan_connections_open", frozenset()]
    # Envoy opens a few to each process, and their number varies.
    before = count()
    callers = [socket.create_connection(("127.0.0.1", observed.port + (10002 if SPLIT else 10000))) for _ in range(40)]
    try:
        until(lambda: count() >= before + 20)
    finally:
        for caller in callers:
            caller.close()
    until(lambda: count() < before + 20)
