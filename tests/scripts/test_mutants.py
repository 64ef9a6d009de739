"""Results of mutants stay those of their module, wherever it lies."""

import pytest

from scripts.mutation.mutants import ROOT, configuration, source_hash

CODE = '''"""A module."""

import math

from ledger.circle.round import Phase, round_of
from ledger.codec import decode


class Empty(Exception):
    """Nothing."""


def area(width: float) -> float:
    """In square metres."""
    return math.pi * width  # roughly
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""In square metres."""', '"""In acres."""'),
        ('    """In square metres."""\n', ""),
        ('    """Nothing."""', "    pass"),
        ("  # roughly", ""),
        ("from ledger.circle.round import", "from ledger.rounds.state import"),
        ("from ledger.circle.round import Phase, round_of\n", "from a import b\n"),
        ("import math\n\nfrom ledger.circle.round import Phase, round_of\nfrom ledger.codec import decode",
         "import math\n\nfrom ledger.all import Phase, decode, round_of"),
        ("width", "length"),
        ("math.pi *", "math.pi /"),
        ("import math", "import numpy as math"),
        ("Phase, round_of", "Phase as round_of"),
    ],
)  # fmt: skip
def test_the_hash_of_a_module_is_of_its_code_alone(old: str, new: str) -> None:
    assert old in CODE
    changes_code = new in ("from a import b\n", "length", "math.pi /", "import numpy as math", "Phase as round_of")
    assert (source_hash(CODE.replace(old, new)) != source_hash(CODE)) == changes_code


def test_a_module_that_is_said_to_have_moved_is_there_and_not_where_it_was() -> None:
    for now, then in configuration()["moved"].items():
        assert (ROOT / now).is_file(), now
        assert now != then
