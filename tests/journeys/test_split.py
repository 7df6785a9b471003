"""Properties of the split suite: three equivalent records, certificates, and processes that die alone."""

import concurrent.futures
import subprocess
import threading

import pytest

from conftest import Stub
from split import RECORDS, SCHEMAS, Processes
from suite import BINARY, ROOT, Suite

pytestmark = pytest.mark.only_split

TICKET = """
syntax = "proto3";
package split.v1;
import "groundplan/model/v1/model.proto";
message Ticket {
  option (groundplan.model.v1.model) = { resource: "split-tickets" };
  string id = 1;
  string title = 2;
}
"""

ONCE = TICKET.replace("split.v1", "once.v1").replace("split-tickets", "once-tickets")


@pytest.fixture(scope="module")
def suite():
    """A suite without other applies."""
    running = Suite()
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture
def processes(suite):
    return Processes(suite)


def all_are_well(processes):
    """Waits until each process is ready, and Envoy knows it."""
    for address in RECORDS + SCHEMAS:
        processes.wait(lambda: processes.ready(address, "schema" if address in SCHEMAS else "records"), f"{address} is ready")
    processes.wait(processes.known, "Envoy knows that all are well")


def test_tokens_and_request_ids_are_valid_at_all_processes(processes):
    """Page tokens, resume tokens and request ids."""
    first, second, third = RECORDS
    made = []
    for at in range(5):
        header = f'idempotency-key: "split-{at}"'
        answers = [processes.curl(address, "POST", "/api/v1/publishers", {"displayName": f"Split {at}"}, [header]) for address in RECORDS]
        assert [answer[1] for answer in answers] == [201] * 3, answers
        assert len({answer[2]["data"]["id"] for answer in answers}) == 1, "one record for one request id"
        made.append(answers[0][2]["data"]["id"])
    listed, token = [], ""
    for address in (first, second, third):
        code, status, page = processes.curl(address, "GET", f"/api/v1/publishers?pageSize=2&filter=displayName.startsWith(%22Split%22)&pageToken={token}")
        assert (code, status) == (0, 200), page
        listed += [record["id"] for record in page["data"]]
        token = page["nextPageToken"]
    assert sorted(listed) == sorted(made) and token == ""
    for address in RECORDS:
        for identity in made:
            assert processes.curl(address, "GET", f"/api/v1/publishers/{identity}")[1] == 200, "written values are read everywhere"


def test_every_process_serves_the_applied_models(suite, processes, tmp_path):
    (tmp_path / "ticket.proto").write_text(TICKET)
    assert processes.curl(RECORDS[0], "GET", "/api/v1/split-tickets")[1] == 404
    suite.run("apply", ROOT / "examples", tmp_path, API_KEY=suite.api_key)
    for address in RECORDS:
        assert processes.curl(address, "GET", "/api/v1/split-tickets")[1] == 200
        assert "/api/v1/split-tickets" in processes.curl(address, "GET", "/api/openapi.json")[2]["paths"]


def test_permissions_of_services(processes):
    address = RECORDS[1]
    assert processes.curl(address, "GET", "/api/v1/resource")[:2] == (0, 200)
    for caller in ("records", "operator"):
        _, status, refused = processes.curl(address, "GET", "/api/v1/resource", caller=caller)
        assert status == 403 and refused["error"]["details"][0]["reason"] == "PERMISSION_DENIED", refused
        assert caller in refused["error"]["message"] and "/api/v1/resource" in refused["error"]["message"]
        assert processes.curl(address, "GET", "/readyz", caller=caller)[1] == 200
    assert processes.curl(address, "GET", "/api/v1/resource", key="wrong")[1] == 401, "a certificate is not a credential"
    code, status, _ = processes.curl(address, "GET", "/readyz", caller=None)
    assert code != 0 and status == 0
    report = "/groundplan.schema.v1.DistributionService/ReportProgress"
    for caller, allowed in (("records", True), ("envoy", False)):
        _, status, answer = processes.curl(SCHEMAS[0], "GET", report, caller=caller, service="schema")
        assert (status != 403) == allowed, (caller, answer)
    for caller, allowed in (("records", True), ("envoy", True), ("operator", False)):
        _, status, answer = processes.curl(SCHEMAS[0], "GET", "/groundplan.schema.v1.SchemaService/GetRevision", caller=caller, service="schema")
        assert (status != 403) == allowed, (caller, answer)


def test_the_command_line_by_mutual_tls(suite, processes):
    """Calls a service directly, without Envoy, as the name in the certificate."""
    def plan(caller, scheme="https"):
        files = {"CERT": f"{caller}.pem", "KEY": f"{caller}.key", "CA": "ca.pem"}
        more = {f"GROUNDPLAN_TLS_{name}": str(processes.certificates / file) for name, file in files.items()}
        address = f"{scheme}://{SCHEMAS[1]}:{processes.port('schema')}"
        return suite.run("plan", ROOT / "examples", check=False, API_KEY=suite.api_key, GROUNDPLAN_ADDRESS=address, **more)
    # 2 if other tests have applied more than the examples.
    assert plan("records").returncode in (0, 2)
    refused = plan("operator")
    assert refused.returncode == 1 and "operator" in refused.stderr and "GROUNDPLAN_TLS_ALLOW" in refused.stderr, refused
    assert plan("records", "http").returncode == 1


