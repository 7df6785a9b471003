"""The seed of everything that tests do at random. It is the same each time, so that a run says the same as the one before it: `make torture` takes a
new one, and GROUNDPLAN_SEED repeats that."""

import os

SEED = int(os.environ.get("GROUNDPLAN_SEED", 20_260_131))
