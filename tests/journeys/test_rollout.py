"""Every process of the split suite is replaced repeatedly, like in an upgrade, under calls and watches: no call fails, and
no watcher misses a change or gets one twice. `groundplan-bench watch-torture` writes, watches and checks."""

import json
import os
import signal
import subprocess
import time

import pytest

from split import RECORDS, SCHEMAS, Processes
from suite import BINARY

pytestmark = pytest.mark.only_split
BENCH = BINARY.with_name("groundplan-bench")
ROUNDS = int(os.environ.get("GROUNDPLAN_ROLLOUTS", "1"))
RATE = int(os.environ.get("GROUNDPLAN_ROLLOUT_RATE", "200"))
FOLLOWERS = int(os.environ.get("GROUNDPLAN_ROLLOUT_FOLLOWERS", "50"))
# The maximum time of a process to stop, in seconds: its open calls have 20, and the machine can be busy.
DRAIN = 20 + 20


def replace(processes, name, address):
    """Stops a process like Kubernetes, and waits until its replacement is ready. Returns how long the old one took."""
    pid, began = processes.process(name), time.monotonic()
    replaced = processes.kill(name, signal.SIGTERM)
    while os.path.exists(f"/proc/{pid}") and not ended(pid):
        assert time.monotonic() < began + DRAIN, f"{name} does not stop"
        time.sleep(0.02)
    took = time.monotonic() - began
    processes.wait(replaced, f"{name} is not started again")
    service = name.split("-")[0]
    processes.wait(lambda: processes.curl(address, "GET", "/readyz", service=service)[:2] == (0, 200), f"{name} is not ready")
    processes.wait(processes.known, f"Envoy does not know that {name} is back")
    return took


def ended(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_no_call_fails_and_no_change_is_lost(suite_of_its_own):
    suite = suite_of_its_own
    suite.start()
    processes = Processes(suite)
    names = [(f"schema-{address}", address) for address in SCHEMAS] + [(f"records-{address}", address) for address in RECORDS]
    # Reconnecting watchers use any replica, and resume at another with their tokens.
    arguments = ["--changes=1", f"--followers={FOLLOWERS}", "--slow=0", "--reconnecting=5", "--writers=16", f"--rate={RATE}", "--records=500", "--hold"]
    bench = subprocess.Popen([BENCH, "watch-torture", *arguments], env=suite.environment(API_KEY=suite.api_key), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        for at in range(ROUNDS):
            took = [replace(processes, name, address) for name, address in names]
            print(f"round {at + 1}: the processes took {', '.join(f'{seconds:.1f} s' for seconds in took)} to end", flush=True)
            assert bench.poll() is None, bench.stdout.read()
        bench.stdin.close()
        result = json.loads(bench.stdout.read())
        bench.wait()
    finally:
        bench.kill()
    print(json.dumps(result), flush=True)
    assert result["failures"] == [] and result["failed_calls"]["count"] == 0, result
    assert result["changes"] > RATE and result["broken"] > 0, "no client noticed that processes were replaced"
