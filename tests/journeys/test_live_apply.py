"""A new model in a new file, applied while clients call: callable at once, and no call on the others fails."""

import shutil
import threading

from conftest import Stub
from suite import ROOT

TICKET = """
syntax = "proto3";
package desk.v1;
import "groundplan/model/v1/model.proto";

// A thing to be done.
message Ticket {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  // What it is about.
  string title = 2;
}
"""


def test_a_new_model_while_clients_call(suite, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(ROOT / "examples", models)
    stop, calls, failures = threading.Event(), [0], []

    def client():
        stub = Stub(suite)
        entity = stub.message("example.v1.CreateEntityRequest")
        get = stub.message("example.v1.GetEntityRequest")
        while not stop.is_set():
            try:
                made = stub.call("example.v1.EntityService/CreateEntity", entity(entity={"field1": "steady"}))
                stub.call("example.v1.EntityService/GetEntity", get(id=made.id))
                calls[0] += 2
            except Exception as error:  # every kind of failure counts
                failures.append(error)
        stub.channel.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    try:
        for round in range(3):
            name = f"ticket{round}"
            (models / "desk" / name).mkdir(parents=True)
            text = TICKET.replace("desk.v1", f"desk.{name}.v1").replace("model) = {}", f'model) = {{ resource: "tickets{round}" }}')
            (models / "desk" / name / "ticket.proto").write_text(text)
            suite.apply(models)
            made = suite.call(f"desk.{name}.v1.TicketService/CreateTicket", {"ticket": {"title": "Broken lamp"}})
            assert made["title"] == "Broken lamp"
            assert suite.curl("GET", f"/api/v1/tickets{round}/{made['id']}")[2]["data"]["title"] == "Broken lamp"
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert not failures, failures[:3]
    assert calls[0] > 50, "the clients really called meanwhile"


def test_applying_the_same_again_changes_nothing(empty_suite, tmp_path):
    suite = empty_suite
    first = suite.apply(ROOT / "examples")
    assert "example.v1.EntityService" in first.stdout
    assert suite.curl("GET", "/api/v1/resource")[0] == 200
    import json
    again = suite.run("apply", ROOT / "examples", "--output", "json", API_KEY=suite.api_key)
    last = json.loads(again.stdout.strip().splitlines()[-1])
    assert last["changed"] is False and int(last["revision"]) == 1
    assert suite.psql("SELECT count(*) FROM groundplan_schema.revisions") == ["1"]


def test_a_field_and_an_index_are_added(empty_suite, tmp_path):
    suite = empty_suite
    models = tmp_path / "desk" / "v1"
    models.mkdir(parents=True)
    file = models / "ticket.proto"
    file.write_text(TICKET)
    suite.apply(tmp_path)
    old = suite.call("desk.v1.TicketService/CreateTicket", {"ticket": {"title": "before"}})
    file.write_text(TICKET.replace("model) = {}", 'model) = { indexes: { fields: "title" unique: true reason: "one of each" } }')
                    .replace("string title = 2;", "string title = 2;\n  optional int32 weight = 3;\n  repeated string tags = 4;"))
    suite.apply(tmp_path)
    assert suite.call("desk.v1.TicketService/GetTicket", {"id": old["id"]}) == old
    new = suite.call("desk.v1.TicketService/CreateTicket", {"ticket": {"title": "after", "weight": 0, "tags": ["a"]}})
    assert new["weight"] == 0
    twin = suite.grpcurl(suite.address, "desk.v1.TicketService/CreateTicket", check=False, data={"ticket": {"title": "after"}})
    assert "AlreadyExists" in twin.stderr and "title" in twin.stderr
    assert suite.psql("SELECT title, weight, tags FROM desk_v1.ticket ORDER BY id") == ["before||{}", "after|0|{a}"]


def test_what_is_not_supported_yet_is_refused_by_name(empty_suite, tmp_path):
    suite = empty_suite
    file = tmp_path / "ticket.proto"
    file.write_text(TICKET)
    suite.apply(tmp_path)
    for before, after, word in (
        ("string title = 2;", "", "title"),
        ("string title = 2;", "string heading = 2;", "heading"),
        ("string title = 2;", "int64 title = 2;", "title"),
        ("string title = 2;", "repeated string title = 2;", "title"),
        ("message Ticket", "message Task", "Ticket"),
        ("model) = {}", 'model) = { resource: "elsewhere" }', "elsewhere"),
    ):
        file.write_text(TICKET.replace(before, after))
        done = suite.apply(tmp_path, check=False)
        assert done.returncode != 0
        assert "not supported yet" in done.stdout + done.stderr and word in done.stdout + done.stderr, done
    assert suite.psql("SELECT count(*) FROM groundplan_schema.revisions WHERE state = 2") == ["1"]
