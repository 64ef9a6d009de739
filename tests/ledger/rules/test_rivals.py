"""The rules from the literature: against a slow second implementation, by hand, and where nobody is left."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import ONE_Q15
from ledger.blobs.contents.records import state_digest
from ledger.errors import PeerFault, UsageError
from ledger.rules import ScreeningInput, rule_of
from ledger.rules.interface import ScreeningResult
from tests.support import golden
from tests.support.screenings import accepted, array
from tests.support.specification import arithmetic
from tests.support.specification.exact_digests import made_state

pytestmark = pytest.mark.rule("R12.4")

LARGEST = 127 << 17
RIVALS = ["trimmed-mean", "median", "krum", "multi-krum", "nnm-trimmed-mean", "scclip", "cs-plus", "ubar"]
REJECTS_NOBODY = ["trimmed-mean", "median", "nnm-trimmed-mean", "scclip", "cs-plus"]
SHARES = st.one_of(st.sampled_from([0, 1, 200, 333, 500, 1000]), st.integers(0, 1000))


def norm(values: NDArray[np.int32] | Sequence[int]) -> float:
    """A loss as good as any: exact in float64 for such values."""
    return float(np.abs(np.asarray(values, np.int64)).sum())


def situation(
    own: list[int],
    neighbours: dict[int, list[int]],
    eligible: Collection[int] | None = None,
    loss: Callable[[NDArray[np.int32]], float] | None = norm,
) -> ScreeningInput:
    states = {seat: array(values) for seat, values in neighbours.items()}
    chosen = frozenset(states) if eligible is None else frozenset(eligible)
    return ScreeningInput(array(own), array(own), states, chosen, 1, 10, loss=loss)


def screen(
    rule: str,
    own: list[int],
    neighbours: dict[int, list[int]],
    eligible: Collection[int] | None = None,
    loss: Callable[[NDArray[np.int32]], float] | None = norm,
    **parameters: int,
) -> ScreeningResult:
    return rule_of(rule, parameters).screen(situation(own, neighbours, eligible, loss))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[int], dict[int, list[int]], frozenset[int]]:
    """Own, neighbours, eligible. Small scales make ties, the largest one the ends of the grid."""
    length, seats = draw(st.integers(0, 5)), draw(st.sets(st.integers(0, 255), max_size=9))
    scale = draw(st.sampled_from([1, 4, 1000, LARGEST]))
    values = st.one_of(st.integers(-scale, scale), st.sampled_from([-scale, 0, scale]))
    states = st.lists(values, min_size=length, max_size=length)
    neighbours = {seat: draw(states) for seat in draw(st.permutations(sorted(seats)))}
    eligible = draw(st.one_of(st.just(seats), st.sets(st.sampled_from(sorted(seats or {0})))))
    return draw(states), neighbours, frozenset(eligible | {300})


def eligible_states(given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]]) -> list[list[int]]:
    own, neighbours, eligible = given_situation
    return [own, *(neighbours[seat] for seat in sorted(neighbours) if seat in eligible)]


def assert_mixes_all_eligible(
    outcome: ScreeningResult,
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]],
    next_base: list[int],
) -> None:
    _, neighbours, eligible = given_situation
    assert accepted(outcome) == set(outcome.judgements) == set(neighbours)
    assert outcome.mixed == eligible & set(neighbours)
    assert outcome.next_base.tolist() == next_base
    assert outcome.next_base.dtype == np.int32


@given(situations(), SHARES)
def test_the_trimmed_mean_equals_the_specification(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]], share: int
) -> None:
    states = eligible_states(given_situation)
    trim = min(arithmetic.hostile(share, len(states) - 1), (len(states) - 1) // 2)
    found = screen("trimmed-mean", *given_situation, hostile_milli=share)
    assert_mixes_all_eligible(found, given_situation, arithmetic.trimmed_mean(states, trim))


@given(situations())
def test_the_median_equals_the_specification(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]],
) -> None:
    expected = arithmetic.median(eligible_states(given_situation))
    assert_mixes_all_eligible(screen("median", *given_situation), given_situation, expected)


@given(situations(), SHARES)
def test_nearest_neighbour_mixing_equals_the_specification(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]], share: int
) -> None:
    states = eligible_states(given_situation)
    feared = min(arithmetic.hostile(share, len(states) - 1), (len(states) - 1) // 2)
    mixed = arithmetic.nearest_neighbour_mixing(states, feared)
    found = screen("nnm-trimmed-mean", *given_situation, hostile_milli=share)
    assert_mixes_all_eligible(found, given_situation, arithmetic.trimmed_mean(mixed, feared))


@pytest.mark.parametrize(("rule", "several"), [("krum", False), ("multi-krum", True)])
@given(given_situation=situations(), share=SHARES)
def test_krum_equals_the_specification(
    rule: str, several: bool, given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]], share: int
) -> None:
    found = screen(rule, *given_situation, hostile_milli=share)
    verdicts, mixed, next_base = arithmetic.krum_verdicts(*given_situation, share, several)
    assert {seat: judgement.accepted for seat, judgement in found.judgements.items()} == verdicts
    assert found.mixed == mixed
    assert found.next_base.tolist() == next_base
    assert found.next_base.dtype == np.int32


@pytest.mark.parametrize(("rule", "plus"), [("scclip", False), ("cs-plus", True)])
@given(given_situation=situations(), share=SHARES)
@example(([-1, 0], {4: [0, 0], 9: [7, 0], 2: [9, 9]}, frozenset({2, 4, 9})), 333)
def test_clipping_equals_the_specification(
    rule: str, plus: bool, given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]], share: int
) -> None:
    own, *others = eligible_states(given_situation)
    found = screen(rule, *given_situation, hostile_milli=share)
    assert_mixes_all_eligible(found, given_situation, arithmetic.clip(own, others, share, plus))


@given(situations(), SHARES, st.integers(0, ONE_Q15))
def test_ubar_equals_the_specification(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]], share: int, alpha: int
) -> None:
    found = screen("ubar", *given_situation, hostile_milli=share, alpha_q15=alpha)
    weight = Fraction(alpha, ONE_Q15)
    verdicts, mixed, next_base = arithmetic.ubar(*given_situation, share, weight, norm)
    assert {seat: judgement.accepted for seat, judgement in found.judgements.items()} == verdicts
    assert found.mixed == mixed
    assert found.next_base.tolist() == next_base


# By hand.

FIVE = {1: [2], 2: [4], 3: [9], 4: [1000]}


def test_the_trimmed_mean_of_five_drops_one_on_either_side() -> None:
    assert screen("trimmed-mean", [1], FIVE).next_base.tolist() == [5]


def test_a_share_that_is_no_whole_number_of_neighbours_is_rounded_up() -> None:
    """0.1 % of four neighbours are one; none of none."""
    assert screen("trimmed-mean", [1], FIVE, hostile_milli=1).next_base.tolist() == [5]
    assert screen("trimmed-mean", [1], FIVE, hostile_milli=0).next_base.tolist() == [203]


def test_the_median_of_an_even_number_is_the_middle_of_the_middle_two_rounded_half_up() -> None:
    assert screen("median", [1], FIVE).next_base.tolist() == [4]
    assert screen("median", [5, -6], {1: [0, -9], 2: [8, 3], 3: [8, -5]}).next_base.tolist() == [7, -5]


def test_krum_takes_the_neighbour_with_the_closest_company() -> None:
    """n = 5, f = 1, so the two closest count: 1 + 9 for its own state, 1 + 4 for seat 1. Seat 2 ties with that."""
    found = screen("krum", [0], {1: [1], 2: [3], 3: [4], 4: [1000]})
    assert {seat: judgement.figures["score"] for seat, judgement in found.judgements.items()} == {
        1: 5,
        2: 5,
        3: 10,
        4: 996**2 + 997**2,
    }
    assert accepted(found) == found.mixed == {1}
    assert found.next_base.tolist() == [1]


def test_multi_krum_averages_all_but_the_feared() -> None:
    found = screen("multi-krum", [0], {1: [1], 2: [3], 3: [4], 4: [1000]})
    assert accepted(found) == found.mixed == {1, 2, 3}
    assert found.next_base.tolist() == [2]


def test_where_scores_tie_krum_keeps_its_own_state_and_then_the_lower_seat() -> None:
    assert screen("krum", [0], {7: [1]}).mixed == set()
    assert screen("krum", [9], {5: [0], 7: [0]}).mixed == {5}


def test_krum_fears_nobody_where_the_vectors_are_too_few_for_its_proof() -> None:
    """2f + 2 < n needs five vectors for one; with four, everyone is kept by Multi-Krum."""
    found = screen("multi-krum", [0], {1: [1], 2: [2], 3: [1000]}, hostile_milli=1000)
    assert found.mixed == {1, 2, 3}


def test_nearest_neighbour_mixing_keeps_an_outlier_out_of_every_mean_but_its_own() -> None:
    """n = 5, f = 1: means of four: 4 (thrice), then 4 and 254 for the outlier; trimmed by one on a side."""
    found = screen("nnm-trimmed-mean", [1], {1: [2], 2: [4], 3: [9], 4: [1000]})
    assert found.next_base.tolist() == [4]


def test_nearest_neighbour_mixing_rounds_once() -> None:
    """n = 5, f = 1: means of four 1, 1, 3/2, 3/2, 3/2, whose middle three give 4/3; rounded first they gave 5/3."""
    found = screen("nnm-trimmed-mean", [2], {1: [2], 2: [2], 3: [0], 4: [0]})
    assert found.next_base.tolist() == [1]


def test_self_centred_clipping_pulls_the_far_one_in() -> None:
    """m = 4, f = 1: τ² = 9 + 16 + 144 = 169; the fourth, 26 away, comes in to 13. (3 + 4 + 12 + 13) / 5 = 6.4."""
    found = screen("scclip", [0, 0], {1: [3, 0], 2: [4, 0], 3: [12, 0], 4: [26, 0]})
    assert found.next_base.tolist() == [6, 0]
    assert found.judgements[4].figures == {"distance2": 676, "limit2": 169}


def test_cs_plus_clips_twice_as_many_as_it_fears() -> None:
    """m = 4, f = 1: τ is the second nearest's distance, 4. (3 + 4 + 4 + 4) / 5 = 3."""
    found = screen("cs-plus", [0, 0], {1: [3, 0], 2: [0, 4], 3: [12, 0], 4: [26, 0]})
    assert found.next_base.tolist() == [2, 1]
    assert found.judgements[3].figures == {"distance2": 144, "limit2": 16}


