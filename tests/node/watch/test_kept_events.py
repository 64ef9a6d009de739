"""A page opened again shows what a new one would, whatever became of its file, and asks little if that is whole."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.circle import Circle as ReadCircle
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Committed
from node.watch import event_log, kept_events
from node.watch.kept_events import KeptEvents, open_kept
from node.watch.source import LiveSource
from node.watch.spool import EventFile
from tests.support.circle_endpoint import FIRST_BLOCK, drawn_seed
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import digest
from tests.support.watched_chain import Growing, Line

ROUNDS = 4
FILE = Path("watch") / f"{NETWORK.chain_id}-{NETWORK.contract.lower()}" / "events"


class Asked(Line):
    """Notes from which blocks logs were asked for."""

    def __init__(self, endpoint: Growing) -> None:
        super().__init__(endpoint)
        self.begun: list[int] = []

    def make_request(self, method: str, parameters: list[Any]) -> Any:
        if method == "eth_getLogs":
            self.begun.append(int(parameters[0]["fromBlock"], 16))
        return super().make_request(method, parameters)


@pytest.fixture(autouse=True)
def _keep_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "KEPT_ROUNDS", 1)


@pytest.fixture
def circle() -> Circle:
    return Circle(rounds=ROUNDS, seed_of=drawn_seed)


def look(line: Line, kept: KeptEvents | None) -> LiveSource:
    source = LiveSource(ReadCircle(line.rpc(), NETWORK.contract), FIRST_BLOCK, line.rpc(), kept=kept)
    source.look()
    return source


def tell(source: LiveSource) -> object:
    log = source.view.log
    columns = {name: log.table.column(name).tolist() for name in log.table.columns}
    return [log.list_round(number) for number in range(log.rounds + 1)], log.list_rare(), columns, log.changes


def fill(cache: Path, chain: Growing) -> object:
    """Open a page and close it; returns what it told."""
    kept = open_kept(cache, NETWORK)
    assert kept is not None
    told = tell(look(Line(chain), kept))
    kept.close()
    return told


def reopen(cache: Path, chain: Growing) -> tuple[object, list[int]]:
    """What a page tells that finds the file, and from which blocks it asked for logs."""
    kept, line = open_kept(cache, NETWORK), Asked(chain)
    assert kept is not None
    told = tell(look(line, kept))
    kept.close()
    return told, line.begun


def test_a_page_opened_again_asks_for_the_newest_alone(circle: Circle, tmp_path: Path) -> None:
    chain = Growing(circle)
    told = fill(tmp_path, chain)
    again, begun = reopen(tmp_path, chain)
    assert again == told == tell(look(Line(chain), None))
    assert min(begun) > FIRST_BLOCK


def test_what_came_meanwhile_is_there_too(circle: Circle, tmp_path: Path) -> None:
    chain = Growing(circle)
    chain.shown -= 8
    fill(tmp_path, chain)
    before = (tmp_path / FILE).read_bytes()
    chain.shown += 8
    assert reopen(tmp_path, chain)[0] == tell(look(Line(chain), None))
    assert (tmp_path / FILE).read_bytes().startswith(before)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.999])
def test_a_page_killed_while_it_wrote_leaves_what_was_whole(
    circle: Circle, tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Growing(circle)
    told, file = fill(tmp_path, chain), tmp_path / FILE
    whole = file.read_bytes()
    os.truncate(file, int(share * len(whole)))
    assert reopen(tmp_path, chain)[0] == told
    assert file.read_bytes() == whole
    # Of a file that a kill left empty nothing was lost.
    assert ("they are read from the chain again" in caplog.text) is (share > 0)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.2, 0.5, 0.99])
def test_a_bit_that_fell_over_is_found_and_said(
    circle: Circle, tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Growing(circle)
    told, file = fill(tmp_path, chain), tmp_path / FILE
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[int(share * len(whole))] ^= 4
    file.write_bytes(changed)
    assert reopen(tmp_path, chain)[0] == told
    assert file.read_bytes() == whole
    assert caplog.text.count("they are read from the chain again") == 1
    caplog.clear()
    assert reopen(tmp_path, chain)[0] == told
    assert "kept events" not in caplog.text


def test_what_somebody_else_wrote_there_with_all_digests_right_is_thrown_away(
    circle: Circle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Growing(circle)
    told = fill(tmp_path, chain)
    forger = open_kept(tmp_path, NETWORK)
    assert forger is not None
    pieces = list(forger.read(lambda _: True))
    forger.discard("to be written otherwise")
    for number, piece in enumerate(pieces):
        forger.put(number, [forge(entry) for entry in piece])
    forger.close()
    caplog.clear()
    again, begun = reopen(tmp_path, chain)
    assert again == told
    assert FIRST_BLOCK in begun
    assert "kept events thrown away" in caplog.text
    assert reopen(tmp_path, chain)[1][0] > FIRST_BLOCK


def forge(entry: PlacedEvent) -> PlacedEvent:
    """The same but for one commit's digest."""
    event = entry.event
    if isinstance(event, Committed) and (event.round, event.seat) == (1, 2):
        event = Committed(1, 2, digest("forged"))
    return PlacedEvent(entry.position, entry.block_hash, entry.transaction, event)


