"""A unary call has exactly one message, and messages have only known fields: on every method, over gRPC and gRPC-Web,
through Envoy."""

import struct
import urllib.error
import urllib.parse
import urllib.request

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

CREATE = "/example.v1.EntityService/CreateEntity"


def frame(message, flag=0):
    return struct.pack(">BI", flag, len(message)) + message


def reason(error):
    """Returns the reason in the ErrorInfo of an error."""
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info):
            return info.reason
    return None


def refused(invoke):
    with pytest.raises(grpc.RpcError) as caught:
        invoke()
    return caught.value


def web(suite, path, body, content_type="application/grpc-web+proto"):
    """Returns the headers of a gRPC-Web response, in lower case."""
    request = urllib.request.Request(suite.url + path, data=body, headers={
        "authorization": f"Bearer {suite.api_key}", "content-type": content_type, "x-grpc-web": "1"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def methods(stub):
    """Returns every method of the suite's services and of a model's, and whether its request is a stream."""
    for service in ("groundplan.records.v1.RecordsService", "groundplan.schema.v1.SchemaService", "example.v1.EntityService"):
        for method in stub.pool.FindServiceByName(service).methods:
            yield f"/{service}/{method.name}", method.client_streaming


def test_a_second_message_is_rejected_on_every_method(stub):
    for path, is_streamed in methods(stub):
        if is_streamed:
            continue
        call = stub.channel.stream_stream(path, request_serializer=bytes)
        for messages in ([b"", b""], []):
            error = refused(lambda: list(call(iter(messages), metadata=stub.metadata, timeout=20)))
            assert (error.code(), reason(error)) == (grpc.StatusCode.UNIMPLEMENTED, "MESSAGE_COUNT"), (path, messages, error)


def test_a_call_with_a_second_message_writes_nothing(suite, stub):
    """Nothing of such a call is executed."""
    def count():
        # Other journeys can leave more than 16 MiB; larger tables are counted only on request.
        status, _, body = suite.curl("GET", "/api/v1/resource?pageSize=1&count=EXACT&allowScan=true")
        assert status == 200 and "totalSize" in body, body
        return body["totalSize"]

    before = count()
    one = stub.message("example.v1.CreateEntityRequest")(entity={"field1": "twice"}).SerializeToString()
    call = stub.channel.stream_unary(CREATE, request_serializer=bytes)
    assert refused(lambda: call(iter([one, one]), metadata=stub.metadata, timeout=20)).code() == grpc.StatusCode.UNIMPLEMENTED
    assert web(suite, CREATE, frame(one) * 2)["grpc-status"] == "12"
    assert web(suite, CREATE, b"")["grpc-status"] == "12"
    assert count() == before
    stub.channel.stream_unary(CREATE, request_serializer=bytes)(iter([one]), metadata=stub.metadata, timeout=20)
    assert count() == before + 1


def test_unknown_fields_are_rejected_on_every_method(stub):
    for path, is_streamed in methods(stub):
        invoke = stub.channel.stream_stream(path, request_serializer=bytes)
        error = refused(lambda: list(invoke(iter([b"\xf8\x07\x01"]), metadata=stub.metadata, timeout=20)))
        assert (error.code(), reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST"), (path, error)
    # Nested: a condition of a write that only a newer client knows.
    write = b"\x0a\x02\x38\x01"
    error = refused(lambda: stub.channel.unary_unary("/groundplan.records.v1.RecordsService/Commit")(write, metadata=stub.metadata, timeout=20))
    assert reason(error) == "MALFORMED_REQUEST" and "has no field 7" in error.details(), error


def test_a_violation_has_its_rule_on_both_protocols(suite, stub):
    request = stub.message("example.v1.CreateEntityRequest")(entity={"field2": 1})
    error = refused(lambda: stub.call(CREATE.strip("/"), request))
    bad = error_details_pb2.BadRequest()
    details = [detail for detail in rpc_status.from_call(error).details if detail.Unpack(bad)]
    _, _, rest = suite.curl("POST", "/api/v1/resource", {"field2": 1})
    rules = [violation["reason"] for detail in rest["error"]["details"] for violation in detail.get("fieldViolations", [])]
    assert details and [violation.reason for violation in bad.field_violations] == rules == ["required"]


def test_unsupported_frames_and_formats_are_named(suite, stub):
    for content_type in ("application/grpc-web+json", "application/grpc-web-text+json"):
        answer = web(suite, CREATE, frame(b"{}"), content_type)
        assert answer["grpc-status"] == "12" and "application/grpc+proto" in answer["grpc-message"], answer
    for flag in (1, 2):
        answer = web(suite, CREATE, frame(b"", flag))
        assert answer["grpc-status"] == "13" and "compressed flag" in urllib.parse.unquote(answer["grpc-message"]) and "grpc-status-details-bin" in answer, answer
