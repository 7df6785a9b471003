"""Random histories of a store in memory: a checker accepts those of a correct store, and rejects those with one fault."""

import itertools
import os
import random

import pytest

from histories import OK, UNKNOWN, Step, check, linearizability, serializability
from histories.simulation import Simulation, known, unknown
from seeds import SEED

ROUNDS = int(os.environ.get("GROUNDPLAN_HISTORY_ROUNDS", 20))


def seeds():
    return [SEED + at for at in range(ROUNDS)]


def with_fault(history_of):
    """Returns the histories of the first seeds in which the fault happened, and the fault: one for each round."""
    found = (history_of(SEED + at) for at in range(20 * ROUNDS))
    histories = list(itertools.islice((one for one in found if one), ROUNDS))
    assert len(histories) == ROUNDS, f"only {len(histories)} histories have the fault"
    return histories


def kinds(found):
    return [violation.kind for violation in found]


@pytest.mark.parametrize("more", [{}, {"deletes": False}, {"breaks": 0.3, "settles": 0.03}, {"clients": 12, "records": 2}, {"breaks": 0.15, "clients": 10, "records": 3, "settles": 0.03},
                                  {"breaks": 0.3, "settles": 0.05}],
                         ids=["plain", "no deletes", "many break", "crowded", "all of it", "settled"])
def test_a_correct_store_is_accepted(more):
    """Histories with many broken calls can be undecided, but rarely."""
    asked, undecided = 0, 0
    for seed in seeds():
        history = Simulation(seed, **more).run()
        assert len(known(history)) > 20
        asked += len(unknown(history))
        for dense in (True, False):
            found = linearizability.check(history, dense=dense, budget=50_000)
            undecided += kinds(found).count("undecided")
            found = [violation for violation in found if violation.kind != "undecided"] + serializability.check(history, real_time=True, locked=True)
            found += serializability.check(history, real_time=True)
            assert not found, f"seed {seed}, dense {dense}: {found[0]}"
    assert asked > ROUNDS, "some operations have unknown outcomes"
    assert undecided <= ROUNDS / 10 if "breaks" in more else not undecided


def rejected_share(histories, least):
    """Returns the share of rejected histories with a fault; prints those that are not rejected."""
    verdicts = [(name, check(history, real_time=True)) for name, history in histories]
    missed = [name for name, found in verdicts if not found]
    assert "undecided" not in [kind for _, found in verdicts for kind in kinds(found)]
    assert len(missed) <= max(1, len(verdicts) * (1 - least)), (f"{len(missed)} of {len(verdicts)} were accepted", missed[:5])


@pytest.mark.parametrize("fault", ["stale read", "lost write", "doubled", "refused but done"])
def test_a_store_with_one_fault_is_rejected(fault):
    """All records are read in the end. Broken calls hide a few faults: a read is not stale if it is unknown that a newer
    version was written before it."""
    def history_of(seed):
        simulation = Simulation(seed, fault=fault, deletes=False)
        history = simulation.run()
        # The correct effect of a broken call is unknown.
        if simulation.fault_done and simulation.fault_done.outcome != UNKNOWN:
            return f"seed {seed}, {simulation.fault_done}", history
        return None

    rejected_share(with_fault(history_of), 0.85)


def test_half_a_commit_is_rejected():
    def history_of(seed):
        simulation = Simulation(seed, fault="half a commit", deletes=False, breaks=0)
        history = simulation.run()
        return (f"seed {seed}, {simulation.fault_done}", history) if simulation.fault_done else None

    rejected_share(with_fault(history_of), 0.97)


def test_commits_on_an_old_snapshot_are_rejected():
    """A version that a commit verified had changed at its write, and the commit cannot have come earlier: the graph rejects
    every such history."""
    for seed in seeds():
        simulation = Simulation(seed, fault="skew", deletes=False, records=3, clients=10, breaks=0)
        history = simulation.run()
        assert simulation.fault_done.outcome == OK
        found = kinds(check(history, real_time=True))
        assert any(kind.startswith("G") for kind in found), f"seed {seed}: {simulation.fault_done} is accepted, except for {found}"


