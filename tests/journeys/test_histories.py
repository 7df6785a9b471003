"""Eight clients do single operations and commits at random while the server is killed again and again: their responses are consistent, for each
record and for commits of several. `histories` is the checker, whose own tests say what it rejects.

GROUNDPLAN_HISTORY_SECONDS makes it longer; GROUNDPLAN_SEED repeats what the clients ask for, if not when.
"""

import asyncio
import json
import random
import re
import time

import grpc
import pytest

from conftest import Stub
from histories import EXISTS, MISMATCH, MISSING, OK, History, Step, linearizability, serializability
from killed import UNKNOWN, channels, kill_again_and_again, number, refusal, running
from seeds import SEED

pytestmark = pytest.mark.split("three processes write concurrently")

SECONDS = number("GROUNDPLAN_HISTORY_SECONDS", 15.0)
# No machine is so slow.
MOST_SECONDS = SECONDS + 600
CLIENTS = 8
# The server lives so long, at least and at most.
LIFE = (2.0, 5.0)
# Single records, of one server's life; and those that only commits create, and nobody deletes.
SOLO, JOINT = 10, 8
MODELS = """
syntax = "proto3";
package histories.v1;
import "groundplan/model/v1/model.proto";

// A record of which everything that happened to it can be told.
message Item {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  // Set by whoever wrote it last.
  string value = 2;
  // Grows by increments.
  int64 count = 3;
  // Grows by what commits append.
  repeated string tokens = 4;
  string etag = 5;
}
"""
DEFAULTS = {"value": "", "count": 0, "tokens": ()}
REASONS = {"RECORD_EXISTS": EXISTS, "RECORD_NOT_FOUND": MISSING, "ETAG_MISMATCH": MISMATCH, "CONDITION_NOT_MET": EXISTS}
# Errors without information about a record: nothing was done.
SILENT = {"RECORD_BUSY", "RATE_LIMITED", "WRITE_CONFLICT"}


@pytest.fixture
def suite(tmp_path):
    yield from running(tmp_path, "histories/v1/item.proto", MODELS)


class Types:
    """The messages, by reflection."""

    def __init__(self, suite):
        stub = Stub(suite)
        self.item = stub.message("histories.v1.Item")
        self.requests = {verb: stub.message(f"histories.v1.{verb}ItemRequest") for verb in ("Create", "Get", "Update", "Delete")}
        self.mask = stub.message("google.protobuf.FieldMask")
        service = stub.pool.FindServiceByName("groundplan.records.v1.RecordsService")
        self.has_commit = "Commit" in service.methods_by_name
        if self.has_commit:
            self.commit, self.committed = (stub.message(f"groundplan.records.v1.Commit{end}") for end in ("Request", "Response"))
            self.isolation = {name: value.number for name, value in
                              stub.pool.FindEnumTypeByName("groundplan.records.v1.Isolation").values_by_name.items()}
        stub.channel.close()


