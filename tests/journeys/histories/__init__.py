"""A checker of histories: the requests of clients, their times and their responses. It is independent of the server.

`linearizability.check` compares each record with a register with versions; `serializability.check` compares commits of
several records with Adya's dependency graph. Both return violations with the operations that contradict each other, and
their times."""

from histories.history import MISMATCH, MISSING, EXISTS, OK, REFUSED, UNKNOWN, History, Operation, Step, Violation
from histories import linearizability, serializability

__all__ = ["EXISTS", "MISMATCH", "MISSING", "OK", "REFUSED", "UNKNOWN", "History", "Operation", "Step", "Violation", "check"]


def check(history, dense=True, real_time=False):
    """Returns all violations of a history; none if it is correct."""
    return linearizability.check(history, dense=dense) + serializability.check(history, real_time=real_time)
