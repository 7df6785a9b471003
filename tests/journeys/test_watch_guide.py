"""docs/watch.md: every call on the page is run as it is written, in one shell, and shows the events that the page shows."""

import guide
from suite import Suite


def test_the_guide():
    suite = Suite()
    try:
        suite.start()
        guide.check("watch.md", suite, least=17)
    finally:
        suite.close()
