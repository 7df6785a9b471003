"""Queries by REST, through Envoy: filters, order, pages, masks, counts, relations, batches, sums, explanations, and invalid
ones of each."""

import json
from urllib.parse import quote, urlencode

import pytest

from suite import Suite

MODELS = {
    "shop/v1/author.proto": """
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "groundplan/model/v1/model.proto";
message Author {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  string name = 2;
  string country = 3;
  Born born = 4;
  message Born { int32 year = 1; string town = 2; }
}
""",
    "shop/v1/publisher.proto": """
syntax = "proto3";
package shop.v1;
import "groundplan/model/v1/model.proto";
message Publisher {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  string country = 2;
}
""",
    "shop/v1/book.proto": """
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "groundplan/model/v1/model.proto";
enum Genre { GENRE_UNSPECIFIED = 0; GENRE_FICTION = 1; GENRE_HISTORY = 2; }
message Book {
  option (groundplan.model.v1.model) = {
    id_format: ID_FORMAT_CLIENT_ASSIGNED
    indexes: { fields: "genre" fields: "pages" }
  };
  string id = 1;
  string title = 2;
  int32 pages = 3;
  optional int64 sold = 4;
  Genre genre = 5;
  repeated string tags = 6;
  google.protobuf.Timestamp published = 7;
  double weight = 8;
  string author_id = 9 [(groundplan.model.v1.field).references = { model: "Author" on_delete: ON_DELETE_CASCADE inverse: "books" }];
  string publisher = 10 [(groundplan.model.v1.field).references = { model: "Publisher" on_delete: ON_DELETE_SET_NULL inverse: "books" }];
}
""",
}

AUTHORS = [{"id": "le-guin", "name": "Ursula", "country": "US", "born": {"year": 1929, "town": "Berkeley"}}, {"id": "gibbon", "name": "Edward", "country": "GB"}]
PUBLISHERS = [{"id": "ace", "country": "US"}]
BOOKS = [
    {"id": "left-hand", "title": "The Left Hand of Darkness", "pages": 304, "sold": "9007199254740993", "genre": "GENRE_FICTION", "tags": ["ice", "envoy"],
     "published": "1969-03-01T00:00:00Z", "weight": 0.5, "authorId": "le-guin", "publisher": "ace"},
    {"id": "dispossessed", "title": "The Dispossessed", "pages": 387, "sold": "0", "genre": "GENRE_FICTION", "published": "1974-05-01T00:00:00Z",
     "weight": 1.5, "authorId": "le-guin", "publisher": "ace"},
    {"id": "decline", "title": "Decline and Fall", "pages": 3589, "genre": "GENRE_HISTORY", "published": "1776-02-17T00:00:00Z", "weight": "NaN", "authorId": "gibbon"},
    {"id": "memoirs", "title": "Memoirs \"of\" my 'Life' — ümläut \\ 😀", "genre": "GENRE_HISTORY", "authorId": "gibbon"},
]


class Shop:
    def __init__(self, suite):
        self.suite = suite

    def get(self, path, status=200, headers=(), **query):
        """Sends a GET with query parameters, and returns the body."""
        text = urlencode(query, quote_via=quote)
        got, self.headers, body = self.suite.curl("GET", f"/api/v1/{path}{'?' if text else ''}{text}", headers=headers)
        assert got == status, body
        return body

    def post(self, path, body=None, status=200, raw=None):
        got, self.headers, answer = self.suite.curl("POST", f"/api/v1/{path}", body, raw=raw)
        assert got == status, answer
        return answer

    def ids(self, **query):
        return [book["id"] for book in self.get("books", **query)["data"]]

    def refused(self, path, code="INVALID_INPUT", status=400, **query):
        error = self.get(path, status, **query)["error"]
        assert error["code"] == code, error
        return error["message"]


@pytest.fixture(scope="module")
def shop():
    suite = Suite(apply_examples=False)
    suite.start()
    for name, text in MODELS.items():
        file = suite.folder / "models" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    suite.apply(suite.folder / "models")
    made = Shop(suite)
    for resource, records in (("authors", AUTHORS), ("publishers", PUBLISHERS), ("books", BOOKS)):
        for record in records:
            made.post(resource, record, status=201)
    yield made
    suite.close()


