"""Mutated page tokens, resume tokens, and tokens of histories and logs: a token is valid only unchanged, and only for its
purpose."""

import base64

from fuzz.fuzzing import mutated

COUNT = 400
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. %\0é"


def item(server, at):
    request = server.message("store.v1.CreateItemRequest")
    request.item.id, request.item.name = f"token-{at:03}", f"n{at % 5}"
    answer = server.call("store.v1.ItemService/CreateItem", request)
    assert answer.ok or answer.reason == "RECORD_EXISTS", answer


class Place:
    """A call that returns and accepts tokens: how to call it with one, and where the next one is in its response."""

    def __init__(self, server, name, path, request, answer, stream=False, field="page_token", **fields):
        self.server, self.name, self.path, self.field, self.stream = server, name, path, field, stream
        self.request, self.answer, self.fields = request, answer, fields

    def call(self, token):
        request = self.server.message(self.request, **self.fields)
        setattr(request, self.field, token)
        if not self.stream:
            return self.server.call(self.path, request)
        answer = self.server.stream(self.path, request, most=1)
        if answer.ok:
            answer.body = answer.body[0]
        return answer

    def next(self, answer):
        found = self.server.stub.message(self.answer).FromString(answer.body)
        return found.token if self.stream else found.next_page_token


def places(server):
    listing = {"path": "store.v1.ItemService/ListItems", "request": "store.v1.ListItemsRequest", "answer": "store.v1.ListItemsResponse", "page_size": 3, "allow_scan": True}
    watching = {"path": "store.v1.ItemService/WatchItems", "request": "store.v1.WatchItemsRequest", "answer": "store.v1.WatchItemsResponse", "stream": True, "field": "token"}
    return [
        Place(server, "a list", **listing),
        Place(server, "an ordered list", order_by="name desc, count", **listing),
        Place(server, "a filtered list", filter="count == 0", **listing),
        Place(server, "revisions of a record", "store.v1.ItemService/ListItemRevisions", "store.v1.ListItemRevisionsRequest", "store.v1.ListItemRevisionsResponse", id="token-000", page_size=1),
        Place(server, "revisions of the models", "groundplan.schema.v1.SchemaService/ListRevisions", "groundplan.schema.v1.ListRevisionsRequest",
              "groundplan.schema.v1.ListRevisionsResponse", page_size=1),
        Place(server, "a watch", **watching),
        Place(server, "a filtered watch", filter="count == 0", **watching),
        Place(server, "a watch of several", "groundplan.records.v1.RecordsService/WatchMany", "groundplan.records.v1.WatchManyRequest",
              "groundplan.records.v1.WatchManyResponse", stream=True, field="token", models=[{"model": "store.v1.Item"}]),
        Place(server, "the log of changes", "groundplan.records.v1.RecordsService/TailChanges", "groundplan.records.v1.TailChangesRequest",
              "groundplan.records.v1.TailChangesResponse", stream=True, field="token"),
    ]


def changed(chance, token, others):
    """Returns another token: other characters, other bytes, parts of another one."""
    way = chance.randrange(6)
    if way == 0:
        at = chance.randrange(len(token))
        return token[:at] + chance.choice(ALPHABET) + token[at + 1:]
    if way == 1:
        return token[:chance.randrange(len(token))]
    if way == 2:
        return token + chance.choice(ALPHABET) * chance.choice([1, 2, 5000])
    if way == 3:
        raw = decoded(token)
        return base64.urlsafe_b64encode(mutated(chance, raw)).decode().rstrip("=") if raw else token[::-1]
    if way == 4:
        other = chance.choice(others)
        at = chance.randrange(len(token))
        return token[:at] + other[at:]
    return chance.choice(["", "x", "0", "r1", "r6", "-1", "null", "\0", "%00", "=", "é" * 100])


def decoded(token):
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""


def test_only_unchanged_tokens_are_valid(server):
    for at in range(12):
        item(server, at)
    for count in (1, 2, 3):
        request = server.message("store.v1.UpdateItemRequest")
        request.item.id, request.item.maybe = "token-000", f"{server.port} {count}"
        assert server.call("store.v1.ItemService/UpdateItem", request).ok
    given = []
    for place in places(server):
        answer = place.call("")
        assert answer.ok, (place.name, answer)
        token = place.next(answer)
        if token:
            given.append((place, token))
            assert place.call(token).ok, place.name
    assert len(given) == 9, [place.name for place, _ in given]
    tokens = [token for _, token in given]
    refused = 0
    for chance in server.cases("tokens", COUNT):
        place, token = chance.choice(given)
        if chance.random() < 0.15:
            used = chance.choice([other for other in tokens if other != token])
        else:
            used = changed(chance, token, tokens)
        if not used or used == token:
            continue
        if place.stream and used in tokens:
            continue  # of another watch: another test checks whether it is valid there
        answer = place.call(used)
        refused += not answer.ok
        assert not answer.ok or decoded(used) == decoded(token), f"{server.case}: {place.name} gave {token!r} and takes {used!r}: {answer}"
        assert answer.ok or answer.code in ("INVALID_ARGUMENT", "OUT_OF_RANGE"), f"{server.case}: {place.name}: {used!r}: {answer}"
    print(f"{refused} refused")
