"""Shared code of the fuzzers: cases by seed, clients of both protocols that check every response, and a check of the
server's health and memory."""

import http.client
import json
import math
import os
import pathlib
import random
import sys
import time

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "journeys"))

import suite as journeys  # noqa: E402
from conftest import Stub  # noqa: E402
from seeds import SEED  # noqa: E402
import test_filters_against_cel as oracle  # noqa: E402, F401
import test_random_models as shapes  # noqa: E402

# Packages of models of random shapes.
PACKAGES = [f"fuzz{at}.v1" for at in range(3)]

# The factor for the number of cases in CI, and the number of the only case to repeat.
FACTOR = float(os.environ.get("GROUNDPLAN_FUZZ_FACTOR", 1))
ONLY = os.environ.get("GROUNDPLAN_FUZZ_CASE")
# The maximum growth of a warm process, in bytes.
MOST_BYTES = 96 << 20
# Codes that are always a fault of the server; and reasons for which it can be unavailable.
FAULTS = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE"}
HONEST = {"DATABASE_UNAVAILABLE", "SERVER_BUSY", "NOT_READY", "PEER_UNAVAILABLE"}
TIMEOUT = 120


class Answer:
    """The result of a call: the name of its gRPC code, the reason, and the body."""

    def __init__(self, code, reason="", text="", body=None, violations=()):
        self.code, self.reason, self.text, self.body, self.violations = code, reason, text, body, list(violations)

    @property
    def ok(self):
        return self.code == "OK"

    def __repr__(self):
        return f"{self.code} {self.reason} {self.text!r} {self.violations} {self.body!r}"[:2000]


class Server:
    """The suite at its own port, without Envoy, whose limits would reject many requests."""

    def __init__(self, suite):
        self.suite, self.port = suite, suite.port + 10000
        self.stub = Stub(suite)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[("grpc.max_receive_message_length", 64 << 20)])
        self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        self.headers = {"authorization": f"Bearer {suite.api_key}", "content-type": "application/json"}
        self.process = next(pid for pid in journeys.processes_in_session(suite.process.pid) if program(pid) == "groundplan")
        self.case = None

    def message(self, name, **fields):
        return self.stub.message(name)(**fields)

    def cases(self, name, count):
        """Yields the random generator of each case. After a third of the cases the server is warm: from then on it must not
        grow."""
        count = max(1, int(count * FACTOR))
        warm, began = None, time.monotonic()
        for at in [int(ONLY)] if ONLY else range(count):
            self.case = f"GROUNDPLAN_SEED={SEED} GROUNDPLAN_FUZZ_CASE={at}"
            if at == count // 3:
                warm = self.bytes()
            if at and at % 1000 == 0:
                print(f"{name}: {at} of {count} cases in {time.monotonic() - began:.0f} s, {self.bytes() >> 20} MiB", flush=True)
            yield random.Random(f"{SEED} {name} {at}")
        print(f"{name}: {count} cases in {time.monotonic() - began:.0f} s, {self.bytes() >> 20} MiB", flush=True)
        if warm and not ONLY:
            grown = self.bytes() - warm
            assert grown < MOST_BYTES, f"{name}: {grown >> 20} MiB more than the warm process, with {warm >> 20} MiB"

    def bytes(self):
        return int(pathlib.Path(f"/proc/{self.process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def log(self):
        return (self.suite.logs / "groundplan.log").read_text(errors="replace")

    def close(self):
        self.channel.close()
        self.stub.channel.close()
        self.http.close()

    def call(self, path, request):
        """Sends one unary call of gRPC, with a message or with bytes."""
        return self.checked(path, lambda **more: self.channel.unary_unary("/" + path)(encoded(request), **more))

    def stream(self, path, request, most=10_000):
        """Returns the messages of a streaming response, up to a number."""
        def read(**more):
            call, found = self.channel.unary_stream("/" + path)(encoded(request), **more), []
            for message in call:
                found.append(message)
                if len(found) == most:
                    call.cancel()
                    break
            return found
        return self.checked(path, read)

    def upload(self, path, requests):
        """Sends one gRPC call with a stream of requests."""
        return self.checked(path, lambda **more: self.channel.stream_unary("/" + path)(map(encoded, requests), **more))

    def checked(self, path, call):
        try:
            return Answer("OK", body=call(metadata=[("authorization", self.headers["authorization"])], timeout=TIMEOUT))
        except grpc.RpcError as error:
            answer = refusal(error)
        assert answer.code not in FAULTS or answer.reason in HONEST, f"{self.case}: {path}: {answer}"
        assert answer.reason, f"{self.case}: {path}: an error without a reason: {answer}"
        return answer

    def rest(self, method, path, body=None, **headers):
        """Sends one REST call, with a value or with bytes. The body of the result is JSON."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.http.request(method, path, raw, self.headers | headers)
            answer = self.http.getresponse()
            text = answer.read()
        except (http.client.HTTPException, OSError) as error:
            self.http.close()
            raise AssertionError(f"{self.case}: {method} {path}: the connection ended: {error!r}") from error
        value = json.loads(text) if text else None
        if answer.status < 400:
            return Answer("OK", body=value)
        details = value["error"].get("details", [])
        reason = next((one["reason"] for one in details if one["@type"].endswith("ErrorInfo")), "")
        assert answer.status < 500 or answer.status == 501 or reason in HONEST, f"{self.case}: {method} {path}: {answer.status} {value}"
        assert reason, f"{self.case}: {method} {path}: an error without a reason: {answer.status} {value}"
        violations = [(one["field"], one["description"]) for detail in details if detail["@type"].endswith("BadRequest") for one in detail["fieldViolations"]]
        return Answer(value["error"]["code"], reason, value["error"]["message"], value, violations)


def refusal(error):
    status = rpc_status.from_call(error)
    answer = Answer(error.code().name, text=error.details())
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            answer.reason = info.reason
        elif detail.Unpack(bad):
            answer.violations = [(one.field, one.description) for one in bad.field_violations]
    return answer


def kept(message):
    """Returns a message as the server stores it: times and durations cut to microseconds, and one NaN for all."""
    if message.DESCRIPTOR.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        message.nanos = int(message.nanos / 1000) * 1000
        return message
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            for key in value:
                if inner.message_type:
                    kept(value[key])
                elif value[key] != value[key]:
                    value[key] = math.nan
        elif shapes.repeated(field):
            for at, one in enumerate(value):
                if field.message_type:
                    kept(one)
                elif one != one:
                    value[at] = math.nan
        elif field.message_type:
            kept(value)
        elif value != value:
            setattr(message, field.name, math.nan)
    return message


def encoded(request):
    return request if isinstance(request, bytes) else request.SerializeToString()


def program(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None  # it has just ended


def mutated(chance, raw, pieces=()):
    """Returns bytes with a few changes: bits, bytes, parts that are removed, doubled or moved, and inserted pieces."""
    raw = bytearray(raw)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        at = chance.randrange(len(raw) + 1)
        end = min(len(raw), at + chance.choice([1, 1, 2, 4, 16]))
        way = chance.randrange(7 if pieces else 6)
        if way == 0 and at < len(raw):
            raw[at] ^= 1 << chance.randrange(8)
        elif way == 1 and at < len(raw):
            raw[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        elif way == 2:
            del raw[at:end]
        elif way == 3:
            raw[at:at] = raw[at:end]
        elif way == 4:
            raw[at:at] = chance.randbytes(chance.randrange(1, 5))
        elif way == 5 and chance.random() < 0.3:
            del raw[at:]
        elif way == 6:
            raw[at:at] = chance.choice(pieces)
    return bytes(raw)
