"""The one way in which a user's own code is run."""

from collections.abc import Iterator
from contextlib import contextmanager

from node.own_code.faults import blame
from node.own_code.siblings import Siblings


@contextmanager
def run_own_code(doing: str, what: str, siblings: Siblings | None) -> Iterator[None]:
    """Run what stands inside: it finds its neighbours, and what it raises becomes one sentence.

    doing, what: as for `blame`. siblings: what lies beside its file; None where it has none.
    """
    with blame(doing, what):
        if siblings is None:
            yield
            return
        with siblings.importable():
            yield