class Client:
    """Does one operation after the other, each chosen at random, and writes down what came of it."""

    def __init__(self, name, world, channel, chance):
        self.name, self.world, self.channel, self.chance, self.marks = name, world, channel, chance, 0
        self.types, self.history = world.types, world.history

    def mark(self):
        self.marks += 1
        return f"{self.name}-{self.marks}"

    async def run(self, until):
        while not until.is_set():
            await self.world.ready.wait()
            kinds = [self.get, self.get, self.create, self.update, self.update, self.delete]
            if self.types.has_commit:
                kinds += [self.commit, self.joint, self.joint, self.joint, self.update_joint]
            await self.chance.choice(kinds)()
            await asyncio.sleep(self.chance.expovariate(100))

    # --- what is asked for ------------------------------------------------------------------------------------------------------------------

    def solo(self):
        return f"life{self.world.lives}-solo{self.chance.randrange(SOLO)}"

    def joints(self, count):
        return [f"life{self.world.lives}-joint{at}" for at in self.chance.sample(range(JOINT), count)]

    def etag(self, record):
        """The newest etag that any client received, or an older one; none if there is none."""
        told = self.world.told.get(record)
        return told and told[-1 if self.chance.random() < 0.85 else self.chance.randrange(len(told))]

    async def get(self):
        record = self.chance.choice([self.solo(), *self.joints(1)])
        await self.single(Step(record, "read"), "Get", self.types.requests["Get"](id=record))

    async def create(self):
        step = Step(self.solo(), "create", set={"value": self.mark()})
        await self.single(step, "Create", self.types.requests["Create"](item=self.item(step)))

    async def update(self):
        record = self.solo()
        etag = self.etag(record) if self.chance.random() < 0.5 else None
        step = Step(record, "update", set={"value": self.mark()}, etag=etag)
        await self.single(step, "Update", self.update_request(step))

    async def update_joint(self):
        step = Step(self.joints(1)[0], "update", set={"value": self.mark()})
        await self.single(step, "Update", self.update_request(step))

    async def delete(self):
        record = self.solo()
        step = Step(record, "delete", etag=self.etag(record) if self.chance.random() < 0.5 else None)
        await self.single(step, "Delete", self.types.requests["Delete"](id=record, etag=text_of(step.etag)))

    async def commit(self):
        """Writes of single records, one or some, at either isolation."""
        names = list(dict.fromkeys(self.solo() for _ in range(self.chance.randrange(1, 4))))
        mark, steps = self.mark(), []
        for record in names:
            kind = self.chance.choice(["create", "update", "update", "delete", "verify"])
            etag = self.etag(record) if self.chance.random() < 0.4 else None
            if kind == "create":
                steps.append(Step(record, kind, set={"value": mark}))
            elif kind == "update":
                increment = {"count": self.chance.randrange(1, 4)}
                steps.append(Step(record, kind, increment=increment, append={"tokens": [mark]}, etag=etag))
            elif kind == "delete":
                steps.append(Step(record, kind, etag=etag))
            else:
                steps.append(Step(record, kind, etag=etag) if etag else Step(record, kind, missing=True))
        await self.committed(steps, serializable=self.chance.random() < 0.5)

    async def joint(self):
        """Reads and writes of records that only commits create: mostly serializable, since that is what the graph is about."""
        mark, steps = self.mark(), []
        names = self.joints(self.chance.randrange(2, 5))
        serializable = self.chance.random() < 0.8
        for at, record in enumerate(names):
            etag = self.etag(record)
            if etag is None:
                # Only serializable commits create them: who looks whether something is missing is owed nothing else by PostgreSQL.
                writes = serializable and (at == len(names) - 1 or self.chance.random() < 0.4)
                steps.append(Step(record, "create", set={"value": mark}, append={"tokens": [mark]}) if writes else Step(record, "verify", missing=True))
            elif at < len(names) - 1 and self.chance.random() < 0.55:
                steps.append(Step(record, "verify", etag=self.world.told[record][-1]))
            else:
                steps.append(Step(record, "update", increment={"count": 1}, append={"tokens": [mark]}))
        await self.committed(steps, serializable)

    # --- how it is sent ---------------------------------------------------------------------------------------------------------------------

    def item(self, step):
        """The record of a create, or of an update, with the operands of its transforms."""
        item = self.types.item(id=step.record, **step.set, **step.increment)
        item.tokens.extend(step.append.get("tokens", ()))
        return item

    def update_request(self, step):
        return self.types.requests["Update"](item=self.item(step), update_mask=self.types.mask(paths=list(step.set)), etag=text_of(step.etag))

    async def send(self, path, request):
        call = self.channel.unary_unary(path, request_serializer=lambda value: value.SerializeToString(), response_deserializer=bytes)
        return await call(request, metadata=self.world.metadata, timeout=10)

    async def single(self, step, verb, request):
        operation = self.history.begin(self.name, step)
        try:
            answer = await self.send(f"/histories.v1.ItemService/{verb}Item", request)
        except grpc.aio.AioRpcError as error:
            if verb == "Get" and refusal(error)[0] == "RECORD_NOT_FOUND":
                step.absent = True
                operation.ok(self.history.clock())
                return
            await self.failed(operation, error)
            return
        at = self.history.clock()
        if verb != "Delete":
            self.saw(step, self.types.item.FromString(answer))
        operation.ok(at)

    async def committed(self, steps, serializable):
        request = self.types.commit(isolation=self.types.isolation["ISOLATION_SERIALIZABLE" if serializable else "ISOLATION_READ_COMMITTED"])
        for step in steps:
            write = request.writes.add()
            if step.kind == "create":
                write.create.record.Pack(self.item(step))
            elif step.kind == "update":
                write.update.record.Pack(self.item(step))
                write.update.etag = text_of(step.etag)
                write.update.increment.paths.extend(step.increment)
                write.update.append.paths.extend(step.append)
                if step.set:
                    write.update.update_mask.paths.extend(step.set)
            elif step.kind == "delete":
                write.delete.model, write.delete.id, write.delete.etag = "histories.v1.Item", step.record, text_of(step.etag)
            else:
                write.verify.model, write.verify.id, write.verify.etag = "histories.v1.Item", step.record, text_of(step.etag)
                write.verify.missing = step.missing
        operation = self.history.begin(self.name, *steps, serializable=serializable, commit=True)
        try:
            answer = await self.send("/groundplan.records.v1.RecordsService/Commit", request)
        except grpc.aio.AioRpcError as error:
            await self.failed(operation, error)
            return
        at, response = self.history.clock(), self.types.committed.FromString(answer)
        assert len(response.results) == len(steps), (str(operation), response)
        for step, result in zip(steps, response.results):
            if step.kind in ("create", "update"):
                item = self.types.item()
                assert result.record.Unpack(item) and item.etag == result.etag, (str(operation), response)
                self.saw(step, item)
        self.world.attempts[response.attempts] = self.world.attempts.get(response.attempts, 0) + 1
        operation.ok(at)

    def saw(self, step, item):
        assert item.id == step.record, (step, item)
        step.version, step.fields = int(item.etag, 16), {"value": item.value, "count": item.count, "tokens": tuple(item.tokens)}
        told = self.world.told.setdefault(step.record, [])
        if not told or step.version > told[-1]:
            told.append(step.version)

    async def failed(self, operation, error):
        """An error with a reason names the cause; anything else leaves the outcome open."""
        if error.code() in UNKNOWN:
            self.world.broken.append(operation)
            await asyncio.sleep(0.05)
            return
        at, (reason, metadata) = self.history.clock(), refusal(error)
        assert reason in REASONS or reason in SILENT, (str(operation), error.code(), reason, error.details())
        current = metadata.get("currentEtag")
        place = re.search(r"writes\[(\d+)\]", error.details() + json.dumps(metadata))
        step = int(place[1]) if place else 0 if len(operation.steps) == 1 else None
        self.world.refusals[reason] = self.world.refusals.get(reason, 0) + 1
        assert step is not None or reason in SILENT, f"the error does not identify the write: {error.details()}, {metadata}"
        operation.refused(at, step, REASONS.get(reason, ""), int(current, 16) if current else None)


