"""Every vector of tests/vectors/update_mask.json, over gRPC and, if REST can express it, over REST: the response, a Get
after it, and an unchanged record after an error."""

import http.client
import json
import shutil

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conftest import Stub
from suite import ROOT, Suite

VECTORS = json.loads((ROOT / "tests/vectors/update_mask.json").read_text())["vectors"]
# The REST statuses of the codes in the vectors.
STATUSES = {"INVALID_ARGUMENT": 400, "ABORTED": 409}


class Vectors:
    """The served models of the vectors."""

    def __init__(self, folder):
        self.suite = Suite(apply_examples=False)
        self.suite.start()
        models = folder / "vectors" / "v1"
        models.mkdir(parents=True)
        shutil.copy(ROOT / "tests/vectors/update_mask.proto", models / "shape.proto")
        self.suite.apply(folder)
        self.stub = Stub(self.suite)
        self.http = http.client.HTTPConnection("127.0.0.1", self.suite.port, timeout=180)

    def record(self, model, value):
        return json_format.ParseDict(value, self.stub.message(f"vectors.v1.{model}")())

    def message(self, name):
        return self.stub.message(f"vectors.v1.{name}")

    def call(self, model, method, request):
        return self.stub.call(f"vectors.v1.{model}Service/{method}", request)

    def create(self, model, value):
        return self.call(model, f"Create{model}", self.message(f"Create{model}Request")(**{model.lower(): self.record(model, value)}))

    def request(self, model, vector, made):
        """Returns the UpdateRequest of a vector."""
        update = self.record(model, with_etag(vector["update"], made.etag if model == "Shape" else ""))
        update.id = made.id
        request = self.message(f"Update{model}Request")(**{model.lower(): update})
        if "mask" in vector:
            request.update_mask.paths.extend(vector["mask"])
        return request

    def update(self, model, request):
        return self.call(model, f"Update{model}", request)

    def batch(self, model, updates):
        """Returns one BatchUpdate of vectors and the records that were created for them."""
        requests = [self.request(model, vector, made) for vector, made in updates]
        return self.call(model, f"BatchUpdate{model}s", self.message(f"BatchUpdate{model}sRequest")(requests=requests))

    def get(self, model, id):
        return self.call(model, f"Get{model}", self.message(f"Get{model}Request")(id=id))

    def rest(self, verb, path, body):
        """Sends a REST call over a persistent connection."""
        self.http.request(verb, path, json.dumps(body), {"authorization": f"Bearer {self.suite.api_key}", "content-type": "application/json"})
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())

    def stored(self, model, id, column):
        return self.suite.psql(f"SELECT coalesce({column}, '') FROM vectors_v1.{model.lower()} WHERE id = '{id}'")

    def close(self):
        self.http.close()
        self.stub.channel.close()
        self.suite.close()


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    running = Vectors(tmp_path_factory.mktemp("models"))
    yield running
    running.close()


def test_over_grpc(vectors):
    """The update and its mask unchanged."""
    wrong = [problem for vector in VECTORS if "update" in vector for problem in over_grpc(vectors, vector)]
    assert not wrong, report(wrong)


def over_grpc(vectors, vector):
    model = vector.get("model", "Shape")
    made = vectors.create(model, vector["before"])
    try:
        answer, refusal = vectors.update(model, vectors.request(model, vector, made)), None
    except grpc.RpcError as error:
        answer, refusal = None, of_grpc(error)
    yield from judged(vectors, vector, "gRPC", made, answer, refusal)


def of_grpc(error):
    found = {"code": error.code().name, "reason": None, "fields": [], "words": error.details()}
    for detail in rpc_status.from_call(error).details:
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            found["reason"] = info.reason
            found["fields"] += [info.metadata["field"]] if "field" in info.metadata else []
        elif detail.Unpack(request):
            found["fields"] += [violation.field for violation in request.field_violations]
    return found


def test_over_rest(vectors):
    """A mask of whole fields is the keys of a PATCH, and `*` is a PUT."""
    said = [vector for vector in VECTORS if vector.get("rest", True)]
    assert len(said) > 250
    wrong = [problem for vector in said for problem in over_rest(vectors, vector)]
    assert not wrong, report(wrong)


def over_rest(vectors, vector):
    model = vector.get("model", "Shape")
    made = vectors.create(model, vector["before"])
    verb, body = as_rest(vector)
    path = f"/api/v1/{model.lower()}s/{made.id}"
    status, answered = vectors.rest(verb, path, with_etag(body, made.etag if model == "Shape" else ""))
    answer, refusal = None, None
    if status == 200:
        answer = vectors.record(model, answered["data"])
    else:
        refusal = of_rest(status, answered)
    yield from judged(vectors, vector, f"REST {verb} {json.dumps(body)}", made, answer, refusal)


