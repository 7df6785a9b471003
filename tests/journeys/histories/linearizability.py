"""Linearizability of each record: whether its operations have an order in which each takes effect at one moment between its
request and its response, and finds the record as the earlier ones left it.

The search is that of Wing and Gong with the memory of Lowe: it takes possible next operations one by one, and never
visits the same set of operations with the same state of the record twice. Operations with an unknown outcome can come at
any time after their request, or never. Records are independent objects, so each is searched alone (Herlihy and Wing:
linearizability is local). Of a commit, each record has only its steps."""

import dataclasses
import math

from histories.history import REFUSED, UNKNOWN, Violation, frozen
from histories.register import ABSENT, Register

# The maximum number of configurations of a record before it is undecided. Correct histories need about one per operation.
BUDGET = 400_000


@dataclasses.dataclass
class Part:
    """The part of an operation that concerns one record."""

    operation: object
    steps: list
    began: float
    ended: float
    # The last time at which it could happen, if its outcome is unknown.
    latest: float
    # The highest version that it saw or required: once the record is higher, the part cannot come any more.
    needs: float

    def is_known(self):
        return self.operation.outcome != UNKNOWN


def check(history, dense=True, budget=BUDGET):
    """Returns the violations, at most one for each record."""
    register = Register(history.defaults, dense)
    found = []
    for record, parts in parts_by_record(history).items():
        violation = Search(record, parts, register, budget).run()
        if violation:
            found.append(violation)
    return found


def parts_by_record(history):
    """Returns the parts of each record. Rejected operations are left out unless the error has information about the record."""
    found = {}
    for operation in history.operations:
        for record in dict.fromkeys(step.record for step in operation.steps):
            steps = [step for step in operation.steps if step.record == record]
            if operation.outcome == REFUSED:
                if not any(step.refusal for step in steps):
                    continue
            elif operation.outcome == UNKNOWN and not any(step.writes() for step in steps):
                continue
            ended, latest = (math.inf if time is None else time for time in (operation.ended, operation.latest))
            found.setdefault(record, []).append(Part(operation, steps, operation.began, ended, latest, needs(operation, steps)))
    return found


def needs(operation, steps):
    if operation.outcome == UNKNOWN:
        return max((step.etag for step in steps[:1] if step.etag is not None), default=math.inf)
    if operation.outcome == REFUSED:
        return max((step.current for step in steps if step.refusal and step.current is not None), default=math.inf)
    versions = [version for step in steps for version in (step.version, step.etag) if version is not None]
    return max(versions, default=math.inf)


