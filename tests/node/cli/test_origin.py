"""A manifest's origin: told, and checked by recomputing the earlier circle's model."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain.deployment.circle_file import CircleFile
from ledger.circle.manifest import Manifest, Origin
from ledger.errors import SetupError, UsageError
from node.blobs.store import BlockStore
from node.cli.earlier_circle import open_earlier
from node.cli.node_start import tell_origin
from node.cli.origin import OriginCheck, check_origin, describe_origin, make_origin_fields
from node.opened_circle import OpenCircle
from tests.support.histories.circles import GENESIS_ROOT, NETWORK, Circle
from tests.support.model_files import serve_from

pytestmark = pytest.mark.rule("R31")
EARLIER, THIS = "0x5FbDB2315678afecb367f032d93F642f64180aa3", "0x" + "22" * 20
ROUNDS, CHAIN = 2, 31337


class File(msgspec.Struct):
    """Of a circle."""

    contract: str = EARLIER
    chain_id: int = CHAIN
    rpc: str | None = None


class OnChain(msgspec.Struct):
    """A circle's name."""

    network: Any = NETWORK


@pytest.fixture(scope="module")
def circle() -> Circle:
    """The earlier one: three seats, two rounds."""
    return Circle(seats=3, rounds=ROUNDS, genesis=GENESIS_ROOT.hex(), codec="int8")


def goes_on(circle: Circle, genesis: str, **fields: Any) -> Manifest:
    """The manifest of a circle whose founder says that it starts from round 2 of the earlier one."""
    origin = Origin(chain_id=CHAIN, contract=EARLIER.lower(), round=ROUNDS)
    return msgspec.structs.replace(circle.manifest, genesis=genesis, **({"origin": origin} | fields))


def serve(monkeypatch: pytest.MonkeyPatch, circle: Circle, lost: Collection[bytes] = ()) -> None:
    """The earlier circle, and gateways that have its blobs but these."""
    opened = OpenCircle(File(), OnChain(), circle.history(), 77)
    serve_from(monkeypatch, "node.cli.origin", circle, lost)
    monkeypatch.setattr("node.cli.origin.open_earlier", lambda *_: opened)


def options_of(data: Path | None = None) -> argparse.Namespace:
    return argparse.Namespace(check_origin=Path("circle.json"), folder=data, rpc=None, patience=20.0, ipfs_api=None)


def check(manifest: Manifest, data: Path | None = None) -> OriginCheck:
    return check_origin(options_of(data), manifest, File(contract=THIS), 1.0)


def test_the_model_that_a_founder_names_is_equal_and_any_other_state_is_not(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    other = check(goes_on(circle, "00" * 32))
    assert not other.is_equal
    assert other.describe() == (
        f"not equal: the model after round 2 of circle {EARLIER.lower()} on chain {CHAIN} has the digest"
        f" {other.found}, and this circle's genesis has {'00' * 32}: it starts from another state than its founder"
        " says"
    )
    same = check(goes_on(circle, other.found))
    assert same.is_equal
    assert same.describe().startswith(
        "equal: recomputed from chain and blobs, the model after round 2 of circle 0x5f"
    )
    assert same.as_fields() == {
        "is_equal": True, "genesis": other.found, "recomputed": other.found, "bases_of": [0, 1, 2],
    }  # fmt: skip


def test_the_genesis_of_the_earlier_circle_is_an_origin_too(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    origin = Origin(chain_id=CHAIN, contract=EARLIER.lower(), round=0)
    found = check(goes_on(circle, GENESIS_ROOT.hex(), origin=origin))
    assert (found.is_equal, found.seats) == (True, ())
    assert describe_origin(origin) == (
        f"this circle starts from the genesis of circle {EARLIER.lower()} on chain {CHAIN}, by what its founder"
        " says"
    )
    assert make_origin_fields(origin) == {"chain_id": CHAIN, "contract": EARLIER.lower(), "round": 0}
    assert make_origin_fields(None) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "aa"}, "aa is in this circle's alone"),
        ({"shape": (3, 7)}, r"is \[3, 7\] here and \["),
        ({"exponent": -5}, r"counts in units of 2\^-5 here and of 2\^"),
    ],
)
def test_a_layout_that_differs_is_refused_before_anything_is_fetched(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], says: str
) -> None:
    serve(monkeypatch, circle, circle.blobs)
    *others, last = circle.manifest.layout
    layout = (*others, msgspec.structs.replace(last, **change))
    with pytest.raises(SetupError, match=says):
        check(goes_on(circle, "00" * 32, layout=layout))
    if "name" in change:
        with pytest.raises(SetupError, match=f"{last.name} is in the origin's alone"):
            check(goes_on(circle, "00" * 32, layout=tuple(others)))


