"""The nursery of a test process (`node.demo.nursery`): all of the program imported, made when first used.

A network of a test has up to nine processes and kills and starts some again. Starting cold stays under test where
starting is the matter: README, guides, demo, lifeline, the chain's own tests.
"""

from functools import cache

from node.demo.nursery import Nursery


@cache
def nursery() -> Nursery:
    """The one of this process; it ends with it."""
    return Nursery(("node.*", "ledger.*"))
