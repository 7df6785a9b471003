"""Calls with request ids, each sent 2 to 20 times in parallel over several connections and both protocols, while the server
is killed by SIGKILL repeatedly: each is executed exactly once, and all senders get the same response, byte for byte.

GROUNDPLAN_REQUEST_IDS sets the number of request ids; `make torture` uses 10,000, which take about a minute on two cores."""

import asyncio
import collections
import concurrent.futures
import http.client
import json
import random
import threading
import time

import grpc
import pytest

from conftest import Stub
from killed import UNKNOWN, channels, kill_again_and_again, number, refusal, running
from seeds import SEED

pytestmark = pytest.mark.split("a repeated request reaches another process")

IDS = number("GROUNDPLAN_REQUEST_IDS", 2_000)
# An upper bound: no machine is this slow.
MOST_SECONDS = 600
# Concurrent request ids, and the calls of both protocols.
AT_ONCE, CONNECTIONS, REST_CALLS = 12, 6, 8
COUNTERS = 20
# The life of the server in seconds, minimum and maximum; the number of kills is fixed, regardless of the speed of the calls.
LIFE = (2.5, 6.0)
KILLS = 3
# A call without a response after this number of attempts is a failure.
ATTEMPTS = 200
MODELS = """
syntax = "proto3";
package once.v1;
import "groundplan/model/v1/model.proto";

// What a call has made. Nothing but exactly-once keeps two from having the same key.
message Entry {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string key = 2;
  string etag = 3;
}

// What calls add to.
message Counter {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  int64 count = 2;
  repeated string keys = 3;
  string etag = 4;
}
"""
COMMIT = "groundplan.records.v1.RecordsService/Commit"


@pytest.fixture
def suite(tmp_path):
    yield from running(tmp_path, "once/v1/once.proto", MODELS, victims=1)


class Request:
    """The content of one request id: how to send it by gRPC, and by REST if possible."""

    def __init__(self, at, path, message, rest=None, entries=(), counters=()):
        self.id, self.path, self.message, self.rest = f"request-{at}", path, message, rest
        # The keys of the entries that it creates, and the counters that it increments.
        self.entries, self.counters = list(entries), list(counters)
        # The responses of each sender: bytes of gRPC, and the record of REST.
        self.answers, self.told = [], []


class Requests:
    """Creates requests of every kind."""

    def __init__(self, suite, chance):
        stub, self.chance, self.at = Stub(suite), chance, 0
        self.entry, self.counter = stub.message("once.v1.Entry"), stub.message("once.v1.Counter")
        self.create, self.batch = stub.message("once.v1.CreateEntryRequest"), stub.message("once.v1.BatchCreateEntriesRequest")
        self.commit, self.committed = stub.message("groundplan.records.v1.CommitRequest"), stub.message("groundplan.records.v1.CommitResponse")
        self.create_counter = stub.message("once.v1.CreateCounterRequest")
        for at in range(COUNTERS):
            stub.call("once.v1.CounterService/CreateCounter", self.create_counter(counter={"id": f"c{at}"}))
        stub.channel.close()

    def next(self):
        self.at += 1
        kind, key = self.chance.random(), f"k{self.at}"
        name = f"request-{self.at}"
        if kind < 0.4:
            rest = ("/api/v1/entries", {"key": key}) if self.chance.random() < 0.3 else None
            message = self.create(entry={"key": key}, request_id=name)
            return Request(self.at, "once.v1.EntryService/CreateEntry", message, rest, entries=[key])
        if kind < 0.55:
            keys = [f"{key}-{part}" for part in range(self.chance.randrange(2, 5))]
            message = self.batch(requests=[self.create(entry={"key": one}) for one in keys], request_id=name)
            return Request(self.at, "once.v1.EntryService/BatchCreateEntries", message, entries=keys)
        counters = [f"c{at}" for at in self.chance.sample(range(COUNTERS), self.chance.randrange(1, 3))]
        message = self.commit(request_id=name, isolation=self.chance.choice([1, 1, 2]))
        for counter in counters:
            update = message.writes.add().update
            update.record.Pack(self.counter(id=counter, count=1, keys=[key]))
            update.increment.paths.append("count")
            update.append.paths.append("keys")
        entries = [key] if kind > 0.85 else []
        if entries:
            message.writes.add().create.record.Pack(self.entry(key=key))
        return Request(self.at, COMMIT, message, entries=entries, counters=counters)


