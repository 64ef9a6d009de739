"""Of a base or model: the account of whose steps it is made of, from the chain's history and the blobs (R33).

All rounds are walked twice: judged over again, for the weights by which was mixed, as an audit does; then mixed by
these weights, to see each step. In memory is a state of each seat, as far as there is room, and never those of all
rounds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState, mix_weighted
from ledger.audit.spill import Spill
from ledger.audit.working_set import CarriedStates, Holder
from ledger.blobs.contents.records import decode_genesis, update_max_bytes
from ledger.circle.history import History, Round
from ledger.errors import PeerFault, SetupError, UsageError
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import find_base_round, find_last_settled
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
    find_lacking_blobs,
)
from ledger.judging.provenance import (
    ROUNDS_MAX,
    Account,
    MixedRound,
    Tally,
    Target,
    choose_values,
    explain_untraceable,
    find_model_holders,
    find_owners,
)
from ledger.judging.replay import digests_behind_attestation, replay
from ledger.rules import Weights
from ledger.rules.judge_memory import CarriedState

Fetch = Callable[[Mapping[bytes, int], int], Awaitable[Mapping[bytes, bytes | None]]]
"""Digest → the seat to be asked first, and the most bytes of each; gives digest → bytes, None for no blob. What
comes back may read them when it is asked. Raises Unavailable."""
Progress = Callable[[int, int], None]
_STATES_BYTES: Final = 1 << 28


@dataclass(frozen=True)
class Traced:
    """A model, and whose steps it is made of."""

    wanted: int
    """The round that was asked for."""
    round: int
    """The last one that has a part in it; 0 for the genesis."""
    seat: int | None
    """Whose base it is; None where it is the circle's model."""
    target: Target
    """The model, and whose bases it is from."""
    rounds: tuple[MixedRound, ...]
    """How all bases were made, from the first round to this one."""
    account: Account
    """Who put in what."""
    tally: Tally
    """What each owner put in, value by value."""


