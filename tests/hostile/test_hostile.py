"""Attacks from the open internet on the service's port and on Envoy: memory and processor time stay limited, the attacker is
disconnected or gets an error, and calls of an honest client continue.

The limits come from measurements of bare tonic: a flood of PINGs used one core while it lasted, 200 silent connections
were still open after 20 s, 20,000 open calls took 200 MiB."""

import gzip
import os
import pathlib
import statistics
import struct
import sys
import threading
import time

import grpc
import pytest

# Attackers start a suite as the journeys do.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "journeys"))

import suite as journeys  # noqa: E402
from conftest import Stub  # noqa: E402
from wire import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, Connection, call, frame, text

GET, CREATE, LIST = (f"/example.v1.EntityService/{method}" for method in ("GetEntity", "CreateEntity", "ListEntities"))
# The maximum growth of a process's memory after an attack, and its maximum share of one core during it.
MOST_BYTES = 96 << 20
TICK = os.sysconf("SC_CLK_TCK")


class Impatient(journeys.Suite):
    """A suite with a short time-out for clients that do not read."""

    def environment(self, **more):
        return super().environment(GROUNDPLAN_STALL_TIMEOUT="2s", **more)


@pytest.fixture(scope="module")
def target():
    running = Impatient()
    running.start()
    yield running
    running.close()


@pytest.fixture(params=["service", "envoy"])
def port(request, target):
    return target.port + (10000 if request.param == "service" else 0)