class Senders:
    """Sends requests, each several times in parallel, until every sender has a response."""

    def __init__(self, suite, chance):
        self.suite, self.chance, self.ready = suite, chance, asyncio.Event()
        self.metadata = [("authorization", f"Bearer {suite.api_key}")]
        self.key, self.port = suite.api_key, suite.port
        self.calls, self.broken = 0, collections.Counter()
        self.threads, self.local = concurrent.futures.ThreadPoolExecutor(REST_CALLS), threading.local()

    async def send(self, request):
        """Sends all copies of one request: 2 to 20, mostly few."""
        copies = 2 + min(18, int(self.chance.expovariate(0.8)))
        senders = []
        for _ in range(copies):
            by_rest = request.rest and self.chance.random() < 0.5
            senders.append(self.by_rest(request) if by_rest else self.by_grpc(request, self.chance.choice(self.channels)))
        await asyncio.gather(*senders)

    async def by_grpc(self, request, channel):
        call = channel.unary_unary(f"/{request.path}", request_serializer=lambda message: message.SerializeToString(), response_deserializer=bytes)

        async def attempt():
            try:
                return await call(request.message, metadata=self.metadata, timeout=15)
            except grpc.aio.AioRpcError as error:
                reason = refusal(error)[0]
                if error.code() in UNKNOWN or reason in ("RECORD_BUSY", "RATE_LIMITED"):
                    if error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
                        print(f"{request.id}: {error.code().name}, {reason}: {error.details()}")
                    self.broken[reason or error.code().name] += 1
                    return None
                raise AssertionError(f"{request.id}: {error.code()}, {reason}: {error.details()}") from error

        request.answers.append(await self.until_answered(attempt))

    async def by_rest(self, request):
        async def attempt():
            return await asyncio.get_running_loop().run_in_executor(self.threads, self.post, request)

        request.told.append(await self.until_answered(attempt))

    def post(self, request):
        """Sends one POST over the connection of this thread; returns nothing if the connection broke."""
        path, body = request.rest
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json", "idempotency-key": f'"{request.id}"'}
        try:
            if getattr(self.local, "connection", None) is None:
                self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            self.local.connection.request("POST", path, json.dumps(body), headers)
            answer = self.local.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.local.connection = None
            self.broken[type(error).__name__] += 1
            return None
        if answer.status in (500, 502, 503, 504, 429) or (answer.status == 409 and b"RECORD_BUSY" in text):
            self.broken[f"status {answer.status}"] += 1
            return None
        assert answer.status == 201, (request.id, answer.status, text)
        return json.loads(text)["data"]

    async def until_answered(self, attempt):
        for _ in range(ATTEMPTS):
            await self.ready.wait()
            self.calls += 1
            answer = await attempt()
            if answer is not None:
                return answer
            await asyncio.sleep(0.05 + 0.2 * self.chance.random())
        raise AssertionError(f"no answer after {ATTEMPTS} attempts: {self.broken}")

    async def run(self, requests):
        """Sends requests until there are enough, and returns them."""
        self.ready.set()
        self.channels = channels(self.suite, CONNECTIONS)
        sent, until, began = [], asyncio.Event(), time.monotonic()

        async def work():
            while len(sent) < IDS or self.suite.kills < KILLS or not self.broken:
                assert time.monotonic() < began + MOST_SECONDS, f"only {len(sent)} request ids in {MOST_SECONDS} s"
                request = requests.next()
                sent.append(request)
                await self.send(request)

        workers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
        killer = asyncio.create_task(kill_again_and_again(self.suite, self.ready, lambda: self.chance.uniform(*LIFE), until))
        try:
            await asyncio.gather(*workers)
        finally:
            until.set()
            await killer
            for channel in self.channels:
                await channel.close()
            self.threads.shutdown()
        return sent


