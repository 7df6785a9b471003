"""`make bench`: compares Groundplan with its peers, measures its growth, and writes docs/benchmarks.md and section 8 of
docs/specification.md.

With BENCH_SIZE=small it takes minutes, says little, and writes copies of both into BENCH_OUT (target/bench). With BENCH_RESULTS=FILE it
measures nothing and writes them from the results of an earlier run."""

import json
import os
import pathlib
import shutil
import signal
import sys

import compare
import growth
import machine
import plots
import report
import rounds
import sizes
from processes import ROOT, say


def main():
    # The suites are stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    earlier = os.environ.get("BENCH_RESULTS")
    results = json.loads(pathlib.Path(earlier).read_text() if earlier else json.dumps(measure(sizes.chosen())))
    is_full = results["size"]["name"] == "full"
    docs = ROOT / "docs"
    out = pathlib.Path(os.environ.get("BENCH_OUT") or (docs if is_full else ROOT / "target/bench")).resolve()
    (out / "benchmarks").mkdir(parents=True, exist_ok=True)
    (out / "benchmarks/results.json").write_text(json.dumps(results, indent=1) + "\n")
    for name in ("benchmarks.md", "specification.md"):
        if out != docs:
            shutil.copy(docs / name, out / name)
    plots.comparison(results["comparison"], out / "benchmarks")
    plots.growth(results["growth"], out / "benchmarks")
    report.replace(out / "benchmarks.md", report.benchmarks(results, "benchmarks"))
    report.replace(out / "specification.md", report.specification(results))
    say(f"== {out}/benchmarks.md and {out}/specification.md are written")
    slower = compare.slower_peer(results["comparison"])
    for one in slower:
        say(f"bench: our peer is slower than the reference peer by more than {compare.MARGIN:.0%}: {one}")
    # Few and short rounds say too little to fail.
    return 1 if slower and is_full else 0


def measure(size):
    """Everything, as JSON can hold it."""
    rounds.NOISE_SEEN.attempts = size.attempts
    circumstances = machine.describe()
    compared = compare.run(size)
    grown = growth.run(size)
    return {"size": vars(size), "machine": circumstances, "noise": vars(rounds.NOISE_SEEN), "comparison": compared, "growth": grown}


if __name__ == "__main__":
    sys.exit(main())
