"""Runs every call of docs/queries.md as written, in one shell, and compares the responses."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite()
    try:
        suite.start()
        guide.check("queries.md", suite, least=35)
    finally:
        suite.close()
