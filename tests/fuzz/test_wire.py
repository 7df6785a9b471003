"""Protobuf as bytes: valid, mutated, with unknown fields and wrong wire types. The server reads what Python's protobuf
reads, and rejects what it rejects."""

from google.protobuf import message as protobuf
from google.protobuf.unknown_fields import UnknownFieldSet

from fuzz.fuzzing import PACKAGES, kept, mutated, shapes

COUNT = 700


def has_unknown(message):
    """Whether the message has a field, at any depth, that the model does not know."""
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if not field.message_type:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = value.values() if field.message_type.fields_by_name["value"].message_type else ()
        else:
            inner = value if shapes.repeated(field) else (value,)
        if any(map(has_unknown, inner)):
            return True
    return False


def read(kind, raw):
    """Returns the message as Python reads it, or nothing if it is invalid or has unknown fields."""
    try:
        message = kind.FromString(raw)
    except protobuf.DecodeError:
        return None
    return None if has_unknown(message) else message


def varint(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes(found) + bytes([value])


def fields_of(raw):
    """Returns the fields of a message as bytes, each with its tag, if the bytes are a message."""
    found, at = [], 0
    try:
        while at < len(raw):
            start = at
            tag, at = number(raw, at)
            kind = tag & 7
            if kind == 0:
                _, at = number(raw, at)
            elif kind in (1, 5):
                at += 8 if kind == 1 else 4
            elif kind == 2:
                size, at = number(raw, at)
                at += size
            else:
                return None
            if at > len(raw) or tag < 8:
                return None
            found.append(raw[start:at])
    except IndexError:
        return None
    return found


def number(raw, at):
    value = shift = 0
    while True:
        byte = raw[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


class Mutation:
    """Changes the fields of a message: lengths stay correct, so that the change is read."""

    def __init__(self, chance):
        self.chance = chance

    def change(self, raw, depth=0):
        chance, fields = self.chance, fields_of(raw)
        if not fields:
            return mutated(chance, raw) if raw else self.field()
        at = chance.randrange(len(fields))
        tag, start = number(fields[at], 0)
        if tag & 7 == 2 and chance.random() < 0.75 and depth < 6:
            size, inside = number(fields[at], start)
            inner = self.change(fields[at][inside:inside + size], depth + 1)
            fields[at] = varint(tag) + varint(len(inner)) + inner
        else:
            self.rearrange(fields, at, tag, start)
        return b"".join(fields)

    def rearrange(self, fields, at, tag, start):
        chance, way = self.chance, self.chance.randrange(8)
        if way == 0:
            fields.insert(chance.randrange(len(fields) + 1), fields[at])
        elif way == 1:
            del fields[at]
        elif way == 2:
            fields[at] = varint(tag & ~7 | chance.randrange(8)) + fields[at][start:]
        elif way == 3:
            fields[at] = varint(tag & 7 | chance.choice([0, 1, 2, 7, 15, 16, 536_870_911, 536_870_912]) << 3) + fields[at][start:]
        elif way == 4:
            chance.shuffle(fields)
        elif way == 5:
            fields.insert(at, self.field())
        elif way == 6 and tag & 7 == 0:
            fields[at] = varint(tag) + chance.choice([b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 10 + b"\x01", varint(2 ** 32 + 1), varint(2 ** 63)])
        else:
            fields[at] = mutated(chance, fields[at])

    def field(self):
        """Returns a field of any number and kind, including groups."""
        chance = self.chance
        kind, at = chance.randrange(8), chance.choice([1, 2, 3, 4, 5, 9, 100, 19_000, 536_870_911])
        inside = {0: varint(chance.choice([0, 1, 2 ** 31, 2 ** 64 - 1])), 1: chance.randbytes(8), 2: varint(3) + chance.randbytes(3), 3: varint(at << 3 | 4),
                  5: chance.randbytes(4)}
        return varint(at << 3 | kind) + inside.get(kind, b"")


def test_messages_are_read_like_protobuf(server):
    accepted = refused = 0
    for chance in server.cases("wire", COUNT):
        package = chance.choice(PACKAGES)
        create = server.stub.message(f"{package}.CreateThingRequest")
        request = create()
        request.thing.SetInParent()
        shapes.Filler(chance).fill(request.thing)
        raw = request.SerializeToString()
        if chance.random() < 0.9:
            raw = Mutation(chance).change(raw) if chance.random() < 0.7 else mutated(chance, raw)
        expected = read(create, raw)
        answer = server.call(f"{package}.ThingService/CreateThing", raw)
        where = f"{server.case}: {package}: {raw.hex()}\n{expected}\n{answer}"
        if not answer.ok:
            refused += 1
            assert expected is None or answer.reason != "MALFORMED_REQUEST", "protobuf reads it: " + where
            continue
        accepted += 1
        assert expected is not None, "protobuf cannot read it: " + where
        made = type(request.thing).FromString(answer.body)
        assert not has_unknown(made), where
        expected.thing.id = made.id
        assert shapes.same(kept(made), kept(expected.thing)), f"{where}\nmade:\n{made}"
        if not expected.validate_only and chance.random() < 0.3:
            got = server.call(f"{package}.ThingService/GetThing", server.message(f"{package}.GetThingRequest", id=made.id))
            assert got.ok and shapes.same(kept(type(made).FromString(got.body)), made), f"{where}\ngot:\n{got}"
    print(f"{accepted} accepted, {refused} refused")