def test_without_fear_clipping_is_the_plain_mean() -> None:
    for rule in ("scclip", "cs-plus"):
        assert screen(rule, [1], {1: [2], 2: [1003]}, hostile_milli=0).next_base.tolist() == [335]


def test_ubar_accepts_of_the_nearest_whoever_does_as_well() -> None:
    """m = 5: the furthest, seat 5, is left out although its loss is the least."""
    neighbours = {1: [90], 2: [110], 3: [100], 4: [80], 5: [0]}
    found = screen("ubar", [100], neighbours)
    assert accepted(found) == found.mixed == {1, 3, 4}
    assert found.next_base.tolist() == [95]
    assert found.judgements[5].figures == {"distance2": 10_000, "shortlisted": 0}
    assert found.judgements[2].figures == {"distance2": 100, "shortlisted": 1}


def test_ubar_asks_the_loss_of_its_own_and_of_the_shortlisted_alone() -> None:
    asked = []
    screen(
        "ubar", [100], {1: [90], 2: [110], 3: [99], 4: [80], 5: [0]}, loss=lambda s: asked.append(int(s[0])) or 0.0
    )
    assert sorted(asked) == [80, 90, 99, 100, 110]


def test_ubar_forces_no_acceptance() -> None:
    assert screen("ubar", [1], {1: [2], 2: [3]}).next_base.tolist() == [1]


