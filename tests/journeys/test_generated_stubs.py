"""`groundplan generate` writes protos from which the generators of all languages create stubs."""

import importlib
import pathlib
import subprocess
import sys

import grpc

from suite import ROOT, TOOLS


def test_python_stubs(suite, tmp_path):
    out = tmp_path / "proto"
    suite.run("generate", ROOT / "examples", "--out", out)
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    suite.run("generate", ROOT / "examples", "--out", out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first, "the output is stable"

    lint = subprocess.run([TOOLS / "buf", "lint"], cwd=out, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr

    stubs = tmp_path / "stubs"
    stubs.mkdir()
    files = [str(path.relative_to(out)) for path in out.rglob("*.proto")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", out, f"--python_out={stubs}", f"--grpc_python_out={stubs}", *files], check=True)
    program = f"""
import sys, grpc
sys.path.insert(0, {str(stubs)!r})
from library.v1 import author_pb2, author_service_pb2, author_service_pb2_grpc
channel = grpc.insecure_channel({suite.address!r})
key = [("authorization", "Bearer " + {suite.api_key!r})]
authors = author_service_pb2_grpc.AuthorServiceStub(channel)
listed = authors.ListAuthors(author_service_pb2.ListAuthorsRequest(page_size=1), metadata=key)
from example.v1 import entity_pb2, entity_service_pb2, entity_service_pb2_grpc
entities = entity_service_pb2_grpc.EntityServiceStub(channel)
made, call = entities.CreateEntity.with_call(entity_service_pb2.CreateEntityRequest(entity=entity_pb2.Entity(field1="stub", field2=2)), metadata=key)
etag = dict(call.initial_metadata())["etag"]
made.field2 = 3
changed = entities.UpdateEntity(entity_service_pb2.UpdateEntityRequest(entity=made, update_mask={{"paths": ["field2"]}}, etag=etag), metadata=key)
assert changed.field2 == 3 and changed.field1 == "stub" and changed.updated_at.ToNanoseconds() > made.updated_at.ToNanoseconds()
try:
    entities.UpdateEntity(entity_service_pb2.UpdateEntityRequest(entity=made, etag=etag), metadata=key)
    raise SystemExit("an old etag was accepted")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.ABORTED, error
entities.DeleteEntity(entity_service_pb2.DeleteEntityRequest(id=made.id), metadata=key)
print("stubs work")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "stubs work\n", done.stderr


def test_check_reports_a_difference(suite, tmp_path):
    out = tmp_path / "proto"
    suite.run("generate", ROOT / "examples", "--out", out)
    assert suite.run("generate", ROOT / "examples", "--out", out, "--check").returncode == 0
    (out / "example/v1/entity_service.proto").write_text("")
    assert suite.run("generate", ROOT / "examples", "--out", out, "--check", check=False).returncode == 1
