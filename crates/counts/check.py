#!/usr/bin/env python3
"""Counts instructions with callgrind and compares them with baseline.json: check.py BINARY [--write]

BINARY is groundplan-counts, a debug build, which CI has anyway: its counts are compared with themselves only, and say nothing about
a release build. A count that differs from the baseline by more than TOLERANCE fails, upwards and downwards, so that the baseline stays
true; `--write` replaces the baseline.

Counts differ a little between machines, because the C library chooses its text functions by the processor, and between runs, because
hash tables are seeded. Calls count the thread of the caller: everything from the request to the response, except for the
driver of the connection to PostgreSQL, which is a task on another thread, and the socket.
"""

import json
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

TOLERANCE = 0.03
BASELINE = pathlib.Path(__file__).resolve().parent / "baseline.json"
COUNTED = "groundplan_counts::counted"


def main(binary, write):
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    toolchain = {"rustc": rustc, "machine": platform.machine()}
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {"toolchain": None, "counts": {}}
    if not write and baseline["toolchain"] != toolchain:
        print(f"counts: the baseline is of {baseline['toolchain']}, and this is {toolchain}: nothing is compared")
        return 0
    if not shutil.which("valgrind"):
        print("counts: valgrind is missing; deploy/setup.sh test installs it, or says how to get it", file=sys.stderr)
        return 1
    counts = measure(binary)
    if not write and changed(baseline["counts"], counts):
        # One run can be unlucky: a hash table that is seeded badly, a task that waits once more. The median of three says more.
        runs = [counts, measure(binary), measure(binary)]
        counts = {name: statistics.median_low(run[name] for run in runs) for name in counts}
    if write:
        BASELINE.write_text(json.dumps({"toolchain": toolchain, "counts": counts}, indent=2) + "\n")
    differing = changed(baseline["counts"], counts)
    show(baseline["counts"], counts)
    if differing and not write:
        print(f"counts: {', '.join(differing)} differ by more than {TOLERANCE:.0%}. If that is meant, run 'make counts-baseline' and commit "
              f"{BASELINE.relative_to(pathlib.Path.cwd()) if BASELINE.is_relative_to(pathlib.Path.cwd()) else BASELINE}", file=sys.stderr)
        return 1
    return 0


def measure(binary):
    """Instructions per repetition, by case."""
    with tempfile.TemporaryDirectory(prefix="groundplan-counts-") as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--fair-sched=try", f"--callgrind-out-file={out}", "--collect-atstart=no", f"--toggle-collect={COUNTED}",
             f"--dump-after={COUNTED}", "--quiet", binary], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        if done.returncode:
            sys.exit(f"counts: {binary} failed:\n{done.stderr}")
        counts = {}
        # The dumps are numbered from 1, in the order of the cases.
        for number, line in enumerate(done.stdout.splitlines(), 1):
            name, repetitions = line.split()
            instructions = re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(f"{out}.{number}").read_text(), re.MULTILINE)
            counts[name] = round(int(instructions[1]) / int(repetitions))
        return counts


def changed(baseline, counts):
    """The names of the counts that differ from the baseline, or that only one of both has."""
    def differs(name):
        before, now = baseline.get(name), counts.get(name)
        return not before or not now or abs(now / before - 1) > TOLERANCE

    return sorted(name for name in {*baseline, *counts} if differs(name))


def show(baseline, counts):
    for name in sorted({*baseline, *counts}):
        before, now = baseline.get(name), counts.get(name)
        change = f"{now / before - 1:+8.2%}" if before and now else ""
        print(f"counts: {name:24} {now or '-':>12} {change}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--write" in sys.argv[2:]))