@pytest.mark.parametrize("own_loss", [float("nan"), float("-inf")])
def test_a_loss_that_is_no_number_or_cannot_be_reached_accepts_nobody(own_loss: float) -> None:
    found = screen("ubar", [1], {1: [2]}, loss=lambda s: own_loss if s[0] == 1 else float("nan"))
    assert not accepted(found)


def test_without_the_judges_data_ubar_says_that_nobody_can_recompute_it() -> None:
    assert not rule_of("ubar", {}).is_replayable
    with pytest.raises(PeerFault, match="private data"):
        screen("ubar", [1], {1: [2]}, loss=None)


# Of every rule.


@pytest.mark.parametrize("rule", RIVALS)
def test_without_neighbours_a_peer_keeps_its_own_state(rule: str) -> None:
    found = screen(rule, [3, -4], {})
    assert (found.judgements, found.mixed, found.next_base.tolist()) == ({}, set(), [3, -4])


@pytest.mark.parametrize(
    ("rule", "next_base"),
    [
        ("trimmed-mean", 15),
        ("median", 15),
        ("krum", 20),
        ("multi-krum", 15),
        ("nnm-trimmed-mean", 15),
        ("scclip", 20),
        ("cs-plus", 20),
        ("ubar", 15),
    ],
)
def test_one_neighbour_has_a_defined_say(rule: str, next_base: int) -> None:
    """Rules that vote cannot fear one of two; those that clip let one who may be hostile move nothing."""
    assert screen(rule, [20], {7: [10]}).next_base.tolist() == [next_base]


