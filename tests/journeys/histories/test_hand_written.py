"""Handwritten histories: those that a checker must accept, and those that it must reject, each for its reason."""

import pytest

from histories import EXISTS, MISMATCH, MISSING, History, Step, check, linearizability, serializability

EMPTY = {"value": "", "count": 0, "tokens": ()}


class Told(History):
    """A history that is written line by line, with a manual clock."""

    def __init__(self):
        super().__init__(EMPTY, clock=lambda: 0.0)

    def ok(self, client, began, ended, *steps, **more):
        return self.begin(client, *steps, at=began, **more).ok(ended)

    def refused(self, client, began, ended, step, refusal, current=None):
        return self.begin(client, step, at=began).refused(ended, 0, refusal, current)

    def unknown(self, client, began, *steps, **more):
        return self.begin(client, *steps, at=began, **more)

    def commit(self, client, began, ended, *steps):
        return self.ok(client, began, ended, *steps, serializable=True, commit=True)


def state(**fields):
    return EMPTY | fields


def create(record, version, value=""):
    return Step(record, "create", set={"value": value} if value else {}, version=version, fields=state(value=value))


def read(record, version, **fields):
    return Step(record, "read", version=version, fields=state(**fields))


def absent(record):
    return Step(record, "read", absent=True)


def write(record, version, value, etag=None, **others):
    return Step(record, "update", set={"value": value}, etag=etag, version=version, fields=state(value=value, **others))


def add(record, version, count, by=1):
    return Step(record, "update", increment={"count": by}, version=version, fields=state(count=count))


def verify(record, version):
    return Step(record, "verify", etag=version)


def put(record, version, *tokens):
    return Step(record, "update", append={"tokens": [tokens[-1]]}, version=version, fields=state(tokens=tokens))


def begun(*records):
    """Records at version 10, 20, …, created one after the other."""
    told = Told()
    for at, record in enumerate(records):
        told.ok("maker", at / 10, at / 10 + 0.05, create(record, 10 * (at + 1)))
    return told


def accepted(told, **more):
    found = check(told, **more)
    assert not found, "\n".join(map(str, found))


def rejected(told, kind, *words, real_time=False, dense=True):
    """Checks for a single kind of violation, whose text names the operations."""
    found = check(told, real_time=real_time, dense=dense)
    fitting = [violation for violation in found if violation.kind.startswith(kind)]
    assert fitting, (kind, list(map(str, found)))
    text = str(fitting[0])
    for word in words:
        assert word in text, (word, text)


# --- one record ------------------------------------------------------------------------------------------------------------------------------


def test_the_life_of_a_record_is_valid():
    told = begun("x")
    told.ok("a", 1, 2, write("x", 11, "a"))
    told.ok("b", 1.5, 3, read("x", 11, value="a"))
    told.ok("b", 3, 4, write("x", 12, "b", etag=11))
    told.refused("c", 4, 5, Step("x", "update", set={"value": "c"}, etag=11), MISMATCH, 12)
    told.refused("c", 5, 6, Step("x", "create"), EXISTS)
    told.ok("c", 6, 7, Step("x", "delete", etag=12))
    told.refused("c", 7, 8, Step("x", "update", set={"value": "c"}), MISSING)
    told.ok("c", 8, 9, absent("x"))
    told.ok("c", 9, 10, create("x", 99, "again"))
    told.ok("c", 10, 11, read("x", 99, value="again"))
    accepted(told)
    accepted(told, real_time=True)


def test_concurrent_operations_can_have_any_order():
    told = begun("x")
    told.ok("a", 1, 5, write("x", 12, "a"))
    told.ok("b", 1, 5, write("x", 11, "b"))
    told.ok("c", 2, 3, read("x", 11, value="b"))
    told.ok("d", 2, 3, read("x", 10))
    accepted(told)


def test_a_lost_update():
    """Both read version 10; the second write does not include the first."""
    told = begun("x")
    told.ok("a", 1, 2, add("x", 11, 1))
    told.ok("b", 1, 2, add("x", 12, 1))
    rejected(told, "not linearizable", "call 2 of b", "count")
    told = begun("x")
    told.ok("a", 1, 2, write("x", 11, "a", etag=10))
    told.ok("b", 1, 2, write("x", 11, "b", etag=10))
    rejected(told, "lost update", "version b was made twice")
    rejected(told, "not linearizable")


