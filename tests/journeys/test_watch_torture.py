"""Many watchers and writers run while the server is killed by SIGKILL and the models change: in the end each watcher's copy
equals the table, and nothing came twice, out of order or not at all. `groundplan-bench watch-torture` writes, watches and
checks."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

from seeds import SEED
from split import RECORDS, Processes
from suite import BINARY, PATIENCE, ROOT, SPLIT, Suite

pytestmark = pytest.mark.split("watchers reconnect to another process")

BENCH = BINARY.with_name("groundplan-bench")
CHANGES = int(os.environ.get("GROUNDPLAN_WATCH_CHANGES", "6000"))
FOLLOWERS = int(os.environ.get("GROUNDPLAN_WATCH_FOLLOWERS", "60"))
SLOW = int(os.environ.get("GROUNDPLAN_WATCH_SLOW", "6"))
RECONNECTING = int(os.environ.get("GROUNDPLAN_WATCH_RECONNECTING", "6"))
WRITERS = int(os.environ.get("GROUNDPLAN_WATCH_WRITERS", "8"))
KILLS = int(os.environ.get("GROUNDPLAN_WATCH_KILLS", "3"))
# The buffer of a slow watcher: small, so that it is disconnected.
BUFFER = os.environ.get("GROUNDPLAN_WATCH_BUFFER", "16KiB")
SCHEMA_CHANGES = 5


class Torn(Suite):
    """A suite like that of deploy/run.sh, but with a server that can be killed alone: run.sh ends when its server does."""

    envoy = None

    def start(self, timeout=PATIENCE):
        configuration = self.render_envoy(self.folder, self.port, "/dev/null")
        self.start_server()
        envoy = subprocess.run([ROOT / "deploy/envoy/find.sh"], check=True, capture_output=True, text=True).stdout.strip()
        self.envoy = self.begin("envoy", envoy, "-c", configuration, "--log-level", "warn", "--disable-hot-restart")
        self.wait_until_ready(timeout)
        self.apply(ROOT / "examples")

    def start_server(self):
        more = {"PORT": str(self.port + 10000), "GROUNDPLAN_LISTEN": "127.0.0.1", "GROUNDPLAN_WATCH_BUFFER": BUFFER}
        self.process = self.begin("groundplan", BINARY, "up", **more)

    def begin(self, name, *words, **more):
        with self.folder.joinpath(f"{name}.log").open("a") as log:
            return subprocess.Popen(words, cwd=ROOT, env=self.environment(**more), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                    start_new_session=True)

    def wait_until_ready(self, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            assert self.process.poll() is None, self.folder.joinpath("groundplan.log").read_text()[-5000:]
            try:
                if urllib.request.urlopen(f"{self.url}/readyz", timeout=3).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the suite was not ready within {timeout} s:\n{self.folder.joinpath('groundplan.log').read_text()[-5000:]}")

    def kill_server(self):
        """Kills only the server: its PostgreSQL and Envoy stay alive."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        self.start_server()
        self.wait_until_ready()

    def stop(self):
        for process in filter(None, (self.process, self.envoy)):
            process.terminate()
            process.wait(timeout=40)


class TornSplit(Suite):
    """The suite of deploy/run-split.sh, which restarts dead processes. All processes of `records` die at the same time."""

    def environment(self, **more):
        return super().environment(GROUNDPLAN_WATCH_BUFFER=BUFFER, **more)

    def start(self, timeout=PATIENCE):
        super().start(timeout)
        self.processes = Processes(self)

    def kill_server(self):
        for there in [self.processes.kill(f"records-{address}") for address in RECORDS]:
            self.processes.wait(there, "another is started")
        for address in RECORDS:
            self.processes.wait(lambda: self.processes.ready(address), "it is ready")


@pytest.fixture
def torn():
    assert BENCH.exists(), f"{BENCH} is missing: run the journeys by `make test`, which builds it"
    suite = TornSplit() if SPLIT else Torn()
    try:
        suite.start()
        yield suite
    finally:
        suite.close()


class Bench:
    """The running torture test: its progress, and its result."""

    def __init__(self, suite):
        words = {"changes": CHANGES, "followers": FOLLOWERS, "slow": SLOW, "reconnecting": RECONNECTING, "writers": WRITERS, "seed": SEED}
        arguments = [f"--{name}={value}" for name, value in words.items()] + ["--hold"]
        if not SPLIT:  # whose servers require a certificate: there the slow watchers connect through Envoy
            arguments.append(f"--slow-address=http://127.0.0.1:{suite.port + 10000}")
        self.process = subprocess.Popen([BENCH, "watch-torture", *arguments], env=suite.environment(API_KEY=suite.api_key), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.changes, self.said = 0, []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            print(line, end="", flush=True)
            self.said.append(line)
            found = re.search(r"(\d+) changes,", line)
            self.changes = int(found[1]) if found else self.changes

    def wait_for(self, changes):
        """Waits until this number of changes is written."""
        while self.changes < changes:
            assert self.process.poll() is None, "".join(self.said)
            time.sleep(0.1)

    def result(self):
        """Lets the test finish, and returns its result."""
        self.process.stdin.close()
        out = self.process.stdout.read()
        self.process.wait()
        self.reader.join()
        assert out, "".join(self.said)
        return json.loads(out)

    def end(self):
        self.process.kill()


def test_the_copies_of_watchers_equal_the_table(torn, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(ROOT / "examples", models)
    file = models / "example/v1/entity.proto"
    # Kills and schema changes alternate, spread over the writes.
    acts = [act for pair in zip(range(max(KILLS, SCHEMA_CHANGES)), range(max(KILLS, SCHEMA_CHANGES)))
            for act in ([("kill", pair[0])] if pair[0] < KILLS else []) + ([("change", pair[1])] if pair[1] < SCHEMA_CHANGES else [])]
    bench = Bench(torn)
    try:
        for at, (what, number) in enumerate(acts):
            bench.wait_for(CHANGES * (at + 1) // (len(acts) + 2))
            began = time.monotonic()
            if what == "kill":
                torn.kill_server()
            else:
                file.write_text(file.read_text().rstrip().removesuffix("}") + f"  // New.\n  string added{number} = {number + 10};\n}}\n")
                torn.apply(models)
            print(f"{what} {number}: {time.monotonic() - began:.1f} s", flush=True)
        result = bench.result()
    finally:
        bench.end()
    print(json.dumps(result), f"seed {SEED}")
    assert result["failures"] == [], (SEED, result)
    assert result["changes"] >= CHANGES and result["events"] > CHANGES
    assert result["broken"] >= FOLLOWERS * KILLS // 2, "the watchers did not notice that the server was killed"
    assert result["dropped"] > 0
    # In a short run the slow watchers can keep up; a test of the crate covers their disconnection.
    assert CHANGES < 100_000 or result["cut_off"] > 0
    assert torn.psql("SELECT count(*) FROM groundplan_schema.revisions WHERE state = 2") == [str(SCHEMA_CHANGES + 1)]