@pytest.mark.parametrize("filter, ids", [
    ("pages > 300 && genre == GENRE_FICTION", ["dispossessed", "left-hand"]),
    ("genre == 2", ["decline", "memoirs"]),
    ("record.title.startsWith('The') && !title.endsWith('sed')", ["left-hand"]),
    ("sold > 9007199254740992", ["left-hand"]),
    ("has(sold) && sold == 0", ["dispossessed"]),
    ("!has(published)", ["memoirs"]),
    ("published < timestamp('1970-01-01T00:00:00Z')", ["decline", "left-hand"]),
    ("'ice' in tags || tags.exists(t, t.size() > 100)", ["left-hand"]),
    ("title == \"Memoirs \\\"of\\\" my 'Life' — ümläut \\\\ 😀\"", ["memoirs"]),
    ("author.country == 'US'", ["dispossessed", "left-hand"]),
    ("author_id == 'gibbon'", ["decline", "memoirs"]),
    ("author.born.year > 1900 && publisher.country == 'US'", ["dispossessed", "left-hand"]),
    ("pages in [304, 3589, 7]", ["decline", "left-hand"]),
    ("", ["decline", "dispossessed", "left-hand", "memoirs"]),
])
def test_filters(shop, filter, ids):
    assert shop.ids(filter=filter) == ids


@pytest.mark.parametrize("order, ids", [
    ("", ["decline", "dispossessed", "left-hand", "memoirs"]),
    ("id desc", ["memoirs", "left-hand", "dispossessed", "decline"]),
    ("pages desc", ["decline", "dispossessed", "left-hand", "memoirs"]),
    ("genre desc,pages", ["memoirs", "decline", "left-hand", "dispossessed"]),
    ("sold", ["dispossessed", "left-hand", "decline", "memoirs"]),
    ("published, title", ["decline", "left-hand", "dispossessed", "memoirs"]),
])
def test_order(shop, order, ids):
    assert shop.ids(orderBy=order) == ids


def test_pages_and_their_links(shop):
    seen, path = [], "books?" + urlencode({"filter": "pages >= 0", "orderBy": "title desc", "pageSize": 1, "readMask": "id"}, quote_via=quote)
    while path:
        body = shop.get(path)
        seen += [book["id"] for book in body["data"]]
        assert len(body["data"]) <= 1
        link = shop.headers.get("link")
        assert bool(link) == bool(body["nextPageToken"])
        if link:
            assert link.startswith("</api/v1/books?") and link.endswith('>; rel="next"')
            assert f"pageToken={quote(body['nextPageToken'], safe='')}" in link
        path = link and link[len("</api/v1/"):link.index(">")]
    assert seen == ["left-hand", "dispossessed", "memoirs", "decline"]
    assert shop.ids(orderBy="pages", skip=1, pageSize=2) == ["left-hand", "dispossessed"]
    assert len(shop.get("books", pageSize=100_000)["data"]) == 4
    token = shop.get("books", pageSize=1, filter="pages > 0", orderBy="pages")["nextPageToken"]
    for changed in ({"filter": "pages > 1", "orderBy": "pages"}, {"filter": "pages > 0"}, {"filter": "pages > 0", "orderBy": "pages desc"}):
        assert "token" in shop.refused("books", pageToken=token, **changed)
    assert "token" in shop.refused("authors", pageToken=token)
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    assert "token" in shop.refused("books", pageToken=flipped, filter="pages > 0", orderBy="pages")
    assert shop.ids(pageToken=token, filter="pages > 0", orderBy="pages", pageSize=9) == ["dispossessed", "decline"]


def test_masks(shop):
    assert shop.get("books/left-hand", readMask="title,pages") == {"data": {"title": "The Left Hand of Darkness", "pages": 304}}
    assert shop.get("books/memoirs", readMask="pages,sold") == {"data": {"pages": 0}}
    assert shop.get("authors/le-guin", readMask="born.year") == {"data": {"born": {"year": 1929}}}
    assert shop.get("books", readMask="id", filter="pages == 304")["data"] == [{"id": "left-hand"}]
    assert shop.get("books/left-hand", readMask="*") == shop.get("books/left-hand")
    shop.get("books/left-hand", readMask="id")
    etag = shop.headers["etag"]
    shop.get("books/left-hand")
    assert shop.headers["etag"] == etag
    status, _, _ = shop.suite.curl("GET", "/api/v1/books/left-hand?readMask=id", headers=[f"if-none-match: {etag}"])
    assert status == 304
    assert "author_id" in shop.refused("books", readMask="authro_id").replace("authorId", "author_id")
    for bad in ("tags.x", "title.x", "*,id", "a,,b"):
        shop.refused("books/left-hand", readMask=bad)