def test_a_condition_that_does_not_hold():
    told = begun("x")
    told.ok("a", 1, 2, write("x", 11, "a"))
    told.ok("b", 3, 4, write("x", 12, "b", etag=10))
    rejected(told, "not linearizable", "its version is b")


def test_a_stale_read():
    told = begun("x")
    told.ok("a", 1, 2, write("x", 11, "a"))
    told.ok("b", 3, 4, read("x", 10))
    rejected(told, "not linearizable", "call 2 of b [3.000000 – 4.000000 s, ok]: read x", "then it has version b")
    rejected(told, "G-single", "in real time", real_time=True)


def test_reads_that_go_back():
    """The write is still in progress, so each read alone is valid."""
    told = begun("x")
    told.ok("a", 1, 9, write("x", 11, "a"))
    told.ok("b", 2, 3, read("x", 11, value="a"))
    accepted(told)
    told.ok("c", 4, 5, read("x", 10))
    rejected(told, "not linearizable", "call 3 of c")


def test_a_read_of_the_future():
    told = begun("x")
    told.ok("b", 1, 2, read("x", 11, value="a"))
    told.ok("a", 3, 4, write("x", 11, "a"))
    rejected(told, "not linearizable", "call 1 of b")


def test_a_read_of_a_rejected_write():
    told = begun("x")
    told.refused("a", 1, 2, Step("x", "update", set={"value": "a"}, etag=9), MISMATCH, 10)
    told.ok("b", 3, 4, read("x", 11, value="a"))
    rejected(told, "not linearizable", "call 2 of b")
    rejected(told, "G1a", "call 1 of a", "'a'")


def test_a_wrong_rejection():
    told = begun("x")
    told.refused("a", 1, 2, Step("x", "update", set={"value": "a"}), MISSING)
    rejected(told, "not linearizable", "it is there")
    told = begun("x")
    told.refused("a", 1, 2, Step("x", "update", set={"value": "a"}, etag=10), MISMATCH)
    rejected(told, "not linearizable", "the one asked for")
    told = begun("x")
    told.ok("a", 1, 2, Step("x", "delete"))
    told.refused("a", 3, 4, Step("x", "create"), EXISTS)
    rejected(told, "not linearizable", "it is not there")


def test_a_record_that_exists_after_its_delete():
    told = begun("x")
    told.ok("a", 1, 2, Step("x", "delete"))
    told.ok("b", 3, 4, read("x", 10))
    rejected(told, "not linearizable", "then it is not there, and this one would see the past: call 2 of b")


def test_values_that_do_not_fit_their_version():
    told = begun("x")
    told.ok("a", 1, 2, read("x", 10, value="other"))
    rejected(told, "not linearizable", "its fields are")
    told = begun("x")
    told.ok("a", 1, 2, write("x", 13, "a"))
    rejected(told, "not linearizable", "its version is b")
    accepted(told, dense=False)
    told = begun("x")
    told.ok("a", 1, 2, write("x", 9, "a"))
    rejected(told, "not linearizable", dense=False)


# --- operations with an unknown outcome
# ------------------------------------------------------------------------------------------------------


def test_an_unknown_operation_might_have_happened():
    told = begun("x")
    told.unknown("a", 1, Step("x", "update", set={"value": "a"}))
    accepted(told)
    told.ok("b", 2, 3, read("x", 10))
    accepted(told)
    told.ok("b", 4, 5, read("x", 11, value="a"))
    accepted(told)
    told.ok("b", 6, 7, read("x", 10))
    rejected(told, "not linearizable", "call 4 of b")


def test_an_unknown_operation_that_is_needed():
    told = begun("x")
    told.ok("b", 4, 5, read("x", 11, value="a"))
    rejected(told, "not linearizable")
    rejected(told, "a version that nobody wrote", "call 1 of b")
    told = begun("x")
    told.ok("b", 4, 5, read("x", 11, value="a"))
    told.unknown("a", 6, Step("x", "update", set={"value": "a"}))
    rejected(told, "not linearizable")


def test_an_unknown_operation_happens_once_at_most():
    told = begun("x")
    told.unknown("a", 1, Step("x", "update", increment={"count": 1}))
    told.ok("b", 2, 3, add("x", 12, 2))
    accepted(told)
    told.ok("b", 4, 5, read("x", 13, count=3))
    rejected(told, "not linearizable", "call 3 of b")


