"""One peer, wired: chain, gossip, gateway, store, training and the round they serve."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from aiohttp import web

from ledger.blobs.fetch import BlobFetcher, Unavailable
from ledger.blobs.unixfs import build
from ledger.chain.circle import Circle
from ledger.chain.rpc import ChainUnreachable
from ledger.chain.sender import NoFunds, NoReceipt, Reverted, Sender
from ledger.endpoints import Endpoint, MalformedEndpoint, parse_endpoint
from ledger.errors import PeerFault, SetupError
from ledger.exact import State
from ledger.history import History, Phase, Round
from ledger.records import decode_genesis, update_max_bytes
from ledger.replay import blobs_needed, replay
from ledger.reputation import FULL
from ledger.screening import Fetched, Screened, screen
from node.blobs.gateway import STATS, gateway_app
from node.blobs.store import BlockStore
from node.exchange import Announced, Exchange, gateways_by
from node.follower import Follower
from node.gossip.certificate import Certificate
from node.gossip.gossip import Gossip
from node.gossip.messages import Announcement
from node.learner import Learner, genesis_blob
from node.meter import Meter
from node.rounds import Step, duty_rank, next_step
from node.state import PeerState, PendingAttestation, PendingCommit, StateFile
from node.tasks.interface import Task
from node.testing.attacks import Behaviour
from node.testing.faults import FailAt
from node.training import Layout, Trainer, check_layout, initial_state, layout_of

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_POLL_S: Final = 0.1
_SLOW_POLL_S: Final = 1.0
_SLOW_AFTER_S: Final = 20.0
_DUTY_STEP_S: Final = 3.0
_DEADLINE_AFTER_S: Final = 3.0
_CHAIN_RETRY_S: Final = 2.0
_RECOVERY_TIMEOUT_S: Final = 60.0
# Part of the attest window that fetching may take; the rest is for screening and the transaction.
_EXCHANGE_SHARE: Final = 0.6
_MIN_BALANCE_WEI: Final = 10**15

Event = dict[str, Any]


@dataclass(frozen=True)
class PeerConfig:
    """Where a peer keeps its data and listens. Ports: 0 takes a free one. advertise: host others reach it at."""

    data_dir: Path
    host: str = "127.0.0.1"
    advertise: str | None = None
    gossip_port: int = 0
    gateway_port: int = 0
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
        self._config, self._circle, self._task = config, circle, task
        self._behaviour, self._report = behaviour, report
        self._meter = Meter()
        self._network = circle.network.domain_separator
        self._key = key
        self._follower = Follower(
            circle, Sender(circle.rpc, key, circle.network.chain_id), first_block, self._meter
        )
        self._address = self._follower.sender.address
        config.data_dir.mkdir(parents=True, exist_ok=True)
        self._store = BlockStore(config.data_dir / "blobs")
        self._state_file = StateFile(config.data_dir / "state.bin")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="learner")
        self._announced = Announced()
        self._seat = -1
        self._waiting: tuple[int, Phase, int] | None = None
        self._waiting_since = 0.0
        self._deadline_s: int | None = None
        self._duty_from = 0.0
        self._round_started = time.monotonic()
        self._bytes_before = 0
        self._gas_before = 0

    @property
    def _history(self) -> History:
        return self._follower.history

    # ------------------------------------------------------------------------------------------- life

    async def run(self, stay: bool) -> None:
        """Take part until the end. stay: keep serving blobs after the last round."""
        await self._follower.follow()
        self._check_task()
        gossip = Gossip(
            network=self._circle.network,
            key=self._key,
            certificate=Certificate.load_or_create(self._config.data_dir),
            is_member=lambda address: self._history.seat_of(address) is not None,
            on_announcement=self._hear,
            rng=random.Random(self._address),
        )
        self._gossip = gossip
        async with BlobFetcher() as fetcher:
            self._exchange = Exchange(self._store, fetcher, gossip, self._announced, self._meter)
            try:
                endpoint = await self._listen()
                await self._take_seat(endpoint)
                await self._prepare()
                await self._live()
                self._report({"event": "finished", "round": self._circle.parameters.last_round})
                while stay:
                    await self._follow_patiently()
                    await asyncio.sleep(_SLOW_POLL_S)
            finally:
                await self._close()

    async def _listen(self) -> Endpoint:
        config = self._config
        gossip_port = await self._gossip.start(config.host, config.gossip_port)
        app = gateway_app(self._store, serves=self._behaviour.serves)
        self._gateway_stats = app[STATS]
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, config.host, config.gateway_port)
        try:
            await site.start()
        except OSError as error:
            raise SetupError(
                f"port {config.gateway_port} on {config.host} cannot be used for the gateway ({error.strerror}): "
                "stop the other program or choose --gateway-port"
            ) from error
        gateway_port = self._runner.addresses[0][1]
        host = config.advertise or config.host
        return Endpoint(f"wss://{host}:{gossip_port}", f"http://{host}:{gateway_port}")

    async def _close(self) -> None:
        await self._gossip.close()
        if hasattr(self, "_runner"):
            await self._runner.cleanup()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._follower.close()

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
                await self._follower.call("join", endpoint.text)
            elif self._history.seats[seat].endpoints[-1] != endpoint.text:
                await self._follower.call("move", endpoint.text)
        except Reverted as error:
            raise SetupError(f"the circle does not take this peer: {error.reason}") from error
        await self._follower.follow()
        seat = self._history.seat_of(self._address)
        assert seat is not None
        self._seat = seat
        _log.info("seated seat=%d address=%s endpoint=%s", seat, self._address, endpoint.text)
        self._report({"event": "joined", "seat": seat, "address": self._address, "endpoint": endpoint.text})

    def _check_task(self) -> None:
        manifest = self._history.manifest
        names = [name for name, _ in manifest.layout]
        shapes = [shape for _, shape in manifest.layout]
        check_layout(layout_of(self._task.model()), names, shapes)

    async def _prepare(self) -> None:
        """Data, genesis and state: everything the first round needs."""
        manifest = self._history.manifest
        layout = Layout(tuple(n for n, _ in manifest.layout), tuple(s for _, s in manifest.layout))
        seats = max(self._circle.parameters.start_seats, self._seat + 1)
        seed = int(manifest.task_options.get("seed", 0))

        def load() -> Learner:
            with self._meter.section("training"):
                trainer = Trainer(
                    self._task, layout, seat=self._seat, seats=seats, seed=seed, behaviour=self._behaviour
                )
            return Learner(trainer, manifest, self._behaviour, seed * 1000 + self._seat, self._meter)

        self._learner = await self._work(load)
        genesis = await self._genesis(seed)
        self._state = await self._recover(genesis)

    async def _genesis(self, seed: int) -> State:
        manifest = self._history.manifest
        digest = manifest.genesis_digest
        max_bytes = update_max_bytes(manifest)
        if not self._store.has(digest):
            blob = genesis_blob(await self._work(lambda: initial_state(self._task, seed)))
            if build(blob).root == digest:
                self._store.put(blob)
            else:
                await self._fetch_genesis(digest, max_bytes)
        return decode_genesis(self._store.get(digest, max_bytes), manifest)

    async def _fetch_genesis(self, digest: bytes, max_bytes: int) -> None:
        """Another release of torch draws other initial values: then the state comes from those who have it."""
        gateways = gateways_by(self._history, lambda seat: seat)
        try:
            async with BlobFetcher() as fetcher:
                await fetcher.fetch(
                    digest, gateways, max_bytes=max_bytes, timeout_s=_RECOVERY_TIMEOUT_S, cache=self._store
                )
        except Unavailable as error:
            raise SetupError(
                "this machine's torch draws another initial state than the circle's and no member serves it: "
                "check --task and its options, or start again when another member is up"
            ) from error

    # ------------------------------------------------------------------------------------------- state

    async def _recover(self, genesis: State) -> PeerState:
        """The saved state brought up to what the chain says happened since, or rebuilt from the blobs."""
        saved = self._state_file.load(self._network, self._history.manifest.parameters)
        state = saved or PeerState(self._network, genesis, 0, np.zeros(genesis.shape, np.float32))
        state = self._confirmed(state)
        for round_ in self._history.rounds:
            if round_.number > state.base_round and self._seat in round_.attestations:
                state = await self._replayed(state, round_)
        self._state_file.save(state)
        return state

    def _confirmed(self, state: PeerState) -> PeerState:
        """Take over what was pending when the chain has it. Idempotent."""
        rounds = self._history.rounds
        pending, attested = state.commit, state.attestation
        if pending and pending.round <= len(rounds):
            if rounds[pending.round - 1].commits.get(self._seat) == pending.digest:
                state = state.with_commit_confirmed()
        if attested and attested.round <= len(rounds) and attested.round > state.base_round:
            if self._seat in rounds[attested.round - 1].attestations:
                state = state.with_attestation_confirmed()
        return state

    async def _replayed(self, state: PeerState, round_: Round) -> PeerState:
        _log.info("rebuilding base round=%d", round_.number)
        manifest = self._history.manifest
        needed = {digest: seat for seat, digest in blobs_needed(round_, self._seat).items()}
        try:
            blobs = await self._exchange.blobs(
                self._history, needed, max_bytes=update_max_bytes(manifest), timeout_s=_RECOVERY_TIMEOUT_S
            )
            screened = await self._work(
                lambda: replay(self._history, self._network, round_, self._seat, state.base, blobs)
            )
        except (Unavailable, PeerFault) as error:
            raise SetupError(
                f"the state after round {round_.number} cannot be rebuilt ({error}): start again when the other "
                "members are up, or put back the peer's own data folder"
            ) from error
        return PeerState(self._network, screened.next_base, round_.number, state.residual)

    # ------------------------------------------------------------------------------------------- rounds

    async def _live(self) -> None:
        while True:
            await self._follow_patiently()
            self._note_phase()
            step = next_step(self._history, self._seat, overdue=await self._is_overdue())
            if step == Step.DONE:
                return
            try:
                await self._do(step)
            except (Reverted, NoReceipt) as error:
                # Most often another peer was faster or the phase closed: what the chain says next decides.
                _log.info("call not taken reason=%s", error)
                await asyncio.sleep(_POLL_S)
            except ChainUnreachable as error:
                _log.warning("chain unreachable, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)

    async def _do(self, step: Step) -> None:
        round_ = self._history.round
        if step == Step.COMMIT and round_ is not None:
            await self._commit(round_)
        elif step == Step.EXCHANGE and round_ is not None:
            await self._attest(round_)
        elif step == Step.WAKE:
            await self._follower.call("wake")
        elif step in (Step.ADVANCE, Step.SETTLE) and round_ is not None:
            await self._chore(step, round_)
        else:
            await self._pause()

    async def _commit(self, round_: Round) -> None:
        number, state = round_.number, self._state
        self._fail_at(number, "train")
        digest = self._held_commit(number)
        if digest is None:
            author = self._history_author()
            prepared = await self._work(
                lambda: self._learner.prepare(self._network, number, author, state.base, state.residual)
            )
            # R5: sealed until the commit phase has closed, so that nobody can copy it into a commit of their own.
            digest = await self._blob_work(lambda: self._store.put(prepared.blob, sealed=True))
            await self._save(state, commit=PendingCommit(number, digest, prepared.residual))
        self._fail_at(number, "commit")
        await self._follower.call("commit", number, digest)

    async def _attest(self, round_: Round) -> None:
        number, manifest = round_.number, self._history.manifest
        await self._publish(round_)
        self._fail_at(number, "exchange")
        linked = round_.neighbours(manifest.degree)[self._seat]
        neighbours = await self._exchange.collect(
            self._history,
            round_,
            linked,
            max_bytes=update_max_bytes(manifest),
            budget_s=self._circle.attest_window_s * _EXCHANGE_SHARE,
        )
        screened = await self._work(lambda: self._screen(round_, neighbours))
        await self._blob_work(lambda: self._store.put(screened.record))
        await self._save(self._state, attestation=PendingAttestation(number, screened.next_base))
        self._fail_at(number, "attest")
        accepted = self._behaviour.verdicts(screened.judged, screened.accepted)
        await self._follower.call("attest", number, screened.judged, accepted, screened.record_digest)
        await self._follow_patiently()
        await self._tell(round_, screened)

    async def _publish(self, round_: Round) -> None:
        """The commit phase has closed: the update may be served and announced."""
        digest = round_.commits[self._seat]
        await self._blob_work(lambda: self._store.unseal(digest))
        with self._meter.section("gossip"):
            self._gossip.on_round(round_.number)
            self._gossip.expected(round_.number, [self._history.seats[s].peer for s in round_.commits])
        await self._meter.awaiting("gossip", self._announce(round_.number, digest))

    async def _announce(self, number: int, digest: bytes) -> None:
        await self._gossip.announce(number, digest)

    def _screen(self, round_: Round, neighbours: dict[int, Fetched]) -> Screened:
        manifest, digest = self._history.manifest, round_.commits[self._seat]
        with self._meter.section("screening"):
            own = Fetched(digest, self._history_author(), self._store.get(digest, update_max_bytes(manifest)))
            return screen(
                manifest,
                self._network,
                round_.number,
                own,
                self._state.base,
                neighbours,
                round_.eligible(self._history.parameters.reputation_floor),
            )

    async def _chore(self, step: Step, round_: Round) -> None:
        """Close or settle: the first in the order at once, the next ones only if it stays silent."""
        if not self._duty_from:
            self._duty_from = time.monotonic() + _DUTY_STEP_S * duty_rank(self._history, self._seat)
        if time.monotonic() < self._duty_from:
            await self._pause()
        elif step == Step.ADVANCE:
            await self._follower.call("advance")
        else:
            await self._follower.call("settle", round_.number)

    # ------------------------------------------------------------------------------------------- helpers

    async def _follow_patiently(self) -> None:
        """Follow; where the chain does not answer, wait for it: the circle waits too."""
        while True:
            try:
                changed = await self._follower.follow()
                break
            except ChainUnreachable as error:
                _log.warning("chain unreachable, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)
        if changed:
            with self._meter.section("gossip"):
                self._refresh_directory()
            if hasattr(self, "_state"):
                confirmed = self._confirmed(self._state)
                if confirmed is not self._state:
                    self._state = confirmed

    def _refresh_directory(self) -> None:
        directory = {}
        for held in self._history.seats.values():
            try:
                directory[held.peer] = parse_endpoint(held.endpoints[-1]).gossip
            except MalformedEndpoint:
                continue
        self._gossip.set_directory(directory)
        if self._history.round is not None:
            self._gossip.on_round(self._history.round.number)

    def _note_phase(self) -> None:
        """Start the clocks anew whenever the circle has moved on."""
        round_ = self._history.round
        full = len(round_.attestations) == len(round_.commits) if round_ else False
        now = (round_.number if round_ else 0, self._history.phase, int(full))
        if now != self._waiting:
            self._waiting, self._waiting_since = now, time.monotonic()
            self._deadline_s, self._duty_from = None, 0.0

    async def _is_overdue(self) -> bool:
        """The open phase's deadline has passed; the chain is asked only once waiting has become long."""
        if self._history.phase not in (Phase.COMMIT, Phase.ATTEST):
            return False
        if time.monotonic() - self._waiting_since < _DEADLINE_AFTER_S:
            return False
        if self._deadline_s is None:
            try:
                self._deadline_s = (await self._follower.state()).deadline_s
            except ChainUnreachable:
                return False
        return time.time() > self._deadline_s + 1

    async def _pause(self) -> None:
        waited = time.monotonic() - self._waiting_since
        await asyncio.sleep(_POLL_S if waited < _SLOW_AFTER_S else _SLOW_POLL_S)

    async def _save(
        self,
        state: PeerState,
        *,
        commit: PendingCommit | None = None,
        attestation: PendingAttestation | None = None,
    ) -> None:
        self._state = PeerState(
            state.network, state.base, state.base_round, state.residual, commit or state.commit, attestation
        )

        def write() -> None:
            with self._meter.section("state"):
                self._state_file.save(self._state)

        await asyncio.to_thread(write)

    def _held_commit(self, number: int) -> bytes | None:
        """The digest of an update already made for this round before a restart, if its blob is whole."""
        pending = self._state.commit
        if pending and pending.round == number and self._store.has(pending.digest):
            return pending.digest
        return None

    def _history_author(self) -> bytes:
        return self._history.seats[self._seat].author

    def _hear(self, announcement: Announcement) -> None:
        self._announced.heard(announcement.round, announcement.author_address)

    def _fail_at(self, number: int, step: str) -> None:
        if self._config.fail_at:
            self._config.fail_at.reached(number, step)

    async def _work(self, work: Callable[[], _T]) -> _T:
        """Training, encoding and screening: off the event loop, one at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _blob_work(self, work: Callable[[], _T]) -> _T:
        def metered() -> _T:
            with self._meter.section("blobs"):
                return work()

        return await asyncio.to_thread(metered)

    async def _tell(self, round_: Round, screened: Screened) -> None:
        """One line a round: what it was like and what it cost."""
        figures = await self._work(lambda: self._learner.evaluate(self._state.base))
        sent = self._gateway_stats.bytes_sent + self._gossip.stats.bytes_sent
        gas, now = self._follower.sender.gas_spent, time.monotonic()
        self._report(
            {
                "event": "round",
                "round": round_.number,
                "seat": self._seat,
                "figures": figures,
                "verdicts": {entry.seat: entry.verdict for entry in screened.entries},
                "reputation": round_.reputations[self._seat] / FULL,
                "seconds": now - self._round_started,
                "bytes_sent": sent - self._bytes_before,
                "gas": gas - self._gas_before,
                "cpu_s": self._meter.lap(),
            }
        )
        self._round_started, self._bytes_before, self._gas_before = now, sent, gas
