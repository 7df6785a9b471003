"""Runs every call of docs/writes.md and docs/formulas.md as written, each page in one shell, on models that it applies
itself, and compares the responses."""

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
