"""Past states of records: library.v1.Book has the option `history`, Author does not."""

import datetime
import uuid

import grpc
import pytest
from grpc_status import rpc_status
from google.rpc import error_details_pb2

from suite import ROOT

SERVICE = "library.v1.BookService/"


@pytest.fixture
def author(suite):
    return suite.curl("POST", "/api/v1/authors", {"givenName": "A", "familyName": "B"})[2]["data"]["id"]


def create(suite, author, **fields):
    status, _, body = suite.curl("POST", "/api/v1/books", {"title": "first", "author": author} | fields)
    assert status == 201, body
    return body["data"]


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_the_life_of_a_record(suite, stub, author):
    before = now()
    book = create(suite, author)
    path = f"/api/v1/books/{book['id']}"
    times = [now()]
    for fields in ({"title": "second", "pageCount": 7}, {"title": "third", "purchasePrice": "9"}):
        suite.curl("PATCH", path, fields)
        times.append(now())
    newest = suite.curl("GET", path)[2]["data"]
    assert suite.curl("DELETE", path)[0] == 204

    # Also for a deleted record: the newest first, each as it was after the write.
    status, _, body = suite.curl("GET", f"{path}:listRevisions")
    assert status == 200 and body["nextPageToken"] == ""
    revisions = body["data"]
    assert [(revision["kind"], revision["data"]["title"], revision["data"]["pageCount"]) for revision in revisions] == [
        ("DELETED", "third", 7), ("UPDATED", "third", 7), ("UPDATED", "second", 7), ("CREATED", "first", 0)]
    assert revisions[1]["data"] == newest and revisions[3]["data"] == book
    assert set(revisions[2]["changedFields"]) == {"title", "pageCount", "updateTime"} and "changedFields" not in revisions[3]
    assert [revision["principal"] for revision in revisions] == ["root"] * 4
    assert len({revision["transaction"] for revision in revisions}) == 4
    assert [revision["time"] for revision in revisions] == sorted((revision["time"] for revision in revisions), reverse=True)
    assert revisions[3]["etag"] == book["etag"] and not any("purchasePrice" in revision["data"] for revision in revisions)

    # The same over gRPC.
    listed = stub.call(SERVICE + "ListBookRevisions", stub.message("library.v1.ListBookRevisionsRequest")(id=book["id"]))
    assert [(revision.kind, revision.book.title, revision.etag, revision.transaction, revision.principal) for revision in listed.revisions] == [
        ({"CREATED": 1, "UPDATED": 2, "DELETED": 3}[revision["kind"]], revision["data"]["title"], revision["etag"], revision["transaction"], "root")
        for revision in revisions]

    # The state at a time.
    get = stub.message("library.v1.GetBookRequest")
    for time, title in zip(times, ("first", "second", "third")):
        status, fields, body = suite.curl("GET", f"{path}?readTime={time}")
        assert (status, body["data"]["title"]) == (200, title)
        past = stub.call(SERVICE + "GetBook", get(id=book["id"], read_time=datetime.datetime.fromisoformat(time)))
        assert (past.title, past.etag) == (title, body["data"]["etag"])
        assert fields["etag"] == f'"{past.etag}"'
    for gone in (before, now()):
        status, _, body = suite.curl("GET", f"{path}?readTime={gone}")
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND"), "it does not exist yet, or no longer"
    assert suite.curl("GET", path)[0] == 404


def test_pages_and_masks(suite, stub, author):
    book = create(suite, author)
    path = f"/api/v1/books/{book['id']}"
    for pages in range(1, 7):
        suite.curl("PATCH", path, {"pageCount": pages})
    found, token, pages = [], "", 0
    while True:
        status, fields, body = suite.curl("GET", f"{path}:listRevisions?pageSize=3&readMask=pageCount&pageToken={token}")
        assert status == 200
        found += body["data"]
        token = body["nextPageToken"]
        pages += 1
        assert ("link" in fields) == bool(token)
        if not token:
            break
        # Later writes are newer than all following pages.
        suite.curl("PATCH", path, {"pageCount": 100 + pages})
    assert pages == 3 and [revision["data"] for revision in found] == [{"pageCount": count} for count in range(6, -1, -1)]
    # A token belongs to its record.
    token = suite.curl("GET", f"{path}:listRevisions?pageSize=1")[2]["nextPageToken"]
    other = create(suite, author)
    status, _, body = suite.curl("GET", f"/api/v1/books/{other['id']}:listRevisions?pageToken={token}")
    assert (status, body["error"]["details"][0]["reason"]) == (400, "PAGE_TOKEN_INVALID")
    listed = stub.call(SERVICE + "ListBookRevisions", stub.message("library.v1.ListBookRevisionsRequest")(
        id=book["id"], page_size=2, read_mask={"paths": ["title"]}))
    assert len(listed.revisions) == 2 and listed.next_page_token and listed.revisions[0].book.title == "first"


