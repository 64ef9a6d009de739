"""A dispute by command, from the claim to the conviction, and what each command says of it."""

import json
from collections.abc import Iterator

import pytest

from node.cli.main import main
from tests.support.network.local_run import WarmNetwork
from tests.support.seat_commands import BOND, Commands, Scene

SEATS = ("zero", "one", "two", "three", "four")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Five seats have played a round, and nobody serves the blobs of it."""
    with WarmNetwork(tmp_path_factory.mktemp("disputes") / "run") as network:
        rpc = network.start_chain()
        deploy = ["deploy", "--rpc", rpc, "--out", str(network.circle_file), "--task", "digits", "--peers", "5"]
        bonds = ["--bond", "1", "--dispute-bond", "0.05", "--dispute-window", "600", "--unbonding", "9999"]
        assert main([*deploy, "--quorum", "3", "--rounds", "200", *bonds]) == 0
        made = Scene(network)
        made.add_keys(*SEATS, "outsider")
        for name in SEATS:
            made.join(name, name)
        made.play(*SEATS)
        yield made


@pytest.fixture
def commands(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(scene, capsys)


def test_what_cannot_be_recomputed_is_not_disputed_unawares(commands: Commands) -> None:
    assert commands.prints("disputes") == "no dispute was ever raised in this circle\n"
    assert "nobody gives the circle's first state" in commands.refused("dispute 1 0 1 --timeout 1", "outsider", 3)
    assert "round 2 is not settled" in commands.refused("dispute 2 0 1", "outsider")
    assert "--timeout is above 0" in commands.refused("dispute 1 0 1 --timeout 0", "outsider")
    assert "there is no dispute 0: none was ever raised" in commands.refused("disputes resolve 0", "outsider")
    assert "name the key that pays with --keystore" in commands.refused("disputes resolve 0")


def test_a_judge_is_convicted_by_command_and_all_commands_tell(scene: Scene, commands: Commands) -> None:
    said = commands.prints("dispute 1 0 1 --anyway --timeout 1", "outsider")
    assert said.startswith("dispute 0 is raised in block ")
    for words in ("open: its jury votes until", "seat 0 falsely accepted seat 1 in round 1", "0.05 ETH pledged"):
        assert words in said
    row = json.loads(commands.prints("disputes --open --json"))["disputes"][0]
    assert (row["stage"], row["jury"], row["challenger"]) == ("jury", [2, 3, 4], scene.addresses["outsider"])
    assert "dispute 0 has claimed that already and is open" in commands.refused("dispute 1 0 1", "outsider")
    assert "no jury is to be drawn for dispute 0" in commands.refused("disputes summon 0", "outsider")
    assert "dispute 0 cannot be taken on now" in commands.refused("disputes resolve 0", "outsider")
    assert "seat 1 is not asked" in commands.refused("disputes vote 0 --answer upholds", "one")
    assert "nobody gives" in commands.refused("disputes vote 0 --timeout 1", "two", 3)
    for count, name in enumerate(("two", "three"), 1):
        assert f"jury          seats 2 to 4: {count} for" in commands.prints(
            "disputes vote 0 --answer upholds", name
        )
    assert "open: the whole circle votes until" in commands.prints("disputes resolve 0", "outsider")
    for name in ("two", "three", "four"):
        commands.prints("disputes vote 0 --answer upholds", name)
    assert "open disputes: number 0 about seat 0 (circle); see" in commands.prints("status")
    assert "upheld: the judge is convicted" in commands.prints("disputes resolve 0", "one")
    assert commands.prints("disputes --open") == "none is open, of 1 raised\n"

    row = json.loads(commands.prints("disputes list 0 --json"))["disputes"][0]
    money = [row[f"{name}_wei"] for name in ("fine", "paid", "burned", "given_back", "at_stake")]
    assert money == [BOND // 2, BOND // 8, 3 * BOND // 8, BOND // 20, 0]
    assert "convicted  once" in commands.prints("seat show 0")
    seat = json.loads(commands.prints("status --json"))["seats"][0]
    assert (seat["convictions"], seat["suspended_until"], seat["bond_wei"]) == (1, 66, BOND // 2)
    owed = json.loads(commands.prints("seat withdraw --json", "outsider"))["amount_wei"]
    assert owed == BOND // 8 + BOND // 20


def test_a_seat_starts_anew_at_a_price_that_is_told_first(commands: Commands) -> None:
    before = json.loads(commands.prints("seat show 4 --json"))["reputation"]
    assert f"from {before:.3f} to {before / 4:.3f}" in commands.refused("seat restart", "four")
    assert "is not the cold key of seat 3" in commands.refused("seat restart 3 --yes", "four")
    assert "seat 4 starts anew" in commands.prints("seat restart --yes", "four")
    after = json.loads(commands.prints("seat show 4 --json"))["reputation"]
    assert after == pytest.approx(before / 4, abs=1e-4)