def test_counts(shop):
    body = shop.get("books", count="EXACT", pageSize=1, filter="genre == GENRE_HISTORY")
    assert body["totalSize"] == 2 and len(body["data"]) == 1 and "totalSizeIsEstimate" not in body
    body = shop.get("books", count="ESTIMATED")
    assert isinstance(body["totalSize"], int) and body["totalSizeIsEstimate"] is True
    assert set(shop.get("books", count="NONE")) == {"data", "nextPageToken"}


def test_expand(shop):
    body = shop.get("books", expand="author,publisher", readMask="id", filter="genre == GENRE_FICTION")
    assert {model: [record["id"] for record in records] for model, records in body["included"].items()} == {
        "shop.v1.Author": ["le-guin"], "shop.v1.Publisher": ["ace"]}
    assert body["included"]["shop.v1.Author"][0]["born"] == {"year": 1929, "town": "Berkeley"}
    body = shop.get("authors/le-guin", expand="books.publisher")
    assert [book["id"] for book in body["included"]["shop.v1.Book"]] == ["dispossessed", "left-hand"]
    assert [record["id"] for record in body["included"]["shop.v1.Publisher"]] == ["ace"]
    etag = shop.headers["etag"]
    assert shop.get("authors/le-guin", expand="books", headers=[f"if-none-match: {etag}"])["included"]
    assert shop.get("books/memoirs", expand="publisher").get("included") == {}
    assert "included" not in shop.get("books/memoirs")
    assert "author" in shop.refused("books", expand="auhtor")
    for bad in ("title", "author.books.author.books", "author,", ",".join(["author"] * 21)):
        shop.refused("books", expand=bad)


def test_edges_to_many_have_pages(shop):
    shop.post("authors", {"id": "many", "name": "Many"}, status=201)
    shop.suite.psql("INSERT INTO shop_v1.book (_tenant, _version, id, title, pages, genre, weight, author_id) "
                    "SELECT 'default', 1, 'many-' || lpad(n::text, 3, '0'), 't', 0, 0, 0, 'many' FROM generate_series(1, 130) n")
    try:
        body = shop.get("authors", filter="id == 'many'", expand="books")
        assert len(body["included"]["shop.v1.Book"]) == 100
        (path, token), = body["includedPageTokens"].items()
        assert path == "authors/many/books"
        rest = shop.get(path, pageToken=token, readMask="id")["data"]
        assert [book["id"] for book in rest] == [f"many-{n:03}" for n in range(101, 131)]
    finally:
        assert shop.suite.curl("DELETE", "/api/v1/authors/many")[0] == 204
    assert shop.ids(filter="id.startsWith('many')") == []


def test_inverse_relations(shop):
    body = shop.get("authors/le-guin/books", filter="pages > 350", readMask="id", count="EXACT", expand="author")
    assert (body["data"], body["totalSize"], list(body["included"])) == ([{"id": "dispossessed"}], 1, ["shop.v1.Author"])
    first = shop.get("authors/le-guin/books", pageSize=1, orderBy="title desc", readMask="id")
    assert first["data"] == [{"id": "left-hand"}]
    assert shop.headers["link"].startswith("</api/v1/authors/le-guin/books?")
    token = first["nextPageToken"]
    assert shop.get("authors/le-guin/books", orderBy="title desc", pageToken=token, readMask="id")["data"] == [{"id": "dispossessed"}]
    assert "token" in shop.refused("authors/gibbon/books", orderBy="title desc", pageToken=token)
    assert shop.get("publishers/ace/books", filter="author.country == 'GB'")["data"] == []
    assert "does not exist" in shop.refused("authors/nobody/books", "NOT_FOUND", 404)
    assert shop.refused("authors/le-guin/boks", "NOT_FOUND", 404).endswith("the nearest is /api/v1/authors/{id}/books")
    status, headers, body = shop.suite.curl("POST", "/api/v1/authors/le-guin/books", {})
    assert (status, headers["allow"], body["error"]["code"]) == (405, "GET, HEAD, OPTIONS", "UNIMPLEMENTED")


