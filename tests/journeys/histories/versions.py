"""The ordered versions of each record, and their writers: the input of dependencies.

Etags order the results. A version whose writer got no response (its call broke) is known by its marks: values that only
one operation sets or appends. A list to which commits append such marks also shows the writes between two versions that
were seen (as in Elle)."""

import dataclasses

from histories.history import OK, REFUSED, Violation, frozen

# The version before the first create, when the record does not exist.
NOTHING = (0, 0)


@dataclasses.dataclass
class Version:
    """One version of a record. Its key orders it: the etag, and the position after that version without one. Without a
    writer its origin is unknown; it is intermediate if its writer wrote another version after it."""

    key: tuple
    writer: object = None
    intermediate: bool = False


class Versions:
    """The versions of one record, with the contradictions found so far."""

    def __init__(self, record, operations):
        self.record, self.found, self.operations = record, [], operations
        self.fields, self.seen_by, self.writers, self.made, self.deleted = {}, {}, {}, set(), []
        self.marks = {}
        for operation in self.operations:
            for at, step in enumerate(operation.steps):
                if step.record == record:
                    self.note_marks(operation, step)
                    if operation.outcome == OK:
                        self.note(operation, at, step)
        self.absences_are_clear = not any(step.kind == "delete" and operation.outcome != REFUSED
                                          for operation in self.operations for step in operation.steps if step.record == record)
        self.chain = self.ordered()
        self.index = {version.key: at for at, version in enumerate(self.chain)}

    def note_marks(self, operation, step):
        for name, value in step.set.items():
            self.marks.setdefault((name, frozen(value)), []).append(operation)
        for name, values in step.append.items():
            for value in values:
                self.marks.setdefault((name, frozen(value)), []).append(operation)

    def note(self, operation, at, step):
        """Adds the information of an operation that happened."""
        if step.kind == "delete":
            if step.etag is not None:
                self.writers[step.etag, 1] = (operation, False)
            return
        if step.version is None:
            return
        key = (step.version, 0)
        if step.fields is not None:
            if self.fields.setdefault(key, step.fields) != step.fields:
                text = f"version {step.version:x} is {self.fields[key]!r} and {step.fields!r}: {operation}"
                self.found.append(Violation("one version, two contents", self.record, [operation], text))
        if not step.writes():
            self.seen_by.setdefault(key, operation)
            return
        if key in self.writers:
            other = self.writers[key][0]
            text = f"version {step.version:x} was made twice:\n    {other}\n    {operation}"
            self.found.append(Violation("lost update", self.record, [other, operation], text))
            return
        later = any(other.record == self.record and other.writes() for other in operation.steps[at + 1:])
        self.writers[key] = (operation, later)
        if step.kind == "create":
            self.made.add(key)

    def ordered(self):
        """Returns all versions in order, including those that only marks show."""
        keys = sorted(set(self.fields) | set(self.writers) | set(self.seen_by))
        chain, before = [Version(NOTHING)], {}
        for key in keys:
            fields = self.fields.get(key)
            writer, intermediate = self.writers.get(key, (None, False))
            if writer is None and fields is not None and key[1] == 0:
                writer = self.by_marks(key, before, fields)
            if fields is not None:
                if key not in self.made:
                    chain += self.hidden(key, writer, before, fields)
                before = fields
            elif key[1] == 1:
                before = {}
            chain.append(Version(key, writer, intermediate))
        return chain

    def by_marks(self, key, before, fields):
        """Returns the writer of a version that no response contained, or of a version between it and the one before: the
        operation whose element is the last in a list or, if no list has grown, that set a value."""
        lists = {name: value for name, value in fields.items() if isinstance(value, (list, tuple))}
        new = [(name, frozen(value[-1])) for name, value in lists.items() if value and before.get(name) != value]
        new = new or [(name, frozen(value)) for name, value in fields.items() if name not in lists and before.get(name) != value]
        for mark in new:
            owners = self.marks.get(mark, [])
            if len(owners) == 1 and not (owners[0].outcome == OK and self.tells_versions(owners[0])):
                if owners[0].outcome == REFUSED:
                    self.refused_effect(owners[0], key, mark)
                return owners[0]
        if all(operation.outcome == OK and self.tells_versions(operation) for operation in self.writers_of_record()):
            reader = self.seen_by.get(key)
            text = f"nobody wrote version {key[0]:x} {fields!r}" + (f", which was seen by\n    {reader}" if reader else "")
            self.found.append(Violation("a version that nobody wrote", self.record, [reader] if reader else [], text))
        return None

    def writers_of_record(self):
        return [operation for operation in self.operations if operation.outcome != REFUSED
                and any(step.record == self.record and step.writes() for step in operation.steps)]

    def tells_versions(self, operation):
        """Whether the response of a write has its versions."""
        return all(step.version is not None or step.kind == "delete" for step in operation.steps if step.record == self.record and step.writes())

    def refused_effect(self, operation, key, mark):
        text = f"version {key[0]:x} has {mark[0]} {mark[1]!r} of an operation that was refused:\n    {operation}"
        reader = self.seen_by.get(key)
        if reader:
            text += f"\n  it was seen by\n    {reader}"
        self.found.append(Violation("G1a, an aborted read", self.record, [operation] + ([reader] if reader else []), text))

    def hidden(self, key, writer, before, fields):
        """Returns the writes between the version before and this one that only elements of lists show; notes contradictions
        of lists."""
        found = []
        for name, value in fields.items():
            if not isinstance(value, (list, tuple)):
                continue
            old, new = list(before.get(name, ())), list(value)
            if new[:len(old)] != old:
                if not self.absences_are_clear:
                    # The record was created again by an operation without a response.
                    return []
                text = f"version {key[0]:x} has {name} {new!r}, but the version before had {old!r} already"
                self.found.append(Violation("a lost append", self.record, [writer] if writer else [], text))
                continue
            for at, element in enumerate(new[len(old):]):
                owners = self.marks.get((name, frozen(element)), [])
                if element in new[:len(old) + at]:
                    text = f"version {key[0]:x} has {element!r} twice in {name}:\n    " + "\n    ".join(map(str, owners))
                    self.found.append(Violation("an effect that happened twice", self.record, owners, text))
                elif len(owners) == 1 and owners[0] is not writer:
                    if owners[0].outcome == REFUSED:
                        self.refused_effect(owners[0], key, (name, element))
                    elif owners[0].outcome != OK:
                        found.append(Version((key[0], -1, at - len(new)), owners[0]))
                elif not owners:
                    text = f"version {key[0]:x} has {element!r} in {name}, which nobody appended"
                    self.found.append(Violation("a version that nobody wrote", self.record, [], text))
        return found

    def writer_until(self, key):
        """Returns the writer of a version, or of the last one before it whose writer is known."""
        for version in reversed(self.chain[:self.index[key] + 1]):
            if version.writer is not None or version.key == NOTHING:
                return version
        return self.chain[0]

    def writer_behind(self, key):
        """Returns the first version after one whose writer is known."""
        return next((version for version in self.chain[self.index[key] + 1:] if version.writer is not None), None)
