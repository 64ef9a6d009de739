"""The tuned attack goes as far as the circle's rule lets it, and hides from sketches whose seeds it knows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.sketch import measure
from ledger.errors import UsageError
from ledger.rules import ScreeningInput
from ledger.rules.balance import Balance
from ledger.rules.judge_memory import JudgeMemory
from ledger.rules.tether import Tether
from ledger.rules.ubar import Ubar
from ledger.rules.undefended import Undefended
from node.attacks import choose_attack
from node.attacks.foretold_verdicts import choose_judges, foretell_mixed_share, round_to_grid
from node.attacks.sketch_null_space import SketchMap, project_to_null_space
from node.attacks.tuned import compute_typical_length
from node.attacks.view import PeerView
from tests.support.sights import chosen, sight

SIZE = 2000
COLLUDERS = (8, 9, 10)
WIDTH = 64


def seen_by(seat: int = 8, *, rule: Any = None, round: int = 3, **fields: dict[int, JudgeMemory]) -> PeerView:
    """Eight honest peers that took similar steps from one base, and three that collude."""
    rng = np.random.default_rng(7)
    base = rng.normal(size=SIZE).astype(np.float32)
    way = 0.05 * rng.normal(size=SIZE)
    states = {peer: (base + way + 0.05 * rng.normal(size=SIZE)).astype(np.float32) for peer in range(8)}
    known = {"honest": states, "bases": dict.fromkeys(states, base), "colluders": COLLUDERS, "peers": 11}
    found = sight(base, base, round=round, rule=rule or Balance(), degree=6, **{**known, **fields})
    return replace(found, seat=seat)


def published(parameters: dict[str, float], seen: PeerView) -> NDArray[np.float32]:
    return choose_attack("tuned", parameters, COLLUDERS).publish(seen)


def share_mixed(parameters: dict[str, float], seen: PeerView) -> float:
    judges = choose_judges(seen, 8)
    honest = {seat: round_to_grid(state) for seat, state in seen.honest.items()}
    poison = {seat: round_to_grid(published(parameters, replace(seen, seat=seat))) for seat in COLLUDERS}
    return foretell_mixed_share(seen, judges, honest, poison)


def test_it_ends_where_typical_judges_stop_mixing_it_in() -> None:
    # So strict that a whole push is outside; x̄ itself is well inside.
    seen = seen_by(rule=Balance(gamma_milli=95, kappa_milli=0))
    bold = {"length": 30.0, "jitter": 0.0}
    assert share_mixed(bold, seen) >= 0.5
    assert share_mixed({**bold, "margin": 1.3}, seen) < 0.5
    way = published(bold, seen) - seen.centre
    assert np.dot(way, seen.step) < 0


def test_where_nobody_minds_it_takes_the_whole_push() -> None:
    seen = seen_by(rule=Undefended())
    poison = published({"length": 2.0, "jitter": 0.0}, seen)
    start = seen.centre - seen.step
    assert np.linalg.norm(poison - start) == pytest.approx(2 * compute_typical_length(seen), rel=1e-3)


def test_asleep_and_off_it_looks_like_the_mean_honest_peer() -> None:
    parameters = {"asleep": 2, "on": 1, "off": 1, "jitter": 0.0}
    attacker = chosen("tuned", parameters, COLLUDERS)
    assert [attacker.is_on(number) for number in range(1, 7)] == [False, False, True, False, True, False]
    assert np.array_equal(published(parameters, seen_by(round=4)), seen_by().centre)
    assert not np.allclose(published(parameters, seen_by(round=3)), seen_by().centre)


def test_groups_push_in_parts_of_their_own_that_add_up() -> None:
    seen = seen_by(rule=Undefended())
    parts = [published({"jitter": 0.0, "groups": 3}, replace(seen, seat=seat)) - seen.centre for seat in COLLUDERS]
    whole = published({"jitter": 0.0}, seen) - seen.centre
    assert sum(parts) == pytest.approx(3**0.5 * whole, abs=1e-5)
    assert all(np.dot(parts[i], parts[j]) == 0 for i, j in ((0, 1), (0, 2), (1, 2)))


def test_lasting_noise_is_ones_own_in_all_rounds() -> None:
    def noise(seat: int, round: int) -> NDArray[np.float32]:
        seen = seen_by(seat, rule=Undefended(), round=round)
        return published({"jitter": 0.8, "persist": 1.0, "asleep": 9}, seen) - seen.centre

    assert noise(8, 3) == pytest.approx(noise(8, 4), abs=1e-6)
    assert abs(np.dot(noise(8, 3), noise(9, 3))) < 0.1 * np.dot(noise(8, 3), noise(8, 3))


def test_the_first_direction_is_kept() -> None:
    attacker = chosen("tuned", {"direction": 1, "jitter": 0.0}, COLLUDERS)
    first = attacker.publish(seen_by(rule=Undefended()))
    turned = seen_by(rule=Undefended())
    mirrored = {seat: 2 * turned.base - state for seat, state in turned.honest.items()}
    second = attacker.publish(replace(turned, honest=mirrored))
    way = first - seen_by().base
    assert np.dot(second - turned.base, way) > 0.9 * np.dot(way, way)


def test_only_the_direction_of_turned_round_labels_spoils_the_data() -> None:
    data = (np.zeros((3, 2), np.float32), np.array([0, 1, 2]))
    assert choose_attack("tuned").data(data, 3) is data
    assert choose_attack("tuned", {"direction": 2}).data(data, 3)[1].tolist() == [2, 1, 0]


def test_a_rule_of_private_judgement_cannot_be_asked_and_is_pushed_at_full_length() -> None:
    told = seen_by(rule=Ubar())
    assert np.isfinite(published({}, told)).all()
    assert foretell_mixed_share(told, choose_judges(told, 4), {}, {}) == 1.0


def test_with_nobody_known_it_does_as_it_is_trained() -> None:
    alone = sight(np.zeros(9, np.float32), np.ones(9, np.float32), rule=Tether())
    assert np.isfinite(published({}, alone)).all()


def test_the_map_of_sketches_is_the_rules_own_and_its_transpose_fits() -> None:
    rng = np.random.default_rng(0)
    vector = rng.integers(-50, 50, SIZE).astype(np.int32)
    seeds = [bytes([judge]) * 32 for judge in range(3)]
    sketches = SketchMap(seeds, WIDTH, SIZE)
    seen = sketches.apply(vector.astype(np.float32))
    for seed, own in zip(seeds, seen, strict=True):
        assert np.array_equal(own, measure(np.zeros(SIZE, np.int32), [vector], [seed], WIDTH)[1][0][0])
    other = rng.normal(size=seen.shape).astype(np.float32)
    assert np.vdot(seen, other) == pytest.approx(np.vdot(vector, sketches.apply_transposed(other)), rel=1e-4)


def test_what_is_out_of_sight_is_not_seen_and_as_long_as_the_null_space_is_large() -> None:
    vector = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    seeds = [bytes([judge]) * 32 for judge in range(8)]
    left = project_to_null_space(vector, seeds, WIDTH)
    seen = SketchMap(seeds, WIDTH, SIZE).apply(left)
    assert np.abs(seen).max() < 0.05
    assert np.dot(left, left) / np.dot(vector, vector) == pytest.approx(1 - 8 * WIDTH / SIZE, abs=0.05)
    assert project_to_null_space(vector, [], WIDTH) is vector


def test_a_hidden_push_leaves_nothing_in_the_memory_of_the_judge() -> None:
    rule = Tether(sketch_width=WIDTH, few=0)
    seen = seen_by(rule=rule, memories={seat: JudgeMemory(bytes([seat]) * 32) for seat in range(8)})
    judge, grid = 0, {seat: round_to_grid(state) for seat, state in seen_by().honest.items()}
    lengths = []
    for parameters in ({"jitter": 0.0, "hide": 8}, {"jitter": 0.0}):
        poison = chosen("tuned", {"share": 0.01, **parameters}, COLLUDERS)
        poison._passing = lambda *_: 1.0
        neighbours = {seat: grid[seat] for seat in range(1, 8)} | {8: round_to_grid(poison.publish(seen))}
        situation = ScreeningInput(
            round_to_grid(seen.base),
            grid[0],
            neighbours,
            frozenset(neighbours),
            3,
            10,
            judge,
            memory=seen.memories[0],
        )
        trace = rule.screen(situation).memory.traces[8].values.astype(float)
        lengths.append(np.linalg.norm(trace))
    assert lengths[0] < 0.05 * lengths[1]


@pytest.mark.parametrize("parameters", [{"length": 0.0}, {"jitter": 1.0}, {"groups": 0}, {"direction": 3}])
def test_what_makes_no_sense_is_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="attack tuned"):
        choose_attack("tuned", parameters)
