"""A checker of histories: what clients asked, when, and what they were told. It knows no server.

`linearizability.check` holds each record against a register with versions; `serializability.check` holds commits of several
records against Adya's dependency graph. Both give violations that say which operations contradict each other, and when.
"""

from histories.history import MISMATCH, MISSING, EXISTS, OK, REFUSED, UNKNOWN, History, Operation, Step, Violation
from histories import linearizability, serializability

__all__ = ["EXISTS", "MISMATCH", "MISSING", "OK", "REFUSED", "UNKNOWN", "History", "Operation", "Step", "Violation", "check"]


def check(history, dense=True, real_time=False):
    """All violations of a history: none, if it is right."""
    return linearizability.check(history, dense=dense) + serializability.check(history, real_time=real_time)
