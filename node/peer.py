"""One peer, wired: chain, gossip, gateway, store, training and the round they serve."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from ledger.chain.circle import Circle
from ledger.chain.rpc import ChainUnreachable, RpcFault
from ledger.chain.sender import NoFunds, NoReceipt, Reverted, Sender
from ledger.endpoints import Endpoint
from ledger.errors import SetupError
from ledger.exact import State
from ledger.history import PATIENCE_WINDOWS, History, Phase, Round
from ledger.records import update_max_bytes
from ledger.reputation import FULL
from ledger.screening import Fetched, Screened, screen
from node.follower import Follower
from node.learner import Learner, genesis_blob
from node.meter import Meter
from node.recovery import Recovery, confirmed
from node.rounds import Step, duty_rank, next_step
from node.services import Listening, Services
from node.state import PeerState, PendingCommit, StateFile
from node.tasks.interface import Task
from node.testing.attacks import Behaviour
from node.testing.faults import FailAt
from node.training import Layout, Trainer, check_layout, initial_state, layout_of

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_WAIT_S: Final = 1.0
_DUTY_STEP_S: Final = 3.0
_DEADLINE_AFTER_S: Final = 3.0
_CHAIN_RETRY_S: Final = 2.0
# Part of the attest window that fetching may take; the rest is for screening and the transaction.
_EXCHANGE_SHARE: Final = 0.5
_MIN_BALANCE_WEI: Final = 10**15

Event = dict[str, Any]


@dataclass(frozen=True)
class PeerConfig:
    """Where a peer keeps its data and listens.

    seat: join only when this seat is the next free one, so that who sits where is known. fail_at: for tests.
    """

    data_dir: Path
    listening: Listening = field(default_factory=Listening)
    seat: int | None = None
    fail_at: FailAt | None = None


class Peer:
    """A member of one circle. `run` joins if need be and goes on until the circle is finished or it is cancelled.

    report is called with one event a call: joined, round, finished. Raises SetupError where it cannot go on.
    """

    def __init__(
        self,
        config: PeerConfig,
        circle: Circle,
        first_block: int,
        key: bytes,
        task: Task,
        behaviour: Behaviour,
        report: Callable[[Event], None],
    ) -> None:
        self._config, self._circle, self._key, self._task = config, circle, key, task
        self._behaviour, self._report = behaviour, report
        self._meter = Meter()
        self._network = circle.network.domain_separator
        self._follower = Follower(
            circle, Sender(circle.rpc, key, circle.network.chain_id), first_block, self._meter
        )
        self._address = self._follower.sender.address
        config.data_dir.mkdir(parents=True, exist_ok=True)
        self._state_file = StateFile(config.data_dir / "state.bin")
        # Training, encoding, screening and evaluating: off the event loop, one at a time.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="learner")
        self._next_base: tuple[int, State] | None = None
        self._phase: tuple[int, Phase, bool] | None = None
        self._phase_since = 0.0
        self._deadline_s: int | None = None
        self._due_since: float | None = None
        self._telling: asyncio.Task[None] | None = None
        self._lap_started = time.monotonic()
        self._bytes_before = self._gas_before = 0

    @property
    def _history(self) -> History:
        return self._follower.history

    # ---------------------------------------------------------------------------------------------- life

    async def run(self, stay: bool) -> None:
        """Take part until the end. stay: keep serving blobs after the last round."""
        services: Services | None = None
        try:
            await self._follower.follow()
            self._check_task()
            services = self._services = Services(
                self._config.data_dir,
                self._circle.network,
                self._key,
                lambda: self._history,
                self._behaviour,
                self._meter,
            )
            endpoint = await services.start(self._config.listening)
            await self._take_seat(endpoint)
            services.refresh()
            await self._prepare()
            await self._live()
            self._report({"event": "finished", "round": self._circle.parameters.last_round})
            while stay:
                await self._follow(_WAIT_S)
                await asyncio.sleep(_WAIT_S)
        finally:
            if self._telling is not None:
                self._telling.cancel()
            if services is not None:
                await services.close()
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._follower.close()

    def _check_task(self) -> None:
        layout = self._history.manifest.layout
        check_layout(layout_of(self._task.model()), [name for name, _ in layout], [shape for _, shape in layout])

    async def _take_seat(self, endpoint: Endpoint) -> None:
        balance = await self._follower.balance_wei()
        if balance < _MIN_BALANCE_WEI:
            raise NoFunds(
                f"account {self._address} holds {balance / 10**18:.6f} ETH, too little to take part: fund it, "
                f"on a local test chain with `folkmoot keys fund {self._address}`"
            )
        seat = self._history.seat_of(self._address)
        try:
            if seat is None:
                await self._wait_for_turn()
                await self._follower.call("join", endpoint.text)
            elif self._history.seats[seat].endpoints[-1] != endpoint.text:
                await self._follower.call("move", endpoint.text)
        except Reverted as error:
            raise SetupError(
                f"the circle does not take this peer ({error.reason}): ask its members for another circle file"
            ) from error
        await self._follower.follow()
        seat = self._history.seat_of(self._address)
        assert seat is not None
        self._seat = seat
        _log.info("seated seat=%d address=%s endpoint=%s", seat, self._address, endpoint.text)
        self._report({"event": "joined", "seat": seat, "address": self._address, "endpoint": endpoint.text})

    async def _wait_for_turn(self) -> None:
        wanted = self._config.seat
        if wanted is not None and len(self._history.seats) > wanted:
            raise SetupError(f"seat {wanted} is taken: leave out --seat to take the next free one")
        while wanted is not None and len(self._history.seats) < wanted:
            await self._follower.follow(_WAIT_S)

    async def _prepare(self) -> None:
        """Data, genesis and state: everything the first round needs."""
        manifest = self._history.manifest
        layout = Layout(tuple(n for n, _ in manifest.layout), tuple(s for _, s in manifest.layout))
        seats = max(self._circle.parameters.start_seats, self._seat + 1)
        seed = int(manifest.task_options.get("seed", 0))

        def load() -> tuple[Learner, bytes]:
            with self._meter.section("training"):
                trainer = Trainer(
                    self._task, layout, seat=self._seat, seats=seats, seed=seed, behaviour=self._behaviour
                )
                learner = Learner(trainer, manifest, self._behaviour, seed * 1000 + self._seat, self._meter)
                return learner, genesis_blob(initial_state(self._task, seed))

        self._learner, own_genesis = await self._work(load)
        services = self._services
        recovery = Recovery(self._history, self._network, self._seat, services.store, services.exchange)
        genesis = await recovery.genesis(own_genesis)
        services.pin(services.store.get(manifest.genesis_digest, update_max_bytes(manifest)))
        self._state = await recovery.state(genesis, self._state_file)

    # -------------------------------------------------------------------------------------------- rounds

    async def _live(self) -> None:
        await self._follow(0.0)
        while True:
            late_s = await self._late_s()
            patience_s = PATIENCE_WINDOWS * self._circle.attest_window_s
            step = next_step(self._history, self._seat, overdue=late_s > 0, lapsed=late_s > patience_s)
            if step == Step.DONE:
                break
            try:
                await self._do(step)
            except (Reverted, NoReceipt) as error:
                # Most often another peer was faster or the phase closed: what the chain says next decides.
                _log.info("call not taken reason=%s", error)
                await self._follow(_WAIT_S)
            except (ChainUnreachable, RpcFault) as error:
                _log.warning("no answer from the chain, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)
        if self._telling is not None:
            await self._telling

    async def _do(self, step: Step) -> None:
        """One step, and then a look at what the chain has new."""
        round_ = self._history.round
        wait_s = 0.0
        if step == Step.COMMIT and round_ is not None:
            await self._commit(round_)
        elif step == Step.EXCHANGE and round_ is not None:
            await self._attest(round_)
        elif step == Step.WAKE:
            await self._follower.call("wake")
        elif step in (Step.ADVANCE, Step.SETTLE) and round_ is not None:
            wait_s = await self._chore(step, round_)
        else:
            wait_s = _WAIT_S
        await self._follow(wait_s)

    async def _commit(self, round_: Round) -> None:
        number, state = round_.number, self._state
        self._fail_at(number, "train")
        digest = self._held_commit(number)
        if digest is None:
            author = self._history.seats[self._seat].author
            prepared = await self._work(
                lambda: self._learner.prepare(self._network, number, author, state.base, state.residual)
            )

            def keep() -> bytes:
                with self._meter.section("blobs"):
                    # R5: sealed until the commit phase has closed, so that nobody can copy it.
                    return self._services.store.put(prepared.blob, sealed=True)

            digest = await self._work(keep)
            await self._save(replace(state, commit=PendingCommit(number, digest, prepared.residual)))
        self._fail_at(number, "commit")
        await self._follower.call("commit", number, digest)

    async def _attest(self, round_: Round) -> None:
        number, manifest = round_.number, self._history.manifest
        await self._publish(round_)
        self._fail_at(number, "exchange")
        neighbours = await self._services.exchange.collect(
            self._history,
            round_,
            round_.neighbours(manifest.degree)[self._seat],
            max_bytes=update_max_bytes(manifest),
            budget_s=self._circle.attest_window_s * _EXCHANGE_SHARE,
        )
        screened = await self._work(lambda: self._screen(round_, neighbours))
        self._services.pin(screened.record)
        self._next_base = (number, screened.next_base)
        self._fail_at(number, "attest")
        accepted = self._behaviour.verdicts(screened.judged, screened.accepted)
        await self._follower.call("attest", number, screened.judged, accepted, screened.record_digest)
        if self._telling is not None:
            await self._telling
        self._telling = asyncio.create_task(self._tell(round_, screened))

    async def _publish(self, round_: Round) -> None:
        """The commit phase has closed: the update may be served and announced."""
        digest, gossip = round_.commits[self._seat], self._services.gossip
        with self._meter.section("blobs"):
            self._services.store.unseal(digest)
            self._services.pin(self._services.store.get(digest, update_max_bytes(self._history.manifest)))
        with self._meter.section("gossip"):
            gossip.expected(round_.number, [self._history.seats[seat].peer for seat in round_.commits])
        await self._meter.awaiting("gossip", _announce(self._services, round_.number, digest))

    def _screen(self, round_: Round, neighbours: dict[int, Fetched]) -> Screened:
        manifest, digest = self._history.manifest, round_.commits[self._seat]
        store, author = self._services.store, self._history.seats[self._seat].author
        with self._meter.section("screening"):
            screened = screen(
                manifest,
                self._network,
                round_.number,
                Fetched(digest, author, store.get(digest, update_max_bytes(manifest))),
                self._state.base,
                neighbours,
                round_.eligible(self._history.parameters.reputation_floor),
            )
        with self._meter.section("blobs"):
            store.put(screened.record)
        return screened

    async def _chore(self, step: Step, round_: Round) -> float:
        """Close or settle: the first in the order at once, the next ones only if it stays silent.

        Returns how long to wait for somebody else to do it, seconds.
        """
        if self._due_since is None:
            self._due_since = time.monotonic()
        left_s = self._due_since + _DUTY_STEP_S * duty_rank(self._history, self._seat) - time.monotonic()
        if left_s > 0:
            return min(left_s, _WAIT_S)
        if step == Step.ADVANCE:
            await self._follower.call("advance")
        else:
            await self._follower.call("settle", round_.number)
        return 0.0

    # ------------------------------------------------------------------------------------------- helpers

    async def _follow(self, wait_s: float) -> None:
        """Take in what the chain has new; where it does not answer, wait for it: the circle waits too."""
        while True:
            try:
                changed = await self._follower.follow(wait_s)
                break
            except (ChainUnreachable, RpcFault) as error:
                _log.warning("no answer from the chain, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)
        if changed:
            with self._meter.section("gossip"):
                self._services.refresh()
            self._state = self._brought_up(self._state)
        self._note_phase()

    def _brought_up(self, state: PeerState) -> PeerState:
        """Residual and base follow what is on chain, not what was sent."""
        state = confirmed(state, self._history, self._seat)
        if self._next_base is not None:
            number, base = self._next_base
            if self._seat in self._history.rounds[number - 1].attestations:
                state, self._next_base = replace(state, base=base, base_round=number), None
        return state

    def _note_phase(self) -> None:
        """Start the clocks anew whenever the circle has moved on."""
        round_ = self._history.round
        is_full = round_ is not None and len(round_.attestations) == len(round_.commits)
        now = (round_.number if round_ else 0, self._history.phase, is_full)
        if now != self._phase:
            self._phase, self._phase_since = now, time.monotonic()
            self._deadline_s = self._due_since = None

    async def _late_s(self) -> float:
        """Seconds since the open phase's deadline, 0 before it; the chain is asked only once waiting is long."""
        if self._history.phase not in (Phase.COMMIT, Phase.ATTEST):
            return 0.0
        if time.monotonic() - self._phase_since < _DEADLINE_AFTER_S:
            return 0.0
        if self._deadline_s is None:
            try:
                self._deadline_s = (await self._follower.state()).deadline_s
            except (ChainUnreachable, RpcFault):
                return 0.0
        return max(0.0, time.time() - self._deadline_s - 1)

    async def _save(self, state: PeerState) -> None:
        self._state = state

        def write() -> None:
            with self._meter.section("state"):
                self._state_file.save(state)

        await self._work(write)

    def _held_commit(self, number: int) -> bytes | None:
        """The digest of an update already made for this round before a restart, if its blob is whole."""
        pending = self._state.commit
        if pending and pending.round == number and self._services.store.has(pending.digest):
            return pending.digest
        return None

    def _fail_at(self, number: int, step: str) -> None:
        if self._config.fail_at:
            self._config.fail_at.reached(number, step)

    async def _work(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _tell(self, round_: Round, screened: Screened) -> None:
        """One event a round: what it was like and what it cost."""
        figures = await self._work(lambda: self._learner.evaluate(screened.next_base))
        sent, gas, now = self._services.bytes_sent, self._follower.sender.gas_spent, time.monotonic()
        self._report(
            {
                "event": "round",
                "round": round_.number,
                "seat": self._seat,
                "figures": figures,
                "verdicts": {entry.seat: entry.verdict for entry in screened.entries},
                "reputation": round_.reputations[self._seat] / FULL,
                "seconds": now - self._lap_started,
                "bytes_sent": sent - self._bytes_before,
                "gas": gas - self._gas_before,
                "cpu_s": self._meter.lap(),
            }
        )
        self._lap_started, self._bytes_before, self._gas_before = now, sent, gas


async def _announce(services: Services, number: int, digest: bytes) -> None:
    await services.gossip.announce(number, digest)
