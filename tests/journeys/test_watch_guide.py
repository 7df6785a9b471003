"""Runs every call of docs/watch.md as written, in one shell, and compares the events."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite()
    try:
        suite.start()
        guide.check("watch.md", suite, least=17)
    finally:
        suite.close()
