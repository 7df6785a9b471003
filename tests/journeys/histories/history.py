"""The operations of clients, and their times: single steps or, as commits, several."""

import dataclasses
import itertools
import json
import threading
import time

# The outcome of an operation. Unknown: the call broke, so it might have happened, or might still happen.
OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
# The errors of a step that contain information about its record; any other error only means that nothing happened.
EXISTS, MISSING, MISMATCH = "exists", "missing", "mismatch"
WRITES = ("create", "update", "delete")


@dataclasses.dataclass
class Step:
    """A change or a read of one record, and its result: the record after the step."""

    record: str
    # read, create, update, delete or verify.
    kind: str
    # The content of a create or update: values to set, numbers to add, elements to append.
    set: dict = dataclasses.field(default_factory=dict)
    increment: dict = dataclasses.field(default_factory=dict)
    append: dict = dataclasses.field(default_factory=dict)
    # The version that the record must have; for a verify also that no record exists.
    etag: int | None = None
    missing: bool = False
    allow_missing: bool = False
    # The result: the version and the fields after the step. A read without a record is `absent`.
    version: int | None = None
    fields: dict | None = None
    absent: bool = False
    # The reason of an error, and the version in the error.
    refusal: str = ""
    current: int | None = None

    def writes(self):
        return self.kind in WRITES

    def __str__(self):
        asked = [f"{name} {value!r}" for name, value in (("set", self.set), ("increment", self.increment), ("append", self.append)) if value]
        if self.etag is not None:
            asked.append(f"if its version is {self.etag:x}")
        if self.missing:
            asked.append("if it is not there")
        seen = f"refused: {self.refusal}" + (f", its version is {self.current:x}" if self.current is not None else "") if self.refusal \
            else "nothing there" if self.absent else ""
        if self.version is not None:
            seen = f"version {self.version:x}" + (f" {self.fields!r}" if self.fields is not None else "")
        return " ".join([self.kind, self.record, ", ".join(asked)]).strip() + (f" → {seen}" if seen else "")


@dataclasses.dataclass
class Operation:
    """A call of a client, with the times of its request and response. The end of a broken call is unknown."""

    number: int
    client: str
    steps: list
    began: float
    ended: float | None = None
    outcome: str = UNKNOWN
    # Whether it requested serializable isolation.
    serializable: bool = False
    commit: bool = False
    # For a broken call: the time after which it certainly could not happen, if known.
    latest: float | None = None

    def __str__(self):
        end = f"{self.ended:.6f}" if self.ended is not None else "?"
        name = ("SERIALIZABLE commit" if self.serializable else "commit") if self.commit else "call"
        steps = "; ".join(map(str, self.steps))
        return f"{name} {self.number} of {self.client} [{self.began:.6f} – {end} s, {self.outcome}]: {steps}"

    def short(self):
        return f"{'commit' if self.commit else 'call'} {self.number} of {self.client}"

    def ok(self, at):
        self.ended, self.outcome = at, OK
        return self

    def refused(self, at, step=None, refusal="", current=None):
        """Marks the operation as rejected; one of its steps can be the cause."""
        self.ended, self.outcome = at, REFUSED
        if step is not None and refusal:
            self.steps[step].refusal, self.steps[step].current = refusal, current
        return self


class History:
    """Operations of clients, by one clock. `defaults` are the checked fields, with their values if nobody sets them."""

    def __init__(self, defaults, clock=time.monotonic):
        self.defaults, self.operations, self.lock = dict(defaults), [], threading.Lock()
        start = clock()
        self.clock = lambda: clock() - start

    def begin(self, client, *steps, serializable=False, commit=None, at=None):
        """Adds an operation that is sent now. Its outcome is unknown until it is set."""
        commit = len(steps) > 1 or serializable if commit is None else commit
        with self.lock:
            at = self.clock() if at is None else at
            operation = Operation(len(self.operations), client, list(steps), at, serializable=serializable, commit=commit)
            self.operations.append(operation)
        return operation

    def settle(self, operations):
        """For broken operations: sets that they cannot happen from now on, because the process that could execute them has
        ended."""
        for operation in operations:
            if operation.outcome == UNKNOWN and operation.latest is None:
                operation.latest = self.clock()

    def by_record(self):
        """Returns the operations of each record."""
        found = {}
        for operation in self.operations:
            for record in dict.fromkeys(step.record for step in operation.steps):
                found.setdefault(record, []).append(operation)
        return dict(sorted(found.items()))

    def records(self):
        return list(self.by_record())

    def counts(self):
        """Returns the number of operations by outcome."""
        return {outcome: sum(operation.outcome == outcome for operation in self.operations) for outcome in (OK, REFUSED, UNKNOWN)}

    def dump(self, path):
        """Writes one operation per line, so that a violation can be examined, and checked again by `load`."""
        lines = [json.dumps({"defaults": self.defaults})] + [json.dumps(dataclasses.asdict(operation)) for operation in self.operations]
        path.write_text("\n".join(lines) + "\n")

    @classmethod
    def load(cls, path):
        head, *lines = map(json.loads, path.read_text().splitlines())
        history = cls(head["defaults"])
        for line in lines:
            line["steps"] = [Step(**step) for step in line["steps"]]
            history.operations.append(Operation(**line))
        return history


@dataclasses.dataclass
class Violation:
    """A violation: its kind, its location, and the operations that contradict each other."""

    kind: str
    record: str
    operations: list
    text: str

    def __str__(self):
        return f"{self.kind}{f' of {self.record}' if self.record else ''}: {self.text}"


def frozen(value):
    """Converts a JSON value to one that can be compared and stored in sets."""
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple(sorted((key, frozen(inner)) for key, inner in value.items()))
    return value


def pairs(items):
    return itertools.pairwise(items)