@pytest.mark.parametrize("rule", RIVALS)
def test_with_all_in_quarantine_a_peer_keeps_its_own_state_and_judges_all(rule: str) -> None:
    found = screen(rule, [9, 9], {1: [8, 8], 2: [9, 8], 3: [7, 9]}, eligible=())
    assert set(found.judgements) == {1, 2, 3}
    assert not found.mixed
    assert found.next_base.tolist() == [9, 9]


@pytest.mark.parametrize("rule", RIVALS)
@settings(max_examples=40)
@given(given_situation=situations())
def test_the_quarantined_change_nothing_in_the_mix_nor_in_the_verdicts_on_others(
    rule: str, given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]]
) -> None:
    own, neighbours, eligible = given_situation
    left = {seat: state for seat, state in neighbours.items() if seat in eligible}
    found, without = screen(rule, own, neighbours, eligible), screen(rule, own, left)
    assert found.mixed == without.mixed
    assert found.next_base.tolist() == without.next_base.tolist()
    assert accepted(found) & left.keys() == accepted(without)


@pytest.mark.parametrize("rule", RIVALS)
@pytest.mark.parametrize("value", [0, 7, -LARGEST, LARGEST])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_identical_states_stay_what_they_are(rule: str, value: int, count: int) -> None:
    """Zero vectors and both ends of the grid among them."""
    found = screen(rule, [value] * 3, {seat: [value] * 3 for seat in range(count)})
    assert found.next_base.tolist() == [value] * 3


@pytest.mark.parametrize("rule", RIVALS)
@pytest.mark.parametrize("share", [200, 1000])
def test_140_states_at_the_ends_of_the_grid_do_not_overflow(rule: str, share: int) -> None:
    """Their sums pass int32; far more of them are feared than a rule can bear."""
    states = {seat: [LARGEST if seat % 7 else -LARGEST, -LARGEST] for seat in range(140)}
    parameters: dict[str, Any] = {} if rule == "median" else {"hostile_milli": share}
    found = screen(rule, [LARGEST, -LARGEST], states, **parameters)
    assert found.next_base[1] == -LARGEST
    assert found.next_base[0] >= LARGEST * 5 // 7


