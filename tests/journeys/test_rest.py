"""The life of a record by REST: created, read, changed partially and completely, guarded by etags, listed, deleted."""


def test_the_life_of_a_record(suite):
    status, headers, body = suite.curl("POST", "/api/v1/resource", {"field1": "one", "field2": 1.5})
    assert status == 201
    path, etag, made = headers["location"], headers["etag"], body["data"]

    assert suite.curl("GET", path, headers=[f"if-none-match: {etag}"])[0] == 304
    assert suite.curl("HEAD", path)[0] == 200

    status, headers, body = suite.curl("PATCH", path, {"field2": 0})
    assert status == 200 and body["data"]["field1"] == "one" and body["data"]["field2"] == 0
    assert headers["etag"] != etag and body["data"]["createdAt"] == made["createdAt"] and body["data"]["updatedAt"] > made["updatedAt"]
    newer = headers["etag"]

    status, _, body = suite.curl("PATCH", path, {"field2": 9}, headers=[f"if-match: {etag}"])
    assert (status, body["error"]["code"]) == (412, "CONFLICT")
    status, _, body = suite.curl("PATCH", path, {"field1": None})
    assert (status, body["error"]["message"]) == (400, "Field1 is required")

    status, headers, body = suite.curl("PUT", path, {"field1": "two"}, headers=[f"if-match: {newer}"])
    assert status == 200 and body["data"]["field1"] == "two" and body["data"]["field2"] == 0
    status, _, body = suite.curl("PUT", path, {"id": "01890a5d-ac96-774b-bcce-b302099a8057", "field1": "two"})
    assert status == 400 and "id" in body["error"]["message"].lower()

    assert suite.curl("DELETE", path, headers=[f"if-match: {newer}"])[0] == 412
    assert suite.curl("DELETE", path, headers=["if-match: *"])[0] == 204
    assert suite.curl("GET", path)[0] == 404
    assert suite.curl("PATCH", path, {"field2": 9})[0] == 404


def test_pages(suite):
    made = [suite.curl("POST", "/api/v1/shelves", {"id": f"pages-{at:02}", "theme": "pages"})[0] for at in range(7)]
    assert made == [201] * 7
    seen, token, pages = [], "", 0
    while True:
        status, _, body = suite.curl("GET", f"/api/v1/shelves?pageSize=3&pageToken={token}")
        assert status == 200 and len(body["data"]) <= 3
        seen += [shelf["id"] for shelf in body["data"]]
        token, pages = body["nextPageToken"], pages + 1
        if not token:
            break
    mine = [name for name in seen if name.startswith("pages-")]
    assert mine == sorted(mine) and len(mine) == 7 and len(seen) == len(set(seen)) and pages >= 3
    status, _, body = suite.curl("POST", "/api/v1/shelves", {"id": "pages-00", "theme": "again"})
    assert (status, body["error"]["code"]) == (409, "ALREADY_EXISTS")
    for at in range(7):
        assert suite.curl("DELETE", f"/api/v1/shelves/pages-{at:02}")[0] == 204
    status, _, body = suite.curl("GET", f"/api/v1/resource?pageToken={token or 'x'}")
    assert status == 400


def test_openapi_is_valid(suite):
    from openapi_spec_validator import validate
    status, _, document = suite.curl("GET", "/api/openapi.json")
    assert status == 200 and document["openapi"].startswith("3.1")
    validate(document)
    assert {"get", "post"} <= set(document["paths"]["/api/v1/resource"])
    assert {"get", "patch", "put", "delete"} <= set(document["paths"]["/api/v1/resource/{id}"])
    operations = [operation["operationId"] for path in document["paths"].values() for verb, operation in path.items()
                  if verb in ("get", "post", "put", "patch", "delete")]
    assert len(operations) == len(set(operations)) >= 25


def test_cors(suite):
    """A browser sends a preflight before it calls; Envoy responds without a key."""
    status, headers, _ = suite.curl("OPTIONS", "/api/v1/resource", authorized=False,
                                    headers=["origin: http://localhost:5173", "access-control-request-method: POST",
                                             "access-control-request-headers: authorization,content-type"])
    assert status in (200, 204)
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
