"""Sequences of calls over both protocols, compared with a model of the store in a few lines of Python: each response equals
the model's, and in the end all records do."""

import copy
import json
import urllib.parse

from google.protobuf import json_format

from fuzz.fuzzing import Answer

SEQUENCES, STEPS = 14, 45
SERVICE = "store.v1.ItemService/"
COMMIT = "groundplan.records.v1.RecordsService/Commit"
WRITABLE = ("name", "count", "tags", "part", "maybe", "kind", "numbers")
PLURAL = {"Create": "BatchCreateItems", "Update": "BatchUpdateItems", "Delete": "BatchDeleteItems", "Get": "BatchGetItems"}


class Refused(Exception):
    """The error of the model for a call: each of these reasons is accepted."""

    def __init__(self, *reasons):
        super().__init__(*reasons)
        self.reasons = reasons


class Model:
    """The store: each record as its JSON fields, whether it is deleted, and its etag from the server."""

    def __init__(self):
        self.records = {}

    def create(self, id, fields):
        if id in self.records:
            raise Refused("RECORD_EXISTS")
        self.records[id] = {"fields": dict(fields), "deleted": False, "etag": None}

    def there(self, id, etag=None, writes=True):
        record = self.records.get(id)
        if record is None:
            raise Refused("RECORD_NOT_FOUND")
        reasons = ["ETAG_MISMATCH"] * (etag is not None and etag != record["etag"]) + ["RECORD_DELETED"] * record["deleted"]
        if reasons:
            raise Refused(*reasons)
        # The response of the write has the new etag.
        if writes:
            record["etag"] = None
        return record

    def update(self, id, fields, mask, etag=None, allow_missing=False):
        if id not in self.records and allow_missing:
            self.create(id, fields)
            return
        record = self.there(id, etag)
        for name in (WRITABLE if mask == ["*"] else mask) if mask else fields:
            if name in fields:
                record["fields"][name] = fields[name]
            else:
                record["fields"].pop(name, None)

    def delete(self, id, etag=None, allow_missing=False):
        if allow_missing and (id not in self.records or self.records[id]["deleted"]):
            return
        self.there(id, etag)["deleted"] = True

    def undelete(self, id):
        if id not in self.records:
            raise Refused("RECORD_NOT_FOUND")
        if not self.records[id]["deleted"]:
            raise Refused("RECORD_NOT_DELETED")
        self.records[id]["deleted"] = False


