"""A list of 100,000 rows is read by pages during writes: every unchanged row comes exactly once, in order.

Readers and writers are processes: with several threads that read so many messages, CPython 3.11 with protobuf 6.33
crashes with a segmentation fault."""

import collections
import concurrent.futures
import multiprocessing
import os
import random
import struct

import grpc
import pytest

from conftest import Stub
from suite import Suite

# What a client needs to know of a suite, in any process.
Where = collections.namedtuple("Where", "address api_key")
ROWS = int(os.environ.get("GROUNDPLAN_WALK_ROWS", "20000"))
PAGE = 1000

MODEL = """
syntax = "proto3";
package walk.v1;
import "google/protobuf/timestamp.proto";
import "groundplan/model/v1/model.proto";
enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_BLUE = 2; }
message Place { string town = 1; int32 number = 2; }
message Item {
  option (groundplan.model.v1.model) = {
    indexes: { fields: "bucket" fields: "title desc" }
    indexes: { fields: "seen_at" }
    indexes: { fields: "weight desc" }
  };
  string id = 1;
  string title = 2;
  int32 bucket = 3;
  optional int64 rank = 4;
  double weight = 5;
  google.protobuf.Timestamp seen_at = 6;
  Color color = 7;
  bool touched = 8;
  optional string note = 9;
  uint64 big = 10;
  Place place = 11;
  google.protobuf.Timestamp updated_at = 12;
}
"""

ORDERS = ["", "title", "title desc", "bucket, title desc", "rank desc", "rank, color desc, weight", "seen_at desc, title",
          "weight", "note desc, big", "place.town, place.number desc"]

# Every tenth row is for the writers. The values collide often, to test ties, and include edge cases.
FILL = f"""
INSERT INTO walk_v1.item (_tenant, _version, id, title, bucket, rank, weight, seen_at, color, touched, note, big, place)
SELECT 'default', 1, gen_random_uuid(),
       (ARRAY['', 'a', 'A', 'ä', 'Z', '😀', 'zz', E'\\'', '\\'])[1 + n % 9] || (n % 50),
       n % 7, CASE WHEN n % 3 = 0 THEN NULL ELSE (n * 7919) % 1000 - 500 END,
       (ARRAY[0, -0.0, 1.5, 'NaN', 'Infinity', '-Infinity', 1e-300, -2])[1 + n % 8],
       CASE WHEN n % 5 = 0 THEN NULL ELSE timestamptz '2020-01-01' + (n % 400) * interval '1 microsecond' END,
       n % 4, n % 10 = 0, CASE WHEN n % 4 = 0 THEN NULL ELSE 'note ' || n % 11 END, (n % 13) * 1000000000000000000::numeric,
       CASE WHEN n % 6 = 0 THEN NULL ELSE jsonb_build_object('town', 'town ' || n % 17, 'number', n % 5) END
FROM generate_series(1, {ROWS}) n
"""


@pytest.fixture(scope="module")
def walking():
    suite = Suite(apply_examples=False)
    suite.start()
    folder = suite.folder / "models" / "walk" / "v1"
    folder.mkdir(parents=True)
    (folder / "item.proto").write_text(MODEL)
    suite.apply(suite.folder / "models")
    yield suite
    suite.close()


def test_every_unchanged_row_comes_once_and_in_order(walking):
    suite = walking
    suite.psql(FILL)
    suite.psql("ANALYZE walk_v1.item")
    ids = {row for row in suite.psql("SELECT id FROM walk_v1.item WHERE NOT touched")}
    assert len(ids) == ROWS - ROWS // 10
    # A new interpreter for each: gRPC does not survive a fork.
    context, where = multiprocessing.get_context("spawn"), Where(suite.address, suite.api_key)
    stop = context.Event()
    touched = [suite.psql(f"SELECT id FROM walk_v1.item WHERE touched AND abs(hashtext(id::text)) % 3 = {seed}") for seed in range(3)]
    with concurrent.futures.ProcessPoolExecutor(5, mp_context=context, initializer=share, initargs=(stop,)) as pool:
        writers = [pool.submit(write, where, seed, mine) for seed, mine in enumerate(touched)]
        try:
            walked = list(zip(ORDERS, pool.map(walk, [where] * len(ORDERS), ORDERS)))
        finally:
            stop.set()
        written = sum(writer.result() for writer in writers)
    assert written > 100, "the writers did nothing"
    for order, found in walked:
        seen = [one for one in found if one[0] in ids]
        assert len(seen) == len(ids), (order, len(seen), len(ids))
        assert {id for id, _ in seen} == ids, order
        keys = [keys for _, keys in seen]
        assert all(one <= other for one, other in zip(keys, keys[1:])), order


def share(event):
    """Stores the event that stops the writers of this process."""
    global STOP
    STOP = event


class Items:
    """The service in Python, with requests from keywords."""

    def __init__(self, where):
        self.stub = Stub(where)

    def __getattr__(self, method):
        request = self.stub.message(f"walk.v1.{method}Request")
        return lambda **fields: self.stub.call(f"walk.v1.ItemService/{method}", request(**fields), timeout=60)


def walk(where, order):
    """Returns the id and the keys of each item."""
    items, token, found = Items(where), "", []
    while True:
        page = items.ListItems(page_size=PAGE, order_by=order, page_token=token, allow_scan=True)
        found.extend((item.id, key(order, item)) for item in page.items)
        token = page.next_page_token
        if not token:
            return found


def write(where, seed, mine):
    """Creates, moves and deletes rows, all of them marked as changed, and returns how often."""
    items, chance, written = Items(where), random.Random(seed), 0
    while not STOP.is_set():
        try:
            what = chance.random()
            if what < 0.4 or not mine:
                item = items.CreateItem(item={"title": chance.choice("aZä"), "bucket": chance.randrange(7), "touched": True, "weight": chance.random()})
                mine.append(item.id)
            elif what < 0.8:
                items.UpdateItem(item={"id": chance.choice(mine), "touched": True, "title": chance.choice(["", "b", "zz"]), "bucket": chance.randrange(7),
                                       "rank": chance.randrange(-500, 500), "weight": chance.random()})
            else:
                items.DeleteItem(id=mine.pop(chance.randrange(len(mine))))
            written += 1
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ABORTED), error
    return written


def key(order, item):
    """Returns the sort key: absent values last, or first in descending order."""
    return [Ordered(value_of(item, part.split()[0]), part.endswith(" desc")) for part in filter(None, (part.strip() for part in order.split(",")))] \
        + ([Ordered(item.id, False)] if not order else [])


def value_of(item, path):
    if path.startswith("place."):
        # Fields of an absent message are zero, as protobuf reads them.
        value = getattr(item.place, path[6:])
        return value.encode() if isinstance(value, str) else value
    if path in ("rank", "note", "seen_at") and not item.HasField(path):
        return None
    value = getattr(item, path)
    if path == "seen_at":
        return value.seconds * 1_000_000 + value.nanos // 1000
    if path == "weight":
        bits = struct.unpack("<Q", struct.pack("<d", value))[0]
        return (1, 0.0) if bits & 0x7FF0000000000000 == 0x7FF0000000000000 and bits & 0xFFFFFFFFFFFFF else (0, value)
    if isinstance(value, str):
        return value.encode()
    return value


class Ordered:
    def __init__(self, value, descending):
        self.value, self.descending = value, descending

    def __le__(self, other):
        return not other < self

    def __lt__(self, other):
        left, right = (other, self) if self.descending else (self, other)
        if left.value is None or right.value is None:
            return left.value is not None and right.value is None
        return left.value < right.value

    def __eq__(self, other):
        return self.value == other.value
