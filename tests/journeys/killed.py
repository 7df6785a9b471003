"""A suite whose server is killed by SIGKILL repeatedly while its PostgreSQL and Envoy stay alive, and helpers for its
clients. In the split suite, one process of `records` is killed after the other, or all of them at the same time."""

import asyncio
import os
import random
import time

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from seeds import SEED
from split import RECORDS, Processes
from suite import PATIENCE, SPLIT, Suite
from test_watch_torture import Torn

# The codes that leave open whether the call was executed.
UNKNOWN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
           grpc.StatusCode.INTERNAL}


class Killed(Torn):
    """`ready` is set while the server is up. Applies its own models instead of the examples."""

    def __init__(self, models):
        super().__init__(apply_examples=False)
        self.models, self.kills = models, 0

    def apply(self, _examples, check=True):
        return super().apply(self.models, check=check)

    def kill_server(self):
        """Kills only the server, and waits until the work of its connections has finished."""
        self.process.kill()
        self.process.wait(timeout=10)
        self.kills += 1
        self.wait_until_idle()

    def wait_until_idle(self, timeout=PATIENCE):
        """Waits until PostgreSQL has no connection of the killed server: from then on nothing that it started can still
        happen."""
        end = time.monotonic() + timeout
        others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        while self.psql(others) != ["0"]:
            assert time.monotonic() < end, "the connections of a killed server do not end"
            time.sleep(0.02)

    def start_again(self):
        self.start_server()
        self.wait_until_ready()


class KilledSplit(Suite):
    """The same with the split suite: `victims` of its three processes of records are killed at the same time."""

    def __init__(self, models, victims):
        super().__init__(apply_examples=False)
        self.models, self.victims, self.kills, self.processes = models, victims, 0, Processes(self)
        self.chance = random.Random(SEED)

    def environment(self, **more):
        return super().environment() | {"GROUNDPLAN_MODELS": str(self.models)} | more

    def kill_server(self):
        """Kills the victims; if these are all processes, waits until the work of their connections has finished."""
        self.hold = self.logs.parent.parent / "run" / self.logs.name / "hold"
        self.hold.touch()
        self.others = [self.processes.kill(f"records-{address}") for address in self.chance.sample(RECORDS, self.victims)]
        self.kills += 1
        connections = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'groundplan_records'"
        if self.victims == len(RECORDS):
            self.processes.wait(lambda: self.psql(connections) == ["0"], "the connections of killed servers end")

    def start_again(self):
        self.hold.unlink()
        for there in self.others:
            self.processes.wait(there, "another is started")
        for address in RECORDS:
            self.processes.wait(lambda: self.processes.ready(address), "it is ready")


def running(tmp_path, path, models, victims=len(RECORDS)):
    """For a fixture: a suite that can be killed, with a file of models. `victims` of three processes are killed at the same
    time, in the split suite."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(models)
    suite = KilledSplit(tmp_path, victims) if SPLIT else Killed(tmp_path)
    try:
        suite.start()
        yield suite
    finally:
        suite.close()


async def kill_again_and_again(suite, ready, pause, until, killed=lambda: None):
    """Kills the server with a pause between, until an event is set. `killed` is called when the work of the killed server
    has finished."""
    while not until.is_set():
        try:
            await asyncio.wait_for(until.wait(), pause())
        except TimeoutError:
            ready.clear()
            await asyncio.to_thread(suite.kill_server)
            killed()
            await asyncio.to_thread(suite.start_again)
            ready.set()


def refusal(error):
    """Returns the reason of an error, and its metadata."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason, dict(info.metadata)
    return "", {}


def channels(suite, count):
    """Opens separate connections: gRPC would share one."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 100)]
    return [grpc.aio.insecure_channel(suite.address, options=options) for _ in range(count)]


def number(name, default):
    """Reads a number from the environment."""
    return type(default)(os.environ.get(name, default))