def test_in_batches_over_grpc(vectors):
    """All vectors that change something, as one batch; and each rejected one, after one that would change something."""
    for model in ("Shape", "Strict"):
        mine = [vector for vector in VECTORS if "update" in vector and vector.get("model", "Shape") == model]
        done, refused = ([vector for vector in mine if ("refusal" in vector) == wanted] for wanted in (False, True))
        made = [vectors.create(model, vector["before"]) for vector in done]
        answer = vectors.batch(model, zip(done, made))
        answered = list(getattr(answer, f"{model.lower()}s"))
        assert [record.id for record in answered] == [record.id for record in made]
        wrong = [problem for vector, before, record in zip(done, made, answered) for problem in judged(vectors, vector, "gRPC, in a batch", before, record, None)]
        for vector in refused:
            first, before = vectors.create(model, {"title": "t"} if model == "Strict" else {"number": 1}), vectors.create(model, vector["before"])
            try:
                answer, refusal = vectors.batch(model, [({"update": {"number": 9}}, first), (vector, before)]), None
            except grpc.RpcError as error:
                answer, refusal = None, of_grpc(error)
                refusal["fields"] = [field.removeprefix("requests[1].").removeprefix(f"{model.lower()}.") for field in refusal["fields"]]
            wrong += judged(vectors, vector, "gRPC, in a batch", before, answer, refusal)
            if vectors.get(model, first.id) != first:
                wrong.append((vector, "gRPC, in a batch", "changed the record before it"))
        assert not wrong, report(wrong)


def test_in_batches_over_rest(vectors):
    """`:batchUpdate` accepts masks unchanged, including nested ones."""
    wrong = []
    for vector in VECTORS:
        if "update" not in vector or not (vector.get("mask") or vector.get("rest", True)):
            continue
        model, update = vector.get("model", "Shape"), vector["update"]
        made = vectors.create(model, vector["before"])
        request = {model.lower(): with_etag(update, made.etag if model == "Shape" else "") | {"id": made.id}}
        # Without a mask the keys are the mask.
        if vector.get("mask"):
            request["updateMask"] = vector["mask"]
        status, answered = vectors.rest("POST", f"/api/v1/{model.lower()}s:batchUpdate", {"requests": [request]})
        answer, refusal = None, None
        if status == 200:
            answer = vectors.record(model, answered["data"][0])
        else:
            refusal = of_rest(status, answered)
            refusal["fields"] = [field.removeprefix("requests[0].").removeprefix(f"{model.lower()}.") for field in refusal["fields"]]
        wrong += judged(vectors, vector, f"REST :batchUpdate {json.dumps(request)}", made, answer, refusal)
    assert not wrong, report(wrong)


def of_rest(status, answered):
    details = answered["error"]["details"]
    fields = [violation["field"] for detail in details for violation in detail.get("fieldViolations", ())]
    fields += [detail["metadata"]["field"] for detail in details if "field" in detail.get("metadata", {})]
    reason = next((detail["reason"] for detail in details if "reason" in detail), None)
    return {"code": status, "reason": reason, "fields": fields, "words": answered["error"]["message"]}


def as_rest(vector):
    """Returns the verb and the body of a vector."""
    if "patch" in vector:
        return "PATCH", vector["patch"]
    mask, update = vector.get("mask"), vector["update"]
    if mask == ["*"]:
        return "PUT", update
    if mask is None:
        return "PATCH", update
    return "PATCH", {camel(path): update.get(camel(path)) for path in mask} | {name: update[name] for name in ("etag",) if name in update}


def judged(vectors, vector, how, made, answer, refusal):
    """Returns the mistakes in the result of a vector."""
    model, expected = vector.get("model", "Shape"), vector.get("refusal")
    after = vectors.get(model, made.id)
    if expected:
        code = STATUSES[expected["code"]] if how.startswith("REST") else expected["code"]
        if refusal is None:
            yield vector, how, f"was done, and gave {shown(answer)}"
        elif (refusal["code"], refusal["reason"]) != (code, expected["reason"]) or expected.get("field") not in [None, *map(snake, refusal["fields"])]:
            yield vector, how, f"was refused with {refusal}"
        if after != made:
            yield vector, how, f"changed the record to {shown(after)}"
        return
    if refusal is not None:
        yield vector, how, f"was refused with {refusal}"
        return
    wanted = vectors.record(model, vector["after"])
    for what, found in (("answered", answer), ("left", after)):
        if bare(found) != bare(wanted):
            yield vector, how, f"{what} {shown(bare(found))}"
    if answer != after or answer.id != made.id:
        yield vector, how, f"answered {shown(answer)}, and a Get {shown(after)}"
    if model == "Shape" and not follows(vector, made, answer):
        yield vector, how, f"was {shown(made)}, and is {shown(answer)}"
    for column, value in vector.get("stored", {}).items():
        if vectors.stored(model, made.id, column) != ([value] if value else []):
            yield vector, how, f"stored {column} {vectors.stored(model, made.id, column)!r}"


def follows(vector, made, answer):
    """An update without a change creates no version. For fields that are never returned, only the vector has the
    information."""
    is_changed, has_version = bare(made) != bare(answer), made.etag != answer.etag
    return answer.created_at == made.created_at and ("stored" in vector or is_changed == has_version)


def bare(record):
    """Returns a record without the fields that the server sets."""
    copy = type(record)()
    copy.CopyFrom(record)
    for name in ("id", "created_at", "updated_at", "etag"):
        if name in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(name)
    return copy.SerializeToString(deterministic=True)


def shown(record):
    if isinstance(record, bytes):
        return record
    return json_format.MessageToDict(record)


def with_etag(value, etag):
    """Replaces the etag placeholders of a vector by the etag of the record."""
    words = {"current": etag, "older": f"{int(etag or '1', 16) - 1:x}"}
    return value | {"etag": words.get(value["etag"], value["etag"])} if "etag" in value else value


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def snake(name):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def report(wrong):
    lines = [f"{vector['name']}\n    {json.dumps(vector)}\n    over {how}: it {what}" for vector, how, what in wrong]
    return f"{len(wrong)} are wrong:\n" + "\n".join(lines[:40])
