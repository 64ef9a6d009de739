"""Processes that feed decoders, watched: one that dies or hangs is a fault of its input, and the next goes on."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from node.demo.usage import read_cpu_s
from scripts.fuzz.decoders.decoder import Decoder
from scripts.fuzz.feeding import AREA
from scripts.fuzz.tally import Keeper, Tally
from scripts.fuzz.worker import MARK
from scripts.running import tell

Piece = tuple[str, int, int]
_LOOK_S: Final = 1.0
_HANG_CPU_S: Final = 20.0
_SHARED_MEMORY: Final = Path("/dev/shm")


def plan_pieces(decoders: Sequence[Decoder], inputs: int) -> list[Piece]:
    """How many inputs each decoder gets, by its share."""
    total = sum(one.share for one in decoders)
    return [(one.name, 0, max(10, round(inputs * one.share / total))) for one in decoders]


def feed_all(decoders: Sequence[Decoder], seed: int, inputs: int, jobs: int, keeper: Keeper) -> list[Tally]:
    """Feed every decoder its share, in so many processes at a time."""
    pieces = plan_pieces(decoders, inputs)
    by_name = {one.name: one for one in decoders}
    with tempfile.TemporaryDirectory(dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None) as scratch:
        feeders = [
            _Feeder(by_name, seed, pieces[start::jobs], keeper, Path(scratch) / str(start)) for start in range(jobs)
        ]
        while sum(one.look() for one in feeders):  # each of them is looked at
            time.sleep(_LOOK_S)
    return sorted((tally for one in feeders for tally in one.tallies), key=lambda tally: tally.name)


class _Feeder:
    """One process after the other, until its pieces are fed."""

    def __init__(
        self, decoders: dict[str, Decoder], seed: int, pieces: list[Piece], keeper: Keeper, folder: Path
    ) -> None:
        self._decoders, self._seed, self._pieces, self._keeper, self._folder = (
            decoders,
            seed,
            pieces,
            keeper,
            folder,
        )
        self._found: dict[str, Tally] = {}
        self._lost: dict[str, list[str]] = {}
        self._is_done = False
        folder.mkdir()
        self._begin()

    @property
    def tallies(self) -> Iterator[Tally]:
        """Of what is fed."""
        for name, tally in self._found.items():
            tally.faults += self._lost.get(name, [])
            yield tally

    def look(self) -> bool:
        """Whether there is more to feed."""
        if self._is_done:
            return False
        if self._process.poll() is None:
            self._check_hang()
            return True
        done = self._take_told()
        self._is_done = done == len(self._pieces)
        if not self._is_done:
            self._note_death(done)
            self._begin()
        return not self._is_done

    def _begin(self) -> None:
        mark = self._folder / "mark"
        mark.write_bytes(MARK.pack(0, self._pieces[0][1]))
        plan = {"seed": self._seed, "mark": str(mark), "scratch": str(self._folder), "pieces": self._pieces}
        (self._folder / "plan").write_text(json.dumps(plan))
        self._at, self._at_cpu_s = (0, 0), 0.0
        with (self._folder / "told").open("wb") as told:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scripts.fuzz.worker", str(self._folder / "plan"), str(self._keeper.folder)],
                stdout=told,
            )

    def _take_told(self) -> int:
        """How many pieces are done."""
        lines = (self._folder / "told").read_text().splitlines()
        for line in lines:
            fields = json.loads(line)
            before = self._found.get(fields["name"])
            self._found[fields["name"]] = Tally(**fields) if before is None else _join(before, Tally(**fields))
        return len(lines)

    def _note_death(self, done: int) -> None:
        place, number = MARK.unpack((self._folder / "mark").read_bytes())
        name, _, last = self._pieces[done]
        number = number if place == done else self._pieces[done][1]
        decoder = self._decoders[name]
        tally = Tally(AREA, name)
        code = self._process.returncode
        what = f"the process died of signal {-code}" if code < 0 else f"the process ended with status {code}"
        self._keeper.keep(tally, number, decoder.make_input(self._seed, number), what)
        tell(f"{name}: {tally.faults[0]}")
        self._lost.setdefault(name, []).extend(tally.faults)
        self._pieces = [(name, number + 1, last), *self._pieces[done + 1 :]]

    def _check_hang(self) -> None:
        """One input for very long, by the process's own CPU time."""
        at, cpu_s = MARK.unpack((self._folder / "mark").read_bytes()), read_cpu_s(self._process.pid) or 0.0
        if at != self._at:
            self._at, self._at_cpu_s = at, cpu_s
        elif cpu_s - self._at_cpu_s > _HANG_CPU_S:
            self._process.kill()


def _join(one: Tally, other: Tally) -> Tally:
    return Tally(
        one.area,
        one.name,
        one.inputs + other.inputs,
        one.taken + other.taken,
        one.refused + other.refused,
        one.cpu_s + other.cpu_s,
        max(one.longest_s, other.longest_s),
        other.memory_before,
        other.memory_after,
        one.faults + other.faults,
    )