@pytest.mark.parametrize("rule", REJECTS_NOBODY)
@settings(max_examples=40)
@given(given_situation=situations())
def test_the_mix_stays_within_what_was_mixed(
    rule: str, given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]]
) -> None:
    states = eligible_states(given_situation)
    next_base = screen(rule, *given_situation).next_base
    assert all(min(c) <= v <= max(c) for v, c in zip(next_base.tolist(), zip(*states, strict=True), strict=True))


@pytest.mark.parametrize("rule", [name for name in RIVALS if name != "median"])
def test_one_liar_in_five_cannot_drag_the_mix_away(rule: str) -> None:
    """At any distance; a plain mean would go along."""
    honest = {1: [10, 0], 2: [12, 3], 3: [9, -2], 4: [11, 1]}
    for lie in (10_000, LARGEST):
        found = screen(rule, [10, 1], {**honest, 5: [lie, -lie]})
        assert np.abs(found.next_base - array([10, 1])).max() <= 6


@pytest.mark.parametrize("rule", RIVALS)
@settings(max_examples=40)
@given(given_situation=situations())
def test_the_order_in_which_neighbours_come_changes_nothing(
    rule: str, given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]]
) -> None:
    own, neighbours, eligible = given_situation
    found = screen(rule, own, neighbours, eligible)
    backwards = screen(rule, own, dict(reversed(neighbours.items())), eligible)
    assert found.judgements == backwards.judgements
    assert found.mixed == backwards.mixed
    assert found.next_base.tolist() == backwards.next_base.tolist()


@pytest.mark.parametrize("rule", RIVALS)
def test_blocks_join_without_a_seam(rule: str) -> None:
    """A state repeated 10,001 times has all distances times 10,001: the same choices, and the mix repeated."""
    rng = np.random.default_rng(1)
    short = [rng.integers(-1000, 1000, 10).tolist() for _ in range(6)]
    long = [state * 10_001 for state in short]
    once = screen(rule, short[0], dict(enumerate(short[1:])))
    often = screen(rule, long[0], dict(enumerate(long[1:])))
    assert often.mixed == once.mixed
    assert often.next_base.tolist() == once.next_base.tolist() * 10_001


@pytest.mark.parametrize(
    ("rule", "parameters", "says"),
    [
        *((rule, {"hostile_milli": share}, "hostile_milli") for rule in RIVALS for share in (-1, 1001)),
        ("ubar", {"alpha_q15": ONE_Q15 + 1}, "alpha_q15"),
        ("krum", {"averages": 1}, "averages"),
    ],
)
def test_parameters_outside_their_range_are_refused_with_the_reason(
    rule: str, parameters: dict[str, int], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        rule_of(rule, parameters)


def loss_from_digest(state: NDArray[np.int32]) -> float:
    """As arbitrary as a loss on private data, and the same on every machine."""
    return float(int.from_bytes(hashlib.sha256(state.tobytes()).digest()[:4], "big"))


@pytest.fixture(scope="module")
def made_situation() -> ScreeningInput:
    """Nine of the same cluster, one of them in quarantine, and two far away."""
    centre = made_state("centre", 21)
    seats = [0, 3, 4, 7, 11, 12, 200, 255]
    states = {seat: centre + made_state(f"offset {seat}", 19 + seat % 3) for seat in seats}
    states |= {8: made_state("stranger", 23), 9: -centre}
    return ScreeningInput(centre, centre, states, frozenset(states) - {11}, 4, 10, loss=loss_from_digest)


def test_what_the_rules_once_gave_they_give_still(made_situation: ScreeningInput) -> None:
    found = {}
    for rule in RIVALS:
        for share in [{}] if rule == "median" else [{"hostile_milli": 200}, {"hostile_milli": 400}]:
            outcome = rule_of(rule, share).screen(made_situation)
            found[f"{rule} {share.get('hostile_milli', '')}".strip()] = {
                "accepted": sorted(accepted(outcome)),
                "mixed": sorted(outcome.mixed),
                "figures": {
                    str(s): {k: str(v) for k, v in j.figures.items()} for s, j in outcome.judgements.items()
                },
                "next_base": state_digest(outcome.next_base).hex(),
            }
    golden.expect("rules", found)
