"""An audit that keeps what it goes by: the bundle gives the same report without a network, or is refused."""

import asyncio
import copy
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.bundle.car_file import CarFile, encode_header, encode_section
from ledger.audit.bundle.names import BadBundle
from ledger.audit.findings import Report
from ledger.audit.reopening import audit_bundle, open_bundle
from ledger.audit.run import EVERYTHING, Scope
from ledger.audit.saving import PART, SizeEstimate, audit_and_save
from ledger.blobs.unixfs import build_dag
from ledger.chain.rpc.patience import EndpointPatience
from ledger.circle.events import Moved, Settled
from ledger.errors import SetupError, UsageError
from ledger.fetch.fetcher import BlockCache, Unavailable
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Endpoint, drawn_seed
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle, FalseJudge
from tests.support.histories.parts import digest, endpoint

pytestmark = pytest.mark.rule("R32")

NOW = 1_800_000_000
LIAR, LOST = 4, 3


class Killed(Exception):
    """The process ends here."""


class Gateways:
    """In the place of a fetcher: hands out blobs block by block, and puts the blocks where they are kept."""

    def __init__(self, blobs: Mapping[bytes, bytes | None]) -> None:
        self.blobs, self.asked = blobs, list[bytes]()
        self.stop_after: int | None = None

    async def __aenter__(self) -> "Gateways":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def fetch(self, root: bytes, _gateways: Any, *, cache: BlockCache, **_: Any) -> bytes:
        if root not in self.blobs:
            self.asked.append(root)
            raise Unavailable(root, {"http://gateway.example": "status 404", "http://other.example": "stalled"})
        blob = self.blobs[root]
        assert blob is not None
        blocks = list(build_dag(blob).blocks())
        if any(cache.read_block(block.digest) is None for block in blocks):
            if self.stop_after == len(self.asked):
                raise Killed
            self.asked.append(root)
        for block in blocks:
            cache.put_block(block.digest, block.data)
        return blob


@pytest.fixture(name="circle", scope="module")
def _circle() -> Circle:
    """Five peers; one says the opposite of what the rule gives, and of another an update is lost."""
    between = {1: lambda circle: circle.write(Moved(2, endpoint(77)))}
    return Circle(
        rounds=3,
        genesis=GENESIS_ROOT.hex(),
        seed_of=drawn_seed,
        cheats={LIAR: FalseJudge(LIAR, 0, (1, 2, 3))},
        between=between,
    )


def younger(circle: Circle) -> Circle:
    """The same circle once its second round was settled."""
    before = copy.copy(circle)
    settled = [isinstance(event, Settled) and event.round == 2 for event in circle.events].index(True)
    before.events = circle.events[: settled + 1]
    return before


def blobs_of(circle: Circle, *, lost: tuple[int, int] | None = (2, LOST)) -> dict[bytes, bytes | None]:
    held: dict[bytes, bytes | None] = {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
    if lost is not None:
        del held[circle.updates[lost]]
    return held


@pytest.fixture(name="save")
def _save(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Report, list[bytes]]]:
    """Audit a circle into a bundle. Returns the report, and what the gateways were asked for."""

    def run(
        path: Path, circle: Circle, gateways: Gateways | None = None, **options: Any
    ) -> tuple[Report, list[bytes]]:
        held = gateways or Gateways(blobs_of(circle))
        rpc = Endpoint(circle, options.pop("lies", None)).rpc()
        rpc.patience = EndpointPatience(fault_s=0.6, catch_up_s=0.0)
        monkeypatch.setattr("ledger.audit.saving.connect", lambda *_, **__: rpc)
        monkeypatch.setattr("ledger.audit.saving.BlobFetcher", lambda *_, **__: held)
        report, _ = audit_and_save(
            [URL], NETWORK.contract, path, **{"read_at_s": NOW, "tell": lambda _: None, **options}
        )
        return report, held.asked

    return run


def reopen(path: Path, scope: Scope = EVERYTHING) -> Report:
    bundle, _ = open_bundle(path, None)
    with bundle:
        return asyncio.run(audit_bundle(bundle, scope=scope))


