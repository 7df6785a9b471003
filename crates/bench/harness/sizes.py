"""How much is measured."""

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    # Of the comparison. Rows are multiples of 10,000: database.py says why.
    rows: int
    rounds: int
    # How often a round is measured at most while other processes disturb it.
    attempts: int
    seconds: int
    callers: tuple[int, ...]
    # Of the growth.
    growth_rounds: int
    growth_callers: int
    growth_rows: tuple[int, ...]
    growth_models: tuple[int, ...]
    # Bytes of a record, and how many such rows there are.
    growth_bytes: tuple[tuple[int, int], ...]


SIZES = {
    "full": Size("full", 1_000_000, 5, 3, 5, (1, 32, 256), 3, 32, (10_000, 1_000_000, 10_000_000), (20, 500), ((200, 100_000), (4_096, 50_000), (102_400, 2_000))),
    "small": Size("small", 10_000, 1, 1, 1, (1, 16), 1, 16, (10_000, 20_000), (5, 20), ((200, 1_000), (4_096, 1_000))),
}


def chosen():
    name = os.environ.get("BENCH_SIZE", "full")
    if name not in SIZES:
        raise SystemExit(f"bench: BENCH_SIZE is {name!r}, and not one of {', '.join(SIZES)}")
    return SIZES[name]
