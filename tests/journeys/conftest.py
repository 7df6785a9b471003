"""Fixtures of the journeys. Each file is one user story; `suite` is shared by the stories that do not stop it."""

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from suite import BINARY, PATIENCE, SPLIT, Suite


def pytest_collection_modifyitems(config, items):
    """Skips journeys about processes that only the split suite has."""
    others = [] if SPLIT else [item for item in items if item.get_closest_marker("only_split")]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def suite():
    assert BINARY.exists(), f"{BINARY} is missing: run the journeys by `make test`, which builds it"
    running = Suite()
    running.start()
    yield running
    running.close()


@pytest.fixture
def empty_suite():
    """A separate suite without applied models."""
    running = Suite(apply_examples=False)
    running.start()
    yield running
    running.close()


@pytest.fixture
def suite_of_its_own():
    """A separate suite that the test starts, kills and stops itself."""
    running = Suite()
    yield running
    running.close()


class Stub:
    """A gRPC client in Python that loads all types by reflection."""

    def __init__(self, suite):
        self.channel = grpc.insecure_channel(suite.address)
        self.metadata = [("authorization", f"Bearer {suite.api_key}")]
        channel = grpc.intercept_channel(self.channel, Authorized(self.metadata))
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def call(self, path, request, **more):
        service, method = path.rsplit("/", 1)
        output = self.pool.FindServiceByName(service).FindMethodByName(method).output_type
        invoke = self.channel.unary_unary(f"/{path}", request_serializer=lambda value: value if isinstance(value, bytes) else value.SerializeToString(),
                                          response_deserializer=message_factory.GetMessageClass(output).FromString)
        more.setdefault("metadata", self.metadata)
        return invoke(request, timeout=more.pop("timeout", PATIENCE), **more)

    def stream(self, path, request, **more):
        """Returns the messages of a streaming response."""
        service, method = path.rsplit("/", 1)
        output = self.pool.FindServiceByName(service).FindMethodByName(method).output_type
        invoke = self.channel.unary_stream(f"/{path}", request_serializer=lambda value: value.SerializeToString(),
                                           response_deserializer=message_factory.GetMessageClass(output).FromString)
        return invoke(request, metadata=self.metadata, timeout=more.pop("timeout", PATIENCE), **more)


class Authorized(grpc.StreamStreamClientInterceptor):
    def __init__(self, metadata):
        self.metadata = metadata

    def intercept_stream_stream(self, continuation, details, requests):
        details = details._replace(metadata=list(details.metadata or []) + self.metadata)
        return continuation(details, requests)


@pytest.fixture
def stub(suite):
    made = Stub(suite)
    yield made
    made.channel.close()