# --- one change to a correct history
# ----------------------------------------------------------------------------------------------------------


def changed(change):
    """Returns histories with one change, of those that allow the change."""
    def history_of(seed):
        history = Simulation(seed, deletes=False).run()
        what = change(history, random.Random(seed))
        return (f"seed {seed}, {what}", history) if what else None

    return with_fault(history_of)


def results(history):
    """Returns all results, with their operations."""
    return [(operation, step) for operation in known(history) for step in operation.steps if step.version is not None]


def older_read(history, chance):
    """A read sees a version that was replaced before it was sent."""
    seen = results(history)
    reads = [(operation, step) for operation, step in seen if step.kind == "read"]
    chance.shuffle(reads)
    for operation, step in reads:
        replaced = [other for earlier, other in seen if other.record == step.record and other.writes() and earlier.ended < operation.began]
        newest = max((other.version for other in replaced), default=0)
        old = [other for other in replaced if other.version < newest]
        if old:
            chosen = chance.choice(old)
            step.version, step.fields = chosen.version, chosen.fields
            return operation
    return None


def dropped_write(history, chance):
    """The write that a later operation of the record has seen is missing."""
    seen = results(history)
    writes = [(operation, step) for operation, step in seen if step.writes() and not operation.commit
              and any(other.record == step.record and other.version >= step.version and other is not step for _, other in seen)]
    if not writes:
        return None
    operation, _ = chance.choice(writes)
    history.operations.remove(operation)
    return operation


def doubled_effect(history, chance):
    """From one addition on, all results of the count include it twice."""
    seen = results(history)
    added = [(operation, step) for operation, step in seen if step.increment and any(
        other.record == step.record and other.version > step.version for _, other in seen)]
    if not added:
        return None
    operation, step = chance.choice(added)
    for _, other in seen:
        if other.record == step.record and other.version > step.version:
            other.fields = other.fields | {"count": other.fields["count"] + step.increment["count"]}
    return operation


def swapped_times(history, chance):
    """A read was sent and got its response before its result was written."""
    seen = results(history)
    pairs = [(operation, earlier) for operation, step in seen if step.kind == "read"
             for earlier, other in seen if other.writes() and (other.record, other.version) == (step.record, step.version)]
    if not pairs:
        return None
    reader, writer = chance.choice(pairs)
    reader.ended, reader.began = writer.began - 1e-9, writer.began - 2e-9
    return reader


def forged_value(history, chance):
    """A read saw a value that was never written."""
    reads = [(operation, step) for operation, step in results(history) if step.kind == "read"]
    operation, step = chance.choice(reads)
    step.fields = step.fields | {"value": "forged"}
    return operation


def resurrected(history, chance):
    """A read found no record where one was, and is."""
    reads = [(operation, step) for operation, step in results(history) if step.kind == "read"]
    reads = [(operation, step) for operation, step in reads if any(
        other.record == step.record and earlier.ended < operation.began for earlier, other in results(history))]
    if not reads:
        return None
    operation, step = chance.choice(reads)
    step.version, step.fields, step.absent = None, None, True
    return operation


@pytest.mark.parametrize("change", [older_read, dropped_write, doubled_effect, swapped_times, forged_value, resurrected])
def test_one_change_is_detected(change):
    rejected_share(changed(change), 0.97)


def test_most_changes_are_detected_without_dense_versions():
    """If an update can skip versions, only results count."""
    histories = changed(older_read) + changed(doubled_effect)
    missed = [name for name, history in histories if not check(history, dense=False)]
    assert len(missed) <= len(histories) * 0.05, missed[:5]


def test_a_large_history_is_decided_quickly():
    """Ten thousand operations on thirty records, many of them broken; at times it becomes certain which of those will never
    happen."""
    history = Simulation(SEED, clients=16, records=30, calls=10_000, breaks=0.05, settles=0.002).run()
    assert len(unknown(history)) > 500
    assert not linearizability.check(history)
    late = history.begin("late", Step("r1", "read", version=5, fields=history.defaults)).ok(history.clock())
    found = linearizability.check(history)
    assert kinds(found) == ["not linearizable"] and "call" in str(found[0]) and late.number == len(history.operations) - 1
