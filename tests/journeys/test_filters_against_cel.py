"""Filters have the meaning of CEL: random expressions on random records, through Envoy, compared with an independent
evaluator.

The oracle is cel-python. The expressions leave out where it does not follow CEL's specification itself:

* numbers of different types: it cannot compare them;
* numbers that are null: it does not compare them for equality, and `size`, `int` and `string` of null give no error;
* null as a condition: `null && true` is null, and no error;
* `0.0 / 0.0` is infinity, a negative index counts from the end, `int(timestamp)` rounds times before 1970 up, and
  `uint(-0.5)` is 0;
* durations are represented as floats: large ones lose their microseconds;
* `int` of infinity raises an error of Python: such expressions are left out;
* an error inside of `exists_one` fails the whole expression, where in CEL `error || true` is true: such expressions are left out;
* joined strings are Python's, without `contains`: only texts of fields are searched;
* `string(double)` and `string(bool)` are Python's;
* `has` does not accept a bare name, and is false after an unknown name: the test uses `has(present.name)` instead, and for a
  relation first checks whether it exists.

cel-python does not implement protobuf's rules: absent scalars are zero, absent wrappers null, and absent times have no
name, so that reading them is an error, like a relation to a missing record. An error is no match.

`GROUNDPLAN_SEED` repeats a run, `GROUNDPLAN_ORACLE_PAIRS` sets the number of pairs of an expression and a record."""

import datetime
import json
import math
import os
import random
import re
import time
import urllib.parse

import celpy
import grpc
import pytest
from celpy import celtypes

from conftest import Stub
from seeds import SEED
from test_random_models import repeated

PAIRS = int(os.environ.get("GROUNDPLAN_ORACLE_PAIRS", 12_000))
RECORDS = 120
AUTHORS = 8

MODELS = """syntax = "proto3";
package oracle.v1;
import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "groundplan/model/v1/model.proto";

enum Mood { MOOD_UNSPECIFIED = 0; MOOD_GOOD = 1; MOOD_BAD = -5; }

message Part {
  string name = 1;
  int64 count = 2;
  uint64 big = 3;
  double weight = 4;
  bool flag = 5;
  bytes raw = 6;
  google.protobuf.Timestamp at = 7;
  google.protobuf.Duration lasting = 8;
  optional string maybe_name = 9;
  google.protobuf.StringValue name_value = 10;
  repeated string tags = 11;
  Part part = 12;
}

message Author {
  option (groundplan.model.v1.model) = { resource: "oracle-authors" };
  string id = 1;
  string country = 2;
  int64 rank = 3;
  optional double rating = 4;
  google.protobuf.Timestamp born_at = 5;
  Part part = 6;
}

message Thing {
  option (groundplan.model.v1.model) = { resource: "oracle-things" };
  string id = 1;
  int64 an_int64 = 2;
  sint32 an_int32 = 3;
  uint64 a_uint64 = 4;
  fixed32 a_uint32 = 5;
  double a_double = 6;
  float a_float = 7;
  string a_string = 8;
  string another_string = 9;
  bytes a_bytes = 10;
  bool a_bool = 11;
  Mood mood = 12;
  optional int64 maybe_int64 = 13;
  optional uint64 maybe_uint64 = 14;
  optional double maybe_double = 15;
  optional string maybe_string = 16;
  optional bytes maybe_bytes = 17;
  optional bool maybe_bool = 18;
  google.protobuf.Int64Value int64_value = 19;
  google.protobuf.UInt64Value uint64_value = 20;
  google.protobuf.DoubleValue double_value = 21;
  google.protobuf.StringValue string_value = 22;
  google.protobuf.BytesValue bytes_value = 23;
  google.protobuf.BoolValue bool_value = 24;
  google.protobuf.Timestamp a_time = 25;
  google.protobuf.Timestamp another_time = 26;
  google.protobuf.Duration a_duration = 27;
  google.protobuf.Duration another_duration = 28;
  Part part = 29;
  repeated int64 ints = 30;
  repeated uint32 uints = 31;
  repeated double doubles = 32;
  repeated string strings = 33;
  repeated bytes byteses = 34;
  repeated bool bools = 35;
  repeated Part parts = 36;
  map<string, int64> counts = 37;
  map<int64, string> names = 38;
  oneof choice { string chosen_string = 39; int64 chosen_int64 = 40; google.protobuf.Timestamp chosen_time = 41; }
  string author_id = 42 [(groundplan.model.v1.field) = { references: { model: "Author" } }];
}
"""

