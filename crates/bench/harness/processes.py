"""Programs that the benchmark starts, and where they are."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = pathlib.Path(os.environ.get("GROUNDPLAN_BIN", ROOT / "target/release/groundplan")).resolve().parent
# How long a program may take to start, in seconds.
PATIENCE = 180


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that listens on a port of its own."""

    def __init__(self, name, command, log, **environment):
        self.name, self.port = name, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([str(word).replace("{port}", str(self.port)) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env=os.environ | {name: value.replace("{port}", str(self.port)) for name, value in environment.items()})
        until(self.listens, f"{name} listens", self.process)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        stop(self.process)


def until(condition, what, process):
    """Waits until a condition holds, while a process lives."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"bench: waited for this in vain: {what}")
        time.sleep(0.05)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
