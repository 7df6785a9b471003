"""Measures Groundplan with more rows, more models and larger records, and the peer where it has the same operation."""

import pathlib
import tempfile

from peers import Peers
from processes import ROOT, say
from rounds import Target, alternate
from suite import Suite

OPERATIONS = ("get", "list", "create", "update")
DOCUMENTS = ROOT / "crates/bench/models"
# Filler around the entity of the example.
MODEL = """syntax = "proto3";

package growth.v1;

import "groundplan/model/v1/model.proto";

message Thing{number} {{
  option (groundplan.model.v1.model) = {{
    indexes: {{fields: "name" reason: "looked up by name"}}
  }};

  string id = 1;
  string name = 2;
  int64 amount = 3;
  bool is_active = 4;
  repeated string tags = 5;
}}
"""


def run(size):
    return {"rows": rows(size), "models": models(size), "bytes": lengths(size)}


def by_operation(size, suite, peers, operations, **arguments):
    targets = [Target("groundplan gRPC", suite.direct)]
    processes = suite.pids()
    if peers:
        targets.append(Target("peer", peers.address("peer")))
        processes |= peers.pids()
    outcomes = {}
    for operation in operations:
        suite.database.run("CHECKPOINT")
        common = {"operation": operation, "callers": size.growth_callers, "seconds": size.seconds}
        outcomes[operation] = alternate(targets, size.growth_rounds, common | arguments, processes, suite.api_key)
    return outcomes


def rows(size):
    """The example's entity with more and more rows."""
    outcomes, before = {}, 0
    with Suite([ROOT / "examples"]) as suite:
        suite.database.make_peer()
        with Peers(suite.database, suite.folder) as peers:
            for count in size.growth_rows:
                say(f"== growing to {count} rows")
                suite.database.fill("example_v1.entity", before, count)
                suite.database.fill("peer.entity", before, count)
                before = count
                outcomes[count] = by_operation(size, suite, peers, OPERATIONS, rows=count)
                outcomes[count]["database_mib"] = int(suite.database.run("SELECT pg_total_relation_size('example_v1.entity')")) // 2**20
    return outcomes


def models(size):
    """The example's entity among more and more other models."""
    outcomes = {}
    for count in size.growth_models:
        say(f"== a suite with {count} models")
        with tempfile.TemporaryDirectory(prefix="groundplan-models-") as name:
            folder = pathlib.Path(name) / "growth/v1"
            folder.mkdir(parents=True)
            # One is the example's entity.
            for number in range(1, count):
                (folder / f"thing{number}.proto").write_text(MODEL.format(number=number))
            with Suite([ROOT / "examples/example", name]) as suite:
                suite.database.fill("example_v1.entity", 0, 10_000)
                outcomes[count] = by_operation(size, suite, None, ("get", "create"), rows=10_000)
                outcomes[count] |= {"apply_seconds": suite.apply_seconds, "server_mib": suite.memory()}
    return outcomes


def lengths(size):
    """Records of more and more bytes, in a model whose text has no index."""
    outcomes = {}
    for length, count in size.growth_bytes:
        say(f"== records of {length} bytes")
        with Suite([ROOT / "examples", DOCUMENTS]) as suite:
            database = suite.database
            database.make_peer()
            # No index takes such texts; the model has none.
            database.run("DO $$ BEGIN EXECUTE (SELECT 'DROP INDEX peer.' || string_agg(quote_ident(indexname), ', peer.') FROM pg_indexes "
                         "WHERE schemaname = 'peer' AND tablename = 'entity' AND indexdef NOT LIKE '%UNIQUE%'); END $$")
            text = length - 50
            for table in ("bench_v1.document", "peer.entity"):
                # A text of hexadecimal digits that PostgreSQL does not compress much.
                database.fill(table, 0, count, f"(SELECT left(string_agg(md5(n::text || part::text), ''), {text}) FROM generate_series(0, {text // 32}) AS part)")
            with Peers(database, suite.folder) as peers:
                outcomes[length] = by_operation(size, suite, peers, ("get", "create", "update"), rows=count, text=text, model="bench.v1.Document")
    return outcomes
