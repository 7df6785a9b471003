"""A stopping server ends in time, regardless of its clients: one that never reads, one that never sends, one that keeps
watching."""

import os
import pathlib
import signal
import struct
import sys
import time

# Attackers start a suite as the journeys do.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "journeys"))

import suite as journeys  # noqa: E402
from conftest import Stub  # noqa: E402
from wire import DATA, END_HEADERS, END_STREAM, HEADERS, Connection, call, frame  # noqa: E402

# The default is 20 seconds; a test can be shorter.
GRACE = 4


class Hasty(journeys.Suite):
    def environment(self, **more):
        return super().environment(GROUNDPLAN_DRAIN_GRACE=f"{GRACE}s", **more)


def program(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except FileNotFoundError:
        return None  # it has just ended


def ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def request(stub, name, **fields):
    message = stub.message(f"example.v1.{name}")(**fields).SerializeToString()
    return frame(DATA, struct.pack(">BI", 0, len(message)) + message, END_STREAM, 1)


def test_a_server_stops_in_time_regardless_of_its_clients():
    suite = Hasty()
    try:
        suite.start()
        stub = Stub(suite)
        create, entity = stub.message("example.v1.CreateEntityRequest"), stub.message("example.v1.Entity")
        batch = stub.message("example.v1.BatchCreateEntitiesRequest")
        stub.call("example.v1.EntityService/BatchCreateEntities", batch(requests=[create(entity=entity(field1="x" * 2000 + str(at))) for at in range(500)]))
        port = suite.port + 10000
        # A megabyte for a client that opens no window, a watch that is not read, and a client that sends nothing after the
        # preface.
        unread = Connection(port, settings=struct.pack(">HI", 4, 1))
        unread.send(frame(HEADERS, call("/example.v1.EntityService/ListEntities", suite.api_key), END_HEADERS, 1))
        unread.send(request(stub, "ListEntitiesRequest", page_size=500))
        watch = Connection(port)
        watch.send(frame(HEADERS, call("/example.v1.EntityService/WatchEntities", suite.api_key), END_HEADERS, 1))
        watch.send(request(stub, "WatchEntitiesRequest", start=1))
        silent = Connection(port)
        stub.channel.close()
        for connection in (unread, watch):
            journeys.wait(lambda: connection.drain(0.1).frames_of(1), "its call has started")
        server = next(pid for pid in journeys.processes_in_session(suite.process.pid) if program(pid) == "groundplan")
        began = time.monotonic()
        os.kill(server, signal.SIGTERM)
        while not ended(server):
            assert time.monotonic() - began < GRACE + 20, "the server does not stop"
            time.sleep(0.05)
        took = time.monotonic() - began
        print(f"it took {took:.1f} s to end")
        assert took > GRACE - 0.5, "the server did not wait for the client that does not read: the test proves nothing"
        for connection in (unread, watch, silent):
            connection.close()
    finally:
        suite.close()
