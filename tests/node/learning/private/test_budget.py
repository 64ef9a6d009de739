"""A budget: charged first, never beyond, and the same after a restart."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from ledger.errors import SetupError
from ledger.privacy.accountant import Charge, compute_epsilon_milli
from ledger.privacy.statement import check_statement
from node.learning.private.budget import PrivacyBudget, Spending
from node.learning.private.charges import EARLIER, ChargedRound, ChargeFile, ChargeKind
from tests.support.privacy import TERMS

EXAMPLES = 1000
# So many rounds of a peer with so many examples the terms hold, and an ε of 2.
ALL, TWO = 29, 1


def budget_of(
    path: Path, budget_milli: int | None = None, after: Callable[[int], None] = lambda _: None
) -> PrivacyBudget:
    return PrivacyBudget(TERMS, ChargeFile(path), budget_milli, after)


def spent_of(rounds: int) -> int:
    charge = Charge(rounds * TERMS.steps, 250_000_000, TERMS.sigma_value)
    return compute_epsilon_milli([charge], TERMS.delta_value)


def test_a_round_is_on_the_disk_before_its_means_are_handed_out(tmp_path: Path) -> None:
    path, seen = tmp_path / "privacy.txt", list[tuple[int, tuple[ChargedRound, ...]]]()
    budget = budget_of(path, after=lambda number: seen.append((number, ChargeFile(path).charged)))
    privacy = budget.begin(7, EXAMPLES)
    assert privacy is not None
    assert seen == [(7, (ChargedRound(7, ChargeKind(EXAMPLES, 250_000_000, "1.958")),))]
    mechanism = privacy.mechanism
    assert (mechanism.steps, mechanism.batch, mechanism.rate) == (4, 250, Fraction(1, 4))
    assert (mechanism.clip, mechanism.sigma, mechanism.learning_rate) == (1.0, 1.958, 1.6)


@pytest.mark.parametrize("budget_milli", [2000, 8000, None, 9000])
def test_no_round_is_begun_that_the_budget_does_not_hold(tmp_path: Path, budget_milli: int | None) -> None:
    path = tmp_path / "privacy.txt"
    budget, held = budget_of(path, budget_milli), min(8000, budget_milli or 8000)
    rounds = 0
    while budget.begin(rounds + 1, EXAMPLES) is not None:
        rounds += 1
    assert spent_of(rounds) <= held < spent_of(rounds + 1)
    before = path.read_bytes()
    # Nor after a restart, nor with more data: a round costs what the peer said first.
    assert budget_of(path, budget_milli).begin(rounds + 1, 10 * EXAMPLES) is None
    assert path.read_bytes() == before
    assert budget_of(path, budget_milli).compute_spending() == Spending(spent_of(rounds), held, rounds, 0)


def test_more_data_are_sampled_at_the_rate_that_was_said(tmp_path: Path) -> None:
    budget_of(tmp_path / "privacy.txt").begin(1, EXAMPLES)
    later = budget_of(tmp_path / "privacy.txt")
    privacy = later.begin(2, 3 * EXAMPLES)
    assert privacy is not None
    assert (privacy.mechanism.rate, privacy.mechanism.examples) == (Fraction(1, 4), 3 * EXAMPLES)
    assert later.make_statement(1).examples == EXAMPLES


def test_who_has_fewer_examples_than_the_batch_is_told_once_what_that_means(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for examples, told in ((250, 0), (100, 1)):
        path = tmp_path / str(examples)
        for number in (1, 2):
            assert budget_of(path).begin(number, examples) is not None
        assert caplog.text.count(f"a batch of 250 is more than {examples} examples: each step takes all") == told


def test_a_round_that_is_trained_twice_is_charged_twice_and_said(tmp_path: Path) -> None:
    path = tmp_path / "privacy.txt"
    assert budget_of(path).compute_spending() == Spending(0, 8000, 0, None)
    budget_of(path).begin(1, EXAMPLES)
    budget = budget_of(path)
    budget.begin(1, EXAMPLES)
    statement = budget.make_statement(0)
    check_statement(statement, TERMS)
    assert (statement.rounds, statement.charged, statement.epsilon_milli) == (2, 2, spent_of(2))
    assert budget.make_statement(1).charged == 1
    assert budget.compute_spending().rounds_left == ALL - 2


def test_who_has_spent_all_says_so_with_each_base_that_it_publishes(tmp_path: Path) -> None:
    budget = budget_of(tmp_path / "privacy.txt", 2000)
    while budget.begin(1, EXAMPLES) is not None:
        pass
    statement = budget.make_statement(budget.rounds_charged)
    check_statement(statement, TERMS)
    assert (statement.charged, statement.rounds) == (0, TWO)


def test_who_cannot_pay_for_one_round_says_that_it_spent_nothing(tmp_path: Path) -> None:
    budget = budget_of(tmp_path / "privacy.txt", 1)
    assert budget.begin(1, EXAMPLES) is None
    statement = budget.make_statement(0)
    check_statement(statement, TERMS)
    assert (statement.charged, statement.rounds, statement.epsilon_milli) == (0, 0, 0)


def test_what_another_circle_cost_is_charged_once_and_in_full(tmp_path: Path) -> None:
    """Ten rounds of the same kind and one step more are eleven rounds; what is spent there later is added later."""
    path, kind = tmp_path / "privacy.txt", ChargeKind(EXAMPLES, 250_000_000, TERMS.sigma)

    def budget_after(steps: int) -> PrivacyBudget:
        earlier = Charge(steps, kind.rate, kind.sigma_value)
        return PrivacyBudget(TERMS, ChargeFile(path), earlier=[earlier])

    first = budget_after(41)
    assert first.begin(1, EXAMPLES) is not None
    assert [one.round for one in ChargeFile(path).charged] == [EARLIER] * 11 + [1]
    statement = first.make_statement(0)
    check_statement(statement, TERMS)
    assert (statement.rounds, statement.charged, statement.epsilon_milli) == (12, 12, spent_of(12))
    assert budget_after(41).begin(2, EXAMPLES) is not None
    assert len(ChargeFile(path).charged) == 13
    assert budget_after(60).begin(3, EXAMPLES) is not None
    assert ChargeFile(path).earlier == 15
    assert len(ChargeFile(path).charged) == 18


def test_where_others_cost_all_of_the_budget_the_peer_is_told(tmp_path: Path) -> None:
    earlier = Charge((ALL + 1) * TERMS.steps, 250_000_000, TERMS.sigma_value)
    budget = PrivacyBudget(TERMS, ChargeFile(tmp_path / "privacy.txt"), earlier=[earlier])
    with pytest.raises(SetupError, match="as much as 30 rounds of this circle, and the budget here holds 29"):
        budget.begin(1, EXAMPLES)


def test_a_budget_lowered_after_what_others_cost_was_charged_lets_the_peer_judge_on(tmp_path: Path) -> None:
    earlier = Charge(40, 250_000_000, TERMS.sigma_value)
    assert PrivacyBudget(TERMS, ChargeFile(tmp_path / "privacy.txt"), earlier=[earlier]).begin(1, EXAMPLES)
    lowered = PrivacyBudget(TERMS, ChargeFile(tmp_path / "privacy.txt"), spent_of(3), earlier=[earlier])
    assert lowered.begin(2, EXAMPLES) is None


def test_where_the_charge_cannot_be_written_nothing_is_handed_out(tmp_path: Path) -> None:
    budget = budget_of(tmp_path / "gone" / "privacy.txt")
    with pytest.raises(OSError, match="No such file"):
        budget.begin(1, EXAMPLES)
    assert budget.rounds_charged == 0