def test_a_bundle_gives_the_report_that_the_endpoint_gave(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    online, _ = save(tmp_path / "b.car", circle)
    assert {(found.check, found.seat) for found in online.findings} >= {("A3", LOST), ("A5", LIAR)}
    assert (online.endpoint, online.read_at_s, online.head_time_s) == (
        "endpoint.example",
        NOW,
        1_700_000_000 + FIRST_BLOCK + len(circle.events) - 1,
    )
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)
    assert not (tmp_path / ("b.car" + PART)).exists()


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path, circle: Circle, save: Callable[..., Any]) -> None:
    save(tmp_path / "one.car", circle)
    save(tmp_path / "two.car", circle)
    assert (tmp_path / "one.car").read_bytes() == (tmp_path / "two.car").read_bytes()


def test_a_bundle_is_audited_without_any_connection(
    tmp_path: Path, circle: Circle, save: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    online, _ = save(tmp_path / "b.car", circle)
    real = socket.socket

    def no_socket(family: int = socket.AF_INET, *rest: Any, **more: Any) -> socket.socket:
        # An event loop's own pair wakes it up, and leads nowhere.
        assert family == socket.AF_UNIX, "a bundle is audited without a network"
        return real(family, *rest, **more)

    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was made"))
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)


def test_a_killed_save_goes_on_with_what_it_has(tmp_path: Path, circle: Circle, save: Callable[..., Any]) -> None:
    gateways = Gateways(blobs_of(circle))
    gateways.stop_after = 6
    with pytest.raises(ExceptionGroup):
        save(tmp_path / "b.car", circle, gateways)
    assert not (tmp_path / "b.car").exists()
    part = tmp_path / ("b.car" + PART)
    part.write_bytes(part.read_bytes() + b"\x80\x05 half a block")
    again = Gateways(blobs_of(circle))
    online, asked = save(tmp_path / "b.car", circle, again)
    assert not set(asked) & set(gateways.asked) & set(again.blobs)
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)
    save(tmp_path / "whole.car", circle)
    assert (tmp_path / "b.car").read_bytes() == (tmp_path / "whole.car").read_bytes()


def test_an_older_bundle_is_added_to_and_only_what_is_new_is_fetched(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", younger(circle))
    told: list[SizeEstimate] = []
    queries: list[int] = []

    def note(parameters: list[dict[str, str]], logs: Any) -> Any:
        queries.append(int(parameters[0]["fromBlock"], 16))
        return logs

    online, asked = save(tmp_path / "b.car", circle, tell=told.append, lies={"eth_getLogs": note})
    assert min(queries) == FIRST_BLOCK + len(younger(circle).events)
    lost = circle.updates[2, LOST]
    assert set(asked) == {lost, *(circle.updates[3, seat] for seat in range(5))}
    assert (told[0].updates, told[0].held) == (15, 9)
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)


def test_what_was_lost_once_and_is_there_now_is_in_the_bundle_now(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", circle)
    online, asked = save(tmp_path / "b.car", circle, Gateways(blobs_of(circle, lost=None)))
    assert asked == [circle.updates[2, LOST]]
    assert {found.seat for found in online.findings} == {LIAR}
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)


