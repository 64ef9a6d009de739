"""One peer, wired: chain, gossip, gateway, store, training and the round they serve."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np
from eth_utils.address import to_canonical_address

from ledger.blobs.contents.records import update_max_bytes
from ledger.chain.circle import Circle
from ledger.chain.rpc.client import ChainTrouble
from ledger.chain.transactions.receipts import CallNotDone
from ledger.chain.transactions.sender import FeeLimits, Sender
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History, Phase, Round
from ledger.circle.verdict_word import encode_verdicts
from ledger.codec import SENT_SHARE
from ledger.errors import SetupError
from ledger.identity.endpoints import Endpoint
from ledger.judging.frame_chains import Fetched, Held, Lost, lineage
from ledger.judging.replay import sitting_of
from ledger.judging.screening import Screened, screen
from ledger.rules.judge_memory import Carried
from node.behaviour import Behaviour, SeatedPeer
from node.duties.duties import Duties
from node.duties.evidence import EvidenceStore
from node.duties.voting import Voting
from node.duties.watcher import WATCH_SHARE, WatchBudget, Watcher
from node.duties.watching import BUDGET_BONDS
from node.follower import Follower, Overtaken
from node.gossip.reach import make_reach_notice
from node.learning.genesis import agreed_template
from node.learning.learner import Learner, genesis_blob
from node.learning.private_part import KeptParts
from node.learning.training import Trainer
from node.operating.data_folder import DataFolder
from node.operating.meter import Meter
from node.operating.notices import Notice, Notices
from node.operating.troubles import is_passing
from node.round.announcements import AnnouncementJournal
from node.round.next_step import Step, next_step, trains_ahead
from node.round.phase_clock import PhaseClock
from node.seat.entrance import Entrance
from node.seat.round_events import Teller
from node.seat.seating import Entry, SeatLost, is_authored
from node.seat.tenancy import Tenancy
from node.services import Listening, Services
from node.state.lacks import Lacks
from node.state.own_frames import is_anchored, previous
from node.state.peer_state import Base, KeptCommit, PeerState, StateFile
from node.state.provisions import Provisions
from node.state.recovery import Judged, Recovery
from node.state.retention import Retention
from node.tasks.interface import Task

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_WAIT_S: Final = 1.0
_CHAIN_RETRY_S: Final = 2.0
# Part of the attest window that fetching may take; the rest is for screening and the transaction.
_EXCHANGE_SHARE: Final = 0.5
_JUDGED_KEPT: Final = 2
_BASES_KEPT: Final = 2
_LOOK_S: Final = 3.0
_DRAW_AGAIN_S: Final = 30.0
# For one blob behind a disputed verdict.
_BLOBS_S: Final = 30.0
_ASKED_PART: Final = 6

Event = dict[str, Any]


@dataclass(frozen=True)
class PeerConfig:
    """Where a peer keeps its data and listens, and how it follows the chain.

    seat: join only when this seat is the next free one, so that who sits where is known. confirmations: how many
    blocks must lie on top of an event's before the peer acts on it. ws_url: the chain's WebSocket, to be woken by.
    take_over: serve the seat although another process with this key does.
    watch_share: of one core's time, for recomputing what others said. dispute_budget_wei: what may be at stake in
    claims at a time, None for BUDGET_BONDS of the circle's dispute bonds.
    max_fee_wei: never offered more per gas. entry: what to join with. sent_share: of its values, what
    a delta frame sends. genesis: the circle's genesis blob, where it came with the circle file. archive:
    keep all blobs for ever, not only those that somebody may ask this seat for. fail_at: told of each round and
    step, for tests, which end the process there.
    """

    folder: DataFolder
    listening: Listening = field(default_factory=Listening)
    seat: int | None = None
    take_over: bool = False
    confirmations: int = 0
    ws_url: str | None = None
    max_fee_wei: int = FeeLimits().max_fee_wei
    entry: Entry = field(default_factory=Entry)
    sent_share: float = SENT_SHARE
    watch_share: float = WATCH_SHARE
    dispute_budget_wei: int | None = None
    genesis: bytes | None = None
    archive: bool = False
    fail_at: Callable[[int, str], None] = lambda *_: None


class Peer:
    """A member of one circle. `run` joins if need be and goes on until the circle is finished or it is cancelled.

    report is called with one event a call: waiting, joined, round, finished. Raises SetupError where it cannot go
    on, SeatLost among them.
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
            circle,
            _sender(config, circle, key),
            first_block,
            self._meter,
            confirmations=config.confirmations,
            ws_url=config.ws_url,
        )
        self._address = self._follower.sender.address
        self._clock = PhaseClock(self._follower)
        self._entrance = Entrance(
            circle,
            self._follower,
            config.entry,
            config.seat,
            self._follow,
            self._unseal,
            self._attend,
            lambda: self._stays or self._history.phase != Phase.FINISHED,
            report,
        )
        self._folder = config.folder
        self._state_file = StateFile(config.folder.state)
        self._journal = AnnouncementJournal(config.folder.journal)
        self._evidence = EvidenceStore(config.folder.evidence, circle.network, self._address)
        # Training, encoding, screening and evaluating: off the event loop, one at a time.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="learner")
        self._seat: int | None = None
        self._stays = True
        self._retention: Retention | None = None
        self._notices = Notices(report)
        self._lacks = Lacks(self._notices.tell)
        self._looked_at: int | None = None
        # The last exchanges and the bases before the present one: a reorganisation may bring them back.
        self._judged: deque[Judged] = deque(maxlen=_JUDGED_KEPT)
        self._bases: deque[Base] = deque(maxlen=_BASES_KEPT)
        self._seen: tuple[int, int] = (-1, 0)
        self._telling: asyncio.Task[None] | None = None
        self._ahead: asyncio.Task[None] | None = None
        self._ahead_from: Base | None = None
        self._teller = Teller(report, self._notices, self._follower, self._meter, lambda: self._services.bytes_sent)

    @property
    def _history(self) -> History:
        return self._follower.history

    @property
    def _held_seat(self) -> int | None:
        """The seat it took, as long as the chain says that its key holds it."""
        return self._seat if self._history.seat_of(self._address) == self._seat else None

    @property
    def _bonded_seat(self) -> int | None:
        """The seat that its key holds, or held last and that is not released: it has a voice in disputes."""
        seats = self._history.seats.items()
        return next((seat for seat, one in seats if one.peer == self._address and not one.is_released), None)

    # ---------------------------------------------------------------------------------------------- life

    async def run(self, stay: bool) -> None:
        """Take part until the end. stay: keep serving blobs after the last round."""
        services: Services | None = None
        duties: Duties | None = None
        self._stays = stay
        try:
            await self._follower.follow()
            self._template = agreed_template(self._task, self._history.manifest)
            services = self._services = Services(
                self._config.folder,
                self._circle.network,
                self._key,
                lambda: self._history,
                self._meter,
                self._behaviour.serves,
                self._evidence.add,
                lambda reach: self._notices.tell(make_reach_notice(reach)),
            )
            gossip = services.gossip
            self._tenancy = Tenancy(
                self._follower, gossip.prober.gossip, gossip.rest, self._notices, self._config.take_over
            )
            await self._tenancy.check_free()
            duties = self._duties = self._made_duties()
            endpoint = await services.start(self._config.listening)
            await self._live(endpoint)
            self._report({"event": "finished", "round": self._circle.parameters.last_round})
            while stay:
                await self._follow(_WAIT_S)
                await asyncio.sleep(_WAIT_S)
                if self._history.phase != Phase.FINISHED:
                    # A reorganisation took the last settlement back.
                    await self._live(endpoint)
                else:
                    await self._attend()
        except SeatLost as lost:
            self._notices.tell(Notice("seat_lost", str(lost)))
            raise
        finally:
            for task in (self._telling, self._ahead):
                if task is not None:
                    task.cancel()
            if duties is not None:
                duties.close()
            if self._retention is not None:
                self._retention.close()
            if services is not None:
                await services.close()
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._follower.close()

    def _made_duties(self) -> Duties:
        bond, stake_wei = self._history.parameters.dispute_bond, self._config.dispute_budget_wei
        budget = WatchBudget(self._config.watch_share, BUDGET_BONDS * bond if stake_wei is None else stake_wei)
        may_appeal = budget.stake_wei >= APPEAL_BONDS * bond > 0
        voting = Voting(self._follower, self._fetch_blobs, self._behaviour.answers, may_appeal=may_appeal)
        watcher = Watcher(self._follower, self._fetch_blobs, budget, self._notices)
        return Duties(self._follower, self._evidence, voting, watcher, self._notices)

    async def _prepare(self, seat: int) -> None:
        """Data, genesis and state: everything the first round needs."""
        manifest = self._history.manifest
        seats = max(self._circle.parameters.start_seats, seat + 1)
        seed = int(manifest.task_options.get("seed", 0))

        def load() -> tuple[Learner, bytes]:
            template, kept = self._template, KeptParts.load(self._folder.private, self._network)
            with self._meter.section("training"):
                trainer = Trainer(
                    self._behaviour.train_on(self._task),
                    template.layout,
                    seat=seat,
                    seats=seats,
                    seed=seed,
                    template=template,
                    kept=kept,
                )
                own_seed, share = seed * 1000 + seat, self._config.sent_share
                learner = Learner(trainer, manifest, self._behaviour, own_seed, self._meter, share)
                own = self._config.genesis or genesis_blob(template.initial(), template.layout.blocks)
                return learner, own

        self._learner, own_genesis = await self._work(load)
        services = self._services
        recovery = Recovery(
            lambda: self._history, self._network, seat, services.store, services.exchange, self._learner.loss
        )
        self._provisions = Provisions(recovery, self._lacks, lambda: self._follow(0.0))
        genesis = await self._provisions.genesis(own_genesis)
        services.exchange.states.origin = genesis
        self._pin(manifest.genesis_digest)
        self._retention = None if self._config.archive else Retention(services.store, services.unpin)
        saved = self._state_file.load(self._network, manifest.parameters)
        self._state = saved or PeerState(self._network, Base(genesis), np.zeros(genesis.shape, np.float32))
        self._state = replace(self._state, base=await self._provisions.base([self._state.base], ()))
        self._behaviour.enter(
            SeatedPeer(
                lambda: self._history,
                self._circle.network,
                self._key,
                seat,
                genesis,
                services.gossip,
                self._fetch_blobs,
            )
        )

    # -------------------------------------------------------------------------------------------- rounds

    async def _live(self, endpoint: Endpoint) -> None:
        """Round after round until the circle is finished."""
        while True:
            try:
                seat = await self._seated(endpoint)
                if not await self._tenancy.holds(seat, endpoint, is_finishing=self._is_finishing(seat)):
                    await self._follow(_WAIT_S)
                    continue
                late = await self._clock.lateness()
                if not self._state.base.is_latest(self._history, seat):
                    await self._bring_up()
                means = self._provisions.means(self._state.base, self._history, seat)
                step = next_step(self._history, seat, late, means)
                if step == Step.DONE:
                    break
                if means.base and trains_ahead(self._history, seat):
                    self._begin_training_ahead(seat)
                await self._do(step, seat)
            except (Overtaken, Lost) as error:
                _log.info("deciding again reason=%s", error)
                await self._follow(0.0)
            except CallNotDone as error:
                # Most often another peer was faster or the phase closed: what the chain says next decides.
                _log.info("call not taken reason=%s", error)
                await self._follow(_WAIT_S)
            except (OSError, ExceptionGroup) as error:
                if not is_passing(error):
                    raise
                _log.warning("this machine or its network is short of something, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)
                await self._follow(0.0)
            except ChainTrouble as error:
                _log.warning("no answer from the chain, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)
                # A call that failed may have taken in events before: the base has to follow them.
                await self._follow(0.0)
        if self._telling is not None:
            await self._telling

    async def _seated(self, endpoint: Endpoint) -> int:
        """The peer's seat; taken first, at the start and where the chain took it back."""
        # A reorganisation may take a seat back as soon as it was taken.
        while self._held_seat is None:
            is_new = self._history.seat_of(self._address) is None
            seat = await self._entrance.take(endpoint)
            self._journal.settle(is_new, self._history.number)
            self._services.refresh()
            await self._prepare(seat)
            await self._tenancy.settle(seat, endpoint, is_new=is_new)
            self._seat = seat
            _log.info("seated seat=%d address=%s endpoint=%s", seat, self._address, endpoint.text)
            self._report({"event": "joined", "seat": seat, "address": self._address, "endpoint": endpoint.text})
            self._services.gossip.ask_for_dial_back(endpoint.text)
            await self._follow(0.0)
        assert self._seat is not None
        return self._seat

    def _is_finishing(self, seat: int) -> bool:
        """It has committed to the round under way: nobody else has the update, so nobody else can attest."""
        round_ = self._history.round
        if round_ is None or not self._history.is_in_round(seat):
            return False
        return self._is_made_here(round_.number, round_.commits[seat]) and seat not in round_.attestations

    def _is_made_here(self, number: int, digest: bytes) -> bool:
        return any((one.round, one.digest) == (number, digest) for one in self._state.commits)

    async def _do(self, step: Step, seat: int) -> None:
        """One step, and then a look at what the chain has new."""
        round_ = self._history.round
        wait_s = 0.0
        if step == Step.COMMIT and round_ is not None:
            wait_s = await self._commit(round_, seat)
        elif step == Step.EXCHANGE and round_ is not None:
            wait_s = await self._attest(round_, seat)
        elif step == Step.WAKE:
            await self._follower.call("wake")
        elif step in (Step.ADVANCE, Step.SETTLE) and round_ is not None:
            wait_s = await self._chore(step, round_, seat)
            if wait_s > 0 and await self._attend():
                wait_s = 0.0
        elif not await self._attend():
            wait_s = _WAIT_S
        await self._follow(wait_s)

    async def _attend(self) -> bool:
        """Do what a member owes the circle beside its rounds. Returns whether anything was due."""
        seat = self._bonded_seat
        return seat is not None and not self._tenancy.is_away and await self._duties.attend(seat)

    async def _fetch_blobs(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        exchange, parameters = self._services.exchange, self._history.parameters
        # Within a vote's window there is time to ask again.
        timeout_s = (
            min(_BLOBS_S, parameters.dispute_window_s / _ASKED_PART) if parameters.dispute_bond else _BLOBS_S
        )
        return await exchange.blobs(self._history, wanted, max_bytes=max_bytes, timeout_s=timeout_s)

    async def _commit(self, round_: Round, seat: int) -> float:
        """Train and commit. Returns how long to wait then, seconds."""
        number, state = round_.number, self._state
        self._fail_at(number, "train")
        held = self._held_commit(number)
        if held is not None and not self._fits(held, self._history, seat) and not await self._is_stuck(round_):
            # It is announced, and two for one round would convict the peer. Yet what it came of was in blocks that
            # are gone, and nobody could recompute it: better to miss the round, as long as others can close it.
            _log.info("sitting out round=%d: its update was announced before the chain was reorganised", number)
            return _WAIT_S
        commit = held if held is not None else await self._make_update(number, seat, state)
        self._fail_at(number, "commit")
        if self._services.gossip.has_announced_another(number, commit.digest):
            _log.warning("sitting out round=%d: another update of it was announced with this key", number)
            return _WAIT_S

        def still(history: History) -> bool:
            now = history.round
            is_open = now is not None and now.number == number and history.phase == Phase.COMMIT
            is_ours = is_open and history.seat_of(self._address) == seat and state.base.is_latest(history, seat)
            # Training takes its time: another process may have taken the seat over meanwhile.
            is_ours = is_ours and self._tenancy.is_named(history, seat)
            return is_ours and (held is not None or is_anchored(commit, history, seat))

        await self._follower.call("commit", number, commit.digest, only_if=still)
        return 0.0

    def _fits(self, held: KeptCommit, history: History, seat: int) -> bool:
        """Whether an update made earlier still follows from what is on chain."""
        return held.base_record == self._state.base.record and is_anchored(held, history, seat)

    async def _make_update(self, number: int, seat: int, state: PeerState) -> KeptCommit:
        """Train, and have the update on disk before anybody hears of it."""
        author, services = self._history.seats[seat].author, self._services
        states = services.exchange.states
        last = await self._work(
            lambda: previous(self._history, self._network, number, seat, services.store, states)
        )
        residual = state.residual_for(number, self._history, seat)
        await self._behaviour.before_update(number)
        prepared = await self._attending(
            lambda: self._learner.prepare(
                self._network, number, author, state.base.state, residual, last, states.origin
            )
        )

        def keep() -> bytes:
            with self._meter.section("blobs"):
                # R5: sealed until the commit phase has closed, so that nobody can copy it.
                return services.store.put(prepared.blob, sealed=True)

        digest = await self._work(keep)
        reference = b"" if last is None else last.digest
        commit = KeptCommit(number, digest, state.base.record, prepared.residual, reference)
        await self._save(state.with_commit(commit, self._history, seat))
        return commit

    def _begin_training_ahead(self, seat: int) -> None:
        """For the next round, beside this one, once for each base: what comes out is kept until it is wanted."""
        state, round_ = self._state, self._history.round
        if state.base is self._ahead_from or round_ is None or (self._ahead is not None and not self._ahead.done()):
            return
        self._ahead_from, number = state.base, round_.number + 1
        residual, origin = state.residual_for(number, self._history, seat), self._services.exchange.states.origin

        def train() -> None:
            self._learner.train_ahead(number, state.base.state, residual, origin)

        async def run() -> None:
            try:
                await self._work(train)
            except SetupError as fault:
                # It is raised again when the update is made, and told then.
                _log.info("not trained ahead round=%d reason=%s", number, fault)
            else:
                _log.info("trained ahead round=%d", number)

        self._ahead = asyncio.create_task(run())

    async def _is_stuck(self, round_: Round) -> bool:
        """The round waits past its deadline for more commits than it has."""
        return len(round_.commits) < self._history.parameters.quorum and await self._clock.late_s() > 0

    async def _attest(self, round_: Round, seat: int) -> float:
        """Publish, judge and attest. Returns how long to wait then, seconds."""
        number, state = round_.number, self._state
        floor = self._history.parameters.reputation_floor
        own = Held() if self._behaviour.is_unreadable else await self._provisions.own_update(round_)
        if own is None:
            return _WAIT_S
        await self._publish(round_, seat)
        self._fail_at(number, "exchange")
        known = [one for one in self._judged if one.holds_for(round_, floor, state.base.record)]
        judged = known[-1] if known else await self._exchange(round_, seat, state, own)
        self._fail_at(number, "attest")
        screened = judged.screened
        accepted = self._behaviour.verdicts(screened.judged, screened.accepted)
        order = round_.neighbours(self._history.manifest.degree)[seat]
        await self._follower.call(
            "attest",
            encode_verdicts(round_.seed or b"", number, order, screened.judged, accepted),
            screened.record_digest,
            only_if=lambda history: self._is_judged(history, judged, seat),
        )
        if self._telling is not None:
            await self._telling
        self._telling = asyncio.create_task(self._tell(round_, seat, screened))
        return 0.0

    async def _exchange(self, round_: Round, seat: int, state: PeerState, own: Held) -> Judged:
        """Fetch the neighbours' updates and judge them. Raises Overtaken where the chain changes meanwhile."""
        history, manifest = self._history, self._history.manifest
        floor = history.parameters.reputation_floor
        collecting = asyncio.create_task(
            self._services.exchange.collect(
                history,
                round_,
                round_.neighbours(manifest.degree)[seat],
                max_bytes=update_max_bytes(manifest),
                budget_s=self._circle.attest_window_s * _EXCHANGE_SHARE,
            )
        )
        before = self._follower.rollbacks
        try:
            while not (await asyncio.wait({collecting}, timeout=_WAIT_S))[0]:
                await self._follow(0.0)
                if self._follower.rollbacks != before:
                    raise Overtaken("the chain was reorganised during the exchange")
            neighbours = collecting.result()
        finally:
            collecting.cancel()
        screened = await self._work(lambda: self._screen(round_, seat, state.base.carried, own, neighbours))
        for blob in screened.blobs:
            self._services.pin(blob)
        judged = Judged(
            round_.number, round_.seed, dict(round_.commits), round_.eligible(floor), state.base.record, screened
        )
        self._judged.append(judged)
        return judged

    def _is_judged(self, history: History, judged: Judged, seat: int) -> bool:
        """Whether the round under way is the one judged: after a reorganisation its seed may be another."""
        now = history.round
        return (
            now is not None
            and history.phase == Phase.ATTEST
            and history.seat_of(self._address) == seat
            and self._state.base.is_latest(history, seat)
            and judged.holds_for(now, history.parameters.reputation_floor, self._state.base.record)
        )

    async def _publish(self, round_: Round, seat: int) -> None:
        """The commit phase has closed: the update may be served and announced."""
        digest, gossip = round_.commits[seat], self._services.gossip
        self._unseal(digest)
        with self._meter.section("gossip"):
            gossip.expected(round_.number, list(round_.peers.values()))
        if self._looked_at != self._follower.rollbacks:
            # Another process, or a life before this one, may have announced what this folder knows nothing of.
            await gossip.look(round_.number, _LOOK_S)
            self._looked_at = self._follower.rollbacks
        is_other = bool(self._announced(round_.number, besides=digest))
        is_other = is_other or not self._is_made_here(round_.number, digest)
        is_other = is_other or gossip.has_announced_another(round_.number, digest)
        if is_other or not self._journal.may_sign(round_.number, self._address, digest):
            # Only the chain brought this one back; a second announcement would convict the peer.
            _log.warning("not announcing round=%d: another update of it was announced", round_.number)
            return
        await self._meter.awaiting("gossip", _announce(self._services, round_.number, digest))
        self._behaviour.after_announcing(round_.number, digest)

    def _unseal(self, digest: bytes) -> None:
        """Let others fetch an update of this peer's own, once no commit can copy it any more."""
        store = self._services.store
        with self._meter.section("blobs"):
            store.unseal(digest)
            if not self._behaviour.is_unreadable:
                self._pin(digest)

    def _pin(self, digest: bytes) -> None:
        found = self._services.store.find(digest, update_max_bytes(self._history.manifest))
        if found is not None:
            self._services.pin(found)

    def _announced(self, number: int, besides: bytes = b"") -> list[KeptCommit]:
        """The updates of a round that may have been announced: those whose seal is broken."""
        store = self._services.store
        made = [one for one in self._state.commits if one.round == number and one.digest != besides]
        return [one for one in made if not store.is_sealed(one.digest) and store.has(one.digest)]

    def _screen(
        self, round_: Round, seat: int, carried: Carried, own: Held, neighbours: dict[int, Fetched]
    ) -> Screened:
        history, manifest, store = self._history, self._history.manifest, self._services.store
        links, sitting = lineage(history, round_, seat), sitting_of(history, round_, seat)
        author, digest = links[0].author, links[0].digest
        instead = self._behaviour.judges_instead(self._network, sitting, author, digest, carried)
        if instead is not None:
            store.put(instead.record)
            return instead
        with self._meter.section("screening"):
            screened = screen(
                manifest,
                self._network,
                sitting,
                Fetched(links, own, round_.tenures[seat]),
                carried,
                neighbours,
                states=self._services.exchange.states,
                loss=self._learner.loss,
            )
        with self._meter.section("blobs"):
            for blob in screened.blobs:
                store.put(blob)
        return screened

    async def _chore(self, step: Step, round_: Round, seat: int) -> float:
        """Close or settle: the first in the order at once, the next ones only if it stays silent.

        Returns how long to wait for somebody else to do it, seconds.
        """
        left_s = self._clock.turn_in_s(seat)
        if left_s > 0:
            return min(left_s, _WAIT_S)
        if step == Step.ADVANCE:
            if self._history.phase == Phase.ATTEST:
                # R3.9: a draw is not repeated for ever, and a call that is refused costs gas all the same.
                self._clock.hold_off(_DRAW_AGAIN_S)
            await self._follower.call("advance")
        else:
            await self._follower.call("settle", round_.number)
        return 0.0

    # ------------------------------------------------------------------------------------------- helpers

    async def _follow(self, wait_s: float) -> None:
        """Take in what the chain has new; where it does not answer, wait for it: the circle waits too."""
        await self._patiently(lambda: self._follower.follow(wait_s))
        seen = (self._follower.changes, self._follower.rollbacks)
        if seen != self._seen:
            with self._meter.section("gossip"):
                self._services.refresh()
            is_other_chain = seen[1] != self._seen[1]
            if is_other_chain:
                await self._look_which_circle()
            await self._bring_up()
            self._seen = seen
            self._clock.note(self._history, anew=is_other_chain)
            if (bonded := self._bonded_seat) is not None and self._retention is not None:
                self._retention.look(self._history, bonded)
            self._tell_news()

    def _tell_news(self) -> None:
        """What has become of the seat, to the operator."""
        if (seat := self._held_seat) is not None and self._teller.look(seat):
            self._services.gossip.ask_for_dial_back(self._history.seats[seat].endpoints[-1])

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        while True:
            try:
                return await ask()
            except ChainTrouble as error:
                _log.warning("no answer from the chain, trying again reason=%s", error)
                await asyncio.sleep(_CHAIN_RETRY_S)

    async def _look_which_circle(self) -> None:
        """The chain took events back: if the opening with them, what is at the address may be another circle."""
        opened_in = await self._patiently(self._follower.opened_in)
        if opened_in is None or opened_in == self._folder.opened_in:
            return
        _log.warning("the circle at this address was opened in another block, starting anew block=%s", opened_in)
        self._folder = self._folder.of_circle(opened_in)
        self._state_file = StateFile(self._folder.state)
        self._judged.clear()
        self._bases.clear()
        self._seat = None

    async def _bring_up(self) -> None:
        """The base follows what is on chain, not what was sent."""
        if self._held_seat is None:
            return
        base = await self._provisions.base([*self._bases, self._state.base], self._judged)
        if base is not self._state.base:
            self._bases.append(self._state.base)
            self._state = replace(self._state, base=base)

    async def _save(self, state: PeerState) -> None:
        self._state = state

        def write() -> None:
            with self._meter.section("state"):
                self._state_file.save(state)

        await self._work(write)

    def _held_commit(self, number: int) -> KeptCommit | None:
        """An update already made for this round, if its blob is whole: the announced one, or one from this base."""
        store, seat = self._services.store, self._seat
        assert seat is not None
        made = [one for one in self._state.commits if one.round == number and self._fits(one, self._history, seat)]
        held = [*self._announced(number), *(one for one in made if store.has(one.digest))]
        return next((commit for commit in held if self._is_mine(commit)), None)

    def _is_mine(self, commit: KeptCommit) -> bool:
        """Whether an update names this key as its author, not one that was rotated away."""
        manifest = self._history.manifest
        blob = self._services.store.find(commit.digest, update_max_bytes(manifest))
        return blob is not None and is_authored(
            blob, manifest, self._network, commit.round, to_canonical_address(self._address)
        )

    def _fail_at(self, number: int, step: str) -> None:
        self._config.fail_at(number, step)

    async def _attending(self, work: Callable[[], _T]) -> _T:
        """Work that takes long, and meanwhile the duties that wait for nobody's training: votes have deadlines."""
        task = asyncio.ensure_future(self._work(work))
        while not (await asyncio.wait({task}, timeout=_WAIT_S))[0]:
            try:
                if await self._follower.follow():
                    self._tell_news()
                if self._held_seat is None:
                    raise Overtaken("the seat was given up meanwhile")
                await self._attend()
            except ChainTrouble as error:
                _log.info("no answer from the chain reason=%s", error)
        return task.result()

    async def _work(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _tell(self, round_: Round, seat: int, screened: Screened) -> None:
        figures = await self._work(lambda: self._learner.evaluate(screened.carried.base))
        await self._teller.round_over(round_, seat, screened, figures)


def _sender(config: PeerConfig, circle: Circle, key: bytes) -> Sender:
    """The peer's sender: what is under way when the process dies is known to the next one."""
    limits = FeeLimits(max_fee_wei=config.max_fee_wei)
    return Sender(circle.rpc, key, circle.network.chain_id, limits=limits, pending_file=config.folder.pending)


async def _announce(services: Services, number: int, digest: bytes) -> None:
    await services.gossip.announce(number, digest)
