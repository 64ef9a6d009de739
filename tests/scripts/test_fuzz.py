"""A few inputs that nobody meant for everything that is fed by the million, and what counts as a fault."""

import random
import time
from pathlib import Path

import pytest

from scripts.fuzz import areas
from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.decoders import list_decoders
from scripts.fuzz.decoders.decoder import Decoder
from scripts.fuzz.feeding import feed
from scripts.fuzz.live.rounds import run_batch
from scripts.fuzz.tally import Keeper, Tally, parse_kept
from tests.support.stand_ins import as_any

FEW = 25


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> list[Decoder]:
    return list_decoders(tmp_path_factory.mktemp("fuzz"))


def feed_few(decoder: Decoder, folder: Path, count: int = FEW) -> Tally:
    return feed(decoder, 7, range(count), Keeper(folder / "kept"))


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_raised_that_is_not_said_to_be(decoders: list[Decoder], tmp_path: Path) -> None:
    faults = [fault for decoder in decoders for fault in feed_few(decoder, tmp_path).faults]
    assert faults == []


def test_every_sample_is_taken(decoders: list[Decoder]) -> None:
    for decoder in decoders:
        assert decoder.samples
        decoder.read(decoder.samples[0])


def test_the_same_seed_gives_the_same_inputs_and_another_one_others(decoders: list[Decoder]) -> None:
    for decoder in decoders:
        inputs = [decoder.make_input(1, number) for number in range(6)]
        assert inputs == [decoder.make_input(1, number) for number in range(6)]
        assert inputs != [decoder.make_input(2, number) for number in range(6)]


def test_an_exception_that_was_not_foreseen_is_a_fault_and_its_input_is_kept(tmp_path: Path) -> None:
    decoder = Decoder("made up", (b"0123456789",), lambda data: {48: 1}[data[0]], (IndexError,))
    tally = feed_few(decoder, tmp_path, 100)
    assert tally.taken + tally.refused + len(tally.faults) == 100
    assert "KeyError" in tally.faults[0]
    assert "--replay" in tally.faults[0]
    kept = min((tmp_path / "kept").iterdir())
    assert parse_kept(kept) == ("decoders", "made up")
    with pytest.raises(KeyError):
        decoder.read(kept.read_bytes())


def test_an_input_that_takes_more_than_a_second_of_cpu_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.5])
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    tally = feed_few(Decoder("slow", (b"a",), len, ()), tmp_path, 1)
    assert [fault.partition(" (")[0] for fault in tally.faults] == ["took 1.5 s"]


def test_changes_change_nothing_but_a_copy_and_stay_bounded() -> None:
    sample = bytes(range(100))
    found = [mutate_bytes(random.Random(number), sample, [sample]) for number in range(500)]
    assert sample == bytes(range(100))
    assert len(set(found)) > 400
    assert max(map(len, found)) <= 1 << 18


@pytest.mark.parametrize("area", ["gossip", "gateway"])
def test_a_live_server_takes_what_nobody_meant_and_goes_on_answering(area: str, tmp_path: Path) -> None:
    (tally,) = areas.feed(area, 7, 150, Keeper(tmp_path))
    assert tally.faults == []
    assert tally.inputs >= 150
    assert tally.taken > 0


def test_a_server_that_fails_is_a_fault() -> None:
    class Failing:
        is_alive, cpu_s = True, 0.0

        def take_complaints(self) -> list[str]:
            return ["Traceback"]

    class Client:
        def say(self, data: bytes) -> int:
            return len(data)

        def probe(self) -> None:
            pass

        def hear(self) -> tuple[int, list[str]]:
            return 1, ["answered b'HTTP/1.1 500 '"]

    tally = Tally("gateway", "http")
    found = run_batch(as_any(Failing()), as_any(Client()), [b"12", b"3"], tally)
    assert found == ["answered b'HTTP/1.1 500 '", "Traceback"]
    assert (tally.inputs, tally.taken) == (3, 1)
