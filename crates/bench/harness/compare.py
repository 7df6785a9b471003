"""Groundplan, the peers and pgbench: each operation, each number of callers, in alternating rounds."""

import pathlib

from peers import Peers, build_reference
from processes import ROOT, say
from rounds import Target, alternate
from scripts import scripts
from suite import Suite

OPERATIONS = ("get", "list", "create_without_log", "create", "update")
GROUNDPLAN = ("groundplan gRPC", "groundplan REST", "groundplan gRPC, Envoy", "groundplan REST, Envoy")


def run(size):
    """The medians: by operation, by number of callers, by target."""
    reference = build_reference()
    with Suite([ROOT / "examples"]) as suite:
        database = suite.database
        database.make_peer()
        say(f"== filling three tables with {size.rows} rows")
        database.fill("example_v1.entity", 0, size.rows)
        database.fill("peer.entity", 0, size.rows)
        if reference:
            database.make_reference(size.rows)
        with Peers(database, suite.folder, reference) as peers:
            return {operation: callers(size, operation, suite, peers) for operation in OPERATIONS}


def callers(size, operation, suite, peers):
    outcomes = {}
    targets = targets_of(operation, suite, peers, size.rows)
    for count in size.callers:
        suite.database.run("CHECKPOINT")
        arguments = {"operation": operation, "callers": count, "seconds": size.seconds, "rows": size.rows, "db_url": suite.database.url}
        outcomes[count] = alternate(targets, size.rounds, arguments, suite.pids() | peers.pids(), suite.api_key)
    return outcomes


def targets_of(operation, suite, peers, rows):
    pgbench = Target("pgbench", scripts=scripts(rows))
    if operation == "create_without_log":
        # Groundplan always has its log: this shows what a log costs.
        return [pgbench, Target("peer", peers.address("peer_without_log"))]
    targets = [pgbench, Target("peer", peers.address("peer"))]
    if peers.address("reference"):
        targets.append(Target("reference peer", peers.address("reference"), "reference"))
    ways = ((suite.direct, "grpc"), (suite.direct, "rest"), (suite.envoy, "grpc"), (suite.envoy, "rest"))
    has_envoy = pathlib.Path(suite.data / "run" / str(suite.port) / "envoy.pid").exists()
    return targets + [Target(name, address, protocol) for name, (address, protocol) in zip(GROUNDPLAN, ways) if has_envoy or address == suite.direct]


# A peer of ours may be so much slower than the reference peer by chance.
MARGIN = 0.10


def slower_peer(outcomes):
    """Where our peer is slower than the reference peer, beyond noise."""
    slower = []
    for operation, by_callers in outcomes.items():
        for count, by_target in by_callers.items():
            if "reference peer" in by_target:
                ratio = by_target["peer"]["requests_per_second"] / by_target["reference peer"]["requests_per_second"]
                if ratio < 1 - MARGIN:
                    slower.append(f"{operation}, {count} callers: {ratio:.2f} of the reference peer's rate")
    return slower
