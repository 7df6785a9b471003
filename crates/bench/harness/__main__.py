"""`make bench`: compares Groundplan with its peers and measures its growth, and writes docs/benchmarks.md and section 8 of
docs/specification.md. With BENCH_SIZE=small it takes minutes, says little, and writes copies of both into BENCH_OUT (target/bench)."""

import json
import os
import pathlib
import shutil
import sys

import compare
import growth
import machine
import plots
import report
import sizes
from processes import ROOT, say


def main():
    size = sizes.chosen()
    docs = ROOT / "docs"
    out = pathlib.Path(os.environ.get("BENCH_OUT", docs if size.name == "full" else ROOT / "target/bench")).resolve()
    circumstances = machine.describe()
    compared = compare.run(size)
    grown = growth.run(size)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("benchmarks.md", "specification.md"):
        if out != docs:
            shutil.copy(docs / name, out / name)
    (out / "benchmarks").mkdir(exist_ok=True)
    (out / "benchmarks/results.json").write_text(json.dumps({"machine": circumstances, "comparison": compared, "growth": grown}, indent=1) + "\n")
    plots.comparison(compared, out / "benchmarks")
    plots.growth(grown, out / "benchmarks")
    report.replace(out / "benchmarks.md", report.benchmarks(circumstances, size, compared, grown, "benchmarks"))
    report.replace(out / "specification.md", report.specification(circumstances, compared, grown, size))
    say(f"== {out}/benchmarks.md and {out}/specification.md are written")
    slower = compare.slower_peer(compared)
    for one in slower:
        say(f"bench: our peer is slower than the reference peer by more than {compare.MARGIN:.0%}: {one}")
    # So few and short rounds say too little to fail.
    return 1 if slower and size.name == "full" else 0


if __name__ == "__main__":
    sys.exit(main())