@pytest.mark.parametrize("from_event", [0, 3, 12, 30])
def test_a_chain_that_was_reorganised_meanwhile_is_believed(
    circle: Circle, tmp_path: Path, from_event: int
) -> None:
    chain = Growing(circle)
    fill(tmp_path, chain)
    chain.other_from = from_event
    # A draw follows from its block's hash, so only what lies before the first one can be the same.
    redraw(circle, chain)
    assert reopen(tmp_path, chain)[0] == tell(look(Line(chain), None))


def redraw(circle: Circle, chain: Growing) -> None:
    """Tell the story up to where the new blocks' hashes draw something else."""
    chain.shown = min(chain.shown, next(i for i, event in enumerate(circle.events) if hasattr(event, "seed")))


def test_another_circles_file_and_one_of_another_form_are_begun_anew(circle: Circle, tmp_path: Path) -> None:
    chain = Growing(circle)
    told, file = fill(tmp_path, chain), tmp_path / FILE
    whole = file.read_bytes()
    for place in (15, 20):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        again, begun = reopen(tmp_path, chain)
        assert again == told
        assert min(begun) == FIRST_BLOCK
        assert file.read_bytes() == whole


def test_on_a_full_disk_the_page_goes_on_and_the_next_one_too(
    circle: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, write = Growing(circle), EventFile.write
    left = [2]

    def fail(file: EventFile, data: bytes, begin: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            write(file, data[: len(data) // 2], begin)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, data, begin)

    monkeypatch.setattr(EventFile, "write", fail)
    told = fill(tmp_path, chain)
    assert left[0] < 0
    monkeypatch.setattr(EventFile, "write", write)
    assert reopen(tmp_path, chain)[0] == told
    assert reopen(tmp_path, chain)[0] == told


def test_of_two_pages_one_writes_and_both_show_the_same(circle: Circle, tmp_path: Path) -> None:
    chain = Growing(circle)
    told = fill(tmp_path, chain)
    first, second = open_kept(tmp_path, NETWORK), open_kept(tmp_path, NETWORK)
    assert first is not None
    assert second is not None
    whole = (tmp_path / FILE).read_bytes()
    line = Asked(chain)
    assert tell(look(line, second)) == told
    assert min(line.begun) > FIRST_BLOCK
    assert (tmp_path / FILE).read_bytes() == whole
    assert tell(look(Line(chain), first)) == told
    first.close()
    second.close()


def test_a_view_reads_its_rounds_also_after_the_file_was_thrown_away(circle: Circle, tmp_path: Path) -> None:
    chain, kept = Growing(circle), open_kept(tmp_path, NETWORK)
    assert kept is not None
    source = look(Line(chain), kept)
    told = tell(source)
    kept.discard("a test wants it")
    assert tell(source) == told


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert open_kept(tmp_path / "open", NETWORK) is None
    assert "name another folder with --cache" in caplog.text


def test_only_the_owner_reads_what_is_kept(circle: Circle, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    fill(cache, Growing(circle))
    assert (cache / FILE).stat().st_mode & 0o077 == 0
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (cache, cache / "watch", (cache / FILE).parent))


def test_the_circles_looked_at_longest_ago_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_events, "FILE_MAX_BYTES", 100)
    monkeypatch.setattr(kept_events, "FOLDER_MAX_BYTES", 300)
    names = [f"1-0x{age:040x}" for age in range(3)]
    for age, name in enumerate(names):
        age_folder(tmp_path / "watch" / name, age)
    kept = open_kept(tmp_path, NETWORK)
    assert kept is not None
    kept.close()
    assert {one.name for one in (tmp_path / "watch").iterdir()} == {*names[:2], FILE.parent.name}


def age_folder(folder: Path, age: int) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "events").write_bytes(bytes(90))
    os.utime(folder, (1000 - age, 1000 - age))


def test_making_room_leaves_what_is_not_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_events, "FOLDER_MAX_BYTES", 0)
    place, elsewhere = tmp_path / "watch", tmp_path / "elsewhere"
    age_folder(place / "photographs", 3)
    age_folder(elsewhere, 2)
    (place / f"1-0x{1:040x}").symlink_to(elsewhere)
    age_folder(place / f"1-0x{2:040x}", 1)
    (place / f"1-0x{2:040x}" / "letter").write_text("mine")
    age_folder(place / f"1-0x{3:040x}", 0)
    (place / f"1-0x{3:040x}" / "events.new").symlink_to("nowhere")
    kept = open_kept(tmp_path, NETWORK)
    assert kept is not None
    kept.close()
    left = {place / "photographs" / "events", elsewhere / "events", place / f"1-0x{2:040x}" / "letter"}
    assert all(one.exists() for one in left)
    assert not (place / f"1-0x{3:040x}").exists()


def test_a_file_that_is_as_large_as_it_may_be_stays_so(
    circle: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Growing(circle)
    fill(tmp_path, chain)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).unlink()
    monkeypatch.setattr(kept_events, "FILE_MAX_BYTES", len(whole) // 2)
    told = fill(tmp_path, chain)
    assert (tmp_path / FILE).stat().st_size <= len(whole) // 2
    assert reopen(tmp_path, chain)[0] == told
