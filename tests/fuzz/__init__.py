"""Fuzzers: seeded programs that ask the real binary, on a real PostgreSQL, what nobody would, and hold what it says against other implementations.

GROUNDPLAN_FUZZ_FACTOR is how many times as many cases there are as in CI, GROUNDPLAN_SEED begins at another seed, and with GROUNDPLAN_FUZZ_CASE
only that one case is tried again. What failed says which it was. `make torture` runs them for long.
"""
