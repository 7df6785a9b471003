"""docs/queries.md: every call on the page is run as it is written, in one shell, and answers what the page says."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite()
    try:
        suite.start()
        guide.check("queries.md", suite, least=35)
    finally:
        suite.close()
