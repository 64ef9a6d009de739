"""What was spent in another circle, as `folkmoot node` takes it into account."""

from pathlib import Path

import pytest

from ledger.errors import UsageError
from ledger.privacy.accountant import Charge, compute_epsilon_milli
from node.cli.earlier_privacy import check_room
from node.learning.private.budget import PrivacyBudget
from node.learning.private.charges import ChargeFile
from tests.support.privacy import TERMS

EXAMPLES = 1000


def test_who_has_nothing_left_is_told_before_it_takes_a_seat(tmp_path: Path) -> None:
    earlier, path = [Charge(40, 250_000_000, TERMS.sigma_value)], tmp_path / "privacy.txt"
    spent = compute_epsilon_milli(earlier, TERMS.delta_value)
    check_room(earlier, TERMS, spent + 1, path)
    with pytest.raises(UsageError, match="nothing is left to train with"):
        check_room(earlier, TERMS, spent, path)
    assert PrivacyBudget(TERMS, ChargeFile(path), earlier=earlier).begin(1, EXAMPLES) is not None
    check_room(earlier, TERMS, spent, path)
