"""One peer, wired: chain, gossip, gateway, store, training and the rounds they serve."""

import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from ledger.chain.circle import Circle
from ledger.chain.transactions.sender import FeeLimits, Sender
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import Phase
from node.behaviour import Behaviour
from node.duties.duties import Duties
from node.duties.evidence import EvidenceStore
from node.duties.voting import Voting
from node.duties.watcher import WatchBudget, Watcher
from node.duties.watching import BUDGET_BONDS
from node.follower import Follower
from node.gossip.reach import Reachability, make_reach_notice
from node.learning.genesis import make_agreed_template
from node.membership.config import PeerConfig
from node.membership.following import Attending, Following
from node.membership.life import Life
from node.membership.member import MemberMaker, Membership
from node.membership.parts import PeerParts, Worker
from node.membership.reporting import RoundReports
from node.operating.meter import Meter
from node.operating.notices import Notice, Notices
from node.operating.round_log import make_told_round, note_round
from node.round.announcements import AnnouncementJournal
from node.round.pace import Pace
from node.round.phase_clock import PhaseClock
from node.seat.entrance import Entrance
from node.seat.own_name import put_name
from node.seat.round_events import SeatReporter
from node.seat.seating import SeatLost
from node.seat.tenancy import Tenancy
from node.services import Services
from node.state.keeping import HandingOver, WantedBlocks
from node.state.lacks import Lacks
from node.tasks.interface import Task

Event = dict[str, Any]


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
        self._meter, self._worker, self._notices = Meter(), Worker(), Notices(report)
        self._follower = Follower(
            circle,
            _make_sender(config, circle, key),
            first_block,
            self._meter,
            confirmations=config.confirmations,
            ws_url=config.ws_url,
        )
        self._journal = AnnouncementJournal(config.folder.journal)
        self.parts: PeerParts | None = None
        """What it works with; None before it has read the circle's history."""
        self._evidence = EvidenceStore(config.folder.evidence, circle.network, self._follower.sender.address)

    async def run(self, stay: bool) -> None:
        """Take part until the end. stay: keep serving blobs after the last round."""
        async with AsyncExitStack() as ending:
            ending.callback(self._follower.close)
            ending.callback(self._worker.close)
            await self._follower.follow()
            parts = self.parts = self._make_parts()
            ending.push_async_callback(parts.services.close)
            ending.push_async_callback(parts.handing.close)
            life = self._make_life(parts, ending, stay)
            await parts.tenancy.check_free()
            placed = await parts.services.start(self._config.listening)
            endpoint = put_name(placed, self._config.name, parts.history, parts.address)
            try:
                await life.live(endpoint)
                self._report({"event": "finished", "round": self._circle.terms.last_round})
                if stay:
                    await life.stay(endpoint)
            except SeatLost as lost:
                self._notices.tell(Notice("seat_lost", str(lost)))
                raise

    def _make_parts(self) -> PeerParts:
        services = Services(
            self._config.folder,
            self._circle.network,
            self._key,
            lambda: self._follower.history,
            self._meter,
            self._behaviour.serves,
            self._evidence.add,
            self._tell_reach,
            lambda store: WantedBlocks(store, lambda: self._follower.history),
        )
        self._handing = HandingOver(
            services.store, services.list_linked_gateways, self._behaviour.serves, random.Random()
        )
        who, rest = services.gossip.prober.probe_gossip, services.gossip.rest
        return PeerParts(
            circle=self._circle,
            follower=self._follower,
            services=services,
            clock=PhaseClock(self._follower),
            pace=Pace(lambda history: history.seat_of(self._follower.sender.address)),
            tenancy=Tenancy(self._follower, who, rest, self._notices, self._config.take_over),
            journal=self._journal,
            behaviour=self._behaviour,
            meter=self._meter,
            worker=self._worker,
            handing=self._handing,
            fail_at=self._config.fail_at,
        )

    def _tell_reach(self, reach: Reachability) -> None:
        self._notices.tell(make_reach_notice(reach))
        self._handing.note_reach(has_gateway=reach.has_gateway)

    def _make_life(self, parts: PeerParts, ending: AsyncExitStack, stay: bool) -> Life:
        """ending: told what is to be closed.

        Raises SetupError where the task is not the one agreed on, or this peer's data do not fit it: nothing has
        been paid for yet.
        """
        config, services = self._config, parts.services
        template = make_agreed_template(self._task, parts.history.manifest)
        self._task.check_own_data()
        membership = Membership(parts, config.folder)
        ending.callback(membership.close)

        def keep(event: Event) -> None:
            note_round(membership.folder.rounds, parts.network, make_told_round(event, time.time()))

        teller = SeatReporter(
            self._report, self._notices, parts.follower, self._meter, lambda: services.bytes_sent, keep
        )
        reports = RoundReports(teller, parts.worker)
        ending.callback(reports.close)
        duties = self._make_duties(parts)
        ending.callback(duties.close)
        following = Following(parts, membership, teller)
        attending = Attending(parts, membership, following, duties)
        entrance = Entrance(
            self._circle,
            parts.follower,
            config.join_request,
            config.seat,
            following.follow,
            parts.unseal,
            attending.attend,
            lambda: stay or parts.history.phase != Phase.FINISHED,
            self._report,
        )
        maker = MemberMaker(
            parts,
            config,
            self._key,
            self._task,
            template,
            Lacks(self._notices.tell),
            reports,
            following.follow,
            attending.meanwhile,
        )
        return Life(parts, membership, following, attending, entrance, maker, reports, self._report)

    def _make_duties(self, parts: PeerParts) -> Duties:
        bond, stake_wei = parts.history.terms.dispute_bond, self._config.dispute_budget_wei
        budget = WatchBudget(self._config.watch_share, BUDGET_BONDS * bond if stake_wei is None else stake_wei)
        may_appeal = budget.stake_wei >= APPEAL_BONDS * bond > 0
        voting = Voting(
            parts.follower, parts.fetch_blobs, self._behaviour.answers, may_appeal=may_appeal, find=parts.find_blobs
        )
        watcher = Watcher(parts.follower, parts.fetch_blobs, budget, self._notices, find=parts.find_blobs)
        return Duties(parts.follower, self._evidence, voting, watcher, self._notices)


def _make_sender(config: PeerConfig, circle: Circle, key: bytes) -> Sender:
    """The peer's sender: what is under way when the process dies is known to the next one."""
    limits = FeeLimits(max_fee_wei=config.max_fee_wei)
    return Sender(circle.rpc, key, circle.network.chain_id, limits=limits, pending_file=config.folder.pending)