MOODS = {"MOOD_UNSPECIFIED": 0, "MOOD_GOOD": 1, "MOOD_BAD": -5}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
INTS = [0, 0, 1, 1, -1, 2, 3, 7, -5, 10, 2 ** 31 - 1, -2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63]
DOUBLES = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 0.1, 2.0, 1e300, -1e300, 5e-324, float(2 ** 53), 9223372036854775808.0]
STRANGE = [math.nan, math.inf, -math.inf]
STRINGS = ["", "", "a", "a", "A", "b", "ab", "aB", "abc", " a", "Z", "0", "12", "-1", "é", "e\u0301", "ß", "～", "😀", "a😀b", "\U0010ffff",
           "%", "_", "a%", "a_b", "\\", "'", '"', "'; --", "?", "\n", "a\nb", "\t", "\x7f", ".*"]
BYTES = [b"", b"", b"a", b"A", b"ab", b"\0", b"\xff", b"a\xff", b"\\"]
# Microseconds.
TIMES = [0, 1, -1, 999_999, 1_000_000, 946_684_800_000_000, 951_868_799_999_999, 951_868_800_000_000, 1_577_836_800_000_001,
         -62_135_596_800_000_000, 253_402_300_799_999_999, -2_208_988_800_500_000]
DURATIONS = [0, 1, -1, 999_999, 1_000_000, -1_500_000, 3_600_000_000, 86_400_000_000, -86_400_000_001, 31_536_000_000_000]
PATTERNS = ["a", "^a", "b$", "^$", "[a-c]+", "^.$", "a.b", "[^a]", "^(a|b)+$", "\\\\", "\\.", "(?i)A", "(?i)É$", "(?s)a.b", "\\d+", "^\\w*$", "\\s", "[^\\d]", "%", "^[A-Z]", "é", "😀", "a?b*c"]

WRAPPERS = {"Int64Value": "int", "UInt64Value": "uint", "DoubleValue": "double", "StringValue": "string", "BytesValue": "bytes", "BoolValue": "bool"}


def type_of(field):
    """Returns the CEL type of a field's value, or its message."""
    if field.message_type:
        name = field.message_type.name
        return {"Timestamp": "time", "Duration": "duration"}.get(name) or WRAPPERS.get(name) or field.message_type
    if field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
        return "double"
    if field.type in (field.TYPE_UINT32, field.TYPE_UINT64, field.TYPE_FIXED32, field.TYPE_FIXED64):
        return "uint"
    return {field.TYPE_STRING: "string", field.TYPE_BYTES: "bytes", field.TYPE_BOOL: "bool", field.TYPE_ENUM: "enum"}.get(field.type, "int")


def is_map(field):
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def is_wrapper(field):
    return bool(field.message_type and field.message_type.name in WRAPPERS)


# Records

