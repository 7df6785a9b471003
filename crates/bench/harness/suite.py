"""Groundplan, as deploy/run.sh starts it: one process with a private PostgreSQL, and Envoy in front."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import processes
from database import Database
from processes import BINARIES, ROOT, say, until


class Suite:
    """A running suite with data of its own, which `close` removes. `folders` are applied."""

    def __init__(self, folders):
        # Not below a private folder: PostgreSQL runs as another user when we are root.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="groundplan-bench-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.port = int(os.environ.get("PORT", "3900"))
        self.envoy, self.direct = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port + 10_000}"
        self.data, self.log = self.folder / "data", self.folder / "run.log"
        environment = {name: value for name, value in os.environ.items() if name not in ("API_KEY", "DB_URL")}
        environment |= {"PORT": str(self.port), "GROUNDPLAN_DATA": str(self.data), "GROUNDPLAN_MODELS": "", "GROUNDPLAN_BIN": str(BINARIES / "groundplan")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen([ROOT / "deploy/run.sh"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: "Groundplan is ready" in self.log.read_text(), "the suite starts", self.process)
            self.api_key = (self.data / "api-key").read_text().strip()
            self.database = Database(self.data)
            self.apply_seconds = self.apply(folders)
        except BaseException:
            say(self.log.read_text()[-2000:])
            self.close()
            raise

    def apply(self, folders):
        """Applies models; returns how long that took, in seconds."""
        start = time.monotonic()
        environment = os.environ | {"API_KEY": self.api_key, "GROUNDPLAN_ADDRESS": self.direct}
        done = subprocess.run([BINARIES / "groundplan", "apply", *folders], cwd=ROOT, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"bench: the models are not applied:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return time.monotonic() - start

    def pids(self):
        """The processes by name."""
        found = {"postgres": self.database.pid()}
        for name, file in (("groundplan", "groundplan"), ("envoy", "envoy")):
            path = self.data / "run" / str(self.port) / f"{file}.pid"
            if path.exists():
                found[name] = int(path.read_text().split()[0])
        return found

    def memory(self):
        """VmRSS of the server, in MiB."""
        for line in pathlib.Path(f"/proc/{self.pids()['groundplan']}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def close(self):
        processes.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        say("== a suite is started")
        return self

    def __exit__(self, *_):
        self.close()
