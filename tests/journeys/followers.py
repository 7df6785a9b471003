"""Clients that watch a model with different tools. Their events are converted to one form, so that they can be compared."""

import json
import re
import subprocess
import sys
import threading
import time

from suite import PATIENCE, TOOLS


class Follower:
    """A client in its own process. `events` grows as events arrive; `error` is the reason of its end."""

    def __init__(self, name, arguments, reader):
        self.name, self.events, self.error = name, [], None
        self.process = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self.read, args=(reader,), daemon=True)
        self.thread.start()

    def read(self, reader):
        for event in reader(self.process.stdout):
            if "error" in event:
                self.error = event["error"]
            else:
                self.events.append(event)

    def wait(self, condition, what):
        """Waits until a condition over the events holds."""
        until = time.monotonic() + PATIENCE
        while not condition(self.events):
            assert time.monotonic() < until and (self.thread.is_alive() or condition(self.events)), \
                (self.name, what, self.events, self.error, self.ended()[1] if self.process.poll() is not None else "")
            time.sleep(0.02)
        return self

    def begun(self):
        return self.wait(lambda events: events, "the first event")

    def changes(self, count):
        """Returns the first `count` events that are changes."""
        self.wait(lambda events: len(changes(events)) >= count, f"{count} changes")
        return changes(self.events)[:count]

    def ended(self):
        """Waits until the client has ended, and returns its error output."""
        self.process.wait(timeout=PATIENCE)
        self.thread.join()
        return self.process.returncode, self.process.stderr.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def changes(events):
    return [event for event in events if event["kind"] not in ("BOOKMARK", "SYNCED")]


def objects(stream):
    """Parses consecutive JSON objects, as grpcurl and buf print them."""
    text, decoder = "", json.JSONDecoder()
    while chunk := stream.read1(65536):
        text = (text + chunk.decode()).lstrip()
        while text:
            try:
                value, end = decoder.raw_decode(text)
            except ValueError:
                break
            text = text[end:].lstrip()
            yield of_message(value)


def of_message(message):
    """Converts an event of gRPC in JSON to the form of server-sent events."""
    for name, prefix in (("kind", "EVENT_KIND_"), ("removal", "REMOVAL_")):
        if name in message:
            message[name] = message[name].removeprefix(prefix)
    message["data"] = message.pop("entity", None)
    # grpcurl prints a mask as its message, with names as in the .proto.
    mask = message.get("changedFields", "")
    if mask:
        paths = mask["paths"] if isinstance(mask, dict) else mask.split(",")
        message["changedFields"] = [re.sub("_(.)", lambda found: found[1].upper(), path) for path in paths]
    return message


def server_sent(stream):
    """Parses server-sent events, as the WHATWG defines them."""
    fields = {}
    for line in stream:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "event" in fields:
            data = json.loads(fields["data"])
            yield data if fields["event"] == "error" else {"kind": fields["event"], "token": fields["id"], "data": None} | data
            fields = {}


def by_curl(suite, path, *headers, **query):
    parts = [word for name, value in query.items() for word in ("--data-urlencode", f"{name}={value}")]
    names = [word for header in (f"authorization: Bearer {suite.api_key}", *headers) for word in ("-H", header)]
    return Follower("curl", ["curl", "-sSN", "--fail-with-body", "-G", *names, *parts, f"{suite.url}/api/v1/{path}:watch"], server_sent)


def by_grpcurl(suite, method, request):
    key = f"authorization: Bearer {suite.api_key}"
    return Follower("grpcurl", [TOOLS / "grpcurl", "-plaintext", "-H", key, "-d", json.dumps(request), suite.address, method], objects)


def by_buf(suite, method, request):
    key = f"authorization: Bearer {suite.api_key}"
    return Follower("buf curl", [TOOLS / "buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-H", key, "--reflect-header", key,
                                 "-d", json.dumps(request), f"{suite.url}/{method}"], objects)


# A client with stubs that protoc generated from the output of `groundplan generate`.
GENERATED = """
import sys, grpc
from google.protobuf.json_format import MessageToJson, Parse
stubs, address, key, request = sys.argv[1:]
sys.path.insert(0, stubs)
from example.v1 import entity_service_pb2, entity_service_pb2_grpc
channel = grpc.insecure_channel(address)
service = entity_service_pb2_grpc.EntityServiceStub(channel)
request = Parse(request, entity_service_pb2.WatchEntitiesRequest())
for event in service.WatchEntities(request, metadata=[("authorization", "Bearer " + key)]):
    print(MessageToJson(event), flush=True)
"""


def by_generated_stub(suite, stubs, request):
    return Follower("generated stub", [sys.executable, "-c", GENERATED, stubs, suite.address, suite.api_key, json.dumps(request)], objects)
