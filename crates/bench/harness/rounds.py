"""Measurements that are repeated: alternating rounds, quiet ones if they can be had, and medians."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

from processes import BINARIES, say

# More than this share of the machine, used by other processes, spoils a round; in per cent.
NOISE = 5.0


@dataclasses.dataclass
class Noise:
    """What happened to the rounds of a run."""

    # How often a round is measured at most.
    attempts: int = 3
    rounds: int = 0
    repeated: int = 0
    # Rounds that stayed noisy: what was measured, and the share of others.
    noisy: list = dataclasses.field(default_factory=list)


NOISE_SEEN = Noise()


@dataclasses.dataclass(frozen=True)
class Target:
    """Something that is measured: by groundplan-bench load, or by pgbench if `scripts` has the script of each operation."""

    name: str
    address: str = ""
    protocol: str = "grpc"
    scripts: dict | None = None


def measure(target, arguments, processes, api_key):
    """Measures once, and again while other processes disturb it."""
    for attempt in range(1, NOISE_SEEN.attempts + 1):
        outcome = once(target, arguments, processes, api_key)
        if outcome["others_percent"] <= NOISE:
            break
        NOISE_SEEN.repeated += attempt < NOISE_SEEN.attempts
    NOISE_SEEN.rounds += 1
    what = f"{target.name} {arguments['operation']}, {arguments['callers']} callers"
    if outcome["others_percent"] > NOISE:
        NOISE_SEEN.noisy.append((what, outcome["others_percent"]))
    latency = outcome["latency_ms"]
    say(f"{what}: {outcome['requests_per_second']:.0f} requests/s, p50 {latency['p50']} ms, p99 {latency['p99']} ms, others {outcome['others_percent']} %")
    return outcome


def once(target, arguments, processes, api_key):
    known = [f"--process={name}={pid}" for name, pid in processes.items()]
    with tempfile.TemporaryDirectory(prefix="groundplan-pgbench-") as folder:
        if target.scripts:
            script = pathlib.Path(folder) / "script.sql"
            script.write_text(target.scripts[arguments["operation"]])
            logs = pathlib.Path(folder) / "logs"
            logs.mkdir()
            command = ["pgbench", "--program", pgbench(), "--db-url", arguments["db_url"], "--script", script, "--folder", logs, "--callers", arguments["callers"],
                       "--seconds", arguments["seconds"]]
        else:
            command = ["load", "--address", target.address, "--protocol", target.protocol, "--operation", arguments["operation"].removesuffix("_without_log"),
                       "--callers", arguments["callers"], "--seconds", arguments["seconds"], "--rows", arguments["rows"], "--text", arguments.get("text", 24)]
            if "model" in arguments and target.protocol == "grpc" and target.name.startswith("groundplan"):
                command += ["--model", arguments["model"]]
        done = subprocess.run([BINARIES / "groundplan-bench", *map(str, command), *known], env=os.environ | {"API_KEY": api_key}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {target.name} {arguments}: exit code {done.returncode} (above)")
    return json.loads(done.stdout)


def alternate(targets, rounds, arguments, processes, api_key):
    """Measures the targets by turns; returns the median of each."""
    outcomes = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            outcomes[target.name].append(measure(target, arguments, processes, api_key))
    return {name: median(each) for name, each in outcomes.items()}


def median(outcomes):
    """The medians of all numbers."""
    if isinstance(outcomes[0], dict):
        return {name: median([outcome[name] for outcome in outcomes]) for name in outcomes[0]}
    return statistics.median(outcomes)


def pgbench():
    """Returns the path of pgbench. Debian installs it next to the server; other packages might install it elsewhere."""
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name) if path.parent.name.isdigit() else 0):
        if (folder / "pgbench").exists():
            return str(folder / "pgbench")
    return "pgbench"