class Walk:
    """One sequence: chooses calls, sends them, and compares the responses with the model."""

    def __init__(self, server, chance, number):
        self.server, self.chance, self.model, self.done = server, chance, Model(), []
        self.ids = [f"s{number}-{at}" for at in range(5)]

    # Content of the requests

    def fields(self):
        chance, found = self.chance, {}
        for name, value in (("name", chance.choice(["a", "b", "é", "long " * 20])), ("count", str(chance.choice([1, -1, 2 ** 63 - 1]))),
                            ("tags", chance.choice([["x"], ["x", "y", "x"], ["", "é"]])), ("part", chance.choice([{}, {"note": "n"}, {"note": "m", "count": "3"}])),
                            ("maybe", chance.choice(["", "there"])), ("kind", chance.choice(["KIND_OLD", "KIND_NEW"])),
                            ("numbers", chance.choice([{"a": 1}, {"a": 2, "": 3}]))):
            if chance.random() < 0.4:
                found[name] = value
        return found

    def mask(self):
        return self.chance.choice([[], [], ["*"], self.chance.sample(WRITABLE, self.chance.randrange(1, 4))])

    def etag(self, id):
        """Returns None, the current etag, or an earlier one."""
        record = self.model.records.get(id)
        if record is None or record["etag"] is None or self.chance.random() < 0.6:
            return None
        return record["etag"] if self.chance.random() < 0.7 else f"{int(record['etag'], 16) - 1:x}"

    # Form of the requests

    def rpc(self, method, **fields):
        return self.server.call(SERVICE + method, self.message(method, fields))

    def message(self, method, fields):
        request = self.server.message(f"store.v1.{method}Request")
        json_format.ParseDict(fields, request)
        return request

    def step(self):
        kind = self.chance.choice(["create", "create", "update", "update", "update", "get", "delete", "undelete", "batch", "commit", "listing"])
        before = copy.deepcopy(self.model.records)
        try:
            call = getattr(self, kind)()
        except Refused as refused:
            raise AssertionError("a call is chosen before the model is asked") from refused
        said, expect, record = call
        self.done.append(said)
        answer = expect["answer"]
        where = f"{self.server.case}: after {self.done[-8:]}\n{said}\n{answer}"
        try:
            expect["model"]()
        except Refused as refused:
            self.model.records = before
            assert not answer.ok and answer.reason in refused.reasons, f"{where}\nthe model refuses it: {refused.reasons}"
            return
        assert answer.ok, f"{where}\nthe model allows it"
        for id, found in record(answer.body):
            self.same(id, found, where)

    def same(self, id, found, where):
        """Checks that a record in a response equals the model's; its etag is that of the server."""
        known = self.model.records[id]
        if isinstance(found, bytes):
            found = self.server.stub.message("store.v1.Item").FromString(found)
        if not isinstance(found, dict):
            found = json_format.MessageToDict(found)
        assert found.get("id") == id, where
        assert ("deleteTime" in found) == known["deleted"], where
        known["etag"] = found["etag"]
        shown, expected = (self.normal(one) for one in (found, known["fields"]))
        assert shown == expected, f"{where}\nit is\n  {shown}\nfor the model\n  {expected}"

    def normal(self, fields):
        """Removes fields that only the server sets and values that mean absent, as json_format does."""
        item = self.server.message("store.v1.Item")
        json_format.ParseDict({name: value for name, value in fields.items() if name in WRITABLE}, item)
        return json_format.MessageToDict(item)

    def either(self, by_grpc, by_rest):
        """Calls one protocol or the other, and returns the result and the location of its records."""
        if self.chance.random() < 0.5:
            return by_grpc(), False
        return by_rest(), True

    def single(self, words, model, by_grpc, by_rest, id):
        answer, rest = self.either(by_grpc, by_rest)
        def record(body):
            found = body["data"] if rest and body else body
            return [(id, found)] if found else []
        return f"{words} by {'REST' if rest else 'gRPC'}", {"answer": answer, "model": model}, record

    def create(self):
        id, fields = self.chance.choice(self.ids), self.fields()
        return self.single(f"create {id} {fields}", lambda: self.model.create(id, fields),
                           lambda: self.rpc("CreateItem", item={"id": id, **fields}),
                           lambda: self.server.rest("POST", "/api/v1/items", {"id": id, **fields}), id)

    def get(self):
        id = self.chance.choice(self.ids)

        def model():
            if id not in self.model.records:
                raise Refused("RECORD_NOT_FOUND")
        return self.single(f"get {id}", model, lambda: self.rpc("GetItem", id=id), lambda: self.server.rest("GET", f"/api/v1/items/{id}"), id)

    def update(self):
        id, fields, mask = self.chance.choice(self.ids), self.fields(), self.mask()
        etag, missing = self.etag(id), self.chance.random() < 0.2
        if self.chance.random() < 0.5:
            asked = {"item": {"id": id, **fields}, "updateMask": ",".join(mask), "allowMissing": missing, "etag": etag or ""}
            return (f"update {asked} by gRPC", {"answer": self.rpc("UpdateItem", **asked), "model": lambda: self.model.update(id, fields, mask, etag, missing)},
                    lambda body: [(id, body)])
        # Over REST the keys are the mask; PUT sets all fields.
        verb = self.chance.choice(["PATCH", "PATCH", "PUT"])
        headers = {"if-match": f'"{etag}"'} if etag else {}
        answer = self.server.rest(verb, f"/api/v1/items/{id}" + ("?allowMissing=true" if missing else ""), fields, **headers)
        wanted = ["*"] if verb == "PUT" else list(fields) or []

        def model():
            if verb == "PATCH" and not fields and id in self.model.records:
                self.model.there(id, etag, writes=False)
            else:
                self.model.update(id, fields, wanted, etag, missing)
        said = f"{verb} {id} {fields} {headers} {'allowMissing' if missing else ''}"
        return said, {"answer": answer, "model": model}, lambda body: [(id, body["data"])]

    def delete(self):
        id, missing = self.chance.choice(self.ids), self.chance.random() < 0.3
        etag = self.etag(id)
        query = "&".join(([f"etag={etag}"] if etag else []) + (["allowMissing=true"] if missing else []))
        return self.single(f"delete {id} etag {etag} allowMissing {missing}", lambda: self.model.delete(id, etag, missing),
                           lambda: self.rpc("DeleteItem", id=id, etag=etag or "", allowMissing=missing),
                           lambda: self.server.rest("DELETE", f"/api/v1/items/{id}?{query}"), id)

    def undelete(self):
        id = self.chance.choice(self.ids)
        return self.single(f"undelete {id}", lambda: self.model.undelete(id), lambda: self.rpc("UndeleteItem", id=id),
                           lambda: self.server.rest("POST", f"/api/v1/items/{id}:undelete", {}), id)

    def batch(self):
        """Creates, or updates without masks, of several records: all, or none."""
        ids, creating = self.chance.sample(self.ids, self.chance.randrange(1, 4)), self.chance.random() < 0.4
        items = [{"id": id, **self.fields()} for id in ids]
        verb = "Create" if creating else "Update"

        def model():
            for item in items:
                fields = {name: value for name, value in item.items() if name != "id"}
                if creating:
                    self.model.create(item["id"], fields)
                else:
                    self.model.update(item["id"], fields, [])
        requests = [{"item": item} for item in items]
        answer, rest = self.either(lambda: self.rpc(PLURAL[verb], requests=requests),
                                   lambda: self.server.rest("POST", f"/api/v1/items:batch{verb}", {"requests": requests}))

        def record(body):
            found = body["data"] if rest else self.server.stub.message(f"store.v1.{PLURAL[verb]}Response").FromString(body).items
            return list(zip(ids, found, strict=True))
        return f"batch {verb} {items}", {"answer": answer, "model": model}, record

    def commit(self):
        """Writes of every kind, where later ones see the effects of earlier ones."""
        writes, effects, shown = [], [], []
        for id in self.chance.sample(self.ids, self.chance.randrange(1, 4)):
            kind, fields = self.chance.choice(["create", "update", "delete", "verify", "missing"]), self.fields()
            record = {"@type": "type.googleapis.com/store.v1.Item", "id": id, **fields}
            if kind == "create":
                writes.append({"create": {"record": record}})
                effects.append(lambda id=id, fields=fields: self.model.create(id, fields))
            elif kind == "update":
                writes.append({"update": {"record": record}})
                effects.append(lambda id=id, fields=fields: self.model.update(id, fields, []))
            elif kind == "delete":
                writes.append({"delete": {"model": "store.v1.Item", "id": id}})
                effects.append(lambda id=id: self.model.delete(id))
            elif kind == "verify":
                writes.append({"verify": {"model": "store.v1.Item", "id": id}})
                effects.append(lambda id=id: self.model.there(id, writes=False))
            else:
                writes.append({"verify": {"model": "store.v1.Item", "id": id, "missing": True}})
                effects.append(lambda id=id: self.missing(id))
            shown.append(id if kind in ("create", "update") else None)
        pool = self.server.stub.pool
        def by_grpc():
            request = self.server.message("groundplan.records.v1.CommitRequest")
            json_format.ParseDict({"writes": writes}, request, descriptor_pool=pool)
            return self.server.call(COMMIT, request)
        answer, rest = self.either(by_grpc, lambda: self.server.rest("POST", "/api:commit", {"writes": writes}))

        def record(body):
            results = body["data"]["results"] if rest else self.server.stub.message("groundplan.records.v1.CommitResponse").FromString(body).results
            assert len(results) == len(writes)
            return [(id, result["record"] if rest else result.record.value) for id, result in zip(shown, results) if id]
        return f"commit {writes}", {"answer": answer, "model": lambda: [effect() for effect in effects]}, record

    def missing(self, id):
        if id in self.model.records and not self.model.records[id]["deleted"]:
            raise Refused("CONDITION_NOT_MET")

    def listing(self):
        """Lists all records, or one kind of them."""
        all_of_them, kind = self.chance.random() < 0.5, self.chance.choice([None, "KIND_OLD"])
        filter = " || ".join(f'id == "{id}"' for id in self.ids)
        filter = f'({filter}) && kind == "{kind}"' if kind else filter
        asked = {"filter": filter, "pageSize": 1000, "showDeleted": all_of_them, "allowScan": True}
        query = urllib.parse.urlencode({name: json.dumps(value) if isinstance(value, bool) else value for name, value in asked.items()})
        answer, rest = self.either(lambda: self.rpc("ListItems", **asked), lambda: self.server.rest("GET", f"/api/v1/items?{query}"))

        def record(body):
            found = body["data"] if rest else self.server.stub.message("store.v1.ListItemsResponse").FromString(body).items
            found = [(one["id"] if rest else one.id, one) for one in found]
            expected = sorted(id for id, one in self.model.records.items()
                              if (all_of_them or not one["deleted"]) and (not kind or one["fields"].get("kind") == kind))
            assert sorted(id for id, _ in found) == expected, f"{self.server.case}: {asked}: {[id for id, _ in found]}, but the model has {expected}"
            return found
        return f"list {asked}", {"answer": answer, "model": lambda: None}, record


def test_every_response_equals_the_model(server):
    for number, chance in enumerate(server.cases("stateful", SEQUENCES)):
        walk = Walk(server, chance, f"{number}-{chance.getrandbits(40):x}")
        for _ in range(STEPS):
            walk.step()
        walk.done.append("the end")
        for id in walk.ids:
            answer: Answer = walk.rpc("GetItem", id=id)
            assert answer.ok == (id in walk.model.records), (server.case, id, answer)
            if answer.ok:
                walk.same(id, answer.body, f"{server.case}: the end of {walk.done[-5:]}")