def test_batches(shop):
    body = shop.post("books:batchGet", {"ids": ["memoirs", "left-hand"], "readMask": "id,pages", "expand": ["author"]})
    assert body["data"] == [{"id": "memoirs", "pages": 0}, {"id": "left-hand", "pages": 304}]
    assert [author["id"] for author in body["included"]["shop.v1.Author"]] == ["gibbon", "le-guin"]
    assert shop.post("books:batchGet", {"requests": [{"id": "decline"}]})["data"] == [shop.get("books/decline")["data"]]
    assert "nobody" in shop.post("books:batchGet", {"ids": ["decline", "nobody"]}, status=404)["error"]["message"]
    assert "1000" in shop.post("books:batchGet", {"ids": ["decline"] * 1001}, status=400)["error"]["message"].replace(",", "")


def test_sums(shop):
    sums = [{"function": "COUNT"}, {"function": "SUM", "field": "pages", "name": "pages"}, {"function": "FUNCTION_MAX", "field": "sold"}]
    body = shop.post("books:aggregate", {"filter": "pages > 0", "groupBy": ["author_id"], "aggregations": sums})
    assert body["data"] == [{"keys": {"authorId": "gibbon"}, "values": {"count": "1", "pages": "3589"}},
                            {"keys": {"authorId": "le-guin"}, "values": {"count": "2", "pages": "691", "maxSold": "9007199254740993"}}]
    body = shop.post("books:aggregate", {"aggregations": [{"function": "AVERAGE", "field": "pages"}], "filter": "genre == GENRE_FICTION"})
    assert body["data"] == [{"keys": {}, "values": {"averagePages": 345.5}}]
    body = shop.post("books:aggregate", {"aggregations": [{"function": "MIN", "field": "published"}], "filter": "has(published)"})
    assert body["data"][0]["values"] == {"minPublished": "1776-02-17T00:00:00Z"}
    for bad, words in [
        ({"aggregations": [{"function": "SUM", "field": "page"}]}, "pages"),
        ({"aggregations": [{"function": "SUM", "field": "title"}]}, "aggregations[0].field"),
        ({"aggregations": [{"function": "SUM"}]}, "field"),
        ({"aggregations": []}, "Aggregations"),
        ({"aggregations": [{"function": "COUNT"}] * 21}, "20"),
        ({"aggregations": [{"function": "COUNT"}], "groupBy": ["id", "title", "pages", "genre"]}, "3"),
        ({"aggregations": [{"function": "COUNT"}], "groupBy": ["tags"]}, "tags"),
        ({"aggregations": [{"function": "TOTAL", "field": "pages"}]}, "COUNT, SUM, MIN, MAX, AVERAGE"),
        ({"aggregations": [{"function": "COUNT"}], "filter": "pages >"}, ""),
        ({"aggregations": [{"function": "COUNT"}, {"function": "COUNT"}]}, "count"),
        ({"aggregations": [{"function": "SUM", "field": "pages"}, {"function": "COUNT", "name": "sumPages"}]}, "sumPages"),
    ]:
        error = shop.post("books:aggregate", bad, status=400)["error"]
        assert error["code"] == "INVALID_INPUT" and words.lower() in error["message"].lower(), (bad, error["message"])


def test_aggregate_values_have_the_form_of_records(shop):
    """Enums are names, 32-bit integers are numbers, 64-bit integers are strings; and a filter accepts a key."""
    functions = [{"function": "MAX", "field": "pages"}, {"function": "MIN", "field": "genre"}, {"function": "MAX", "field": "sold"}, {"function": "COUNT"}]
    groups = shop.post("books:aggregate", {"groupBy": ["genre", "pages"], "aggregations": functions})["data"]
    assert {group["keys"]["genre"] for group in groups} >= {"GENRE_FICTION", "GENRE_HISTORY"}
    for group in groups:
        genre, pages = group["keys"]["genre"], group["keys"]["pages"]
        assert (group["values"]["maxPages"], group["values"]["minGenre"], type(pages)) == (pages, genre, int)
        assert isinstance(group["values"].get("maxSold", ""), str)
        found = shop.ids(filter=f'genre == "{genre}" && pages == {pages}')
        assert len(found) == int(group["values"]["count"])
    nested = {"groupBy": ["born.year"], "aggregations": [{"function": "MAX", "field": "born.year"}], "filter": "has(born)"}
    assert shop.post("authors:aggregate", nested)["data"] == [{"keys": {"born.year": 1929}, "values": {"maxBornYear": 1929}}]


