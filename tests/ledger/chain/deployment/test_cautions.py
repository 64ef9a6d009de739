"""Terms that would trap who uses them are refused or warned of, each with the reason."""

from typing import Any

import pytest

from ledger.chain.deployment.cautions import check_windows, find_cautions
from ledger.chain.deployment.terms import Admission, ChosenTerms
from ledger.errors import UsageError

ETH = 10**18
SAFE: dict[str, Any] = {
    "start_seats": 4,
    "quorum": 3,
    "commit_window_s": 600,
    "attest_window_s": 600,
    "bond": ETH // 10,
    "dispute_bond": ETH // 200,
}
INVITED = {"admission": Admission.INVITER, "inviter": "0x" + "ab" * 20}


def terms(**changes: Any) -> ChosenTerms:
    return ChosenTerms(**SAFE | changes)


@pytest.mark.parametrize("block_time_s", [None, 0.0, 12.0])
def test_of_safe_terms_there_is_nothing_to_say(block_time_s: float | None) -> None:
    check_windows(terms(), block_time_s)
    assert find_cautions(terms(), block_time_s) == []
    assert find_cautions(terms(**INVITED, bond=0, dispute_bond=0), block_time_s) == []


@pytest.mark.parametrize(
    ("changes", "least_s"),
    [({"commit_window_s": 35}, 36), ({"attest_window_s": 35}, 36), ({"dispute_window_s": 119}, 120)],
)
def test_a_window_of_hardly_any_blocks_is_refused(changes: dict[str, int], least_s: int) -> None:
    option, window_s = next(iter(changes.items()))
    flag = "--" + option.removesuffix("_s").replace("_", "-")
    with pytest.raises(UsageError, match=rf"{flag} {window_s} is over within .* choose {least_s} or more"):
        check_windows(terms(**changes), 12.0)
    check_windows(terms(**{option: least_s}), 12.0)
    check_windows(terms(**changes), None)


def test_without_disputes_their_window_does_not_matter() -> None:
    check_windows(terms(dispute_bond=0, dispute_window_s=1), 12.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quorum": 2}, "a quorum of 2 of 4 so few can go on alone"),
        ({"bond": 0, "dispute_bond": 0}, "pledges nothing: whoever makes many keys"),
        ({"dispute_bond": 0}, "a liar keeps its bond; choose a --dispute-bond"),
        ({"dispute_bond": ETH // 10_001}, "a false claim costs 9.999e-05 ETH"),
        ({"dispute_bond": ETH // 80 + 1}, "risks 0.0125 ETH and gains 0.0125 ETH, an eighth of the bond"),
        ({"dispute_window_s": 1199}, "--dispute-window 1199 is less than a round may take (1200 s)"),
        ({"commit_window_s": 119}, "--commit-window 119 is less than 10 blocks of this chain, one each 12 s"),
        ({"attest_window_s": 119}, "--attest-window 119 is less than 10 blocks"),
    ],
)
def test_what_traps_in_the_long_run_is_warned_of(changes: dict[str, Any], says: str) -> None:
    (caution,) = find_cautions(terms(**changes), 12.0)
    assert says in caution


def test_a_dispute_bond_of_what_a_conviction_pays_is_the_highest_that_is_worth_it() -> None:
    assert find_cautions(terms(dispute_bond=ETH // 80), None) == []
    assert find_cautions(terms(dispute_bond=ETH // 10_000), None) == []