def test_a_duplicate_effect():
    told = begun("x")
    told.ok("a", 1, 2, add("x", 11, 1))
    told.ok("b", 3, 4, read("x", 12, count=2))
    rejected(told, "not linearizable")
    told = begun("x")
    told.ok("a", 1, 2, add("x", 12, 2))
    rejected(told, "not linearizable")
    told = begun("x")
    told.ok("a", 1, 2, put("x", 11, "t1"))
    told.ok("b", 3, 4, Step("x", "read", version=12, fields=state(tokens=("t1", "t1"))))
    rejected(told, "an effect that happened twice", "'t1' twice")


def test_many_unknown_operations_are_decided():
    """Twelve that might have happened, of which four did, in an order that only the last read shows."""
    told = begun("x")
    for at in range(12):
        told.unknown(f"c{at}", 1, Step("x", "update", append={"tokens": [at]}))
    told.ok("b", 2, 3, Step("x", "read", version=14, fields=state(tokens=(7, 3, 11, 0))))
    accepted(told)
    accepted(told, dense=False)
    told.ok("b", 4, 5, Step("x", "read", version=14, fields=state(tokens=(7, 3, 11, 1))))
    rejected(told, "not linearizable")


# --- commits ---------------------------------------------------------------------------------------------------------------------------------


def test_sequential_commits_are_valid():
    told = begun("x", "y")
    told.commit("a", 1, 2, verify("x", 10), write("y", 21, "a"))
    told.commit("b", 3, 4, verify("y", 21), write("x", 11, "b"))
    told.commit("c", 5, 6, verify("x", 11), verify("y", 21))
    accepted(told)
    accepted(told, real_time=True)


def test_write_skew():
    """Each of two read both, and wrote one."""
    told = begun("x", "y")
    told.commit("a", 1, 2, verify("x", 10), verify("y", 20), Step("x", "update", set={"value": "a"}, version=11, fields=state(value="a")))
    told.commit("b", 1, 2, verify("x", 10), verify("y", 20), Step("y", "update", set={"value": "b"}, version=21, fields=state(value="b")))
    rejected(told, "G2", "commit 2 of a", "commit 3 of b", "rw on x", "rw on y", "[1.000000 – 2.000000 s")
    assert not linearizability.check(told), "each record is valid"


def test_write_skew_is_allowed_without_serializable():
    told = begun("x", "y")
    told.ok("a", 1, 2, verify("x", 10), write("y", 21, "a"))
    told.ok("b", 1, 2, verify("y", 20), write("x", 11, "b"))
    accepted(told)


def test_locking_commits_have_no_write_skew():
    told = begun("x", "y")
    told.ok("a", 1, 2, verify("x", 10), write("y", 21, "a"))
    told.ok("b", 1, 2, verify("y", 20), write("x", 11, "b"))
    assert [violation.kind[:2] for violation in serializability.check(told, locked=True)] == ["G2"]
    told = Told()
    told.ok("a", 1, 2, Step("x", "verify", missing=True), create("y", 20))
    told.ok("b", 1, 2, Step("y", "verify", missing=True), create("x", 10))
    assert not serializability.check(told, locked=True), "missing records cannot be locked"


def test_write_skew_of_missing_records():
    told = Told()
    told.commit("a", 1, 2, Step("x", "verify", missing=True), create("y", 20))
    told.commit("b", 1, 2, Step("y", "verify", missing=True), create("x", 10))
    rejected(told, "G2", "not there")


def test_a_long_fork():
    """Two readers see two independent commits in different orders."""
    told = begun("x", "y")
    told.commit("a", 1, 9, write("x", 11, "a"))
    told.commit("b", 1, 9, write("y", 21, "b"))
    told.commit("c", 2, 3, verify("x", 11), verify("y", 20))
    accepted(told)
    told.commit("d", 2, 3, verify("x", 10), verify("y", 21))
    rejected(told, "G2", "commit 4 of c", "commit 5 of d")


def test_a_commit_that_was_seen_by_half():
    told = begun("x", "y")
    told.commit("a", 1, 9, write("x", 11, "a"), write("y", 21, "a"))
    told.commit("b", 2, 3, verify("x", 11), verify("y", 20))
    rejected(told, "G-single", "commit 2 of a", "commit 3 of b")