def test_explanations(shop):
    secret = "a-literal-of-the-caller"
    data = shop.get("books:explainList", filter=f"title == '{secret}' && genre == GENRE_FICTION", orderBy="pages")["data"]
    assert list(data) == ["sql", "parameterTypes", "indexes", "estimatedRows", "estimatedCost", "served", "advice", "plan"]
    assert "$1" in data["sql"] and secret not in data["sql"] and data["parameterTypes"]
    assert data["served"] is True and data["advice"] == "" and int(data["estimatedRows"]) >= 0
    assert data["plan"][0]["Plan"]["Node Type"]
    data = shop.get("books:explainList", filter="weight > 1.0")["data"]
    assert data["served"] is False and "weight" in data["advice"]
    status, headers, _ = shop.suite.curl("POST", "/api/v1/books:explainList", {})
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert shop.suite.curl("HEAD", "/api/v1/books:explainList")[0] == 200


@pytest.mark.parametrize("query, words", [
    ({"filter": "page > 3"}, "pages"), ({"filter": "title > 3"}, "title"), ({"filter": "title =="}, ""), ({"filter": "title"}, "condition"),
    ({"filter": "title == 'a\0'"}, ""), ({"filter": "nonsense("}, ""), ({"filter": "pages > 1 " * 500}, ""), ({"filter": "x" * 5000}, ""),
    ({"filter": "(" * 1000 + "true" + ")" * 1000}, ""), ({"filter": " || ".join(["pages == 1"] * 300)}, ""), ({"filter": "title.matches('(a+)+$')"}, None),
    ({"filter": "title.matches('(?<x>a)\\\\1')"}, ""), ({"filter": "1/0 == 1"}, None), ({"filter": "'; DROP TABLE shop_v1.book; --"}, ""),
    ({"orderBy": "titel"}, "title"), ({"orderBy": "tags"}, "tags"), ({"orderBy": "title, title"}, "title"), ({"orderBy": "title sideways"}, ""),
    ({"orderBy": "title; DROP TABLE shop_v1.book"}, ""), ({"orderBy": ","}, ""), ({"orderBy": "a," * 400}, ""),
    ({"pageSize": "-1"}, "PageSize"), ({"pageSize": "x"}, "PageSize"), ({"skip": "100001"}, "100"), ({"skip": "-1"}, "Skip"),
    ({"pageToken": "nonsense"}, "token"), ({"pageToken": "A" * 10_000}, "token"), ({"count": "SOME"}, "EXACT, ESTIMATED, NONE"),
    ({"allowScan": "yes"}, "true or false"), ({"fliter": "x"}, "filter"), ({"show": "1"}, "these are: filter, orderBy"),
])
def test_bad_queries(shop, query, words):
    """Each is rejected with its words, or (None) is valid; none is a failure of the server."""
    text = urlencode(query, quote_via=quote)
    for path in ("books", "authors/le-guin/books", "books:explainList"):
        status, headers, body = shop.suite.curl("GET", f"/api/v1/{path}?{text}")
        if words is None:
            assert status in (200, 400), body
            continue
        assert (status, body["error"]["code"], headers["content-type"]) == (400, "INVALID_INPUT", "application/json"), body
        assert words.lower() in body["error"]["message"].lower(), body
    assert len(shop.ids()) == 4


@pytest.mark.parametrize("raw", ["", "{", "[]", "null", '{"ids":["a"],"ids":["b"]}', '{"ids":"a"}', '{"id":["a"]}', '{"ids":[1]}', "[" * 100_000,
                                 '{"ids":["a\\u0000"]}', '{"ids":["\\ud800"]}', '{"ids":[""]}', '{"ids":["a"],"readMask":"nope"}', '{"ids":["a"],"expand":["nope"]}'])
def test_bad_bodies(shop, raw):
    for method in ("batchGet", "aggregate"):
        error = shop.post(f"books:{method}", raw=raw, status=400)["error"]
        assert error["code"] == "INVALID_INPUT" and error["message"], error
    status, _, body = shop.suite.curl("POST", "/api/v1/books:batchGet", raw=json.dumps({"ids": ["x" * (2 << 20)]}))
    assert (status, body["error"]["details"][0]["reason"]) == (413, "TOO_LARGE")


def test_errors_of_unknown_methods_suggest_the_closest(shop):
    status, _, body = shop.suite.curl("POST", "/api/v1/books:batchgett", {"ids": []})
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND") and body["error"]["message"].endswith("the nearest is /api/v1/books:batchGet")
    assert shop.suite.curl("POST", "/api/v1/books%3AbatchGet", {"ids": ["decline"]})[0] == 200
