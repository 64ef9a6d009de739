"""What a peer's store takes on disk over a long circle, with and without --archive: a simulated circle's real blobs.

python -m scripts.bench.disk --rounds 1000 --peers 6
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.circle.history import CircleTerms, History
from ledger.circle.members import Seat
from ledger.judging.frame_chains import MAX_CHAIN, CircleTask, HeldBlobs, StateCache
from ledger.judging.replay import replay
from node.blobs.store import BlockStore
from node.simulator.blobs import make_network
from node.simulator.engine import LocalEngine
from node.simulator.scenario import Scenario
from node.simulator.simulation import SimulatedRound, simulate
from node.state.retention import Retention


def main() -> None:
    """Print one line every so many rounds: what is kept, and what would be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--peers", type=int, default=6)
    parser.add_argument("--degree", type=int, default=4)
    parser.add_argument("--task", default="breast-cancer")
    parser.add_argument("--codec", default="delta")
    parser.add_argument("--every", type=int, default=100, help="rounds between two lines")
    options = parser.parse_args()
    scenario = Scenario(
        task=options.task,
        peers=options.peers,
        rounds=options.rounds,
        degree=options.degree,
        samples=50,
        codec=options.codec,
        records=True,
        skew=0.0,
        # Whoever is watched stays to the end.
        eject_after=0,
        evaluate_every=options.rounds,
    )
    with TemporaryDirectory() as folder:
        watch = Watch(scenario, Path(folder), options.every)
        simulate(scenario, watch=watch)


class Watch:
    """Stores what seat 0 would, twice: with deletion and without."""

    def __init__(self, scenario: Scenario, folder: Path, every: int) -> None:
        self._scenario, self._every, self._folders = scenario, every, (folder / "kept", folder / "archive")
        self._kept, self._archive = (BlockStore(one) for one in self._folders)
        self._retention, self._history = (
            Retention(self._kept),
            History(CircleTerms(2, 2, scenario.rounds, 2, 3, scenario.reputation_floor)),
        )
        self._states: StateCache | None = None
        self._earlier: dict[bytes, bytes | None] = {}
        self._seconds = 0.0

    def __call__(self, lap: SimulatedRound) -> None:
        """Take a round in."""
        history, turn = self._history, lap.turns[0]
        if self._states is None:
            self._states = StateCache(turn.carried.base)
            history.task_manifest = LocalEngine(self._scenario).manifest
            history.seats = {seat: Seat("", [], "", "", 0, 1) for seat in range(self._scenario.peers)}
        history.rounds.append(lap.round)
        # A frame hangs on what the store has; it is read from there.
        blobs = {one.digest: one.blob for one in lap.exchange.fetched.values()}
        held = HeldBlobs(blobs)
        held.add(self._earlier)
        self._earlier |= blobs
        while len(self._earlier) > (MAX_CHAIN + 1) * self._scenario.peers:
            del self._earlier[next(iter(self._earlier))]
        states = self._states
        again = replay(
            history,
            CircleTask(history.manifest, make_network(self._scenario), states),
            lap.round,
            0,
            turn.carried,
            held,
        )
        assert again.record_digest == lap.round.attestations[0].record
        judged = lap.round.attestations[0].judged | 1
        had = [blob for seat, one in lap.exchange.fetched.items() if judged >> seat & 1 and (blob := one.blob)]
        for blob in [*had, *again.blobs]:
            self._kept.put(blob)
            self._archive.put(blob)
        number = lap.round.number
        if number % 16 == 0:
            began = time.perf_counter()
            self._retention.delete(history, 0)
            self._seconds += time.perf_counter() - began
        if number % self._every == 0:
            kept, archive = (_bytes_of(one) for one in self._folders)
            size = len(again.checkpoint or b"")
            print(
                f"round {number:5}: {kept[0] / 1e6:7.2f} MB in {kept[1]:6} files; all: {archive[0] / 1e6:7.2f} MB in "
                f"{archive[1]:6} files; deleting took {self._seconds:.2f} s so far; checkpoint {size} bytes",
                flush=True,
            )


def _bytes_of(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in folder.glob("blocks/*/*")]
    return sum(sizes), len(sizes)


if __name__ == "__main__":
    main()
