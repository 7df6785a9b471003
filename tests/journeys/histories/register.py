"""The model of a record: a register with versions, as its operations must find it."""

import typing

from histories.history import EXISTS, MISMATCH, MISSING, OK, frozen


class State(typing.NamedTuple):
    """The state of a record: its fields, or none if it does not exist, and its version. If no response had the version, it
    is one above `version`; a missing record keeps its last version, because the next must be higher."""

    fields: tuple | None
    version: int
    exact: bool

    def __str__(self):
        if self.fields is None:
            return "it is not there"
        return f"it is {'version ' if self.exact else 'a version above '}{self.version:x} {dict(self.fields)!r}"


ABSENT = State(None, 0, True)


class Register:
    """Applies steps. `dense`: an update increments the version by one; otherwise it only increases."""

    def __init__(self, defaults, dense):
        self.defaults, self.dense = defaults, dense

    def part(self, steps, outcome, state):
        """Applies a part of an operation to a state: returns (state, ""), or (None, reason) if it is impossible."""
        before = state
        for step in steps:
            if step.refusal:
                why = self.refusal(step, state)
                return (before, "") if not why else (None, why)
            state, why = self.step(step, state, outcome == OK)
            if state is None:
                return None, why
        return (state if outcome != "refused" else before), ""

    def step(self, step, state, is_known):
        """Applies one step that happens. If it `is_known`, its result must match."""
        there = state.fields is not None
        if step.kind == "read" or step.kind == "verify":
            return self.look(step, state)
        if step.kind == "delete":
            if not there:
                return (state, "") if step.allow_missing else (None, "there is nothing to delete")
            state, why = self.condition(step, state)
            return (State(None, state.version, True), "") if state else (None, why)
        if step.kind == "create" or (not there and step.allow_missing):
            if there:
                return None, "it is there already"
            return self.written(step, State(self.changed(step, frozen_fields(self.defaults)), state.version, False), is_known)
        if not there:
            return None, "there is nothing to update"
        state, why = self.condition(step, state)
        if state is None:
            return None, why
        if self.dense and state.exact:
            after = State(self.changed(step, state.fields), state.version + 1, True)
        else:
            after = State(self.changed(step, state.fields), state.version + (0 if state.exact else 1), False)
        return self.written(step, after, is_known)

    def look(self, step, state):
        """Applies a step without changes: its result, or its condition, must match the state."""
        there = state.fields is not None
        if step.absent or step.missing:
            return (None, "it is there") if there else (state, "")
        if not there:
            return None, "it is not there"
        version = step.etag if step.kind == "verify" and step.version is None else step.version
        if version is not None:
            state, why = bound(state, version)
            if state is None:
                return None, why
        if step.fields is not None and frozen_fields(step.fields) != state.fields:
            return None, f"its fields are {dict(state.fields)!r}"
        return state, ""

    def condition(self, step, state):
        return (state, "") if step.etag is None else bound(state, step.etag)

    def written(self, step, state, is_known):
        """Returns the state after a write, compared with the response of the write."""
        if not is_known:
            return state, ""
        if step.fields is not None and frozen_fields(step.fields) != state.fields:
            return None, f"it would make its fields {dict(state.fields)!r}"
        return bound(state, step.version) if step.version is not None else (state, "")

    def refusal(self, step, state):
        """Returns why a step would not have been rejected like this; empty if it would."""
        there = state.fields is not None
        if step.refusal == EXISTS:
            return "" if there else "it is not there"
        if step.refusal == MISSING:
            return "it is there" if there else ""
        if step.refusal == MISMATCH:
            if not there:
                return "it is not there"
            if step.current is not None:
                return bound(state, step.current)[1] or ("its version is the one asked for" if step.current == step.etag else "")
            return "its version is the one asked for" if state.exact and state.version == step.etag else ""
        return ""

    def changed(self, step, fields):
        """Returns the fields after a create or an update."""
        if not (step.set or step.increment or step.append):
            return fields
        after = dict(fields)
        for name, value in step.set.items():
            after[name] = frozen(value)
        for name, value in step.increment.items():
            after[name] = after.get(name, 0) + value
        for name, values in step.append.items():
            after[name] = tuple(after.get(name, ())) + frozen(values)
        return tuple(sorted(after.items()))


def bound(state, version):
    """Sets the version of a state, or returns why it cannot be this one."""
    if state.exact:
        return (state, "") if state.version == version else (None, f"its version is {state.version:x}")
    if version > state.version:
        return State(state.fields, version, True), ""
    return None, f"its version is above {state.version:x}"


def frozen_fields(fields):
    return tuple(sorted((name, frozen(value)) for name, value in fields.items()))
