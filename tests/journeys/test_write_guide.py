"""docs/writes.md: every call on the page is run as it is written, in one shell, and answers what the page says."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite(apply_examples=False)
    try:
        suite.start()
        guide.check("writes.md", suite, least=55)
    finally:
        suite.close()
