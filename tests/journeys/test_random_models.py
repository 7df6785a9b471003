"""Random models of every field shape: random records written through gRPC are equal when read through gRPC, REST and SQL."""

import base64
import json
import math
import os
import random
import struct

from google.protobuf import json_format

from conftest import Stub
from seeds import SEED

SCALARS = ["double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
           "sfixed64", "bool", "string", "bytes"]
WRAPPERS = ["DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue"]
WELL_KNOWN = ["Timestamp", "Duration", "Struct", "Value", "ListValue", "FieldMask", "Empty"] + WRAPPERS
KEYS = ["int32", "int64", "uint32", "uint64", "sint64", "fixed32", "sfixed64", "bool", "string"]
MODELS = int(os.environ.get("GROUNDPLAN_RANDOM_MODELS", 6))
RECORDS = int(os.environ.get("GROUNDPLAN_RANDOM_RECORDS", 25))


class Author:
    """Generates random models."""

    def __init__(self, chance):
        self.chance = chance

    def element(self):
        kind = self.chance.random()
        if kind < 0.55:
            return self.chance.choice(SCALARS)
        if kind < 0.7:
            return "Mood"
        if kind < 0.85:
            return "Part"
        return "google.protobuf." + self.chance.choice(WELL_KNOWN)

    def field(self, number):
        shape, name = self.chance.random(), f"f{number}_{self.chance.choice(['order', 'user', 'value', 'x'])}"
        if shape < 0.4:
            return f"  {self.element()} {name} = {number};"
        if shape < 0.55:
            return f"  optional {self.chance.choice(SCALARS + ['Mood'])} {name} = {number};"
        if shape < 0.75:
            return f"  repeated {self.element().replace('google.protobuf.Value', 'string')} {name} = {number};"
        if shape < 0.9:
            return f"  map<{self.chance.choice(KEYS)}, {self.element()}> {name} = {number};"
        return f"  oneof {name}_choice {{ {self.element()} {name}_a = {number}; {self.element()} {name}_b = {number + 500}; }}"

    def file(self, package):
        fields = "\n".join(self.field(number) for number in range(2, 2 + self.chance.randrange(3, 18)))
        parts = "\n".join(self.field(number) for number in range(2, 2 + self.chance.randrange(1, 8)))
        imports = "\n".join(f'import "google/protobuf/{name}.proto";' for name in ("timestamp", "duration", "struct", "wrappers", "field_mask", "empty"))
        return f"""syntax = "proto3";
package {package};
import "groundplan/model/v1/model.proto";
{imports}
enum Mood {{ MOOD_UNSPECIFIED = 0; MOOD_GOOD = 1; MOOD_BAD = -5; }}
message Part {{
  string note = 1;
{parts}
}}
message Thing {{
  option (groundplan.model.v1.model) = {{ resource: "{package.replace('.', '-')}" }};
  string id = 1;
{fields}
}}
"""


