"""What `folkmoot deploy --fork-from` takes over, which round it takes, and what it says."""

import argparse
from collections.abc import Collection
from typing import Any

import msgspec
import pytest

from ledger.circle.manifest import Manifest, Origin
from ledger.errors import SetupError, UsageError
from node.cli import deploy
from node.cli.forking import Fork, Forked, choose_round, open_fork, recompute_fork, take_over
from node.duties.circle_model import CircleModel
from node.opened_circle import OpenCircle
from tests.support.histories.circles import GENESIS_ROOT, NETWORK, Away, Circle
from tests.support.histories.parts import manifest_of
from tests.support.model_files import serve_from
from tests.support.privacy import TERMS
from tests.support.stand_ins import as_any

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ROUNDS = 4
LATE = 2


class File(msgspec.Struct):
    """Where the earlier circle is."""

    contract: str = CONTRACT
    chain_id: int = 31337
    rpc: str | None = None


class OnChain(msgspec.Struct):
    """A circle's name."""

    network: Any = NETWORK


def parse(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    deploy.add_parser(parser.add_subparsers())
    return parser.parse_args(["deploy", *options])


def fork_of(history: Any, wanted: int = ROUNDS, before: int | None = None) -> Fork:
    return Fork(OpenCircle(File(), OnChain(), history, 77), wanted, before)


def fork_with(manifest: Manifest) -> Fork:
    class Told:
        def __init__(self) -> None:
            self.manifest = manifest

    return fork_of(Told())


@pytest.fixture(scope="module")
def circle() -> Circle:
    """Four seats, four rounds; seat 2 begins in round 3."""
    return Circle(
        seats=4, rounds=ROUNDS, genesis=GENESIS_ROOT.hex(), codec="int8", cheats={LATE: Away(LATE, (1, 2))}
    )


def serve(monkeypatch: pytest.MonkeyPatch, circle: Circle, lost: Collection[bytes] = ()) -> None:
    """Gateways that have all of a circle's blobs but these."""
    serve_from(monkeypatch, "node.cli.forking", circle, lost)


def test_without_a_fork_all_options_are_as_they_usually_are() -> None:
    options = parse("--skew", "0.5")
    assert open_fork(options) is None
    take_over(options, None)
    assert (options.task, options.skew, options.samples, options.seed) == ("auto", 0.5, 1000, 0)
    assert (options.rule, options.rule_parameter, options.codec) == ("tether", [], "int8-zstd")
    assert (options.rounds, options.degree, options.checkpoint_every) == (10, 4, 16)


def test_what_is_not_given_is_as_it_was_in_the_earlier_circle() -> None:
    made_with = {"skew": 0.25, "seed": 3, "samples": 60}
    manifest = manifest_of(12, 3, task="digits", task_options=made_with, codec="delta", checkpoint_every=4)
    options = parse("--rounds", "30", "--seed", "4")
    take_over(options, fork_with(manifest))
    assert (options.task, options.skew, options.samples, options.seed) == ("digits", 0.25, 60, 4)
    assert (options.rule, sorted(options.rule_parameter)) == ("balance", ["gamma_milli=300", "kappa_milli=500"])
    assert (options.codec, options.rounds, options.degree, options.checkpoint_every) == ("delta", 30, 3, 4)


def test_another_rule_has_its_own_parameters() -> None:
    options = parse("--rule", "tether")
    take_over(options, fork_with(manifest_of(3, task="digits")))
    assert (options.rule, options.rule_parameter) == ("tether", [])


def test_the_file_of_a_task_that_is_not_built_in_has_to_be_named() -> None:
    with pytest.raises(UsageError, match="trains tiny, which is not built in: name its file with --task"):
        take_over(parse(), fork_with(manifest_of(3)))
    options = parse("--task", "mine.py:Mine")
    take_over(options, fork_with(manifest_of(3)))
    assert options.task == "mine.py:Mine"


@pytest.mark.parametrize("option", ["--after", "--before", "--fork-rpc"])
def test_what_goes_with_a_fork_asks_for_one(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} goes with --fork-from"):
        open_fork(parse(option, "1"))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [((), ROUNDS), (("--after", "1"), 1), (("--after", "0"), 0), (("--before", "2"), 2), (("--before", "0"), 0)],
)
def test_the_round_is_the_last_the_named_or_the_one_before_a_seats_first_update(
    circle: Circle, options: tuple[str, ...], wanted: int
) -> None:
    assert choose_round(parse(*options), circle.history()) == wanted


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--after", "5"), r"the rounds settled in that circle are 0\.\.4"),
        (("--after", "-1"), r"the rounds settled in that circle are 0\.\.4"),
        (("--before", "7"), "published nothing in that circle"),
    ],
)
def test_a_round_that_is_none_is_refused(circle: Circle, options: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        choose_round(parse(*options), circle.history())


@pytest.mark.rule("R31")
def test_the_report_names_circle_round_bases_digest_and_whom_the_seat_reached(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    forked = recompute_fork(fork_of(circle.history(), wanted=2, before=LATE), 1.0)
    assert forked.origin == Origin(chain_id=31337, contract=CONTRACT.lower(), round=2)
    lines = forked.describe()
    assert lines[0] == f"from     {CONTRACT} on chain 31337, as of block 77: its model after round 2"
    assert lines[1] == "bases    the lower median of those of 3 seats: 0, 1, 3"
    assert lines[2] == f"genesis  {forked.digest}"
    assert lines[3].startswith("left     seat 2, first update in round 3; ")
    assert len(lines) == 4
    fields = forked.as_fields()
    assert (fields["round"], fields["bases_of"], fields["before"]) == (2, [0, 1, 3], LATE)
    assert fields["reached_after"] == {str(seat): number for seat, number in forked.reached.items()}


@pytest.mark.rule("R31")
def test_a_seat_that_was_there_from_the_first_round_leaves_the_genesis_alone(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    forked = recompute_fork(fork_of(circle.history(), wanted=0, before=0), 1.0)
    assert forked.digest == circle.manifest.genesis
    said = "\n".join(forked.describe())
    assert "as of block 77: its genesis\n" in said
    assert "seat 0 published in round 1, and before that there is the genesis alone" in said


@pytest.mark.rule("R31")
def test_a_blob_that_nobody_serves_is_named_with_seat_and_round(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle, {circle.updates[ROUNDS, 1]})
    with pytest.raises(SetupError) as caught:
        recompute_fork(fork_of(circle.history()), 1.0)
    said = str(caught.value)
    assert "the base of seat 0 after round 4 cannot be recomputed" in said
    assert "of the update of seat 1 in round 4, " in said
    assert said.endswith("nothing was deployed")


def test_where_the_earlier_circle_had_privacy_terms_what_was_spent_there_is_to_be_counted() -> None:
    def told(**fields: Any) -> str:
        manifest = manifest_of(ROUNDS, **fields)
        return "\n".join(Forked(fork_with(manifest), CircleModel(4, (0,), b""), "00", {}).describe())

    assert "folkmoot node --privacy-after FILE" in told(privacy=TERMS)
    assert "--privacy-after" not in told()


def test_a_fork_shows_who_was_reached_by_round() -> None:
    fork = fork_of(as_any(fork_with(manifest_of(ROUNDS)).opened.history), wanted=2, before=5)
    reached = Forked(fork, CircleModel(2, (0, 1), b""), "00", {0: 4, 1: 3, 3: 4}).describe()[-1]
    assert reached == (
        "left     seat 5, first update in round 3; those who accepted it, or who accepted them:"
        " 1 after round 3; 0, 3 after round 4"
    )
