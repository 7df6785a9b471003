"""JSON as bodies of REST: REST accepts what gRPC accepts, as the same record, and both reject for the same reason. Mutated
JSON is read like json_format reads it, or rejected."""

import json

from google.protobuf import json_format

from fuzz.fuzzing import PACKAGES, kept, mutated, shapes

COUNT = 300
VALUES = [None, True, False, 0, -0.0, 1, -1, 1.5, 1e300, 2 ** 31, 2 ** 63, 2 ** 64, "", "0", "1.0", "-1", "NaN", "Infinity", "true", "null", "x", "\ud800", "MOOD_GOOD",
          "MOOD_NONE", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2020-02-30T00:00:00Z", "2020-01-01t00:00:00+01:00", "1s", "-0.5s", "1.0000000001s",
          "YQ==", "YQ", "_-", "f.g", "fG", [], [None], [[]], {}, {"a": None}, {"": 1}, {"@type": "x"}]
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud83d", b"null", b"1e", b"-", b"\xff", b"\xef\xbb\xbf", b" ", b"//", b"NaN", b"9" * 30]


def spots(value, found):
    """Returns every location in a value where another value can be put: its container and its key."""
    for key, inner in list(value.items()) if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found.append((value, key))
        spots(inner, found)
    return found


def change(chance, value):
    """Returns a changed value: values of other types, unknown keys, or renamed keys."""
    for _ in range(chance.choice([1, 1, 2, 3])):
        found = spots(value, [])
        if not found:
            return {chance.choice(["f2", "id", "", "F2"]): chance.choice(VALUES)}
        holder, key = chance.choice(found)
        way = chance.randrange(5)
        if way == 0 and isinstance(holder, dict):
            holder[chance.choice([str(key) + "x", str(key).upper(), "", "id", "@type", "1"])] = holder.pop(key)
        elif way == 1:
            del holder[key]
        elif way == 2 and isinstance(holder, list):
            holder.insert(chance.randrange(len(holder) + 1), chance.choice(VALUES))
        elif way == 3 and isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
            holder[key] = chance.choice([str(holder[key]), -holder[key], holder[key] * 2 ** 40])
        else:
            holder[key] = chance.choice(VALUES)
    return value


def read(kind, raw):
    """Returns the record as json_format reads it, or nothing."""
    try:
        return json_format.Parse(raw.decode(), kind())
    except (json_format.ParseError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def test_both_protocols_agree(server):
    """The same record over both, valid or not."""
    for chance in server.cases("json, both protocols", COUNT):
        package = chance.choice(PACKAGES)
        request = server.message(f"{package}.CreateThingRequest")
        request.thing.SetInParent()
        shapes.Filler(chance).fill(request.thing)
        if chance.random() < 0.3:
            request.thing.id = chance.choice(["x", "", "../", "0198c0de-7a5e-7c3b-9d41-0242ac120002", "a" * 300])
        if chance.random() < 0.3:
            spoil(chance, request.thing)
        try:
            body = json_format.MessageToDict(request.thing)
        except (json_format.Error, ValueError):
            continue  # not representable in JSON
        if read(type(request.thing), json.dumps(body).encode()) != request.thing:
            continue  # or with another representation, such as paths of masks
        request.validate_only = True
        by_grpc = server.call(f"{package}.ThingService/CreateThing", request)
        by_rest = server.rest("POST", f"/api/v1/{package.replace('.', '-')}?validateOnly=true", body)
        where = f"{server.case}: {package}: {body}\ngRPC: {by_grpc}\nREST: {by_rest}"
        assert by_grpc.ok == by_rest.ok, where
        if by_grpc.ok:
            made = type(request.thing).FromString(by_grpc.body)
            told = read(type(made), json.dumps(by_rest.body["data"]).encode())
            assert told is not None, where
            told.id = made.id
            assert shapes.same(kept(told), kept(made)), where
        else:
            assert by_grpc.reason == by_rest.reason, where


def spoil(chance, message):
    """Sets a time, a duration or a number that breaks the rules of its type, if there is such a field."""
    for field, value in message.ListFields():
        if field.message_type and not shapes.repeated(field) and field.message_type.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
            value.seconds, value.nanos = chance.choice([(10 ** 15, 0), (1, -1), (0, 10 ** 9), (-10 ** 15, 0), (0, 1)])


def test_json_is_read_like_json_format(server):
    accepted = refused = 0
    for chance in server.cases("json", COUNT):
        package = chance.choice(PACKAGES)
        thing = server.message(f"{package}.Thing")
        shapes.Filler(chance).fill(thing)
        try:
            body = json_format.MessageToDict(thing, preserving_proto_field_name=chance.random() < 0.2)
        except (json_format.Error, ValueError):
            continue
        raw = json.dumps(change(chance, body) if chance.random() < 0.7 else body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        if chance.random() < 0.4:
            raw = mutated(chance, raw, PIECES)
        answer = server.rest("POST", f"/api/v1/{package.replace('.', '-')}?validateOnly=true", raw)
        if not answer.ok:
            refused += 1
            continue
        accepted += 1
        expected = read(type(thing), raw)
        where = f"{server.case}: {package}: {raw!r}\n{expected}\n{answer}"
        assert expected is not None, "json_format cannot read it: " + where
        made = read(type(thing), json.dumps(answer.body["data"]).encode())
        assert made is not None, where
        expected.id = made.id
        assert shapes.same(kept(made), kept(expected)), where
    print(f"{accepted} accepted, {refused} refused")