def test_a_service_can_read_only_its_tables(suite):
    for role, other in (("groundplan_schema", "groundplan_records.secrets"), ("groundplan_records", "groundplan_schema.revisions"),
                        ("groundplan_schema", "example_v1.entity")):
        done = suite.tool("psql", "-X", "-h", suite.socket_folder(), "-U", role, "-d", "groundplan", "-c", f"SELECT count(*) FROM {other}", check=False)
        assert done.returncode == 1 and "permission denied" in done.stderr, done


class Calling:
    """Calls continuously through Envoy. `failures` are the failed calls."""

    def __init__(self, suite):
        self.stub, self.failures, self.calls, self.over = Stub(suite), [], 0, threading.Event()
        # Loaded by reflection before a process is killed.
        self.request = self.stub.message("example.v1.ListEntitiesRequest")(page_size=1)
        self.stub.call("example.v1.EntityService/ListEntities", self.request)
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            try:
                self.stub.call("example.v1.EntityService/ListEntities", self.request)
                self.calls += 1
            except Exception as error:  # every kind of failure counts
                self.failures.append(error)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.stub.channel.close()


def test_certificates_are_replaced_while_clients_call(suite, processes):
    before = {address: processes.certificate(address) for address in RECORDS}
    before |= {address: processes.certificate(address, "schema") for address in SCHEMAS}
    names = ("--dns", SCHEMAS[0], "--dns", SCHEMAS[1], *(word for address in RECORDS for word in ("--dns", address)))
    with Calling(suite) as calling:
        subprocess.run([BINARY, "dev-certs", "--out", processes.certificates, *names, "--force"], check=True, capture_output=True)
        for address in RECORDS:
            processes.wait(lambda: processes.certificate(address) != before[address], f"{address} uses its new certificate")
        for address in SCHEMAS:
            processes.wait(lambda: processes.certificate(address, "schema") != before[address], f"schema on {address} uses its new certificate")
        # New connections, with the new certificates.
        for address in RECORDS:
            processes.wait(processes.kill(f"records-{address}", 15), "another is started")
            processes.wait(lambda: processes.ready(address), "it is ready")
    assert calling.calls > 100 and calling.failures == []


def test_records_serves_without_schema(suite, processes):
    with Calling(suite) as calling:
        there = [processes.kill(f"schema-{address}") for address in SCHEMAS]
        for other in there:
            processes.wait(other, "another is started")
    assert calling.calls > 10 and calling.failures == []
    processes.wait(lambda: suite.run("plan", ROOT / "examples", check=False, API_KEY=suite.api_key).returncode in (0, 2), "schema responds again")


def test_the_same_apply_at_two_processes_is_executed_once(suite, processes, tmp_path):
    files = {"CERT": "records.pem", "KEY": "records.key", "CA": "ca.pem"}
    files = {f"GROUNDPLAN_TLS_{name}": str(processes.certificates / file) for name, file in files.items()}
    (tmp_path / "ticket.proto").write_text(TICKET)
    (tmp_path / "once.proto").write_text(ONCE)
    live = "SELECT count(*) FROM groundplan_schema.revisions WHERE state = 2"
    before = int(suite.psql(live)[0])
    all_are_well(processes)

    def apply(address):
        where = {"GROUNDPLAN_ADDRESS": f"https://{address}:{processes.port('schema')}", "API_KEY": suite.api_key}
        return suite.run("apply", ROOT / "examples", tmp_path, check=False, **files, **where)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(apply, SCHEMAS * 2))
    assert any(one.returncode == 0 for one in applied), applied
    # A caller who learns that another apply runs can retry, and finds it applied.
    assert all(apply(address).returncode == 0 for address in SCHEMAS)
    assert int(suite.psql(live)[0]) == before + 1, applied
    assert suite.psql("SELECT count(*) FROM groundplan_schema.revisions WHERE state = 1") == ["0"], "none is left in preparation"


def test_an_apply_succeeds_when_a_schema_process_dies(suite, processes, tmp_path):
    """The other process continues with its data: no state of an apply is in the memory of only one process."""
    file = tmp_path / "ticket.proto"
    file.write_text(TICKET)
    (tmp_path / "once.proto").write_text(ONCE)
    suite.run("apply", ROOT / "examples", tmp_path, API_KEY=suite.api_key)
    all_are_well(processes)
    for at, address in enumerate(SCHEMAS * 2):
        there = processes.kill(f"schema-{address}")
        file.write_text(file.read_text().rstrip().removesuffix("}") + f"  string added{at} = {at + 10};\n}}\n")
        applied = suite.run("apply", ROOT / "examples", tmp_path, API_KEY=suite.api_key, check=False)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        for records in RECORDS:
            created = processes.curl(records, "POST", "/api/v1/split-tickets", {f"added{at}": records})
            assert created[1] == 201 and created[2]["data"][f"added{at}"] == records, created
        processes.wait(there, "another is started")
        all_are_well(processes)


def test_reads_succeed_when_a_process_dies(suite, processes):
    """Envoy retries its calls at another."""
    with Calling(suite) as first, Calling(suite) as second:
        for address in RECORDS:
            there = processes.kill(f"records-{address}")
            before = first.calls
            processes.wait(lambda: first.calls > before + 20, "calls continue")
            processes.wait(there, "another is started")
            processes.wait(lambda: processes.ready(address), "it is ready")
    assert first.failures == [] and second.failures == []