class Log:
    """The events of both models, from before the first call until a last record."""

    def __init__(self, suite, requests):
        self.stub, self.requests = Stub(suite), requests
        self.watch = self.stub.message("groundplan.records.v1.WatchManyRequest")
        self.models = [{"model": "once.v1.Entry"}, {"model": "once.v1.Counter"}]
        stream = self.stub.stream("groundplan.records.v1.RecordsService/WatchMany", self.watch(models=self.models, start=1), timeout=300)
        self.token = next(event.token for event in stream if event.token)
        stream.cancel()

    def counts(self):
        """Returns how often each key was created, and how often each counter changed."""
        self.stub.call("once.v1.EntryService/CreateEntry", self.requests.create(entry={"key": "the end"}))
        found = collections.Counter()
        stream = self.stub.stream("groundplan.records.v1.RecordsService/WatchMany", self.watch(models=self.models, token=self.token), timeout=300)
        for event in stream:
            if event.model == "once.v1.Entry":
                entry = self.requests.entry()
                event.record.Unpack(entry)
                if entry.key == "the end":
                    break
                found[event.kind, entry.key] += 1
            elif event.model == "once.v1.Counter":
                counter = self.requests.counter()
                event.record.Unpack(counter)
                found[event.kind, counter.id] += 1
        stream.cancel()
        self.stub.channel.close()
        return found


def test_each_request_id_happens_exactly_once(suite):
    chance = random.Random(SEED)
    print(f"GROUNDPLAN_SEED={SEED}")
    requests = Requests(suite, chance)
    log, senders = Log(suite, requests), Senders(suite, chance)
    began = time.monotonic()
    sent = asyncio.run(senders.run(requests))
    seconds = time.monotonic() - began
    copies = sum(len(request.answers) + len(request.told) for request in sent)
    print(f"{len(sent)} request ids, {copies} senders, {senders.calls} calls in {seconds:.0f} s, {suite.kills} kills; broken: {dict(senders.broken)}")

    check_answers(requests, sent)
    entries = collections.Counter(key for request in sent for key in request.entries)
    counters = collections.Counter(counter for request in sent for counter in request.counters)
    stored = collections.Counter(suite.psql("SELECT key FROM once_v1.entry"))
    assert stored == entries, ((stored - entries).most_common(5), (entries - stored).most_common(5))
    for row in suite.psql("SELECT id, count, cardinality(keys), (SELECT count(DISTINCT one) FROM unnest(keys) AS one) FROM once_v1.counter"):
        name, count, keys, distinct = row.split("|")
        assert int(count) == int(keys) == int(distinct) == counters[name], (row, counters[name])
    created, updated = 1, 2
    expected = {(created, key): 1 for key in entries} | {(updated, counter): count for counter, count in counters.items()}
    told = log.counts()
    assert told == expected, (dict(told - collections.Counter(expected)), dict(collections.Counter(expected) - told))

    assert suite.kills >= KILLS and senders.broken, "no client noticed that the server was killed"
    assert len(sent) >= IDS


def check_answers(requests, sent):
    """Checks that all senders of a request got the same response, and that each request got a different one."""
    ids = collections.Counter()
    for request in sent:
        assert len(set(request.answers)) <= 1 and all(told == request.told[0] for told in request.told), (request.id, request.answers, request.told)
        if request.path.endswith("/CreateEntry"):
            found = {(entry.id, entry.etag, entry.key) for entry in map(requests.entry.FromString, request.answers)}
            found |= {(told["id"], told["etag"], told["key"]) for told in request.told}
            assert len(found) == 1 and {key for _, _, key in found} == set(request.entries), (request.id, found)
            ids.update(id for id, _, _ in found)
        elif request.path == COMMIT:
            response = requests.committed.FromString(request.answers[0])
            assert len(response.results) == len(request.counters) + len(request.entries), (request.id, response)
            for counter, result in zip(request.counters, response.results):
                record = requests.counter()
                assert result.record.Unpack(record) and record.id == counter and record.keys[-1] == f"k{request.id.removeprefix('request-')}", request.id
    assert all(count == 1 for count in ids.values())