def test_a_transaction_on_several_records(suite, author):
    """A deleted publisher clears a field of its books: their histories have it, in one transaction."""
    publisher = suite.curl("POST", "/api/v1/publishers", {"displayName": uuid.uuid4().hex})[2]["data"]["id"]
    books = [create(suite, author, publisher=publisher)["id"] for _ in range(2)]
    assert suite.curl("DELETE", f"/api/v1/publishers/{publisher}")[0] == 204
    newest = [suite.curl("GET", f"/api/v1/books/{id}:listRevisions")[2]["data"][0] for id in books]
    assert [(revision["kind"], revision["data"]["publisher"]) for revision in newest] == [("UPDATED", "")] * 2
    assert newest[0]["transaction"] == newest[1]["transaction"] and set(newest[0]["changedFields"]) == {"publisher", "updateTime"}


def test_a_model_without_the_option(suite, stub, author):
    status, _, body = suite.curl("GET", f"/api/v1/authors/{author}:listRevisions")
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    assert "library.v1.Author keeps no history; give the model the option history" in body["error"]["message"]
    status, _, body = suite.curl("GET", f"/api/v1/authors/{author}?readTime={now()}")
    assert (status, body["error"]["code"]) == (400, "INVALID_INPUT")
    assert body["error"]["message"].startswith('"readTime" needs a history, which library.v1.Author does not keep; give the model the option')
    # Its gRPC service has neither the method nor the field.
    with pytest.raises(grpc.RpcError) as caught:
        stub.channel.unary_unary("/library.v1.AuthorService/ListAuthorRevisions")(b"", metadata=stub.metadata, timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "read_time" not in [field.name for field in stub.message("library.v1.GetAuthorRequest").DESCRIPTOR.fields]
    paths = suite.curl("GET", "/api/openapi.json")[2]["paths"]
    assert "/api/v1/books/{id}:listRevisions" in paths and "/api/v1/authors/{id}:listRevisions" not in paths


def test_bad_input(suite, stub, author):
    book = create(suite, author)
    path = f"/api/v1/books/{book['id']}"
    nobody = "00000000-0000-7000-8000-0000000000ff"
    for asked, status, code, words in (
            (f"{path}?readTime=yesterday", 400, "INVALID_INPUT", '"readTime" must be a time such as'),
            (f"{path}?readTime=2099-01-01T00:00:00Z", 400, "INVALID_INPUT", "must not be in the future"),
            (f"{path}?readTime=2020-01-01T00:00:00Z", 410, "GONE", "does not reach back to that time"),
            (f"{path}?readTime={now()}&expand=author", 400, "INVALID_INPUT", "relations are of now"),
            (f"{path}:listRevisions?pageSize=-1", 400, "INVALID_INPUT", "pageSize"),
            (f"{path}:listRevisions?pageToken=garbage", 400, "INVALID_INPUT", "the page token is not from this list"),
            (f"{path}:listRevisions?readMask=nothing", 400, "INVALID_INPUT", "nothing"),
            (f"{path}:listRevisions?filter=x", 400, "INVALID_INPUT", '"filter" is not a query parameter here'),
            (f"{path}:revisions", 404, "NOT_FOUND", "the nearest is /api/v1/books/{id}:listRevisions"),
            ("/api/v1/books/x:listRevisions", 400, "INVALID_INPUT", "UUID"),
            (f"/api/v1/books/{nobody}:listRevisions", 404, "NOT_FOUND", nobody)):
        answer = suite.curl("GET", asked)
        assert answer[0] == status and answer[2]["error"]["code"] == code and words in answer[2]["error"]["message"], (asked, answer)
    status, fields, _ = suite.curl("POST", f"{path}:listRevisions", {})
    assert status == 405 and "GET" in fields["allow"]
    for year, code, reason in ((2020, grpc.StatusCode.OUT_OF_RANGE, "HISTORY_GONE"), (2099, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS")):
        time = datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)
        with pytest.raises(grpc.RpcError) as caught:
            stub.call(SERVICE + "GetBook", stub.message("library.v1.GetBookRequest")(id=book["id"], read_time=time))
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
        assert (caught.value.code(), info.reason) == (code, reason)


@pytest.mark.split("three processes could copy the log")
def test_a_new_history_starts_with_the_log(suite_of_its_own, tmp_path):
    """The option is added to a model with records: the history starts with everything in the log."""
    suite = suite_of_its_own
    suite.start()
    id = suite.curl("POST", "/api/v1/resource", {"field1": "one"})[2]["data"]["id"]
    suite.curl("PATCH", f"/api/v1/resource/{id}", {"field1": "two"})
    assert suite.curl("GET", f"/api/v1/resource/{id}:listRevisions")[0] == 404
    for file in ("example/v1/entity.proto", "library/v1/author.proto", "library/v1/book.proto", "library/v1/publisher.proto", "library/v1/shelf.proto"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "examples" / file).read_text()
        (tmp_path / file).write_text(text.replace('resource: "resource"', 'resource: "resource"\n    history: {retention_days: 2}'))
    suite.apply(tmp_path)
    status, _, body = suite.curl("GET", f"/api/v1/resource/{id}:listRevisions?readMask=field1")
    assert status == 200 and [(revision["kind"], revision["data"]["field1"]) for revision in body["data"]] == [("UPDATED", "two"), ("CREATED", "one")]
    # The log is copied over time, without a visible difference.
    suite.curl("PATCH", f"/api/v1/resource/{id}", {"field1": "three"})
    assert len(suite.curl("GET", f"/api/v1/resource/{id}:listRevisions")[2]["data"]) == 3
