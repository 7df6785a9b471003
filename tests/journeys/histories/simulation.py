"""A correct store in memory, and clients that use it randomly: histories that a checker must accept. With a `fault` the
store is wrong in one way, once: histories that it must reject. It shares no code with the checker, so that both would
need the same mistake."""

import random

from histories.history import EXISTS, MISMATCH, MISSING, OK, UNKNOWN, History, Step

DEFAULTS = {"value": "", "count": 0, "tokens": ()}
FAULTS = ("stale read", "lost write", "doubled", "refused but done", "half a commit", "skew")


class Simulation:
    """Clients that call, a store that responds, and a clock that advances randomly."""

    def __init__(self, seed, clients=6, records=5, calls=150, breaks=0.06, deletes=True, settles=0.0, fault=None, fault_at=0.5):
        self.chance, self.time = random.Random(seed), 0.0
        self.history = History(DEFAULTS, clock=lambda: self.time)
        self.names = [f"r{at}" for at in range(records)]
        self.store, self.versions, self.told = {}, 0, {name: [] for name in self.names}
        # The states of each record, with the time at which each was replaced.
        self.past = {name: [] for name in self.names}
        assert fault is None or fault in FAULTS
        self.clients, self.calls, self.breaks, self.deletes, self.settles = clients, calls, breaks, deletes, settles
        self.fault, self.fault_from, self.fault_done = fault, int(calls * fault_at), None
        self.marks = 0

    def run(self):
        """Lets the clients call, then reads all records, so that all effects are seen."""
        pending, late, broken = {}, [], []
        while self.marks < self.calls or pending:
            self.time += self.chance.expovariate(1000)
            if self.fails("skew"):
                self.skew()
            if late and self.chance.random() < 0.1:
                self.take_effect(late.pop(self.chance.randrange(len(late))))
            if self.chance.random() < self.settles:
                late.clear()
                self.history.settle(broken)
                broken.clear()
            client = f"client {self.chance.randrange(self.clients)}"
            if client not in pending:
                if self.marks < self.calls:
                    operation = self.begin(client)
                    pending[client] = [operation, None, self.snapshot(operation)]
                continue
            operation, answer, snapshot = pending[client]
            if self.chance.random() < self.breaks:
                # The call breaks before, or after, it took effect; it can take effect when its client has moved on.
                del pending[client]
                broken.append(operation)
                if answer is None and self.chance.random() < 0.6:
                    late.append((operation, snapshot))
            elif answer is None:
                pending[client][1] = self.take_effect((operation, snapshot))
            else:
                self.answer(operation, answer)
                del pending[client]
        for name in self.names:
            self.at_once("the last reader", Step(name, "read"))
        return self.history

    def skew(self):
        """A commit verifies one record and changes another. Between its snapshot and its effect both are updated, the
        verified one first: the verified version was replaced before the version that it updated was written, so the
        commit cannot have happened at one moment."""
        verified, changed = self.chance.sample(self.names, 2)
        for name in (verified, changed):
            if not self.store.get(name):
                self.at_once("writer", Step(name, "create", set={"value": self.mark()}))
        steps = (Step(verified, "verify", etag=self.store[verified]["version"]), Step(changed, "update", append={"tokens": [self.mark()]}))
        commit = self.history.begin("verifier", *steps, serializable=True)
        snapshot = self.snapshot(commit)
        for name in (verified, changed):
            self.at_once("writer", Step(name, "update", set={"value": self.mark()}))
        self.time += 0.001
        self.answer(commit, self.take_effect((commit, snapshot)))

    def at_once(self, client, step):
        """Runs a call that is sent, takes effect and gets its response before anything else happens."""
        self.time += 0.001
        operation = self.history.begin(client, step)
        self.time += 0.001
        answer = self.take_effect((operation, None))
        self.time += 0.001
        self.answer(operation, answer)

    def mark(self):
        self.marks += 1
        return f"m{self.marks}"

    def seen(self, name):
        """Returns a version from some response: mostly the newest."""
        told = self.told[name]
        return told[-1 if self.chance.random() < 0.8 else self.chance.randrange(len(told))] if told else 7

    def begin(self, client):
        name, mark, kind = self.chance.choice(self.names), self.mark(), self.chance.random()
        if kind < 0.3:
            steps = [Step(name, "read")]
        elif kind < 0.42:
            steps = [Step(name, "create", set={"value": mark}, append={"tokens": [mark]})]
        elif kind < 0.55:
            steps = [Step(name, "update", set={"value": mark}, etag=self.seen(name) if self.chance.random() < 0.5 else None)]
        elif kind < 0.58 and self.deletes:
            steps = [Step(name, "delete", etag=self.seen(name) if self.chance.random() < 0.5 else None)]
        elif kind < 0.7:
            steps = [Step(name, "update", increment={"count": self.chance.randrange(1, 5)}, append={"tokens": [mark]})]
        else:
            return self.begin_commit(client, mark)
        return self.history.begin(client, *steps)

    def begin_commit(self, client, mark):
        names = self.chance.sample(self.names, min(len(self.names), self.chance.randrange(2, 4)))
        steps = []
        for name in names:
            if self.chance.random() < 0.4 and name != names[-1]:
                steps.append(Step(name, "verify", etag=self.seen(name)) if self.told[name] else Step(name, "verify", missing=True))
            elif self.chance.random() < 0.2:
                steps.append(Step(name, "create", set={"value": mark}, append={"tokens": [mark]}))
            else:
                steps.append(Step(name, "update", increment={"count": 1}, append={"tokens": [mark]}))
        return self.history.begin(client, *steps, serializable=True)

    def snapshot(self, operation):
        """Returns the state that a faulty store would read, instead of the current one at the write."""
        return {step.record: self.store.get(step.record) for step in operation.steps}

    def fails(self, fault):
        return self.fault == fault and self.fault_done is None and self.marks >= self.fault_from

    def take_effect(self, call):
        """Executes all steps, or none: returns their results, or the rejected step with its reason."""
        operation, snapshot = call
        store, answers = dict(self.store), []
        if self.fails("skew") and operation.commit:
            self.fault_done = operation
            store.update({step.record: snapshot[step.record] for step in operation.steps if step.kind == "verify"})
        for at, step in enumerate(operation.steps):
            state, refusal = self.do(step, store.get(step.record))
            if refusal:
                if self.fails("refused but done") and step.kind == "update" and step.etag and store.get(step.record):
                    self.fault_done = operation
                    self.keep({step.record: self.changed(step, store[step.record])})
                return at, refusal
            answers.append(state)
            store[step.record] = state
        written = {step.record: store[step.record] for step in operation.steps if step.writes()}
        if self.fault and self.fault_done is None:
            written = self.spoil(operation, written, answers)
        self.keep(written)
        return answers

    def spoil(self, operation, written, answers):
        """Applies the faults of an operation that happens."""
        step = operation.steps[0]
        if self.fails("stale read") and step.kind == "read":
            old = [state for state, replaced in self.past[step.record] if state and replaced and replaced < operation.began]
            if old:
                self.fault_done, answers[0] = operation, old[0]
        elif self.fails("lost write") and step.kind == "update" and not operation.commit:
            self.fault_done = operation
            return {}
        elif self.fails("half a commit") and len(written) > 1:
            self.fault_done = operation
            return dict(list(written.items())[:1])
        elif self.fails("doubled") and step.kind == "update" and step.increment:
            self.fault_done = operation
            return written | {step.record: self.changed(step, written[step.record])}
        return written

    def keep(self, written):
        for name, state in written.items():
            if self.past[name]:
                self.past[name][-1][1] = self.time
            self.store[name] = state
            self.past[name].append([state, None])

    def do(self, step, state):
        """Applies one step to a state: returns the new state, or the reason of the error."""
        if step.kind == "read":
            return state, None
        if step.kind == "create":
            if state:
                return None, (EXISTS, None)
            self.versions = max(self.versions + 1_000, int(self.time * 1_000_000))
            return self.changed(step, DEFAULTS | {"version": self.versions - 1}), None
        if step.missing:
            return state, (EXISTS, None) if state else None
        if not state:
            return None, (MISSING, None)
        if step.etag is not None and state["version"] != step.etag:
            return None, (MISMATCH, state["version"])
        return {"verify": state, "delete": None}[step.kind] if step.kind in ("verify", "delete") else self.changed(step, state), None

    def changed(self, step, state):
        after = state | step.set | {"version": state["version"] + 1}
        for name, value in step.increment.items():
            after[name] = after[name] + value
        for name, values in step.append.items():
            after[name] = (*after[name], *values)
        return after

    def answer(self, operation, answer):
        """Sends the response to the client."""
        if isinstance(answer, tuple):
            at, (refusal, current) = answer
            operation.refused(self.time, at, refusal, current)
            return
        for step, state in zip(operation.steps, answer, strict=True):
            if step.kind in ("read", "create", "update") and state:
                step.version = state["version"]
                self.told[step.record].append(step.version)
                step.fields = {name: value for name, value in state.items() if name != "version"}
            step.absent = step.kind == "read" and not state
        operation.ok(self.time)


def known(history):
    return [operation for operation in history.operations if operation.outcome == OK]


def unknown(history):
    return [operation for operation in history.operations if operation.outcome == UNKNOWN]
