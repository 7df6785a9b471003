"""Paced callers: each process creates, gets, updates and lists records at a fixed rate until its input ends, then prints the
results.

    callers.py ADDRESS KEY CALLS_PER_SECOND"""

import asyncio
import json
import pathlib
import subprocess
import sys
import time

import grpc

SERVICE = "/example.v1.EntityService/"
# Concurrent rounds of a process: a process that is slower than the rate skips rounds instead of queueing them. All together are
# fewer than the server's connections to the database, so on a busy machine calls are slow, but none is rejected.
MOST = 6


class Callers:
    """Runs this number of processes until the block ends."""

    def __init__(self, suite, rate, processes=2):
        self.processes = [subprocess.Popen([sys.executable, __file__, suite.address, suite.api_key, str(rate / processes)],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
        for process in self.processes:
            assert process.stdout.readline() == "calling\n"

    def stop(self):
        """Returns the number of successful calls, their rate, and the errors."""
        found = [json.loads(process.communicate(timeout=300)[0]) for process in self.processes]
        calls = sum(one["calls"] for one in found)
        return calls, sum(one["calls"] / one["seconds"] for one in found), [error for one in found for error in one["errors"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


async def call(address, key, rate):
    entity, requests = messages(address, key)
    metadata = [("authorization", f"Bearer {key}")]
    calls, errors, running, ended = 0, [], set(), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    async with grpc.aio.insecure_channel(address) as channel:
        def method(name, decode):
            return channel.unary_unary(SERVICE + name, request_serializer=lambda request: request.SerializeToString(), response_deserializer=decode)

        create, get, update, listing = (method(name, decode) for name, decode in (
            ("CreateEntity", entity.FromString), ("GetEntity", bytes), ("UpdateEntity", bytes), ("ListEntities", bytes)))

        async def round():
            nonlocal calls
            try:
                made = await create(requests["CreateEntity"](entity={"field1": "steady"}), metadata=metadata, timeout=120)
                calls += 1
                for send, request in ((get, requests["GetEntity"](id=made.id)),
                                      (update, requests["UpdateEntity"](entity={"id": made.id, "field2": 2})),
                                      (listing, requests["ListEntities"](page_size=5))):
                    await send(request, metadata=metadata, timeout=120)
                    calls += 1
            except Exception as error:  # every kind of failure counts
                errors.append(repr(error))

        print("calling", flush=True)
        began = due = time.monotonic()
        while not ended.is_set():
            due += 4 / rate
            if len(running) < MOST:
                task = asyncio.create_task(round())
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(max(0, due - time.monotonic()))
        seconds = time.monotonic() - began
        await asyncio.gather(*running)
    print(json.dumps({"calls": calls, "seconds": seconds, "errors": errors[:5]}))


def messages(address, key):
    """Loads the types by reflection, once, before the first call."""
    from conftest import Stub

    class Where:
        pass

    Where.address, Where.api_key = address, key
    stub = Stub(Where)
    names = ("CreateEntity", "GetEntity", "UpdateEntity", "ListEntities")
    found = stub.message("example.v1.Entity"), {name: stub.message(f"example.v1.{name}Request") for name in names}
    stub.channel.close()
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    asyncio.run(call(sys.argv[1], sys.argv[2], float(sys.argv[3])))
