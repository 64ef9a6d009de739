"""A model's file against chain and blobs: what it is, and each way in which it can be something else."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from ledger.blobs.contents.records import state_digest
from ledger.circle.events import Restarted
from ledger.circle.manifest import Tensor
from ledger.rules.judge_memory import CarriedState
from node.duties.circle_model import BaseLacking
from node.models.model_file import encode_head, read_head, write_model_file
from node.models.search import BaseWalk, find_model
from node.models.verification import Verification, verify_model
from tests.support.histories.circles import Away, Circle, FalseCheckpoint, genesis_state
from tests.support.model_files import circle_of_three, source_of

pytestmark = pytest.mark.rule("R31")
ROUNDS = 4


@pytest.fixture(scope="module")
def circle() -> Circle:
    return circle_of_three(ROUNDS, cheats={2: Away(2, (2,))})


async def write(circle: Circle, folder: Path, number: int = ROUNDS, seat: int | None = None) -> Path:
    source = source_of(circle)
    found = await source.recompute(number, seat)
    write_model_file(path := folder / "model", source.make_facts(found), source.layout, found.state)
    return path


async def verify(circle: Circle, path: Path) -> Verification:
    return await verify_model(read_head(path), source_of(circle))


def rewrite(path: Path, **metadata: str | None) -> None:
    """The same values as the public package writes them, with some lines of the metadata other ones, or none."""
    said = {**read_head(path).metadata, **metadata}
    save_file(load_file(path), path, {name: text for name, text in said.items() if text is not None})


@pytest.mark.parametrize(("number", "seat"), [(ROUNDS, None), (2, None), (0, None), (ROUNDS, 2), (1, 0)])
async def test_what_was_taken_out_is_what_it_says(
    circle: Circle, number: int, seat: int | None, tmp_path: Path
) -> None:
    found = await verify(circle, await write(circle, tmp_path, number, seat))
    assert found.is_clean
    assert found.is_same_file
    assert found.model is not None
    assert (found.model.round, found.model.seat) == (number, seat)


async def test_the_same_model_written_by_another_tool_is_the_same_model_in_other_bytes(
    circle: Circle, tmp_path: Path
) -> None:
    rewrite(path := await write(circle, tmp_path))
    found = await verify(circle, path)
    assert (found.is_clean, found.is_same_file) == (True, False)


async def test_one_value_changed_is_named_by_its_tensor_and_how_far_it_is(circle: Circle, tmp_path: Path) -> None:
    path = await write(circle, tmp_path)
    said, values = dict(read_head(path).metadata), load_file(path)
    values["weight"][3, 4] += 2.0**-16
    save_file(values, path, said)
    found = await verify(circle, path)
    [tensor] = found.tensors
    assert (found.is_clean, found.model, found.off_grid) == (False, None, ())
    assert (tensor.name, tensor.differing, tensor.values, tensor.largest) == ("weight", 1, 5000, 2.0**-16)
    assert found.search is not None
    assert (found.search.rounds, found.search.unseen) == (ROUNDS, 0)
    values["weight"][3, 4] += 2.0**-20
    save_file(values, path, said)
    found = await verify(circle, path)
    assert (found.off_grid, found.search) == (("weight",), None)


@pytest.mark.parametrize(
    "altered",
    [
        {"contract": "0x" + "11" * 20},
        {"digest": "00" * 32, "lineage": "00" * 32},
        {"block": "9"},
        {"colour": "red"},
        {"task_name": None},
        {"seats": "0,1"},
    ],
)
async def test_metadata_that_are_not_the_models_are_named(
    circle: Circle, altered: dict[str, str | None], tmp_path: Path
) -> None:
    rewrite(path := await write(circle, tmp_path), **altered)
    found = await verify(circle, path)
    assert not found.is_clean
    assert found.model == found.claimed
    assert {line.name: line.says for line in found.metadata} == altered


@pytest.mark.parametrize(
    "said", [{"round": "3"}, {"seat": "1"}, {"round": "99"}, {"round": "x"}, {"seat": "7"}, {"seat": None}]
)
async def test_another_round_or_seat_than_its_own_is_seen_by_its_values(
    circle: Circle, said: dict[str, str | None], tmp_path: Path
) -> None:
    rewrite(path := await write(circle, tmp_path), **said)
    found = await verify(circle, path)
    assert not found.is_clean
    assert found.model is not None
    assert (found.model.round, found.model.seat) == (ROUNDS, None)
    assert set(said) <= {line.name for line in found.metadata}


async def test_weights_that_say_nothing_are_known_by_their_values(circle: Circle, tmp_path: Path) -> None:
    path = await write(circle, tmp_path, 3, 1)
    save_file(load_file(path), path)
    found = await verify(circle, path)
    assert not found.is_clean
    assert found.model is not None
    assert (found.model.round, found.model.seat, found.claimed) == (3, 1, None)


async def test_another_circles_model_is_none_of_this_ones(circle: Circle, tmp_path: Path) -> None:
    path = await write(circle_of_three(2, rule="none", rule_parameters={}), tmp_path, 2)
    found = await verify(circle, path)
    assert (found.is_clean, found.model) == (False, None)
    assert {"task", "lineage", "history", "digest"} <= {line.name for line in found.metadata}


async def test_other_tensors_than_the_circles_are_named(circle: Circle, tmp_path: Path) -> None:
    source, path = source_of(circle), await write(circle, tmp_path)
    [tensor] = source.layout
    said = read_head(path).metadata
    path.write_bytes(encode_head(said, (Tensor("bias", (50, 100), 0),)) + bytes(20_000))
    assert (await verify(circle, path)).layout == (
        "weight is not in it",
        "bias is in it, and the circle shares no such tensor",
    )
    save_file({"weight": load_file(path)["bias"].reshape(100, 50)}, path, dict(said))
    assert (await verify(circle, path)).layout == ("weight is [100, 50], and [50, 100] in the circle",)
    save_file({"weight": load_file(path)["weight"].reshape(tensor.shape).double()}, path, dict(said))
    found = await verify(circle, path)
    assert found.layout == ("weight is F64: a model is handed on as F32",)
    assert not found.is_clean


async def test_a_file_whose_model_cannot_be_recomputed_now_is_not_called_false(
    circle: Circle, tmp_path: Path
) -> None:
    path = await write(circle, tmp_path)
    lost = {circle.updates[ROUNDS, 0], *circle.checkpoints.values()}
    with pytest.raises(BaseLacking):
        await verify_model(read_head(path), source_of(circle, lost))


@pytest.mark.parametrize("rule", ["balance", "tether"])
async def test_a_walk_comes_to_the_bases_that_a_juror_comes_to(rule: str) -> None:
    parameters = {} if rule == "tether" else {"gamma_milli": 300, "kappa_milli": 500}
    circle = circle_of_three(5, rule=rule, rule_parameters=parameters, cheats={1: FalseCheckpoint(1, (3,))})
    source = source_of(circle)
    walk = BaseWalk(source, genesis_state())
    for round_ in source.history.rounds[:5]:
        bases = await walk.go_on(round_)
        assert sorted(bases) == sorted(round_.attestations)
        for seat, base in bases.items():
            found = await source.recompute(round_.number, seat)
            assert np.array_equal(found.state, base), (round_.number, seat)


async def test_a_seat_that_started_anew_goes_on_from_the_genesis() -> None:
    circle = circle_of_three(4, between={2: restart})
    source = source_of(circle)
    walk = BaseWalk(source, genesis_state())
    for round_ in source.history.rounds[:4]:
        bases = await walk.go_on(round_)
    for seat, base in bases.items():
        assert np.array_equal(base, circle.carried[seat].base)


def restart(circle: Circle) -> None:
    circle.write(Restarted(0))
    circle.carried[0] = CarriedState(genesis_state())


async def test_a_search_says_how_many_bases_it_could_not_see(circle: Circle) -> None:
    wanted = state_digest(circle.carried[1].base)
    found = await find_model(source_of(circle), wanted)
    assert found.found is not None
    assert (found.found.round, found.found.seat) == (ROUNDS, 1)
    lost = {circle.updates[1, 0]}
    seen: list[tuple[int, int]] = []
    unseen = await find_model(source_of(circle, lost), bytes(32), lambda done, of: seen.append((done, of)))
    assert (unseen.found, unseen.rounds) == (None, ROUNDS)
    assert unseen.unseen > 0
    assert seen == [(number, ROUNDS) for number in range(1, ROUNDS + 1)]


async def test_of_a_rule_that_nobody_recomputes_the_genesis_alone_is_found(tmp_path: Path) -> None:
    private = circle_of_three(2, rule="ubar", rule_parameters={})
    path = await write(private, tmp_path, 0)
    assert (await verify(private, path)).is_clean
    found = await find_model(source_of(private), bytes(32))
    assert (found.found, found.rounds) == (None, 0)
