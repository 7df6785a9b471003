"""Watches of a model by every client during writes, through Envoy: their events, how they resume, and how they end."""

import base64
import signal
import subprocess
import sys
import threading
import time
import uuid

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from grpc_status import rpc_status
from google.rpc import error_details_pb2

from conftest import Stub
from followers import PATIENCE, by_buf, by_curl, by_generated_stub, by_grpcurl, changes, of_message
from suite import ROOT

WATCH = "example.v1.EntityService/WatchEntities"
TOKEN = "the token is not valid here"


@pytest.fixture
def mark():
    """A text that only the records of this test have."""
    return uuid.uuid4().hex[:12]


@pytest.fixture(scope="module")
def stubs(suite, tmp_path_factory):
    """Python stubs that protoc generated from the output of `groundplan generate`."""
    out, made = tmp_path_factory.mktemp("proto"), tmp_path_factory.mktemp("stubs")
    suite.run("generate", ROOT / "examples", "--out", out)
    files = [str(path.relative_to(out)) for path in out.rglob("*.proto")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", out, f"--python_out={made}", f"--grpc_python_out={made}", *files], check=True)
    return made


class StubFollower:
    """A client that loads its types by reflection."""

    name = "reflected stub"

    def __init__(self, suite, request):
        self.stub, self.events, self.error = Stub(suite), [], None
        # Reflection is called again before the first call: only then does the watch start.
        self.call = self.stub.stream(WATCH, self.stub.message("example.v1.WatchEntitiesRequest")(**request), timeout=300)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for message in self.call:
                self.events.append(of_message(MessageToDict(message)))
        except grpc.RpcError as error:
            self.error = error

    def wait(self, condition, what):
        until = time.monotonic() + PATIENCE
        while not condition(self.events):
            assert time.monotonic() < until, (what, self.events, self.error)
            time.sleep(0.02)
        return self

    def begun(self):
        return self.wait(lambda events: events, "the first event")

    def changes(self, count):
        self.wait(lambda events: len(changes(events)) >= count, f"{count} changes")
        return changes(self.events)[:count]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call.cancel()
        self.thread.join()
        self.stub.channel.close()


def seen(events):
    """Returns the parts of events that are equal on both protocols."""
    return [(event["kind"], event["data"]["field1"], event["data"].get("field2", 0), event.get("removal"), event.get("changedFields"),
             event["transaction"], event["time"]) for event in events]


@pytest.mark.split("each client watches at another process")
def test_every_client_sees_the_same(suite, stubs, mark):
    query = {"filter": f'field1.startsWith("{mark}") && field2 < 10.0'}
    followers = [by_curl(suite, "resource", **query), by_grpcurl(suite, WATCH, query), by_buf(suite, WATCH, query),
                 StubFollower(suite, query), by_generated_stub(suite, stubs, query)]
    try:
        for follower in followers:
            follower.begun()
        path = f"/api/v1/resource/{create(suite, mark + ' one')}"
        suite.curl("PATCH", path, {"field2": 5})
        suite.curl("PATCH", path, {"field2": 20})    # leaves the filter
        suite.curl("PATCH", path, {"field2": 21})    # is not delivered
        suite.curl("PATCH", path, {"field2": 3})     # enters it
        assert suite.curl("DELETE", path)[0] == 204
        create(suite, mark + " two")
        expected = None
        for follower in followers:
            found = seen(follower.changes(6))
            assert [(kind, field2, removal) for kind, _, field2, removal, *_ in found] == [
                ("CREATED", 0, None), ("UPDATED", 5, None), ("REMOVED", 5, "NO_MATCH"), ("CREATED", 3, None), ("REMOVED", 3, "DELETED"),
                ("CREATED", 0, None)], follower.name
            assert [set(fields or ()) for _, _, _, _, fields, *_ in found][1:3] == [{"field2", "updatedAt"}, set()], follower.name
            assert expected in (None, found), follower.name
            expected = found
        assert len({transaction for *_, transaction, _ in expected}) == 6
    finally:
        for follower in followers:
            follower.__exit__()


def test_initial_then_synced_then_changes(suite, mark):
    for at in range(3):
        create(suite, f"{mark} {at}")
    query = {"filter": f'field1.startsWith("{mark}")'}
    with by_curl(suite, "resource", start="INITIAL", **query) as rest, by_grpcurl(suite, WATCH, query | {"start": "START_INITIAL"}) as rpc:
        for follower in (rest, rpc):
            follower.wait(lambda events: any(event["kind"] == "SYNCED" for event in events), "SYNCED")
            assert sorted(event["data"]["field1"] for event in follower.events[:3]) == [f"{mark} {at}" for at in range(3)]
            assert [event["kind"] for event in follower.events] == ["CREATED"] * 3 + ["SYNCED"]
            assert not any(event.get("transaction") or event.get("token") for event in follower.events[:3]) and follower.events[3]["token"]
        create(suite, f"{mark} 3")
        assert seen(rest.changes(4)[3:]) == seen(rpc.changes(4)[3:])


def test_masks_and_previous(suite, mark):
    path = f"/api/v1/resource/{create(suite, mark)}"
    id, filter = path.rsplit("/", 1)[1], f'field1 == "{mark}"'
    with by_curl(suite, "resource", filter=filter, readMask="field2", withPrevious="true") as rest, \
            by_grpcurl(suite, WATCH, {"filter": filter, "readMask": {"paths": ["field2"]}, "withPrevious": True}) as rpc:
        rest.begun()
        rpc.begun()
        suite.curl("PATCH", path, {"field2": 7})
        rest, rpc = rest.changes(1)[0], rpc.changes(1)[0]
    # The id is always included: without it, the record of an event is unknown.
    assert rpc["data"] == {"id": id, "field2": 7} and rpc["previous"] == {"id": id}
    assert rest["data"] == {"id": id, "field2": 7} and rest["previous"] == {"id": id, "field2": 0}


@pytest.mark.split("each process accepts tokens of the others")
def test_a_token_is_valid_on_both_protocols(suite, mark):
    query = {"filter": f'field1.startsWith("{mark}")'}
    with by_curl(suite, "resource", **query) as follower:
        first = follower.begun().events[0]["token"]
        create(suite, mark + " one")
        create(suite, mark + " two")
        second = follower.changes(2)[0]["token"]
    for token, left in ((first, ["one", "two"]), (second, ["two"])):
        expected = [f"{mark} {name}" for name in left]
        for follower in (by_grpcurl(suite, WATCH, query | {"token": token}), by_curl(suite, "resource", token=token, **query),
                         # A browser reconnects with its first URL: the header takes precedence.
                         by_curl(suite, "resource", f"last-event-id: {token}", start="INITIAL", **query)):
            with follower:
                assert [event["data"]["field1"] for event in follower.changes(len(left))] == expected
                assert follower.events[0]["kind"] == "BOOKMARK"


@pytest.mark.split("the writer and the watcher use different processes")
def test_several_models_in_commit_order(suite, mark):
    author = suite.curl("POST", "/api/v1/authors", {"givenName": "A", "familyName": mark})[2]["data"]["id"]
    publisher = suite.curl("POST", "/api/v1/publishers", {"displayName": mark})[2]["data"]["id"]
    books = [suite.curl("POST", "/api/v1/books", {"title": f"{mark} {at}", "author": author, "publisher": publisher})[2]["data"]["id"]
             for at in range(2)]
    models = [{"model": "library.v1.Book", "filter": f'title.startsWith("{mark}")', "readMask": {"paths": ["title", "publisher"]}},
              {"model": "library.v1.Publisher", "filter": f'display_name == "{mark}"'}]
    with by_grpcurl(suite, "groundplan.records.v1.RecordsService/WatchMany", {"models": models}) as follower:
        follower.begun()
        suite.curl("DELETE", f"/api/v1/publishers/{publisher}")    # clears the books' field in the same transaction
        events = follower.changes(3)
    assert len({event["transaction"] for event in events}) == 1
    updated = [event for event in events if event["model"] == "library.v1.Book"]
    assert {event["record"]["id"] for event in updated} == set(books)
    assert all(event["kind"] == "UPDATED" and not event["record"].get("publisher") for event in updated)
    assert [event["kind"] for event in events if event["model"] == "library.v1.Publisher"] == ["REMOVED"]


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc-web-text"])
def test_grpc_web(suite, stub, kind):
    request = b"\0\0\0\0\0"
    raw = base64.b64encode(request) if kind.endswith("text") else request
    client = subprocess.Popen(["curl", "-sSN", "--http1.1", "-H", f"authorization: Bearer {suite.api_key}", "-H", f"content-type: {kind}",
                               "-H", f"accept: {kind}", "-H", "x-grpc-web: 1", "--data-binary", "@-", f"{suite.url}/{WATCH}"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        client.stdin.write(raw)
        client.stdin.close()
        got = b""
        while True:
            chunk = client.stdout.read1(65536)
            assert chunk, got
            got += chunk
            frame = base64.b64decode(got[:len(got) // 4 * 4]) if kind.endswith("text") else got
            if len(frame) >= 5 and len(frame) >= 5 + int.from_bytes(frame[1:5], "big"):
                break
    finally:
        client.kill()
        client.wait()
    assert frame[0] == 0
    event = stub.message("example.v1.WatchEntitiesResponse").FromString(frame[5:5 + int.from_bytes(frame[1:5], "big")])
    assert event.kind == 5 and event.token, "a BOOKMARK"


# The mistake; the query of REST, the request of gRPC, the message on both, and the reason.
BAD = [
    ("a filter that ends early", "filter=field1%20%3D%3D", {"filter": "field1 =="}, "a value is missing (at 1:10)", "FILTER_INVALID"),
    ("a filter of another line", "filter=field2%20%3E%201.0%20%26%26%0A%20nothing%20%3E%203", {"filter": "field2 > 1.0 &&\n nothing > 3"},
     "has no field `nothing`", "FILTER_INVALID"),
    ("a filter by now", "filter=created_at%20%3C%20now", {"filter": "created_at < now"}, "a watch cannot filter by `now`", "FILTER_INVALID"),
    ("a mask of no field", "readMask=nothing", {"read_mask": {"paths": ["nothing"]}}, "nothing", "INVALID_FIELDS"),
    ("a token of nobody", "token=garbage", {"token": "garbage"}, TOKEN, "TOKEN_INVALID"),
    ("a long token", "token=" + "x" * 9000, {"token": "x" * 9000}, TOKEN, "TOKEN_INVALID"),
    ("a token and a start", "token=garbage&start=NOW", {"token": "garbage", "start": 1}, "must be left out with a token", "INVALID_FIELDS"),
]


@pytest.mark.parametrize("query, request_, words, reason", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input(suite, stub, query, request_, words, reason):
    status, fields, body = suite.curl("GET", f"/api/v1/resource:watch?{query}")
    assert (status, body["error"]["code"], fields["content-type"]) == (400, "INVALID_INPUT", "application/json"), body
    assert words in body["error"]["message"] and body["error"]["details"][0]["reason"] == reason, body
    code, message, info = refused(stub, request_)
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason) and words in message, message
    if "nothing >" in request_.get("filter", ""):
        places = [{name: found[name] for name in ("line", "column")} for found in (body["error"]["details"][0]["metadata"], info.metadata)]
        assert places == [{"line": "2", "column": "2"}] * 2 and "(at 2:2)" in message


def test_bad_input_of_rest_only(suite):
    for query, headers, words in (("filters=x", [], '"filters" is not a query parameter here; the nearest is filter'),
                                  ("start=LATER", [], '"start" must be one of NOW, INITIAL'), ("withPrevious=maybe", [], "withPrevious"),
                                  ("start=NOW&start=NOW", [], "start"),
                                  ("", ["last-event-id: " + "x" * 9216], '"Last-Event-ID" must be the id of one event: at most 8192 bytes'),
                                  ("", ["last-event-id: a b"], '"Last-Event-ID" must be the id of one event'),
                                  ("", ["last-event-id: garbage"], TOKEN)):
        status, _, body = suite.curl("GET", f"/api/v1/resource:watch?{query}", headers=headers)
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT") and words in body["error"]["message"], (query, body)
    status, fields, body = suite.curl("POST", "/api/v1/resource:watch", {})
    assert (status, body["error"]["code"]) == (405, "UNIMPLEMENTED") and "GET" in fields["allow"]
    assert suite.curl("GET", "/api/v1/resource:watch", authorized=False)[0] == 401


def test_bad_input_of_grpc_only(suite, stub):
    code, message, _ = refused(stub, {"start": 9})
    assert code == grpc.StatusCode.INVALID_ARGUMENT and "Start must be START_NOW or START_INITIAL" in message
    for models, words in (([], "1 to 20 models"), ([{"model": "nowhere.v1.Nothing"}], "models[0].model must be"),
                          ([{"model": "example.v1.Entity"}] * 2, "must be another one"),
                          ([{"model": "example.v1.Entity"}, {"model": "library.v1.Book", "filter": "pages > 3"}], "models[1]: filter: ")):
        many = suite.grpcurl(suite.address, "groundplan.records.v1.RecordsService/WatchMany", check=False, data={"models": models})
        assert "Code: InvalidArgument" in many.stderr and words in many.stderr, many.stderr


def test_a_token_belongs_to_its_watch(suite, stub):
    with by_curl(suite, "resource", filter="field2 > 3.0") as follower:
        token = follower.begun().events[0]["token"]
    for path in ("resource", "books"):
        status, _, body = suite.curl("GET", f"/api/v1/{path}:watch?token={token}")
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT") and TOKEN in body["error"]["message"]
    assert refused(stub, {"token": token, "filter": "field2 > 4.0"})[0] == grpc.StatusCode.INVALID_ARGUMENT


def test_an_old_token_and_one_of_another_log(suite_of_its_own):
    suite = suite_of_its_own
    suite.start()
    with by_curl(suite, "resource") as follower:
        old = follower.begun().events[0]["token"]
    for _ in range(3):
        create(suite, "x")
    # Like the retention, some days later.
    suite.psql("UPDATE groundplan_records.event_log SET dropped_through = 2")
    stub = Stub(suite)
    status, _, body = suite.curl("GET", f"/api/v1/resource:watch?token={old}")
    assert (status, body["error"]["code"]) == (410, "GONE") and "older than the event log" in body["error"]["message"], body
    oldest = body["error"]["details"][0]["metadata"]["oldestToken"]
    assert body["error"]["details"][0]["reason"] == "POSITION_GONE"
    assert suite.curl("GET", "/api/v1/resource:watch", headers=[f"last-event-id: {old}"])[0] == 410
    code, _, info = refused(stub, {"token": old})
    assert (code, info.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_GONE") and info.metadata["oldestToken"]
    with by_curl(suite, "resource", token=oldest) as follower:
        assert len(follower.changes(1)) == 1, "the rest of the log"
        # A restored database has another identity.
        suite.psql("UPDATE groundplan_records.event_log SET identity = gen_random_uuid()")
        suite.stop()
        assert follower.ended()[0] == 0 and follower.error["code"] == "UNAVAILABLE"
        newest = follower.events[-1]["token"]
    suite.start()
    status, _, body = suite.curl("GET", f"/api/v1/resource:watch?token={newest}")
    assert (status, body["error"]["code"]) == (410, "GONE") and "from another database" in body["error"]["message"], body
    stub.channel.close()


@pytest.mark.split("Envoy outlives the processes")
def test_a_stopping_server_sends_a_bookmark(suite_of_its_own):
    suite = suite_of_its_own
    suite.start()
    made = []
    with by_curl(suite, "resource") as rest, StubFollower(suite, {}) as rpc:
        for follower in (rest, rpc):
            follower.begun()
        for at in range(20):
            made.append(create(suite, str(at)))
        suite.stop()
        assert rest.ended()[0] == 0
        assert rest.error["code"] == "UNAVAILABLE" and "resume with the last token" in rest.error["message"], rest.error
        rpc.thread.join(timeout=PATIENCE)
        assert rpc.error.code() == grpc.StatusCode.UNAVAILABLE and "resume with the last token" in rpc.error.details(), rpc.error
        received = []
        for follower in (rest, rpc):
            received.append([event["data"]["id"] for event in changes(follower.events)])
            # A stopping server might not send the newest changes: the token is from before them.
            assert received[-1] == made[:len(received[-1])]
            assert follower.events[-1]["kind"] == "BOOKMARK" and follower.events[-1]["token"]
        tokens = [follower.events[-1]["token"] for follower in (rest, rpc)]
    suite.start()
    made.append(create(suite, "later"))
    # Each token on the other protocol.
    followers = by_grpcurl(suite, WATCH, {"token": tokens[0]}), by_curl(suite, "resource", f"last-event-id: {tokens[1]}")
    for before, follower in zip(received, followers):
        with follower:
            after = follower.changes(len(made) - len(before))
            assert before + [event["data"]["id"] for event in after] == made


def test_a_slow_watcher_is_disconnected_and_resumes(suite, stub):
    """Through Envoy: buffered events arrive first, then the reason, and the last token leads to the rest."""
    update, create = stub.message("library.v1.UpdateAuthorRequest"), stub.message("library.v1.CreateAuthorRequest")
    author = stub.call("library.v1.AuthorService/CreateAuthor", create(author={"given_name": "A", "family_name": "B"}))
    query = {"filter": f'id == "{author.id}"'}
    with by_curl(suite, "authors", **query) as follower:
        follower.begun().process.send_signal(signal.SIGSTOP)
        count = 300
        for at in range(count):
            portrait = at.to_bytes(2, "big") * 30_000
            stub.call("library.v1.AuthorService/UpdateAuthor", update(author={"id": author.id, "portrait": portrait}, update_mask={"paths": ["portrait"]}))
        follower.process.send_signal(signal.SIGCONT)
        assert follower.ended()[0] == 0
        error, events = follower.error, changes(follower.events)
    assert error["code"] == "RATE_LIMITED" and error["details"][0]["reason"] == "FOLLOWER_TOO_SLOW", error
    assert 0 < len(events) < count
    with by_curl(suite, "authors", token=events[-1]["token"], **query) as follower:
        events += follower.changes(count - len(events))
    assert [int.from_bytes(base64.b64decode(event["data"]["portrait"])[:2], "big") for event in events] == list(range(count))


@pytest.mark.split("watchers reconnect to another process")
def test_nothing_is_lost_and_nothing_comes_twice_across_a_crash(suite_of_its_own):
    """Two watchers that resume with their last token, and a writer, while everything is killed and restarted."""
    suite = suite_of_its_own
    suite.start()
    made, stop, known = [], threading.Event(), [0, 0]

    def write():
        stub = Stub(suite)
        request = stub.message("example.v1.CreateEntityRequest")
        at = 0
        while not stop.is_set():
            at += 1
            try:
                made.append(stub.call("example.v1.EntityService/CreateEntity", request(entity={"field1": str(at)}), timeout=20).id)
            except grpc.RpcError:
                time.sleep(0.1)
        stub.channel.close()

    def follow(which, begin, found, parts):
        token = ""
        while not stop.is_set():
            with begin(token) as follower:
                read = 0
                while not stop.is_set() and (follower.thread.is_alive() or read < len(follower.events)):
                    for event in follower.events[read:]:
                        read += 1
                        token = event.get("token") or token
                        known[which] += bool(token)
                        found += changes([event])
                    time.sleep(0.02)
                parts.append(read)
            time.sleep(0.1)

    seen_by, parts = ([], []), ([], [])
    began = ([lambda token: by_curl(suite, "resource", *([f"last-event-id: {token}"] if token else [])),
              lambda token: by_grpcurl(suite, WATCH, {"token": token} if token else {})])
    threads = [threading.Thread(target=follow, args=of) for of in zip((0, 1), began, seen_by, parts)]
    for thread in threads:
        thread.start()
    wait(lambda: all(known))
    threads.append(threading.Thread(target=write))
    threads[-1].start()
    try:
        wait(lambda: len(made) > 20 and all(seen_by))
        suite.kill()
        suite.start()
        last = create(suite, "the last one")
        until = time.monotonic() + PATIENCE
        while not all(any(event["data"]["id"] == last for event in found) for found in seen_by) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    # A failed call might have been executed: the table shows it.
    stored = suite.psql("SELECT id FROM example_v1.entity ORDER BY created_at")
    assert len(made) > 20 and set(made) < set(stored)
    cut = stored.index(last) + 1
    for found, came in zip(seen_by, parts):
        ids = [event["data"]["id"] for event in found]
        assert len(ids) == len(set(ids)), "nothing comes twice"
        assert set(stored[:cut]) <= set(ids), "nothing is lost"
        assert [int(event["transaction"]) for event in found] == sorted(int(event["transaction"]) for event in found)
        assert sum(part > 0 for part in came) >= 2, "it reconnects"


def wait(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


def create(suite, field1):
    status, _, body = suite.curl("POST", "/api/v1/resource", {"field1": field1})
    assert status == 201, body
    return body["data"]["id"]


def refused(stub, request):
    with pytest.raises(grpc.RpcError) as caught:
        next(iter(stub.stream(WATCH, stub.message("example.v1.WatchEntitiesRequest")(**request), timeout=60)))
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(caught.value)
    assert status and any(detail.Unpack(info) for detail in status.details)
    return caught.value.code(), caught.value.details(), info