class Room:
    """Where a trace keeps what does not fit in memory: a temporary folder, gone in the end."""

    def __init__(self, memory_bytes: int = 1 << 30) -> None:
        self._memory_bytes, self._stack, self._rows = memory_bytes, ExitStack(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._stack.close()

    def make_carried(self) -> CarriedStates:
        """For bases and memories."""
        return CarriedStates(self._stack.enter_context(Spill[tuple[Holder, str]](self._memory_bytes // 4)))

    def make_bases(self) -> Spill[Holder]:
        """For bases."""
        return self._stack.enter_context(Spill[Holder](self._memory_bytes // 4))

    def allocate(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """int64 zeros, in a file where they are many."""
        if 8 * int(np.prod(shape)) <= self._memory_bytes // 2:
            return np.zeros(shape, np.int64)
        folder = self._stack.enter_context(TemporaryDirectory(prefix="folkmoot-"))
        return np.memmap(Path(folder, "sums"), np.int64, "w+", shape=shape)


def check_traceable(history: History, number: int | None, seat: int | None, *, by_verdicts: bool = False) -> int:
    """The round that is meant: the one named, else the last settled one. Raises UsageError, SetupError.

    by_verdicts: nothing but the chain is looked at, so that the rule does not matter.
    """
    last = find_last_settled(history)
    wanted = last if number is None else number
    if not 0 <= wanted <= last:
        raise UsageError(f"there is no model of round {wanted}: the rounds settled in this circle are 0..{last}")
    reason = None if by_verdicts else explain_untraceable(history.manifest.rule)
    if wanted > ROUNDS_MAX and not by_verdicts:
        raise SetupError(f"no account of more than {ROUNDS_MAX} rounds: name an earlier --round, or see --verdicts")
    if reason is not None:
        raise SetupError(f"no account of shares under rule {history.manifest.rule}: {reason}")
    if seat is not None and find_base_round(history, wanted, seat) is None:
        raise UsageError(
            f"seat {seat} had no base of its own up to round {wanted}: name a seat that attested, or a later round"
        )
    return wanted


async def trace(
    history: History,
    network: bytes,
    number: int,
    seat: int | None,
    fetch: Fetch,
    room: Room,
    progress: Progress | None = None,
) -> Traced:
    """The account of a seat's base after a settled round, or of the circle's model of that round where it is None.

    network: 32 bytes. progress: of rounds walked. Raises UsageError, SetupError as `check_traceable`, Unavailable
    where a blob is not to be had.
    """
    check_traceable(history, number, seat)
    genesis = await _fetch_genesis(history, fetch)
    holders, last = _find_holders(history, number, seat)
    walk = _Walk(history, network, genesis, fetch, room, last, progress)
    rounds, bases = await walk.recompute(holders)
    target = await asyncio.to_thread(_make_target, genesis, holders, bases)
    owners = find_owners(history, last)
    tally = await asyncio.to_thread(Tally, target, genesis, rounds, owners, room.allocate)
    await walk.sum_up(rounds, tally)
    account = await asyncio.to_thread(tally.account)
    # [REJECT] R33.4: what rounding left is within its bound.
    assert account.residual <= account.bound
    return Traced(number, last, seat, target, tuple(rounds), account, tally)


def _find_holders(history: History, number: int, seat: int | None) -> tuple[tuple[Holder, ...], int]:
    """Whose bases are accounted for, none for the genesis, and the last round that matters."""
    if seat is not None:
        round_ = find_base_round(history, number, seat)
        assert round_ is not None
        return ((seat, round_.begun[seat]),), round_.number
    found = find_model_holders(history, number)
    return ((), 0) if found is None else (found[1], found[0].number)


def _make_target(genesis: GridState, holders: tuple[Holder, ...], bases: list[GridState]) -> Target:
    if not holders:
        return Target(genesis, ())
    return Target(bases[0], holders) if len(holders) == 1 else choose_values(holders, bases)


async def _fetch_genesis(history: History, fetch: Fetch) -> GridState:
    manifest = history.manifest
    blob = (await fetch({manifest.genesis_digest: 0}, update_max_bytes(manifest)))[manifest.genesis_digest]
    try:
        if blob is None:
            raise SetupError("no blob can be made of what the circle names as its genesis")
        return decode_genesis(blob, manifest)
    except PeerFault as fault:
        raise SetupError(f"the circle's genesis is invalid: {fault}") from fault


@dataclass
class _Walk:
    """Through all rounds up to the last one that matters."""

    history: History
    network: bytes
    genesis: GridState
    fetch: Fetch
    room: Room
    last: int
    progress: Progress | None
    task: CircleTask = field(init=False)

    def __post_init__(self) -> None:
        states = StateCache(self.genesis, _STATES_BYTES)
        self.task = CircleTask(self.history.manifest, self.network, states)

    async def recompute(self, holders: Iterable[Holder]) -> tuple[list[MixedRound], list[GridState]]:
        """By which weights each judge mixed in each round, and the bases after the last one."""
        carried, start = self.room.make_carried(), CarriedState(self.genesis)
        rounds = []
        for round_ in self.history.rounds[: self.last]:
            needed: dict[int, bytes] = {}
            for judge in round_.attestations:
                needed |= digests_behind_attestation(round_, judge)
            held = await self._fetch_updates(round_, needed)
            mixings = await asyncio.to_thread(self._judge, round_, carried, start, held)
            rounds.append(MixedRound(round_.number, dict(round_.begun), mixings))
            self._tell(round_.number)
        found = [carried.get(holder, start) for holder in holders]
        assert all(one is not None for one in found)
        return rounds, [one.base for one in found if one is not None]

    def _tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, 2 * self.last)

    def _judge(
        self, round_: Round, carried: CarriedStates, start: CarriedState, held: HeldBlobs
    ) -> dict[int, Weights]:
        mixings = {}
        for judge in sorted(round_.attestations):
            holder = (judge, round_.begun[judge])
            try:
                screened = replay(self.history, self.task, round_, judge, carried.get(holder, start), held)
            except BlobMissing as lacking:
                raise Unavailable(lacking.digest, {"": str(lacking)}) from lacking
            except PeerFault:
                # R15: its own update is none, so its base stays as it was.
                carried.put(holder, carried.get(holder, start))
                continue
            assert screened.weights is not None
            carried.put(holder, screened.carried)
            mixings[judge] = screened.weights
        return mixings

    async def sum_up(self, rounds: Iterable[MixedRound], tally: Tally) -> None:
        """Show the tally every step that has a part in its target."""
        bases = self.room.make_bases()
        for mixed in rounds:
            round_ = self.history.rounds[mixed.number - 1]
            seats = set(mixed.mixings)
            for weights in mixed.mixings.values():
                seats |= {seat for seat, weight in weights.others.items() if weight}
            held = await self._fetch_updates(round_, {seat: round_.commits[seat] for seat in seats})
            await asyncio.to_thread(self._mix, round_, mixed, seats, held, bases, tally)
            self._tell(self.last + mixed.number)

    def _mix(
        self,
        round_: Round,
        mixed: MixedRound,
        seats: set[int],
        held: HeldBlobs,
        bases: Spill[Holder],
        tally: Tally,
    ) -> None:
        states = {}
        for seat in seats:
            links = find_frame_chain(self.history, round_, seat)
            fetched = FetchedUpdate(links, held, round_.tenures[seat])
            states[seat] = decode_public_state(fetched, self.task).state
            if tally.needs((mixed.number, seat)):
                tally.add((mixed.number, seat), states[seat] - self._read_base(bases, mixed.find_holder(seat)))
        after = {}
        for seat, weights in mixed.mixings.items():
            others = [other for other, weight in weights.others.items() if weight]
            mixing = [
                self._read_base(bases, mixed.find_holder(seat)),
                states[seat],
                *map(states.__getitem__, others),
            ]
            shares = [weights.base, weights.own, *map(weights.others.__getitem__, others)]
            after[mixed.find_holder(seat)] = mix_weighted(mixing, shares)
        for holder, base in after.items():
            bases.put(holder, base.tobytes())

    def _read_base(self, bases: Spill[Holder], holder: Holder) -> GridState:
        return np.frombuffer(bases.get(holder), np.int32) if holder in bases else self.genesis

    async def _fetch_updates(self, round_: Round, needed: Mapping[int, bytes]) -> HeldBlobs:
        held, limit = HeldBlobs(), update_max_bytes(self.history.manifest)
        wanted = {digest: seat for seat, digest in needed.items()}
        while wanted:
            held.add(await self.fetch(wanted, limit))
            wanted = find_lacking_blobs(self.history, round_, needed, held, self.task.states)
        return held