def test_a_bundle_with_any_block_altered_is_refused_and_the_place_named(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", circle)
    whole = (tmp_path / "b.car").read_bytes()
    with CarFile(tmp_path / "b.car") as car:
        sections = [encode_section(name, car.read(name)) for name in car]
        at = len(encode_header(car.roots))
    assert at + sum(map(len, sections)) == len(whole)
    for section in sections:
        at += len(section)
        altered = bytearray(whole)
        altered[at - 1] ^= 1
        (tmp_path / "altered.car").write_bytes(altered)
        with pytest.raises(BadBundle, match=r"altered\.car is altered at byte"):
            open_bundle(tmp_path / "altered.car", None)


def test_a_bundle_without_any_one_of_its_blocks_is_refused(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", circle)
    with CarFile(tmp_path / "b.car") as car:
        blocks, roots = [(name, car.read(name)) for name in car], car.roots
    for left_out in blocks:
        raw = b"".join(encode_section(*block) for block in blocks if block is not left_out)
        (tmp_path / "less.car").write_bytes(encode_header(roots) + raw)
        with pytest.raises(BadBundle, match=r"less\.car"):
            reopen(tmp_path / "less.car")


def test_another_circles_bundle_is_not_added_to(tmp_path: Path, circle: Circle, save: Callable[..., Any]) -> None:
    save(tmp_path / "b.car", circle)
    with pytest.raises(SetupError, match="is of the circle"):
        audit_and_save([URL], "0x" + "12" * 20, tmp_path / "b.car", read_at_s=NOW, tell=lambda _: None)


def test_a_bundle_of_a_chain_that_went_another_way_is_not_added_to_and_stays_as_it_is(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", younger(circle))
    before = (tmp_path / "b.car").read_bytes()
    head = FIRST_BLOCK + len(younger(circle).events) - 1

    def forked(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        return {**block, "hash": "0x" + digest("fork").hex()} if int(parameters[0], 16) == head else block

    with pytest.raises(SetupError, match="went another way"):
        save(tmp_path / "b.car", circle, lies={"eth_getBlockByNumber": forked})
    assert (tmp_path / "b.car").read_bytes() == before


def test_another_block_than_the_readers_is_refused(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", circle)
    with pytest.raises(BadBundle, match="of another chain"):
        open_bundle(tmp_path / "b.car", "0x" + "12" * 32)


def test_rounds_that_a_bundle_does_not_go_back_to_are_refused(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    online, _ = save(tmp_path / "b.car", circle, scope=Scope(first=2))
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)
    with pytest.raises(UsageError, match="begins with round 2"):
        reopen(tmp_path / "b.car", Scope(first=1))
    with pytest.raises(UsageError, match="without --from"):
        save(tmp_path / "b.car", circle, scope=Scope(first=1))


def test_a_sample_is_drawn_again_as_it_was(tmp_path: Path, circle: Circle, save: Callable[..., Any]) -> None:
    online, _ = save(tmp_path / "b.car", circle, scope=Scope(sample=4, seed=77))
    assert online.sample_seed == 77
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)
    with pytest.raises(UsageError, match="holds a sample of 4"):
        reopen(tmp_path / "b.car", Scope(sample=2))


def test_a_sample_that_a_block_drew_is_drawn_by_that_block(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    block = FIRST_BLOCK + len(circle.events) - 2
    online, _ = save(tmp_path / "b.car", circle, scope=Scope(sample=4, seed_block=block))
    assert online.sample_block == block
    assert asdict(reopen(tmp_path / "b.car")) == asdict(online)


def test_a_history_that_is_not_the_contracts_leaves_nothing_to_keep(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    report, asked = save(tmp_path / "b.car", circle, lies={"history": lambda *_: bytes(24)})
    assert [found.check for found in report.findings] == ["A2"]
    assert asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scope", [Scope(first=3), Scope(sample=3, seed=5)])
def test_fewer_rounds_than_a_bundle_has_give_the_report_of_these_rounds(
    tmp_path: Path, circle: Circle, save: Callable[..., Any], scope: Scope
) -> None:
    save(tmp_path / "b.car", circle)
    online, _ = save(tmp_path / "fewer.car", circle, scope=scope)
    assert asdict(reopen(tmp_path / "b.car", scope)) == asdict(online)


def test_a_checkpoint_that_fewer_rounds_need_and_the_bundle_has_not_is_said_and_accuses_nobody(
    tmp_path: Path, circle: Circle, save: Callable[..., Any]
) -> None:
    save(tmp_path / "b.car", circle)
    with pytest.raises(ExceptionGroup) as raised:
        reopen(tmp_path / "b.car", Scope(first=2))
    assert raised.group_contains(BadBundle, match="without --from and --sample")
