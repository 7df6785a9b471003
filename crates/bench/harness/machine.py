"""What it ran on and against."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

from processes import BINARIES, ROOT


def output(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def describe():
    processors = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 2**20
    dirty = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {
        "date": datetime.date.today().isoformat(),
        "commit": output("git", "rev-parse", "--short=12", "HEAD") + dirty,
        "machine": f"{os.cpu_count()} processors ({processors[0] if processors else platform.machine()}), {memory} GiB of memory, Linux {platform.release()}",
        "postgres": output("psql", "--version").removeprefix("psql (PostgreSQL) ").split(" ")[0],
        "envoy": next(iter(re.findall(r"/(\d+\.\d+\.\d+)/", output(output(str(ROOT / "deploy/envoy/find.sh")) or "false", "--version"))), "(none)"),
        "build": "release" if "release" in BINARIES.parts else "debug",
    }