def test_a_round_that_the_earlier_circle_has_not_is_refused(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    origin = Origin(chain_id=CHAIN, contract=EARLIER.lower(), round=ROUNDS + 1)
    with pytest.raises(SetupError, match="is round 3 of a circle whose last settled round is 2"):
        check(goes_on(circle, "00" * 32, origin=origin))


def test_the_file_of_another_circle_or_a_circle_without_an_origin_is_a_matter_of_usage(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    elsewhere = Origin(chain_id=CHAIN, contract="0x" + "33" * 20, round=1)
    with pytest.raises(UsageError, match=f"the origin is 0x{'33' * 20} on chain {CHAIN}: name that one's file"):
        check(goes_on(circle, "00" * 32, origin=elsewhere))
    with pytest.raises(UsageError, match="names no origin"):
        check(circle.manifest)


def test_what_a_former_member_has_in_its_folder_need_not_be_fetched(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = circle.updates[ROUNDS, 1]
    serve(monkeypatch, circle, {lost})
    manifest = goes_on(circle, "00" * 32)
    with pytest.raises(
        SetupError, match=r"cannot be checked now: the base of seat 0 .* try again when more of its"
    ):
        check(manifest)
    blob = circle.blobs[lost]
    assert blob is not None
    BlockStore(tmp_path / "blobs").put(blob)
    assert check(manifest, tmp_path).seats == (0, 1, 2)


def test_a_node_says_where_the_circle_comes_from_and_joins_none_that_starts_elsewhere(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, circle)
    told = list[dict[str, Any]]()

    def tell(manifest: Manifest, file: Path | None) -> list[str]:
        told.clear()
        options = options_of()
        options.check_origin = file
        tell_origin(options, manifest, File(contract=THIS), told.append)
        return [one["kind"] for one in told]

    wrong = goes_on(circle, "00" * 32)
    assert tell(circle.manifest, None) == []
    assert tell(wrong, None) == ["origin"]
    assert "by what its founder says; --check-origin FILE, that circle's file, checks it" in told[0]["says"]
    assert told[0]["round"] == ROUNDS
    with pytest.raises(SetupError, match=r"origin not equal: .*; this node takes no part in it"):
        tell(wrong, Path("circle.json"))
    right = goes_on(circle, check(wrong).found)
    assert tell(right, Path("circle.json")) == ["origin", "origin_checked"]
    assert told[1]["is_equal"] is True


def test_no_circle_is_its_own_earlier_one_and_one_elsewhere_needs_an_endpoint(tmp_path: Path) -> None:
    path = tmp_path / "circle.json"
    CircleFile(
        chain_id=CHAIN, contract=EARLIER, block=1, transaction="0x", code_hash="0x", task="0x", terms={}, rpc=None
    ).write(path)
    with pytest.raises(UsageError, match=r"--privacy-after .*: that is this circle itself: name the file of the"):
        open_earlier(options_of(), path, File(contract=EARLIER.lower()), "--privacy-after")
    with pytest.raises(UsageError, match=r"the file names no endpoint: write one of chain 31337 into it, as rpc"):
        open_earlier(options_of(), path, File(chain_id=1), "--privacy-after")