class World:
    """What the clients share."""

    def __init__(self, suite):
        self.types, self.history, self.ready = Types(suite), History(DEFAULTS), asyncio.Event()
        self.metadata = [("authorization", f"Bearer {suite.api_key}")]
        self.told, self.broken, self.refusals, self.attempts, self.lives = {}, [], {}, {}, 0

    def killed(self):
        """What broke until now is settled; from now on there are other records, so that none gets too old."""
        self.history.settle(self.broken)
        self.broken.clear()
        self.lives += 1

    def tells_much(self, suite):
        """Whether so much has happened that a fault would show."""
        counts = self.history.counts()
        commits = sum(operation.serializable and operation.outcome == OK for operation in self.history.operations)
        return suite.kills >= 3 and counts["ok"] > 300 and counts["refused"] > 20 and commits > 50


def text_of(etag):
    return "" if etag is None else f"{etag:x}"


async def history_of(suite):
    world, until, chance = World(suite), asyncio.Event(), random.Random(SEED)
    world.ready.set()
    connections = channels(suite, CLIENTS)
    clients = [Client(f"client{at}", world, channel, random.Random(f"{SEED}-{at}")) for at, channel in enumerate(connections)]
    running = [asyncio.create_task(client.run(until)) for client in clients]
    killer = asyncio.create_task(kill_again_and_again(suite, world.ready, lambda: chance.uniform(*LIFE), until, world.killed))
    end, ended = time.monotonic() + MOST_SECONDS, set()
    while not ended and (not world.tells_much(suite) or time.monotonic() < end - MOST_SECONDS + SECONDS):
        assert time.monotonic() < end, f"too little in {MOST_SECONDS} s: {world.history.counts()}, {suite.kills} kills"
        ended, _ = await asyncio.wait([*running, killer], timeout=1, return_when=asyncio.FIRST_EXCEPTION)
    until.set()
    for task in ended:
        task.result()
    await asyncio.gather(*running, killer)
    await world.ready.wait()
    reader = clients[0]
    reader.name = "the last reader"
    for record in world.history.records():
        await reader.single(Step(record, "read"), "Get", world.types.requests["Get"](id=record))
    for channel in connections:
        await channel.close()
    return world


def test_responses_are_consistent(suite, tmp_path):
    began = time.monotonic()
    world = asyncio.run(history_of(suite))
    history = world.history
    told = time.monotonic()
    history.dump(tmp_path / "history.jsonl")
    found = linearizability.check(history)
    found += serializability.check(history)
    # A commit locks the records that it has read, so real time is respected too.
    found += serializability.check(history, real_time=True, locked=True)
    print(f"seed {SEED}: {history.counts()} in {told - began:.0f} s, {suite.kills} kills, refused {world.refusals}, attempts {world.attempts}; "
          f"checked in {time.monotonic() - told:.1f} s")
    assert not found, f"seed {SEED}, {tmp_path}/history.jsonl:\n" + "\n".join(map(str, found[:5]))