class Filler:
    """Fills messages with values of the pools that the expressions also use."""

    def __init__(self, chance):
        self.chance = chance

    def scalar(self, field, kind):
        chance = self.chance
        if kind == "double":
            value = chance.choice(DOUBLES + STRANGE)
            return value if field.type != field.TYPE_FLOAT else chance.choice([0.0, -0.0, 0.5, 1.5, -1.0, 2.0 ** 31, math.nan, math.inf])
        if kind == "enum":
            return chance.choice([0, 1, -5, 77])
        if kind in ("int", "uint"):
            low, high = (-2 ** 63, 2 ** 63 - 1) if kind == "int" else (0, 2 ** 64 - 1)
            if field.type == field.TYPE_SINT32:
                low, high = -2 ** 31, 2 ** 31 - 1
            if field.type in (field.TYPE_UINT32, field.TYPE_FIXED32):
                high = 2 ** 32 - 1
            return chance.choice([value for value in INTS + [high, low] if low <= value <= high])
        return chance.choice({"string": STRINGS, "bytes": BYTES, "bool": [True, False]}[kind])

    def fill(self, message, depth=0):
        absent = self.chance.uniform(0.1, 0.7)
        for field in message.DESCRIPTOR.fields:
            if field.name in ("id", "author_id") or self.chance.random() < absent:
                continue
            kind, target = type_of(field), getattr(message, field.name)
            if is_map(field):
                key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
                for _ in range(self.chance.randrange(4)):
                    target[self.scalar(key, type_of(key))] = self.scalar(value, type_of(value))
            elif repeated(field):
                for _ in range(self.chance.randrange(4)):
                    if field.message_type:
                        self.fill(target.add(), depth + 1)
                    else:
                        target.append(self.scalar(field, kind))
            elif kind == "time":
                moment = self.chance.choice(TIMES)
                target.seconds, target.nanos = moment // 1_000_000, moment % 1_000_000 * 1000
            elif kind == "duration":
                length = self.chance.choice(DURATIONS)
                target.FromMicroseconds(length)
                target.SetInParent()
            elif is_wrapper(field):
                target.value = self.scalar(target.DESCRIPTOR.fields_by_name["value"], kind)
                target.SetInParent()
            elif field.message_type:
                target.SetInParent()
                if depth < 2:
                    self.fill(target, depth + 1)
            else:
                setattr(message, field.name, self.scalar(field, kind))


# The oracle

CEL = {"int": celtypes.IntType, "uint": celtypes.UintType, "double": celtypes.DoubleType, "string": celtypes.StringType,
       "bytes": celtypes.BytesType, "bool": celtypes.BoolType, "enum": celtypes.IntType}


def value_of(message, field, depth):
    """Returns the value of a singular field that is present, or zero. Parts are recursive without end; expressions use a few
    levels."""
    value, kind = getattr(message, field.name), type_of(field)
    if kind == "time":
        return celtypes.TimestampType(EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000))
    if kind == "duration":
        return celtypes.DurationType(datetime.timedelta(microseconds=value.ToMicroseconds()))
    if is_wrapper(field):
        return CEL[kind](value.value)
    return celtypes.MapType(names_of(value, depth + 1) if depth < 4 else {}) if field.message_type else CEL[kind](value)


def names_of(message, depth=0):
    """Returns the values of names in a message, by protobuf's rules."""
    names = {}
    for field in message.DESCRIPTOR.fields:
        value, kind = getattr(message, field.name), type_of(field)
        if is_map(field):
            key, element = (CEL[type_of(field.message_type.fields_by_name[name])] for name in ("key", "value"))
            names[field.name] = celtypes.MapType({key(one): element(other) for one, other in value.items()})
        elif repeated(field):
            elements = [celtypes.MapType(names_of(one, depth + 1)) if field.message_type else CEL[kind](one) for one in value]
            names[field.name] = celtypes.ListType(elements)
        elif kind in ("time", "duration") and not message.HasField(field.name):
            continue
        elif is_wrapper(field) and not message.HasField(field.name):
            names[field.name] = None
        else:
            names[field.name] = value_of(message, field, depth)
    return {celtypes.StringType(name): value for name, value in names.items()}


