"""Thousands of connections without credentials: each opens streams, gets errors, and then sends nothing. They cost almost
nothing, and honest calls continue.

GROUNDPLAN_IDLE_CONNECTIONS sets their number. `make torture` uses 2,000."""

import os
import resource
import selectors
import time

import grpc
import pytest
# First: this module adds the journeys to the path, whose client is used here.
from test_hostile import GET, LIST, Process, Stub, journeys
from wire import END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, Connection, call, frame

COUNT = int(os.environ.get("GROUNDPLAN_IDLE_CONNECTIONS", "300"))
SECONDS = 10
# Of one core, for all of them together.
MOST_SHARE = 0.05
HEALTH = "/grpc.health.v1.Health/Watch"
STREAMS = (HEALTH, "/groundplan.records.v1.RecordsService/WatchMany", "/example.v1.EntityService/WatchEntities", GET)


@pytest.fixture(scope="module")
def target():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The suite inherits the limit, and needs as many descriptors as this process.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    running = journeys.Suite()
    running.start()
    yield running
    running.close()


@pytest.fixture(params=["service", "envoy"])
def port(request, target):
    return target.port + (10000 if request.param == "service" else 0)


def processes(target):
    names = journeys.programs_in_session(target.process.pid)
    return [Process(name, names[name]) for name in ("groundplan", "envoy")]


def spent(watched, seconds, connections=()):
    """Returns the processor time of the suite within this number of seconds."""
    before = sum(process.seconds() for process in watched)
    attend(connections, seconds)
    return sum(process.seconds() for process in watched) - before


def attend(connections, seconds):
    """Reads arriving data, and acknowledges PINGs, like any idle client."""
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            if not connection.ended:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
        while (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left) if connections else ():
                connection = key.data
                start = len(connection.read)
                connection.drain()
                for kind, flags, _, payload in frames_of(connection.read[start:]):
                    if kind == PING and not flags & 1:
                        connection.send(frame(PING, payload, flags=1))
                if connection.ended:
                    selector.unregister(connection.socket)
            if not connections:
                time.sleep(left)


def frames_of(data):
    """Returns the frames of data that starts with a frame. Data of an idle connection arrives in complete frames."""
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        yield data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:9 + size]
        data = data[9 + size:]


def idle(port):
    """Opens a connection that starts every stream, and leaves all of them open on its side."""
    connection = Connection(port)
    connection.send(frame(SETTINGS, flags=1))
    for at, path in enumerate(STREAMS):
        connection.send(frame(HEADERS, call(path), END_HEADERS, 2 * at + 1))
    return connection


def is_answered(connection):
    """Whether every stream has got its error."""
    answered = {stream for kind, _, stream, _ in connection.frames() if kind in (HEADERS, RST_STREAM)}
    return connection.ended or answered >= {2 * at + 1 for at in range(len(STREAMS))}


def test_idle_connections_without_credentials_are_cheap(target, port):
    watched, stub = processes(target), Stub(target)
    at_rest = spent(watched, SECONDS)
    connections = [idle(port) for _ in range(COUNT)]
    end = time.monotonic() + 60
    while time.monotonic() < end and not all(map(is_answered, connections)):
        attend(connections, 1)
    for connection in connections:
        assert is_answered(connection), connection.frames()
    is_open = sum(not connection.ended for connection in connections)
    assert is_open > 0.9 * COUNT, f"{is_open} of {COUNT} connections are open"
    cost = spent(watched, SECONDS, connections) - at_rest
    assert cost < MOST_SHARE * SECONDS, f"{cost:.2f} s of a core in {SECONDS} s"
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
    request = stub.message("example.v1.ListEntitiesRequest")(page_size=1).SerializeToString()
    for _ in range(100):
        channel.unary_unary(LIST)(request, timeout=5, metadata=stub.metadata)
    channel.close()
    for connection in connections:
        connection.close()


def status(port, path, key=None):
    """Returns the first status of a stream; None while it is open."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
    metadata = [("authorization", f"Bearer {key}")] if key else []
    try:
        next(channel.unary_stream(path)(b"", timeout=5, metadata=metadata))
        return None
    except grpc.RpcError as error:
        return error.code()
    finally:
        channel.close()


def test_only_health_checks_are_open(target, port):
    # The second if too many calls without credentials have come from this address.
    assert status(port, HEALTH) in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert status(port, HEALTH, target.api_key) is None, "whoever has a key may watch"
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5) == b"\x08\x01"
    channel.close()


def test_health_watches_are_silent_without_changes(target, port):
    """They sent four messages a second each, without a limit on their number."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
    metadata = [("authorization", f"Bearer {target.api_key}")]
    watch = channel.unary_stream(HEALTH)
    with pytest.raises(grpc.RpcError) as ended:
        messages = watch(b"", timeout=4, metadata=metadata)
        assert next(messages) == b"\x08\x01"
        pytest.fail(f"a second message: {next(messages)}")
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    channel.close()
    held = [grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(2)]
    calls = [channel.unary_stream(HEALTH)(b"", timeout=30, metadata=metadata) for channel in held for _ in range(40)]
    codes = []
    for one in calls:
        try:
            next(one)
        except grpc.RpcError as error:
            codes.append(error.code())
    assert codes == [grpc.StatusCode.RESOURCE_EXHAUSTED] * (80 - 64), codes
    for channel in held:
        channel.close()