class Search:
    """The search of one record. A configuration is (base, bits, unknown, loose, state): all known parts before `base` are
    done, those of `bits` after it, and those of `unknown` among the parts with an unknown outcome; `loose` if the last
    part was such a one."""

    def __init__(self, record, parts, register, budget):
        self.record, self.register, self.budget = record, register, budget
        parts = sorted(parts, key=lambda part: part.began)
        self.known = [part for part in parts if part.is_known()]
        self.unknown = [part for part in parts if not part.is_known()]
        # The lowest version that a known part from here on needs.
        self.least = [math.inf] * (len(self.known) + 1)
        for at in range(len(self.known) - 1, -1, -1):
            self.least[at] = min(self.least[at + 1], self.known[at].needs)

    def run(self):
        start = (0, 0, 0, False, ABSENT)
        stack, came_from, used = [start], {start: None}, {}
        furthest = start
        while stack:
            configuration = stack.pop()
            if configuration[0] == len(self.known):
                return None
            if progress(configuration) > progress(furthest):
                furthest = configuration
            for part, following in reversed(self.successors(configuration)):
                if is_new(following, used):
                    came_from[following] = (configuration, part)
                    stack.append(following)
            if len(came_from) > self.budget:
                text = f"after {len(came_from)} configurations nobody can say whether it is right\n" + self.story(furthest, came_from)
                return Violation("undecided", self.record, [], text)
        operations = [part.operation for part, _, late in self.blocked(furthest) for part in (part, late) if part]
        return Violation("not linearizable", self.record, operations, self.story(furthest, came_from))

    def candidates(self, configuration):
        """Returns the parts that can come next in real time: no remaining part had ended before they started."""
        base, bits, unknown, _, _ = configuration
        horizon, found = math.inf, []
        for at in range(base, len(self.known)):
            part = self.known[at]
            if part.began > horizon:
                break
            if not bits >> (at - base) & 1:
                found.append((at, part))
                horizon = min(horizon, part.ended)
        found = [(at, part) for at, part in found if part.began <= horizon]
        # The next part comes after everything that is done.
        now = self.known[base - 1].began if base else -math.inf
        maybe = [(at, part) for at, part in enumerate(self.unknown) if not unknown >> at & 1 and part.began <= horizon and now <= part.latest]
        return found, maybe

    def successors(self, configuration):
        """Returns the possible next parts and their results; known parts first, because most histories need few others."""
        base, bits, unknown, loose, state = configuration
        known, maybe = self.candidates(configuration)
        found = []
        for at, part in known:
            after, _ = self.register.part(part.steps, part.operation.outcome, state)
            if after is None:
                continue
            following = (*advanced(base, bits | 1 << (at - base)), unknown, False, after)
            if after == state and all(other.latest >= part.began for _, other in maybe):
                # It changes nothing: if a correct order exists, one exists in which it comes now. Only a part that cannot come
                # after it could prevent that.
                return [(part, following)]
            if not self.too_late(following):
                found.append((part, following))
        for at, part in maybe:
            after, _ = self.register.part(part.steps, UNKNOWN, state)
            # A record that is deleted next needs no written state: the delete had an etag, so its caller had seen it.
            if after is not None and after != state and not (loose and after.fields is None):
                following = (base, bits, unknown | 1 << at, True, after)
                if not self.too_late(following) and any(leads_to(after, part) for _, part in known):
                    found.append((part, following))
        return found

    def too_late(self, configuration):
        """Returns a part that cannot come any more, because it needs an older version of the record."""
        base, bits, _, _, state = configuration
        if state.fields is None and state.version == 0:
            return None
        version = state.version if state.exact and state.fields is not None else state.version + 1
        at = base
        while bits:
            if not bits & 1 and self.known[at].needs < version:
                return self.known[at]
            bits >>= 1
            at += 1
        if self.least[at] >= version:
            return None
        return next(part for part in self.known[at:] if part.needs < version)

    def blocked(self, configuration):
        """Returns the parts that should come next, with the reason why none can, and the parts that would come too late
        after it."""
        base, bits, unknown, _, state = configuration
        known, maybe = self.candidates(configuration)
        found = []
        for at, part in known + maybe:
            after, why = self.register.part(part.steps, part.operation.outcome, state)
            late = None
            if after is not None:
                done = advanced(base, bits | 1 << (at - base)) if part.is_known() else (base, bits)
                late = self.too_late((*done, unknown, False, after))
                why = f"then it {after_words(after)}, and this one would see the past: {late.operation}" if late else "behind it nothing fits"
            found.append((part, why, late))
        return found

    def story(self, configuration, came_from):
        """Describes how far the operations can be ordered, and why the order ends there."""
        order, at = [], configuration
        while came_from[at]:
            at, part = came_from[at]
            order.append(part)
        lines = [f"{progress(configuration)} of {len(self.known)} operations can be put in an order; the last of them:"]
        lines += [f"    {part.operation}" for part in reversed(order[:5])]
        lines.append(f"  then {configuration[-1]}, and none of these can come next:")
        lines += [f"    {part.operation}\n      but {why}" for part, why, _ in self.blocked(configuration)]
        return "\n".join(lines)


def after_words(state):
    return "is not there" if state.fields is None else f"has version {state.version:x}" if state.exact else f"has a version above {state.version:x}"


def is_new(configuration, used):
    """Whether a configuration can lead to more than earlier ones: not if one with the same done parts and state had fewer
    unknown operations."""
    base, bits, unknown, loose, state = configuration
    before = used.setdefault((base, bits, loose, state), [])
    if any(other & unknown == other for other in before):
        return False
    before[:] = [other for other in before if other & unknown != unknown] + [unknown]
    return True


def leads_to(state, part):
    """Whether a next part can see a record in this state: lists only grow while a record exists."""
    seen = next((step.fields for step in part.steps if step.fields is not None), None)
    if seen is None or state.fields is None or part.steps[0].kind == "delete":
        return True
    return all(frozen(seen.get(name, ()))[:len(value)] == value for name, value in state.fields if isinstance(value, tuple))


def advanced(base, bits):
    """Moves the base past finished parts."""
    while bits & 1:
        bits >>= 1
        base += 1
    return base, bits


def progress(configuration):
    return configuration[0] + configuration[1].bit_count()