def test_a_commit_that_was_seen_by_half_by_single_reads():
    told = begun("x", "y")
    told.commit("a", 1, 9, write("x", 11, "a"), write("y", 21, "a"))
    told.ok("b", 2, 3, read("x", 11, value="a"))
    told.ok("b", 4, 5, read("y", 20))
    accepted(told)
    rejected(told, "G-single, a read that is too old, in real time", "call 3 of b ended at 3.000000 s, before call 4 of b", real_time=True)


def test_a_commit_that_happened_by_half():
    told = begun("x", "y")
    told.unknown("a", 1, Step("x", "update", append={"tokens": ["t"]}), Step("y", "update", append={"tokens": ["t"]}), serializable=True)
    told.ok("b", 2, 3, Step("x", "read", version=11, fields=state(tokens=("t",))))
    accepted(told)
    told.ok("b", 4, 5, read("y", 20))
    rejected(told, "a commit that happened by half", "'t' is in x, but not in y", "commit 2 of a")


def test_writes_in_a_circle():
    """Of two commits, one was first on x, the other on y."""
    told = begun("x", "y")
    told.ok("a", 1, 2, write("x", 11, "a"), write("y", 22, "a"))
    told.ok("b", 1, 2, write("x", 12, "b"), write("y", 21, "b"))
    rejected(told, "G0", "commit 2 of a", "commit 3 of b")


def test_information_in_a_circle():
    """Each of two has seen what the other wrote."""
    told = begun("x", "y")
    told.ok("a", 1, 2, verify("y", 21), write("x", 11, "a"))
    told.ok("b", 1, 2, verify("x", 11), write("y", 21, "b"))
    rejected(told, "G1c")


def test_an_intermediate_read():
    told = begun("x")
    told.commit("a", 1, 2, write("x", 11, "a"), write("x", 12, "b"))
    told.ok("b", 1, 3, read("x", 12, value="b"))
    accepted(told)
    told.ok("c", 1, 3, read("x", 11, value="a"))
    rejected(told, "G1b", "version b was only for a moment", "call 3 of c")
    rejected(told, "not linearizable")


def test_a_lost_append():
    told = begun("x")
    told.commit("a", 1, 2, put("x", 11, "a"))
    told.commit("b", 1, 2, Step("x", "update", append={"tokens": ["b"]}, version=12, fields=state(tokens=("b",))))
    rejected(told, "a lost append")
    rejected(told, "not linearizable")


def test_lists_show_writes_without_a_response():
    """The broken commit wrote x before b and y after c: so b comes after it, and c before it."""
    told = begun("x", "y")
    told.unknown("a", 1, Step("x", "update", append={"tokens": ["a"]}), Step("y", "update", append={"tokens": ["a"]}), serializable=True)
    told.commit("b", 1, 2, Step("x", "update", append={"tokens": ["b"]}, version=12, fields=state(tokens=("a", "b"))), verify("y", 20))
    told.ok("c", 3, 4, Step("y", "read", version=21, fields=state(tokens=("a",))))
    rejected(told, "G-single", "commit 2 of a", "commit 3 of b")


def test_a_violation_of_real_time():
    """An operation sees both records in a combination that never existed: it is valid in some order, but not in real time."""
    told = begun("x", "y")
    told.commit("c", 1, 9, verify("x", 10), verify("y", 21))
    told.commit("a", 2, 3, write("x", 11, "a"))
    told.commit("b", 4, 5, write("y", 21, "b"))
    accepted(told)
    rejected(told, "G-single, a read that is too old, in real time", "commit 3 of a ended at 3.000000 s, before commit 4 of b", real_time=True)


def test_a_history_can_be_stored(tmp_path):
    told = begun("x", "y")
    told.commit("a", 1, 2, verify("x", 10), verify("y", 20), write("x", 11, "a"))
    told.commit("b", 1, 2, verify("x", 10), verify("y", 20), write("y", 21, "b"))
    told.dump(tmp_path / "history")
    assert check(told)
    again = check(History.load(tmp_path / "history"))
    assert [(violation.kind, violation.record) for violation in again] == [(violation.kind, violation.record) for violation in check(told)]


@pytest.mark.parametrize("count", [2_000])
def test_it_is_fast(count):
    told = begun("x")
    for at in range(count):
        told.ok(f"c{at % 8}", 1 + at, 8.5 + at, write("x", 11 + at, f"v{at}"))
    accepted(told)
