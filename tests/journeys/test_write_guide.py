"""docs/writes.md and docs/formulas.md: every call on the pages is run as it is written, each page in one shell, on models that it applies itself, and
answers what it shows."""

import pytest

import guide
from suite import Suite


@pytest.mark.parametrize(("name", "least"), [("writes.md", 125), ("formulas.md", 7)])
def test_the_guide(name, least):
    suite = Suite(apply_examples=False)
    try:
        suite.start()
        guide.check(name, suite, least)
    finally:
        suite.close()
