"""Serializability of commits of several records: the dependency graph of Adya's thesis ("Weak Consistency", 1999), and its
cycles.

Nodes are operations that happened. Edges: `ww`, one wrote the version after another's; `wr`, one saw what another wrote;
`rw`, one saw a version that another replaced. As in Adya's mixed graph, only operations that requested it are guaranteed
that the versions they saw are not replaced before they come: `rw` edges start at SERIALIZABLE commits and, because each
sees one record at one moment, at single operations if real time counts. With real time, an operation that ended before
another started comes before it (strict serializability)."""

import collections
import dataclasses
import heapq

from histories.history import OK, REFUSED, UNKNOWN, Violation, pairs
from histories.versions import NOTHING, Versions

# The maximum number of reported cycles: each is in a separate component of operations.
MOST = 10


@dataclasses.dataclass
class Edge:
    kind: str
    record: str
    text: str


def check(history, real_time=False, locked=False):
    """Returns the violations. `real_time`: also those of strict serializability. `locked`: every commit locks the records
    that it saw until it is done, but a missing record cannot be locked: so the former applies to all commits, and the
    latter to none."""
    versions = [Versions(record, operations) for record, operations in history.by_record().items()]
    found = [violation for one in versions for violation in one.found]
    graph = Graph(history, real_time, locked)
    for one in versions:
        graph.add(one)
    found += [violation for one in versions for violation in intermediate_reads(one)]
    return found + halves(history, versions) + graph.cycles()


def intermediate_reads(versions):
    """G1b: an intermediate write of a commit was seen by another operation."""
    found = []
    for operation in versions.operations:
        for step in operation.steps:
            if step.record != versions.record or operation.outcome != OK or step.writes() or seen_key(step) not in versions.index:
                continue
            version = versions.chain[versions.index[seen_key(step)]]
            if version.intermediate and version.writer is not operation:
                text = f"version {version.key[0]:x} was only for a moment within\n    {version.writer}\n  and was seen by\n    {operation}"
                found.append(Violation("G1b, an intermediate read", versions.record, [version.writer, operation], text))
    return found


def halves(history, versions):
    """Returns commits with an unknown outcome, of which a part is visible, and another is missing from later reads."""
    found = []
    of_record = {one.record: one for one in versions}
    for operation in history.operations:
        marked = [step for step in operation.steps if step.append and step.writes()]
        if operation.outcome != UNKNOWN or len({step.record for step in marked}) < 2:
            continue
        there = [step for step in marked if any(version.writer is operation for version in of_record[step.record].chain)]
        if not there:
            continue
        since = min(reader.ended for step in there for reader in readers_of(of_record[step.record], step))
        for step in marked:
            if not of_record[step.record].absences_are_clear:
                continue
            for reader, late in later_reads(of_record[step.record], since):
                missing = [(name, value) for name, values in step.append.items() for value in values if value not in late.fields.get(name, ())]
                if missing and step not in there:
                    text = f"{missing[0][1]!r} is in {there[0].record}, but not in {step.record}, by\n    {operation}\n  as was seen by\n    {reader}"
                    found.append(Violation("a commit that happened by half", step.record, [operation, reader], text))
                    break
    return found


def readers_of(versions, step):
    """Returns the operations that have seen a mark."""
    for operation in versions.operations:
        for seen in operation.steps:
            if operation.outcome == OK and seen.record == versions.record and seen.fields is not None:
                if any(value in seen.fields.get(name, ()) for name, values in step.append.items() for value in values):
                    yield operation


def later_reads(versions, since):
    for operation in versions.operations:
        for seen in operation.steps:
            if operation.outcome == OK and seen.record == versions.record and seen.fields is not None and operation.began > since:
                yield operation, seen


def seen_key(step):
    """Returns the version that a step saw without writing it."""
    if step.absent or step.missing:
        return NOTHING
    version = step.version if step.version is not None else step.etag if step.kind == "verify" else None
    return None if version is None else (version, 0)


