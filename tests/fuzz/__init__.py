"""Fuzzers: seeded programs that send unusual requests to the real binary, on a real PostgreSQL, and compare the responses
with other implementations.

GROUNDPLAN_FUZZ_FACTOR multiplies the number of cases in CI, GROUNDPLAN_SEED sets another seed, and GROUNDPLAN_FUZZ_CASE
runs only that case. A failure prints both. `make torture` runs them for longer."""
