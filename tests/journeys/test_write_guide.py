"""docs/writes.md: every call on the page is run as it is written, in one shell, on models that the page itself applies, and answers what it shows."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite(apply_examples=False)
    try:
        suite.start()
        guide.check("writes.md", suite, least=100)
    finally:
        suite.close()