def present_of(message, before=""):
    """Returns the fields for which `has` is true, with `_` for the dots of nested ones."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if is_map(field) or repeated(field):
            there = len(value) > 0
        elif field.has_presence:
            there = message.HasField(field.name)
        else:
            # Protobuf keeps -0.0, which equals zero with another sign.
            there = value != type(value)() or (isinstance(value, float) and math.copysign(1, value) < 0)
        if there:
            yield celtypes.StringType(before + field.name), celtypes.BoolType(True)
            if type_of(field) == message.DESCRIPTOR.fields_by_name.get("part", field).message_type and not repeated(field):
                yield from present_of(value, f"{before}{field.name}_")


class Oracle:
    def __init__(self):
        self.environment = celpy.Environment()

    def activation(self, thing, authors):
        names = {str(name): value for name, value in names_of(thing).items()}
        names["present"] = celtypes.MapType(dict(present_of(thing)))
        if thing.author_id:
            author = authors[thing.author_id]
            names["author_is_there"] = celtypes.BoolType(True)
            names["author"] = celtypes.MapType(names_of(author))
            names["author_present"] = celtypes.MapType(dict(present_of(author)))
        return names

    def matches(self, expression, activations):
        """Returns the names of the records for which an expression is true; nothing if cel-python itself fails."""
        program = self.environment.program(self.environment.compile(expression))
        matching = set()
        for name, activation in activations.items():
            try:
                if program.evaluate(activation) == celtypes.BoolType(True):
                    matching.add(name)
            except celpy.CELEvalError:
                if "exists_one" in expression:
                    return None
            except OverflowError:
                return None
        return matching


# Expressions

class Author:
    """Generates expressions. Names are marked, as in `@get(part.name)`, `@has(part.name)` and `@enum(MOOD_GOOD)`, because
    the oracle needs another form of them."""

    def __init__(self, chance, descriptor, author):
        self.chance = chance
        self.paths = list(self.paths_of(descriptor))
        self.paths += [("author." + path, kind, field) for path, kind, field in self.paths_of(author)]
        self.part = descriptor.fields_by_name["part"].message_type
        self.variables = []

    def paths_of(self, descriptor, before="", depth=0):
        for field in descriptor.fields:
            if field.name == "author_id":
                continue
            kind = type_of(field)
            if is_map(field):
                yield before + field.name, "map", field
            elif repeated(field):
                yield before + field.name, "list", field
            elif isinstance(kind, str):
                yield before + field.name, "null " + kind if is_wrapper(field) else kind, field
            else:
                yield before + field.name, "message", field
                if depth < 2:
                    yield from self.paths_of(kind, f"{before}{field.name}.", depth + 1)

    def path(self, wanted):
        """Returns a path of one of the kinds, and its field."""
        if self.variables and self.chance.random() < 0.6:
            found = []
            for name, kind in self.variables:
                if kind in wanted:
                    found.append((name, None))
                if kind == "part":
                    found += [(f"{name}.{path}", field) for path, kind, field in self.paths_of(self.part, depth=2) if kind in wanted]
            if found:
                return self.chance.choice(found)
        short = self.chance.random() < 0.5
        found = [(path, field) for path, kind, field in self.paths if kind in wanted and not (short and "." in path)]
        found = found or [(path, field) for path, kind, field in self.paths if kind in wanted]
        path, field = self.chance.choice(found)
        return f"@get({path})", field

    def condition(self, depth):
        chance = self.chance
        ways = [self.compare, self.compare, self.compare, self.has, self.one_of, self.element, self.text, self.truth, self.enum]
        if depth > 0:
            ways += [self.logic, self.logic, self.logic, self.quantified, self.quantified, self.null, self.key, self.choice]
        return chance.choice(ways)(depth - 1)

    def compare(self, depth):
        kind = self.chance.choice(["int", "uint", "double", "string", "bytes", "time", "duration", "bool"])
        operator = self.chance.choice(["==", "!="] if kind == "bool" else ["==", "!=", "<", "<=", ">", ">="])
        # Comparing null by order is an error. cel-python cannot compare null numbers for equality: see `null`.
        may_be_null = kind in CEL and operator in ("<", "<=", ">", ">=") and self.chance.random() < 0.15
        left = self.path([f"null {kind}"])[0] if may_be_null else self.value(kind, depth)
        return f"{left} {operator} {self.value(kind, depth)}"

    def enum(self, depth):
        operator, value = self.chance.choice(["==", "!=", "<", ">="]), self.chance.choice(list(MOODS))
        if self.chance.random() < 0.3:
            return f"@get(mood) in [@enum({value}), @enum(MOOD_BAD)]"
        return f"@get(mood) {operator} @enum({value})"

    def truth(self, depth):
        return self.path(["bool"])[0]

    def has(self, depth):
        found = [path for path, _, _ in self.paths]
        return f"@has({self.chance.choice(found)})"

    def one_of(self, depth):
        kind = self.chance.choice(["int", "uint", "double", "string", "bytes"])
        constants = ", ".join(self.constant(kind) for _ in range(self.chance.randrange(1, 6)))
        return f"{self.value(kind, depth)} in [{constants}]"

    def element(self, depth):
        path, field = self.path(["list"])
        kind = type_of(field)
        return f"{self.value(kind, depth)} in {path}" if isinstance(kind, str) else f"size({path}) > 1"

    def key(self, depth):
        path, field = self.path(["map"])
        key, value = (type_of(field.message_type.fields_by_name[name]) for name in ("key", "value"))
        if self.chance.random() < 0.4:
            return f"{self.value(key, depth)} in {path}"
        return f"{path}[{self.constant(key)}] {self.chance.choice(['==', '!=', '<', '>'])} {self.value(value, depth)}"

    def text(self, depth):
        text = self.path(["string", "string", "null string"])[0]
        if self.chance.random() < 0.3:
            return f"{text}.matches({quoted(self.chance.choice(PATTERNS))})"
        return f"{text}.{self.chance.choice(['startsWith', 'endsWith', 'contains'])}({self.value('string', depth)})"

    def null(self, depth):
        kind = self.chance.choice(["string", "bytes", "bool"])
        path, _ = self.path([f"null {kind}"])
        return f"{path} {self.chance.choice(['==', '!='])} {self.chance.choice(['null', self.constant(kind)])}"

    def logic(self, depth):
        operator = self.chance.choice(["&&", "||", "!", "!"])
        if operator == "!":
            return f"!({self.condition(depth)})"
        return f" {operator} ".join(f"({self.condition(depth)})" for _ in range(self.chance.randrange(2, 4)))

    def choice(self, depth):
        return f"({self.condition(depth)}) ? ({self.condition(depth)}) : ({self.condition(depth)})"

    def quantified(self, depth):
        if len(self.variables) == 2:
            return self.truth(depth)
        name = "xy"[len(self.variables)]
        path, field = self.path(["list", "map"])
        kind = type_of(field.message_type.fields_by_name["key"]) if is_map(field) else type_of(field)
        self.variables.append((name, kind if isinstance(kind, str) else "part"))
        condition = self.condition(max(depth, 0))
        self.variables.pop()
        return f"{path}.{self.chance.choice(['exists', 'all', 'exists_one'])}({name}, {condition})"

    def value(self, kind, depth):
        chance, way = self.chance, self.chance.random()
        if way < 0.3:
            return self.constant(kind)
        if way < 0.7 or depth < 0:
            return self.path([kind])[0]
        if way < 0.75:
            return f"(({self.condition(depth - 1)}) ? {self.value(kind, depth - 1)} : {self.value(kind, depth - 1)})"
        return getattr(self, f"a_{kind}")(depth - 1)

    def read(self, kind, depth):
        """Returns a value that reads a field: constant expressions are evaluated early, and rejected if they have no value."""
        return self.path([kind])[0] if depth < 0 or self.chance.random() < 0.6 else getattr(self, f"a_{kind}")(depth - 1)

    def calculation(self, kind, operators, depth):
        operator = self.chance.choice(operators)
        if operator in "/%" or self.chance.random() < 0.5:
            return f"({self.value(kind, depth)} {operator} {self.read(kind, depth)})"
        return f"({self.read(kind, depth)} {operator} {self.value(kind, depth)})"

    def a_int(self, depth):
        chance, way = self.chance, self.chance.randrange(6)
        if way == 0:
            return f"size({self.read(chance.choice(['string', 'bytes']), depth)})"
        if way == 1:
            return f"size({self.path(['list', 'map'])[0]})"
        if way == 2:
            part = chance.choice(["FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes", "Seconds", "Milliseconds"])
            return f"{self.read('time', depth)}.get{part}()"
        if way == 3:
            return f"int({self.chance.choice([self.path(['enum'])[0], self.read('uint', depth), self.read('double', depth)])})"
        return f"(-{self.path(['int'])[0]})" if way == 4 else self.calculation("int", "+-*/%", depth)

    def a_uint(self, depth):
        return f"uint({self.read('int', depth)})" if self.chance.random() < 0.3 else self.calculation("uint", "+-*/%", depth)

    def a_double(self, depth):
        way = self.chance.randrange(4)
        if way == 0:
            return f"double({self.read(self.chance.choice(['int', 'uint']), depth)})"
        if way == 1:
            return f"({self.read('double', depth)} {self.chance.choice(['/ 4.0', '* 1e10', '/ 1e-300', '* 0.1'])})"
        return f"(-{self.path(['double'])[0]})" if way == 2 else self.calculation("double", "+-", depth)

    def a_string(self, depth):
        if self.chance.random() < 0.3:
            return f"string({self.read(self.chance.choice(['int', 'uint']), depth)})"
        return self.calculation("string", "+", depth)

    def a_bytes(self, depth):
        return self.path(["bytes"])[0]

    def a_bool(self, depth):
        return f"({self.condition(depth)})"

    def a_time(self, depth):
        operator = self.chance.choice("+-")
        return f"({self.read('time', depth)} {operator} {self.value('duration', depth)})"

    def a_duration(self, depth):
        return self.calculation(self.chance.choice(["time", "duration"]), "-", depth)

    def constant(self, kind):
        chance = self.chance
        if kind == "int":
            value = chance.choice(INTS)
            return str(value) if value >= 0 else f"({value})"
        if kind == "uint":
            return f"{chance.choice([value for value in INTS if value >= 0] + [2 ** 64 - 1])}u"
        if kind == "double":
            value = repr(chance.choice(DOUBLES))
            return f"({value})" if value.startswith("-") else value
        if kind == "bool":
            return chance.choice(["true", "false"])
        if kind == "string":
            return quoted(chance.choice(STRINGS))
        if kind == "bytes":
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in chance.choice(BYTES)) + '"'
        if kind == "time":
            moment = EPOCH + datetime.timedelta(microseconds=chance.choice(TIMES))
            return f'timestamp("{moment.year:04}{moment.strftime("-%m-%dT%H:%M:%S.%fZ")}")'
        length = chance.choice(DURATIONS)
        return f'duration("{"-" if length < 0 else ""}{abs(length) // 1_000_000}.{abs(length) % 1_000_000:06}s")'


def quoted(text):
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


MARKED = re.compile(r"@(get|has|enum)\(([\w.]+)\)")


def for_the_product(expression, chance):
    """Writes names as users do: proto names, JSON names, with `record.` or alone."""
    def name(found):
        way, path = found.groups()
        if way == "enum":
            return chance.choice([path, f'"{path}"', f"Mood.{path}", f"({MOODS[path]})"])
        if chance.random() < 0.3:
            path = re.sub(r"_(\w)", lambda letter: letter[1].upper(), path)
        path = chance.choice(["", "", "record.", "this."]) + path
        return f"has({path})" if way == "has" else path
    return MARKED.sub(name, expression)


def for_the_oracle(expression):
    def name(found):
        way, path = found.groups()
        if way == "enum":
            return f"({MOODS[path]})"
        if way == "get":
            return path
        if path.startswith("author."):
            return f"(author_is_there ? has(author_present.{path.removeprefix('author.').replace('.', '_')}) : false)"
        return f"has(present.{path.replace('.', '_')})"
    return MARKED.sub(name, expression)


# The test

@pytest.fixture
def things(empty_suite, tmp_path):
    """Random things and their authors, as the server returned them."""
    suite = empty_suite
    folder = tmp_path / "oracle" / "v1"
    folder.mkdir(parents=True)
    (folder / "thing.proto").write_text(MODELS)
    applied = suite.apply(tmp_path, check=False)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    stub = Stub(suite)
    chance = random.Random(SEED)
    filler = Filler(chance)

    def create(name, links=()):
        request = stub.message(f"oracle.v1.Create{name}Request")()
        record = getattr(request, name.lower())
        record.SetInParent()
        filler.fill(record)
        if links and chance.random() < 0.7:
            record.author_id = chance.choice(links)
        return stub.call(f"oracle.v1.{name}Service/Create{name}", request)

    authors = {author.id: author for author in (create("Author") for _ in range(AUTHORS))}
    yield stub, authors, {thing.id: thing for thing in (create("Thing", list(authors)) for _ in range(RECORDS))}
    stub.channel.close()


def listed(stub, expression, page_size):
    """Returns the ids of all pages."""
    request = stub.message("oracle.v1.ListThingsRequest")(filter=expression, page_size=page_size, allow_scan=True)
    request.read_mask.paths.append("id")
    found = []
    while True:
        try:
            page = stub.call("oracle.v1.ThingService/ListThings", request)
        except grpc.RpcError as error:
            pytest.fail(f"seed {SEED}: {error.code()}: {error.details()}, for\n  {expression}")
        found += [thing.id for thing in page.things]
        if not page.next_page_token:
            assert len(found) == len(set(found)), expression
            return set(found)
        request.page_token = page.next_page_token


def listed_by_rest(suite, expression):
    query = urllib.parse.urlencode({"filter": expression, "pageSize": 1000, "allowScan": "true", "readMask": "id"})
    status, _, body = suite.curl("GET", f"/api/v1/oracle-things?{query}")
    assert status == 200, f"seed {SEED}: {body}, for\n  {expression}"
    return {thing["id"] for thing in body["data"]}


def test_filters_equal_cel(empty_suite, things):
    print(f"GROUNDPLAN_SEED={SEED}")
    stub, authors, records = things
    chance, oracle = random.Random(SEED + 1), Oracle()
    activations = {name: oracle.activation(thing, authors) for name, thing in records.items()}
    descriptors = (next(iter(every.values())).DESCRIPTOR for every in (records, authors))
    author = Author(chance, *descriptors)
    pairs, expressions, matched, began = 0, 0, 0, time.monotonic()
    while pairs < PAIRS:
        marked = author.condition(chance.randrange(4))
        expression = for_the_product(marked, chance)
        expected = oracle.matches(for_the_oracle(marked), activations)
        if expected is None:
            continue
        page_size = chance.choice([7, 50, 1000])
        found = listed_by_rest(empty_suite, expression) if expressions % 10 == 0 else listed(stub, expression, page_size)
        if found != expected:
            pytest.fail(disagreement(expression, for_the_oracle(marked), found, expected, records))
        pairs, expressions, matched = pairs + len(records), expressions + 1, matched + len(found)
        if expressions % 500 == 0:
            print(f"{pairs} of {PAIRS} pairs in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{pairs} pairs of {expressions} expressions, {matched} matches, in {time.monotonic() - began:.1f} s")
    assert PAIRS / 20 < matched < PAIRS, "expressions that are almost never or always true test little"


def disagreement(expression, for_oracle, found, expected, records):
    which = sorted(found ^ expected)[0]
    says, other = ("finds", "does not match") if which in found else ("does not find", "matches")
    return f"seed {SEED}: the server {says} this by\n  {expression}\nbut for cel-python it {other}\n  {for_oracle}\n{records[which]}"