class Process:
    """The resources of a process."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid

    def bytes(self):
        return int((open(f"/proc/{self.pid}/statm").read().split())[1]) * os.sysconf("SC_PAGE_SIZE")

    def seconds(self):
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def is_quiet(self):
        """Whether it uses less than half of a core for half a second."""
        before = self.seconds()
        time.sleep(0.5)
        return self.seconds() - before < 0.25


class Honest(threading.Thread):
    """A client that calls continuously, and records the duration and the failures of its calls."""

    def __init__(self, target, port):
        super().__init__(daemon=True)
        self.stub, self.stop = Stub(target), threading.Event()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.took, self.failed = [], []
        self.request = self.stub.message("example.v1.ListEntitiesRequest")(page_size=1).SerializeToString()

    def run(self):
        invoke = self.channel.unary_unary(LIST)
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                invoke(self.request, timeout=30, metadata=self.stub.metadata)
                self.took.append(time.monotonic() - began)
            except grpc.RpcError as error:
                self.failed.append(error)
            time.sleep(0.02)

    def end(self):
        self.stop.set()
        self.join(60)
        self.channel.close()
        self.stub.channel.close()


class Watched:
    """The processes of the suite and an honest client during an attack."""

    def __init__(self, target, port):
        names = journeys.programs_in_session(target.process.pid)
        self.server, self.envoy = [Process(name, names[name]) for name in ("groundplan", "envoy")]
        self.honest = Honest(target, port)

    def __enter__(self):
        self.before = [process.bytes() for process in (self.server, self.envoy)]
        self.honest.start()
        journeys.wait(lambda: len(self.honest.took) > 5, "honest calls succeed")
        return self

    def __exit__(self, kind, *_):
        answered = len(self.honest.took)
        if kind is None:
            journeys.wait(lambda: len(self.honest.took) > answered + 5, "honest calls continue")
        self.honest.end()
        if kind is not None:
            return
        for process, before in zip((self.server, self.envoy), self.before):
            grown = process.bytes() - before
            assert grown < MOST_BYTES, f"{grown >> 20} MiB more"
            # The amount of work during the attack depends on the machine. No remaining work shows that nothing spins.
            journeys.wait(process.is_quiet, f"{process.name} is quiet after the attack")
        assert not self.honest.failed, self.honest.failed[:3]
        assert statistics.median(self.honest.took) < 3, self.honest.took


def until_ended(connection, seconds):
    """Returns how long the server took to close a connection."""
    began = time.monotonic()
    connection.drain(seconds)
    assert connection.ended, f"the connection is open after {seconds} s"
    return time.monotonic() - began


def test_silent_and_incomplete_connections_are_closed(target, port):
    halves = [b"", b"P", b"PRI * HTTP/2.0\r\n\r\nS", b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: "]
    with Watched(target, port):
        connections = [Connection(port, greet=False) for _ in range(200)]
        for at, connection in enumerate(connections):
            connection.send(halves[at % len(halves)])
        end = time.monotonic() + 25
        for connection in connections:
            until_ended(connection, max(0.1, end - time.monotonic()))
            connection.close()


def test_slow_headers_time_out(target, port):
    with Watched(target, port):
        connection = Connection(port, greet=False)
        connection.send(b"GET /api/v1/resource HTTP/1.1\r\nhost: a\r\n")
        for at in range(25):
            connection.send(b"x-%d: y\r\n" % at)
            connection.drain(1)
            if connection.ended or b"HTTP/1.1 4" in connection.read:
                break
        assert connection.ended or b"HTTP/1.1 408" in connection.read or b"HTTP/1.1 504" in connection.read, connection.read
        connection.close()


@pytest.mark.parametrize("name, flood", [
    ("ping", frame(PING, b"12345678")),
    ("settings", frame(SETTINGS, struct.pack(">HI", 4, 65535))),
    ("priority", frame(PRIORITY, struct.pack(">IB", 0, 9), stream=1)),
    ("empty data", frame(DATA, stream=1)),
    ("window updates", frame(WINDOW_UPDATE, struct.pack(">I", 1))),
    ("unknown frames", frame(99, b"12345678")),
])
def test_floods_end_the_connection(target, port, name, flood):
    """Each flood can last 10 seconds, but the server ends it earlier. The attacker does not read. The number of sent frames
    is no measure: the kernel buffers megabytes of them while the server has no turn."""
    with Watched(target, port) as watched:
        connection = Connection(port)
        # A call that stays open: Envoy ignores frames of a finished call, and frames that it does not know.
        connection.send(frame(HEADERS, call("/groundplan.records.v1.RecordsService/Import", target.api_key), END_HEADERS, 1))
        end, block, sent = time.monotonic() + 10, flood * 1000, 0
        while connection.send(block) and time.monotonic() < end:
            sent += 1000
            connection.drain()
        if (name, port) == ("unknown frames", target.port):
            # Envoy ignores them while they arrive.
            return
        assert connection.ended, f"{sent} frames were taken"
        connection.close()


def test_rapid_resets_are_limited(target, port):
    """Rapid reset (CVE-2023-44487)."""
    with Watched(target, port):
        connection, block = Connection(port), b""
        for at in range(30_000):
            stream = 2 * at + 1
            block += frame(HEADERS, call(GET), END_HEADERS, stream) + frame(RST_STREAM, struct.pack(">I", 8), 0, stream)
            if at % 500 == 499:
                if not connection.send(block):
                    break
                block = b""
                connection.drain()
        until_ended(connection, 10)
        connection.close()


def test_the_calls_of_a_connection_are_limited(target, port):
    with Watched(target, port):
        connection = Connection(port)
        for at in range(20_000):
            if not connection.send(frame(HEADERS, call(CREATE, target.api_key), END_HEADERS, 2 * at + 1)):
                break
            if at % 500 == 499:
                connection.drain()
        connection.drain(1)
        refused = [payload for kind, _, _, payload in connection.frames() if kind == RST_STREAM]
        assert connection.ended or len(refused) > 19_000, len(refused)
        connection.close()


def test_endless_headers_are_rejected(target, port):
    """A flood of CONTINUATION (CVE-2024-27316), and one header of a MiB."""
    with Watched(target, port):
        connection = Connection(port)
        connection.send(frame(HEADERS, call(GET), 0, 1))
        for at in range(20_000):
            if not connection.send(frame(CONTINUATION, text(f"x-{at}", "y" * 1000), 0, 1)):
                break
        until_ended(connection, 10)
        connection.close()


@pytest.mark.parametrize("name, body, encoding", [
    ("a gzip bomb", None, "gzip"),
    ("a length of 4 GiB", struct.pack(">BI", 0, 0xFFFFFFFF) + b"x" * 1000, "identity"),
])
def test_large_messages_are_rejected(target, port, name, body, encoding):
    if body is None:
        # A gibibyte of zeros, in pieces, as one member.
        packed = gzip.compress(bytes(64 << 20), 9) * 16
        body = struct.pack(">BI", 1, len(packed)) + packed
    with Watched(target, port):
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        connection = Connection(port, settings=struct.pack(">HI", 4, (1 << 31) - 1))
        connection.send(frame(HEADERS, call(CREATE, target.api_key, grpc_encoding=encoding), END_HEADERS, 1))
        for at in range(0, len(body), 16_000):
            if not connection.send(frame(DATA, body[at:at + 16_000], 0, 1)):
                break
            connection.drain()
        connection.send(frame(DATA, b"", END_STREAM, 1))
        connection.drain(2)
        assert connection.ended or any(stream == 1 for _, _, stream, _ in connection.frames()), connection.frames()
        connection.close()
        channel.close()


def test_a_client_that_does_not_read_is_disconnected(target, port):
    """Large responses to a client that never opens its window: 20 responses of a megabyte."""
    stub = Stub(target)
    create, entity = stub.message("example.v1.CreateEntityRequest"), stub.message("example.v1.Entity")
    batch = stub.message("example.v1.BatchCreateEntitiesRequest")
    entities = [create(entity=entity(field1=f"{at}-" + "x" * 2000)) for at in range(500)]
    stub.call("example.v1.EntityService/BatchCreateEntities", batch(requests=entities))
    request = stub.message("example.v1.ListEntitiesRequest")(page_size=500).SerializeToString()
    stub.channel.close()
    with Watched(target, port):
        # A window of one byte for each response.
        connection = Connection(port, settings=struct.pack(">HI", 4, 1))
        for stream in range(1, 40, 2):
            connection.send(frame(HEADERS, call(LIST, target.api_key), END_HEADERS, stream))
            connection.send(frame(DATA, struct.pack(">BI", 0, len(request)) + request, END_STREAM, stream))
        connection.drain(12)
        assert {stream for kind, _, stream, _ in connection.frames() if kind == DATA} >= {1, 39}
        # Envoy waits for the same time as for a silent stream: it holds only its buffers.
        assert connection.ended or port == target.port
        connection.close()
