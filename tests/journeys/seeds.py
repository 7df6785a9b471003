"""The seed of all random tests. It is fixed, so that two runs do the same: `make torture` uses a new one, and
GROUNDPLAN_SEED repeats that."""

import os

SEED = int(os.environ.get("GROUNDPLAN_SEED", 20_260_131))
