"""What `folkmoot trace` prints of a circle's account, and its pictures."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.audit.tracing import Room, trace
from ledger.circle.events import Moved
from node.cli.model_lines import describe_verification
from node.cli.trace_lines import (
    Reach,
    Told,
    cut_spans,
    describe_account,
    describe_inclusion,
    describe_reach,
    describe_verdicts,
    find_reach,
    make_fields,
    make_verdict_fields,
    sum_parts,
)
from node.cli.trace_picture import draw_graph, find_parts
from node.duties.circle_model import ModelState
from node.models.metadata import MARK, REMAINDER
from node.models.model_file import UnusableFile, read_head
from node.models.removing import remove_part, write_remainder
from node.models.verification import Verification, compare_metadata
from tests.support.histories.circles import GENESIS_ROOT, NETWORK, Away, Circle, FalseJudge, Honest, Poisoner
from tests.support.histories.moments import history_of, settled
from tests.support.model_files import source_of

pytestmark = pytest.mark.rule("R33.6")


def circle_of(cheats: Mapping[int, Honest], rounds: int = 3, **about: Any) -> Circle:
    return Circle(
        seats=4,
        rounds=rounds,
        rule="balance",
        rule_parameters={"gamma_milli": 900, "kappa_milli": 0},
        genesis=GENESIS_ROOT.hex(),
        codec="int8-zstd",
        cheats=cheats,
        **about,
    )


async def told_of(circle: Circle, seat: int | None = None, number: int | None = None) -> Told:
    source, last = source_of(circle), len(circle.updates and {n for n, _ in circle.updates})
    wanted = last if number is None else number
    with Room() as room:
        traced = await trace(source.history, NETWORK.domain_separator, wanted, seat, source.fetch, room)
    seats = tuple(one for one, _ in traced.target.holders)
    facts = source.make_facts(ModelState(traced.round, traced.seat, seats, traced.target.model))
    return Told(77, source.history, traced, facts)


@pytest.fixture(scope="module")
def poisoned() -> Circle:
    """Seat 3 poisons and all reject it; seat 1 is away in round 1."""
    return circle_of({3: Poisoner(3), 1: Away(1, (1,))})


async def test_the_account_fits_80_columns_and_says_each_share(poisoned: Circle) -> None:
    told = await told_of(poisoned)
    lines = describe_account(told)
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "the circle's model after round 3" in text
    assert "seat 3   nobody's" in text
    [row] = [line.split() for line in lines if line.startswith("   3  0x")]
    assert row[2:] == ["0", "0.0000", "0", "0.0", "%"]
    assert "seat 2   seat 0 from round 1; seats 1, 3 from round 2" in text


async def test_a_rejected_poisoner_is_excluded_and_another_included_with_its_rounds(poisoned: Circle) -> None:
    told = await told_of(poisoned)
    assert any(line.strip() == "excluded: none of its 3 updates is in it" for line in describe_inclusion(told, 3))
    included = describe_inclusion(told, 1)
    assert any(line.strip().startswith("included: 2 of its 2 updates") for line in included)
    assert not any(line.split()[:1] == ["1"] for line in included)


async def test_machines_are_told_the_same(poisoned: Circle) -> None:
    told = await told_of(poisoned, seat=0)
    fields = make_fields(told)
    assert (fields["round"], fields["seat"], fields["bases"]) == (3, 0, [{"seat": 0, "values": 5000}])
    by_seat = {peer["seat"]: peer for peer in fields["peers"]}
    assert [row["round"] for row in by_seat[1]["rounds"]] == [2, 3]
    assert by_seat[3]["updates"] == 0
    assert by_seat[3]["rounds"] == []
    assert sum(peer["of_the_way"] for peer in fields["peers"]) == pytest.approx(1, abs=1e-3)
    assert fields["reached"]["3"] == {"mixed_from": {}, "accepted_from": {}}
    assert fields["residual"] <= fields["residual_bound"]


async def test_a_verdict_that_hides_a_mixing_is_shown_to_be_false() -> None:
    circle = circle_of({seat: FalseJudge(seat, 2, (1, 2, 3)) for seat in (0, 1, 3)})
    told = await told_of(circle)
    reach = find_reach(told, 2)
    assert reach.accepted == {}
    assert set(reach.mixed) == {0, 1, 3}
    assert reach.hidden == [0, 1, 3]
    assert any("by no verdict on chain" in line for line in describe_inclusion(told, 2))


async def test_by_the_chain_alone_whom_nobody_accepted_is_in_nothing(poisoned: Circle) -> None:
    history = poisoned.history()
    fields = make_verdict_fields(history, 3, [0, 3], None)
    assert fields["seats"]["3"]["accepted_from"] == {}
    assert fields["seats"]["0"]["may_be_in_it"]
    # Its own base, which it attested in good standing or not, has its updates.
    assert make_verdict_fields(history, 3, [3], 3)["seats"]["3"]["may_be_in_it"]
    assert not make_verdict_fields(history, 3, [3], 0)["seats"]["3"]["may_be_in_it"]
    assert any(
        "its updates are not in the base of seat 0" in line for line in describe_verdicts(history, 3, [3], 0)
    )


def test_a_reach_among_many_seats_is_told_in_number_and_fits_80_columns() -> None:
    mixed = {seat: 1 + seat % 7 % 3 for seat in range(0, 200, 2)}
    lines = describe_reach("seat 1   ", Reach(mixed, {}))
    assert all(len(line) <= 80 for line in lines)
    assert sum(int(line.split(" seats")[0].split()[-1]) for line in "\n".join(lines).split(";")) == 100
    assert describe_reach("seat 1   ", Reach({2: 3, 4: 3}, {2: 1, 4: 1})) == ["seat 1   seats 2, 4 from round 3"]


def test_rounds_are_cut_into_few_spans_of_one_length() -> None:
    assert cut_spans(3) == [(1, 1), (2, 2), (3, 3)]
    assert cut_spans(500)[0] == (1, 84)
    for last in range(40):
        spans = cut_spans(last)
        assert [number for first, end in spans for number in range(first, end + 1)] == list(range(1, last + 1))
        assert len(spans) <= 6


@pytest.mark.rule("R33.7")
async def test_a_model_without_a_seat_is_the_rest_and_no_model_of_the_circle(
    poisoned: Circle, tmp_path: Path
) -> None:
    told = await told_of(poisoned)
    model, part = told.traced.target.model, sum_parts(told, 0)
    left = remove_part(model, part)
    assert np.array_equal(left + part, model)
    assert np.array_equal(remove_part(model, sum_parts(told, 3)), model)
    path = tmp_path / "rest.safetensors"
    data = write_remainder(path, told.facts, 0, told.history.manifest.layout, left)
    assert path.read_bytes() == data
    head = read_head(path)
    assert head.metadata[MARK] == REMAINDER
    assert (head.metadata["of_digest"], head.metadata["without"]) == (told.facts.digest.hex(), "0")
    values = np.concatenate([head.read_values(one.name).reshape(-1) for one in told.history.manifest.layout])
    assert np.array_equal(values * 65536, left)
    with pytest.raises(UnusableFile, match="trace --without` left of a model"):
        head.read_facts()
    found = Verification(None, told.facts, compare_metadata(head.metadata, told.facts))
    said = describe_verification(path, head.metadata, {"contract": "0xab", "chain_id": 7}, found)
    assert said[0].startswith(f"none     {path} says to be what `folkmoot trace --without` left of")
    assert f"--round {told.facts.round} --without 0 --out" in said[1]
    assert len(said) == 2


@pytest.mark.parametrize(("rounds", "of"), [(3, 1), (3, None), (33, 0)])
async def test_a_picture_has_each_seat_and_is_the_same_each_time(
    rounds: int, of: int | None, tmp_path: Path
) -> None:
    told = await told_of(circle_of({3: Away(3, range(2, 9))}, rounds))
    for name in ("one.svg", "two.svg", "three.png"):
        draw_graph(tmp_path / name, told, of)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "three.png").read_bytes().startswith(b"\x89PNG")
    said = "".join(ET.fromstring((tmp_path / "one.svg").read_text()).itertext())
    assert all(f"seat {seat}" in said for seat in range(4))
    assert f"after round {rounds}" in said


async def test_what_follows_from_a_seat_is_marked_from_the_round_on_that_it_was_mixed(poisoned: Circle) -> None:
    told = await told_of(poisoned)
    parts, reach = find_parts(told, 0), find_reach(told, 0)
    for seat, number in reach.mixed.items():
        assert {n for n, other in parts if other == seat} == set(range(number + 1, 4))
    assert find_parts(told, None) == {}


def test_who_sits_in_a_seat_now_is_told_with_what_it_calls_itself() -> None:
    place = "wss://127.0.0.1:1 http://127.0.0.1:1 name="
    history = history_of(*settled(0, 1, 2, 3), Moved(1, f"{place}Nord"), Moved(2, f"{place}seat%203"))
    names = Told(9, history, None, None).find_names()
    assert {owner: name.describe() for owner, name in names.items()} == {(1, 1): '"Nord"'}
    history.seats[1].tenure = 2
    assert list(Told(9, history, None, None).find_names()) == [(1, 2)]