class Filler:
    """Fills a message with random valid values."""

    def __init__(self, chance):
        self.chance = chance

    def text(self):
        alphabet = "aZ09 _-'\"\\/%$;\n\té漢😀\u0001\u007f\u2028"
        return "".join(self.chance.choice(alphabet) for _ in range(self.chance.choice([0, 1, 5, 40])))

    def scalar(self, field):
        kind, chance = field.type, self.chance
        if kind in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
            value = chance.choice([0.0, -0.0, 1.5, -1e30, 0.1, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, chance.uniform(-1e6, 1e6)])
            if kind == field.TYPE_FLOAT:
                value = math.inf if value > 3e38 else struct.unpack("f", struct.pack("f", value))[0]
            return value
        ranges = {field.TYPE_INT32: (31, True), field.TYPE_SINT32: (31, True), field.TYPE_SFIXED32: (31, True), field.TYPE_UINT32: (32, False),
                  field.TYPE_FIXED32: (32, False), field.TYPE_INT64: (63, True), field.TYPE_SINT64: (63, True), field.TYPE_SFIXED64: (63, True),
                  field.TYPE_UINT64: (64, False), field.TYPE_FIXED64: (64, False)}
        if kind in ranges:
            bits, signed = ranges[kind]
            low, high = (-2 ** bits if signed else 0), 2 ** bits - 1
            return chance.choice([0, 1, low, high, chance.randint(low, high)])
        if kind == field.TYPE_BOOL:
            return chance.random() < 0.5
        if kind == field.TYPE_ENUM:
            return chance.choice([0, 1, -5, 77])
        if kind == field.TYPE_BYTES:
            return chance.randbytes(chance.choice([0, 1, 9]))
        return self.text()

    def json(self, depth=0):
        chance = self.chance
        return chance.choice([None, True, 1.5, -3.0, self.text(), {self.text(): 2.25, "k": None}, ["a", None, [1.0]]])

    def fill(self, message, depth=0):
        name = message.DESCRIPTOR.full_name
        chance = self.chance
        if name == "google.protobuf.Timestamp":
            message.seconds, message.nanos = chance.choice([0, -62135596800, 253402300799, chance.randint(-10 ** 9, 10 ** 10)]), chance.choice([0, 1000, 999999000])
            return
        if name == "google.protobuf.Duration":
            sign = chance.choice([1, -1])
            message.seconds, message.nanos = sign * chance.choice([0, 1, 86400 * 400, 315576000000 - 1]), sign * chance.choice([0, 1000, 500000000])
            return
        if name == "google.protobuf.Struct":
            message.update({"a": self.json(), self.text(): self.json()})
            return
        if name == "google.protobuf.Value":
            json_format.ParseDict(self.json(), message)
            return
        if name == "google.protobuf.ListValue":
            message.extend([self.json(), self.json()])
            return
        if name == "google.protobuf.FieldMask":
            message.paths.extend(chance.sample(["a", "b.c", "d_e"], chance.randrange(3)))
            return
        for field in message.DESCRIPTOR.fields:
            if field.name == "id" and depth == 0 or chance.random() < 0.25:
                continue
            if field.containing_oneof and message.WhichOneof(field.containing_oneof.name):
                continue
            if field.message_type and field.message_type.GetOptions().map_entry:
                target, (key, value) = getattr(message, field.name), (field.message_type.fields_by_name[part] for part in ("key", "value"))
                for _ in range(chance.randrange(4)):
                    entry = self.scalar(key)
                    if value.message_type:
                        self.deeper(target[entry], depth)
                    else:
                        target[entry] = self.scalar(value)
            elif repeated(field):
                for _ in range(chance.randrange(4)):
                    if field.message_type:
                        self.deeper(getattr(message, field.name).add(), depth)
                    else:
                        getattr(message, field.name).append(self.scalar(field))
            elif field.message_type:
                child = getattr(message, field.name)
                child.SetInParent()
                self.deeper(child, depth)
            else:
                setattr(message, field.name, self.scalar(field))

    def deeper(self, message, depth):
        if depth < 3 or message.DESCRIPTOR.full_name == "google.protobuf.Value":
            self.fill(message, depth + 1)


def column(field, message):
    """Returns the text of PostgreSQL for a plain column, or a float where only the value matters."""
    value = getattr(message, field.name)
    if field.has_presence and not message.HasField(field.name):
        return ""
    if field.type == field.TYPE_BOOL:
        return "true" if value else "false"
    if field.type in (field.TYPE_STRING,):
        return value
    if field.type == field.TYPE_BYTES:
        return "\\x" + value.hex()
    if field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
        return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else value
    return str(value)


def test_random_models(empty_suite, tmp_path):
    suite = empty_suite
    print(f"GROUNDPLAN_SEED={SEED}")
    chance = random.Random(SEED)
    author, filler = Author(chance), Filler(chance)
    packages = [f"random{at}.v1" for at in range(MODELS)]
    for package in packages:
        folder = tmp_path / package.replace(".", "/")
        folder.mkdir(parents=True)
        (folder / "thing.proto").write_text(author.file(package))
    applied = suite.apply(tmp_path, check=False)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    stub = Stub(suite)
    for package in packages:
        create, get = stub.message(f"{package}.CreateThingRequest"), stub.message(f"{package}.GetThingRequest")
        for _ in range(RECORDS):
            request = create()
            request.thing.SetInParent()  # A thing without any value is still a thing.
            filler.fill(request.thing)
            made = stub.call(f"{package}.ThingService/CreateThing", request)
            expected = type(made)()
            expected.CopyFrom(request.thing)
            expected.id = made.id
            assert same(made, expected), f"seed {SEED}: created\n{made}\nnot\n{expected}"
            assert same(stub.call(f"{package}.ThingService/GetThing", get(id=made.id)), made), f"seed {SEED}: gRPC"
            status, _, body = suite.curl("GET", f"/api/v1/{package.replace('.', '-')}/{made.id}")
            assert status == 200
            parsed = json_format.ParseDict(body["data"], type(made)())
            assert same(parsed, made), f"seed {SEED}: REST\n{json.dumps(body)}\nnot\n{made}"
            in_sql(suite, package, made)
    stub.channel.close()


def repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def same(one, other):
    return one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def in_sql(suite, package, made):
    """Plain fields are plain columns: psql shows the written values."""
    plain = [field for field in made.DESCRIPTOR.fields if not field.message_type and not repeated(field)]
    table = f"{package.replace('.', '_')}.thing"
    columns = ", ".join(f"""coalesce(encode(convert_to("{field.name}"::text, 'UTF8'), 'base64'), '')""" for field in plain)
    row = "".join(suite.psql(f"SELECT {columns} FROM {table} WHERE id = '{made.id}'"))
    for field, cell in zip(plain, row.split("|"), strict=True):
        got, want = base64.b64decode(cell).decode(), column(field, made)
        assert (float(got) if isinstance(want, float) else got) == want, (field.name, got, want)
