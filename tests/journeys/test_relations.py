"""Relations: foreign keys that apply to all writers, deletes as the model defines them, and references added to existing
data."""

import json
import threading
import uuid

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conftest import Stub
from suite import Suite

MODELS = """
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "groundplan/model/v1/model.proto";
message Customer {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string name = 2;
}
message Order {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string customer_id = 2 [(groundplan.model.v1.field).references = { model: "Customer" inverse: "orders" }];
  google.protobuf.Timestamp updated_at = 3;
}
message Line {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string order = 2 [(groundplan.model.v1.field).references = { model: "shop.v1.Order" on_delete: ON_DELETE_CASCADE inverse: "lines" }];
  string product = 3 [(groundplan.model.v1.field).references = { model: "Product" on_delete: ON_DELETE_SET_NULL }];
  string etag = 4;
  google.protobuf.Timestamp updated_at = 5;
}
message Product {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  string category = 2 [(groundplan.model.v1.field).references = { model: "Category" on_delete: ON_DELETE_CASCADE }];
}
message Category {
  option (groundplan.model.v1.model) = { plural: "Categories" };
  string id = 1;
  string parent = 2 [(groundplan.model.v1.field).references = { model: "Category" on_delete: ON_DELETE_CASCADE inverse: "children" }];
}
"""

TAGS = """
syntax = "proto3";
package tags.v1;
import "groundplan/model/v1/model.proto";
message Tag {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
}
message Note {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string tag = 2%s;
  string text = 3;
}
"""


@pytest.fixture(scope="module")
def shop():
    suite = Suite(apply_examples=False)
    suite.start()
    for name, text in (("shop", MODELS), ("tags", TAGS % "")):
        folder = suite.folder / "models" / name / "v1"
        folder.mkdir(parents=True)
        (folder / f"{name}.proto").write_text(text)
    suite.apply(suite.folder / "models")
    yield suite
    suite.close()


class Shop:
    def __init__(self, suite):
        self.stub = Stub(suite)

    def __call__(self, method, **fields):
        service, method = method.split("/")
        request = self.stub.message(f"shop.v1.{method}Request")
        return self.stub.call(f"shop.v1.{service}Service/{method}", request(**fields))

    def refused(self, method, **fields):
        with pytest.raises(grpc.RpcError) as refused:
            self(method, **fields)
        return refused.value


def details(error, kind):
    for detail in rpc_status.from_call(error).details:
        if detail.Is(kind.DESCRIPTOR):
            found = kind()
            detail.Unpack(found)
            return found
    raise AssertionError(f"no {kind.__name__} in {error}")


def test_a_reference_to_a_missing_record_is_rejected(shop):
    call = Shop(shop)
    ghost = str(uuid.uuid4())
    error = call.refused("Line/CreateLine", line={"order": ghost, "product": "nothing"})
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    violations = details(error, error_details_pb2.BadRequest).field_violations
    assert {violation.field for violation in violations} >= {"order"} and all("does not exist" in violation.description for violation in violations), violations
    error = call.refused("Line/CreateLine", line={"order": "no uuid"})
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "UUID" in error.details(), error.details()
    assert call("Line/CreateLine", line={}).order == ""
    assert shop.psql('SELECT count(*) FROM shop_v1.line WHERE "order" IS NULL') == ["1"]
    line = call("Line/CreateLine", line={})
    assert call.refused("Line/UpdateLine", line={"id": line.id, "order": ghost}).code() == grpc.StatusCode.INVALID_ARGUMENT
    done = shop.tool("psql", "-X", "-h", str(shop.socket_folder()), "-U", "groundplan", "-d", "groundplan", "-c",
                     f"UPDATE shop_v1.line SET \"order\" = '{ghost}'", check=False)
    assert done.returncode != 0 and "foreign key" in done.stderr, "it also applies to SQL users"


def test_restrict_names_the_referring_records(shop):
    call = Shop(shop)
    customer = call("Customer/CreateCustomer", customer={"name": "Ada"})
    orders = {call("Order/CreateOrder", order={"customer_id": customer.id}).id for _ in range(12)}
    error = call.refused("Customer/DeleteCustomer", id=customer.id)
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert details(error, error_details_pb2.ErrorInfo).reason == "RECORD_REFERENCED"
    assert sum(order in error.details() or order in str(details(error, error_details_pb2.PreconditionFailure)) for order in orders) == 10
    for order in orders:
        call("Order/DeleteOrder", id=order)
    call("Customer/DeleteCustomer", id=customer.id)