class Graph:
    """Operations and their order. Times are nodes too, so that real time needs few edges: the end of an operation leads to
    the next time."""

    def __init__(self, history, real_time, locked):
        self.operations = {operation.number: operation for operation in history.operations if operation.outcome != REFUSED}
        self.edges = collections.defaultdict(lambda: collections.defaultdict(dict))
        self.real_time, self.locked = real_time, locked
        if real_time:
            self.add_times()

    def add(self, versions):
        """Adds the edges of one record."""
        known = [version for version in versions.chain if version.writer is not None]
        for before, after in pairs(known):
            self.edge("ww", before.writer, after.writer, versions.record, f"wrote {shown(before)}, before {shown(after)} of")
        for operation in versions.operations:
            for step in operation.steps:
                if operation.outcome == OK and step.record == versions.record and not step.writes():
                    self.add_read(versions, operation, seen_key(step))

    def add_read(self, versions, operation, key):
        if key not in versions.index or (key == NOTHING and not versions.absences_are_clear):
            return
        seen = versions.chain[versions.index[key]]
        written = versions.writer_until(key)
        if written.writer is not None:
            self.edge("wr", written.writer, operation, versions.record, f"wrote {shown(written)}, before or as it was seen by")
        behind = versions.writer_behind(key)
        if behind and self.is_owed(operation, key):
            self.edge("rw", operation, behind.writer, versions.record, f"saw {shown(seen)}, which was replaced by {shown(behind)} of")

    def is_owed(self, operation, key):
        """Whether the version that an operation saw must not be replaced before it comes."""
        if not operation.commit:
            return self.real_time
        return key != NOTHING if self.locked else operation.serializable

    def edge(self, kind, before, after, record, text):
        if before is not after and before.number in self.operations and after.number in self.operations:
            self.edges[before.number][after.number].setdefault(kind, Edge(kind, record, text))

    def add_times(self):
        ends = sorted({operation.ended for operation in self.operations.values() if operation.ended is not None})
        for before, after in pairs(ends):
            self.edges["time", before]["time", after]["time"] = Edge("time", "", "")
        starts = sorted(self.operations.values(), key=lambda operation: operation.began)
        latest = 0
        for operation in starts:
            while latest < len(ends) and ends[latest] < operation.began:
                latest += 1
            if latest:
                self.edges["time", ends[latest - 1]][operation.number]["time"] = Edge("time", "", "")
        for operation in self.operations.values():
            if operation.ended is not None:
                self.edges[operation.number]["time", operation.ended]["time"] = Edge("time", "", "ended before")

    def cycles(self):
        """Returns one violation for each component of operations, of the most severe kind."""
        found, told = [], set()
        for kinds, name in (({"ww"}, "G0, writes in a circle"), ({"ww", "wr"}, "G1c, information in a circle"), ({"ww", "wr", "rw"}, "")):
            for times in ((False, True) if self.real_time else (False,)):
                allowed = kinds | {"time"} if times else kinds
                for knot in knots(self.adjacent(allowed)):
                    if len(found) >= MOST or knot & told:
                        continue
                    cycle = self.shortest(knot, allowed)
                    told |= knot
                    found.append(self.violation(cycle, allowed, name, times))
        return found

    def adjacent(self, allowed):
        return {node: [after for after, kinds in following.items() if allowed & kinds.keys()] for node, following in self.edges.items()}

    def shortest(self, knot, allowed):
        """Returns the cycle of a component with the fewest `rw` edges, and then the fewest edges."""
        best = None
        starts = sorted((node for node in knot if not isinstance(node, tuple)))[:200]
        for start in starts:
            path = self.path(start, knot, allowed)
            if path and (best is None or path[0] < best[0]):
                best = path
        return best[1]

    def path(self, start, knot, allowed):
        """Returns the cheapest path from an operation back to it: an `rw` edge costs as much as a thousand others."""
        heap, done, order = [(0, 0, start, (start,))], set(), 0
        while heap:
            cost, _, node, way = heapq.heappop(heap)
            if node == start and len(way) > 1:
                return cost, way
            if node in done:
                continue
            done.add(node)
            for after, kinds in self.edges[node].items():
                usable = allowed & kinds.keys()
                if after in knot and usable and (after not in done or after == start):
                    order += 1
                    heapq.heappush(heap, (cost + (1 if usable - {"rw"} else 1_000), order, after, (*way, after)))
        return None

    def violation(self, cycle, allowed, name, times):
        operations = [self.operations[node] for node in cycle[:-1] if node in self.operations]
        lines, against, records, node = [], 0, [], cycle[0]
        for before, after in pairs(cycle):
            kinds = self.edges[before][after]
            edge = next(kinds[kind] for kind in ("ww", "wr", "time", "rw") if kind in kinds and kind in allowed)
            against += edge.kind == "rw"
            records += [edge.record] if edge.record else []
            if edge.text and edge.kind != "time":
                lines.append(f"    {self.operations[before].short()} {edge.text} {self.operations[after].short()} ({edge.kind} on {edge.record})")
            elif edge.text:
                behind = next(other for other in [*cycle[cycle.index(before) + 1:], *cycle[1:]] if other in self.operations)
                lines.append(f"    {self.operations[before].short()} ended at {self.operations[before].ended:.6f} s, before "
                             f"{self.operations[behind].short()} began at {self.operations[behind].began:.6f} s")
        name = name or ("G-single, a read that is too old" if against == 1 else "G2, reads that are too old, such as write skew")
        if times:
            name += ", in real time"
        text = "each comes before the next:\n" + "\n".join(lines) + "\n  they are:\n" + "\n".join(f"    {operation}" for operation in operations)
        return Violation(name, ", ".join(dict.fromkeys(records)), operations, text)


def shown(version):
    if version.key == NOTHING:
        return "that it was not there"
    if len(version.key) == 3:
        return f"an unseen version before {version.key[0]:x}"
    return f"version {version.key[0]:x}" if version.key[1] == 0 else f"the end of version {version.key[0]:x}"


def knots(adjacent):
    """Returns the strongly connected components of more than one node, by Tarjan's algorithm without recursion."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in list(adjacent):
        if root in index:
            continue
        work = [(root, iter(adjacent.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, following = work[-1]
            for after in following:
                if after not in index:
                    index[after] = low[after] = len(index)
                    stack.append(after)
                    on_stack.add(after)
                    work.append((after, iter(adjacent.get(after, ()))))
                    break
                if after in on_stack:
                    low[node] = min(low[node], index[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    knot = set()
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        knot.add(member)
                        if member == node:
                            break
                    if len(knot) > 1:
                        found.append(knot)
    return found
