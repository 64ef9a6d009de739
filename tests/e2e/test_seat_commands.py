"""Seats by command: what each prints, and the sentence where it cannot be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain.deployment.circle_file import CircleFile
from ledger.identity.network import Network
from node.cli.main import main
from node.duties.evidence import make_evidence
from node.gossip.messages import sign_announcement
from tests.support.network.local_run import WarmNetwork
from tests.support.seat_commands import BOND, Commands, Says, Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A circle of three seats, of which two are taken: seat 0 by its own key, seat 1 under the key `cold`."""
    with WarmNetwork(tmp_path_factory.mktemp("seats") / "run") as network:
        rpc = network.start_chain()
        deploy = ["deploy", "--rpc", rpc, "--out", str(network.circle_file), "--task", "digits", "--peers", "3"]
        terms = ["--degree", "2", "--bond", "1", "--dispute-bond", "0.05", "--dispute-window", "600"]
        assert main([*deploy, *terms, "--unbonding", "9999"]) == 0
        made = Scene(network)
        made.add_keys("first", "second", "cold", "fresh")
        made.join("first", "first")
        made.join("second", "cold")
        yield made


@pytest.fixture
def refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Says:
    """Run a command that must end with one sentence; returns it."""
    return Commands(scene, capsys).refused


@pytest.fixture
def prints(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Says:
    """Run a command that must end well; returns what it printed."""
    return Commands(scene, capsys).prints


def test_a_seat_is_shown_to_people_and_machines(scene: Scene, prints: Says) -> None:
    shown: dict[str, Any] = json.loads(prints("seat show 1 --json"))
    assert (shown["state"], shown["bond_wei"], shown["rotation"]) == ("held", BOND, None)
    assert (shown["peer"], shown["cold"]) == (scene.addresses["second"], scene.addresses["cold"])
    assert "bond       1" in prints("seat show 1")


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("seat show 7", None, "nobody has ever sat in seat 7: look at the seats with `folkmoot status`"),
        ("seat leave", "second", "is not the cold key of any seat: use that key's --keystore"),
        ("seat leave 0", "cold", "is not the cold key of seat 0: use that key's --keystore"),
        ("seat release 0", "fresh", "seat 0 is held: give it up first, `folkmoot seat leave 0` with its cold key"),
        ("seat rotate 1", "cold", "name the new keys with --hot and --cold, or give --cancel alone"),
        ("seat rotate 1 --cancel --hot 0x" + "12" * 20, "cold", "or give --cancel alone"),
        ("seat rotate 1 --cancel", "cold", "no rotation of seat 1's keys is under way"),
        ("seat rotate 1 --hot nowhere.json", "cold", "--hot 'nowhere.json' is no address and no keystore"),
        ("seat finish-rotation", "fresh", "is under way: announce it with `folkmoot seat rotate`"),
        ("seat withdraw", "cold", "nothing: the bond of seat 1 is 1 ETH, and it is held"),
        ("seat withdraw", "fresh", "nothing: a bond is owed to the seat's cold key once it is released"),
        ("seat restart", "fresh", "is not the cold key of any seat: use that key's --keystore"),
        ("disputes list 3", None, "there is no dispute 3: none was ever raised in this circle"),
        ("disputes vote", "fresh", "which one? `folkmoot disputes` lists them"),
        ("disputes --answer upholds", None, "--answer is for `disputes vote` alone"),
        ("invite 0x" + "12" * 20, "first", "this circle is open to whoever posts its bond"),
        ("invite 0x" + "12" * 20 + " --expires soon", "first", "--expires 'soon' is no time: give one such as 90m"),
        ("invite 0x" + "12" * 20 + " --expires 0d", "first", "--expires 0d is not in 1s..3650d"),
        ("invite somebody", "first", "ADDRESS 'somebody' is no address and no keystore that is there: give 0x"),
        (
            "invite 0x" + "5fBDB2315678afecb367f032d93F642f64180aa3",
            "first",
            "has a wrong checksum",
        ),
        ("dispute 1 0 1", "fresh", "round 1 is not settled"),
    ],
)
def test_what_cannot_be_is_a_sentence_with_a_next_step(
    refused: Says, text: str, key: str | None, said: str
) -> None:
    assert said in refused(text, key)


def test_what_is_no_evidence_is_not_reported(scene: Scene, refused: Says, tmp_path: Path) -> None:
    assert "is no evidence of an equivocation" in refused(f"report {scene.network.circle_file}", "fresh", status=3)
    assert "cannot be read" in refused(f"report {tmp_path}/nothing", "fresh", status=3)


def test_a_rotation_is_announced_shown_and_called_off(scene: Scene, prints: Says, refused: Says) -> None:
    fresh = scene.addresses["fresh"]
    assert f"gets hot key {fresh}" in prints(f"seat rotate --hot {scene.key('fresh')}", "cold")
    assert f"rotation   to {fresh}" in prints("seat show 1")
    assert "before the circle's rotation delay is over" in refused("seat finish-rotation", "fresh", status=3)
    assert "seat 1 keeps the keys it has" in prints("seat rotate --cancel", "cold")
    assert json.loads(prints("seat show 1 --json"))["rotation"] is None


def test_a_seat_given_up_is_unbonding_and_its_bond_can_still_be_lost(
    scene: Scene, prints: Says, refused: Says, tmp_path: Path
) -> None:
    said = prints("seat leave", "cold")
    assert said.startswith("leaving seat 1 burns nothing of its bond of 1 ETH. Until about")
    assert "keep its node running" in said
    assert "\nseat 1 is given up\n" in said
    assert json.loads(prints("seat show 1 --json"))["state"] == "given up"
    assert "given up, answers for what it said until" in prints("seat show 1")
    assert "seat 1 cannot be released yet: its unbonding time ends at" in refused("seat release 1", "fresh")
    assert "the bond of seat 1 is 1 ETH, and its unbonding time ends at" in refused("seat withdraw", "cold")
    file = CircleFile.read(scene.network.circle_file)
    network, author = Network.of(file.chain_id, file.contract), scene.addresses["second"]
    signed = [sign_announcement(network, scene.secret("second"), author, 0, bytes([n]) * 32) for n in (1, 2)]
    path = tmp_path / "evidence.json"
    path.write_bytes(evidence_json(network, *signed))
    reported = json.loads(prints(f"report {path} --json", "fresh"))
    assert (reported["seat"], reported["burned_wei"]) == (1, BOND)
    assert "most likely it was reported already" in refused(f"report {path}", "fresh", status=3)
    assert json.loads(prints("seat show 1 --json"))["bond_wei"] == 0


def test_a_key_whose_seat_is_gone_starts_no_node(scene: Scene, refused: Says, tmp_path: Path) -> None:
    said = refused(f"node --folder {tmp_path / 'data'}", "second", status=3)
    assert said.startswith("seat 1 of this key was ")
    assert said.endswith("to take part again, start a node with a fresh key")


def evidence_json(network: Network, *signed: Any) -> bytes:
    return msgspec.json.encode(make_evidence(network, *signed))