def test_cascade_and_set_null(shop):
    call = Shop(shop)
    order = call("Order/CreateOrder", order={})
    product = call("Product/CreateProduct", product={"id": "pen"})
    lines = [call("Line/CreateLine", line={"order": order.id, "product": product.id}) for _ in range(5)]
    call("Product/DeleteProduct", id="pen")
    for line in lines:
        now = call("Line/GetLine", id=line.id)
        assert now.product == "" and now.etag != line.etag and now.updated_at.ToNanoseconds() > line.updated_at.ToNanoseconds()
        assert call.refused("Line/UpdateLine", line={"id": line.id}, etag=line.etag).code() == grpc.StatusCode.ABORTED
    assert {line.id for line in call("Order/ListOrderLines", id=order.id).lines} == {line.id for line in lines}
    call("Order/DeleteOrder", id=order.id)
    assert all(call.refused("Line/GetLine", id=line.id).code() == grpc.StatusCode.NOT_FOUND for line in lines)
    assert call.refused("Order/ListOrderLines", id=order.id).code() == grpc.StatusCode.NOT_FOUND


def test_a_tree_and_a_ring_are_deleted_completely(shop):
    call = Shop(shop)
    root = call("Category/CreateCategory", category={}).id
    level, everything = [root], [root]
    for _ in range(4):
        level = [call("Category/CreateCategory", category={"parent": parent}).id for parent in level for _ in range(2)]
        everything += level
    call("Category/UpdateCategory", category={"id": root, "parent": level[0]})
    call("Product/CreateProduct", product={"id": "leaf", "category": level[-1]})
    expanded = call("Category/BatchGetCategories", requests=[{"id": root}], expand=["children.children.children"])
    assert len(expanded.included) == 2 + 4 + 8
    call("Category/DeleteCategory", id=root)
    assert shop.psql("SELECT count(*) FROM shop_v1.category") == ["0"]
    assert call.refused("Product/GetProduct", id="leaf").code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.split("the racing callers use different processes")
def test_no_dangling_reference_when_deletes_race_with_creates(shop):
    call = Shop(shop)
    for _ in range(15):
        order = call("Order/CreateOrder", order={}).id
        outcomes = []

        def create():
            mine = Shop(shop)
            for _ in range(6):
                try:
                    outcomes.append(mine("Line/CreateLine", line={"order": order}).id)
                except grpc.RpcError as error:
                    assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ABORTED), error
                    return

        threads = [threading.Thread(target=create) for _ in range(2)]
        for thread in threads:
            thread.start()
        call("Order/DeleteOrder", id=order)
        for thread in threads:
            thread.join()
        assert shop.psql(f"SELECT count(*) FROM shop_v1.line WHERE \"order\" = '{order}'") == ["0"]


def test_a_reference_is_added_to_existing_data(shop):
    call = lambda path, data: json.loads(shop.grpcurl(shop.address, path, data=data).stdout or "{}")
    call("tags.v1.TagService/CreateTag", {"tag": {"id": "red"}})
    for tag in ("red", "", "blue"):
        call("tags.v1.NoteService/CreateNote", {"note": {"tag": tag, "text": "x"}})
    proto = shop.folder / "models" / "tags" / "v1" / "tags.proto"
    proto.write_text(TAGS % ' [(groundplan.model.v1.field).references = { model: "Tag" inverse: "notes" }]')
    refused = shop.apply(shop.folder / "models", check=False)
    assert refused.returncode != 0 and "blue" in refused.stdout + refused.stderr, refused.stdout + refused.stderr
    # A failed apply leaves no obstacles: the old revision serves, including values that the new one would reject.
    call("tags.v1.NoteService/CreateNote", {"note": {"tag": "green"}})
    call("tags.v1.TagService/CreateTag", {"tag": {"id": "blue"}})
    call("tags.v1.TagService/CreateTag", {"tag": {"id": "green"}})
    shop.apply(shop.folder / "models")
    notes = call("tags.v1.TagService/ListTagNotes", {"id": "blue"})["notes"]
    assert [note["tag"] for note in notes] == ["blue"]
    assert len(call("tags.v1.NoteService/ListNotes", {"filter": 'tag == ""'})["notes"]) == 1
    assert shop.psql("SELECT convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = 'tags_v1.note'::regclass") == ["t"]
    unknown = shop.grpcurl(shop.address, "tags.v1.NoteService/CreateNote", data={"note": {"tag": "pink"}}, check=False)
    assert "InvalidArgument" in unknown.stderr and "pink" in unknown.stderr
