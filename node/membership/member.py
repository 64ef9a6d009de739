"""What a peer has once it is seated, and how it comes by it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import numpy as np

from ledger.arithmetic.exact import GridState
from node.behaviour import SeatedPeer
from node.learning.learner import Learner, encode_genesis_blob
from node.learning.private.budget import PrivacyBudget
from node.learning.private_part import PrivateParts
from node.learning.template import Template
from node.learning.training import Trainer
from node.membership.attesting import Attesting
from node.membership.committing import Committing
from node.membership.config import PeerConfig
from node.membership.own_privacy import open_budget
from node.membership.own_state import OwnState, RecentWork
from node.membership.parts import Meanwhile, PeerParts
from node.membership.reporting import RoundReports
from node.membership.training_ahead import TrainingAhead
from node.operating.data_folder import DataFolder
from node.state.lacks import Lacks
from node.state.peer_state import Base, PeerState, StateFile
from node.state.provisions import Provisions
from node.state.recovery import Recovery
from node.state.retention import Retention, find_own_blobs
from node.tasks.interface import Task


@dataclass(frozen=True)
class Member:
    """A peer in its seat."""

    seat: int
    """Its number."""
    own: OwnState
    """What it has published and goes on from."""
    provisions: Provisions
    """Find its genesis and its base, and wait where these are lacking."""
    committing: Committing
    """Trains and commits."""
    attesting: Attesting
    """Judges and attests."""
    training_ahead: TrainingAhead
    """Trains while others are waited for."""
    retention: Retention | None
    """None for an archive, which keeps all blobs."""
    end_training: Callable[[], None]
    """Ends the processes that train for it, where it has some."""

    def close(self) -> None:
        """Wait for nothing more."""
        self.training_ahead.close()
        self.end_training()
        if self.retention is not None:
            self.retention.close()


class Membership:
    """The member that a peer is now, if it is one. folder: of the circle that is at the address now."""

    def __init__(self, parts: PeerParts, folder: DataFolder) -> None:
        self._parts, self.folder = parts, folder
        self.recent = RecentWork()
        self.member: Member | None = None
        """The one it was last, whether it still holds its seat or not."""

    @property
    def held(self) -> Member | None:
        """The member that it is, as long as the chain says that its key holds the seat."""
        member = self.member
        is_held = member is not None and self._parts.history.seat_of(self._parts.address) == member.seat
        return member if is_held else None

    @property
    def bonded_seat(self) -> int | None:
        """The seat that its key holds, or held last and that is not released: it has a voice in disputes."""
        seats, address = self._parts.history.seats.items(), self._parts.address
        return next((seat for seat, one in seats if one.peer == address and not one.is_released), None)

    def begin(self, member: Member) -> None:
        """It is this one from now on."""
        self.close()
        self.member = member

    def start_anew(self, opened_in: str) -> None:
        """Another circle is at the address: opened_in names it. What was of the former is none of its business."""
        self.close()
        self.member, self.folder = None, self.folder.of_circle(opened_in)
        self.recent.judged.clear()
        self.recent.bases.clear()

    def close(self) -> None:
        """Wait for nothing more."""
        if self.member is not None:
            self.member.close()


class MemberMaker:
    """Gets data, genesis and state: everything that a seat's first round needs.

    follow: takes in what the chain has new. meanwhile: does what takes long.
    """

    def __init__(
        self,
        parts: PeerParts,
        config: PeerConfig,
        key: bytes,
        task: Task,
        template: Template,
        lacks: Lacks,
        reports: RoundReports,
        follow: Callable[[float], Awaitable[None]],
        meanwhile: Meanwhile,
    ) -> None:
        """template: of the task, as the circle agreed on it. key: the peer's own."""
        self._parts, self._config, self._key = parts, config, key
        self._task, self._template = task, template
        self._lacks, self._reports = lacks, reports
        self._follow, self._meanwhile = follow, meanwhile

    async def make(self, seat: int, folder: DataFolder, recent: RecentWork) -> Member:
        """Waits where something is lacking. Raises SetupError where the task or the circle is at fault."""
        parts, services, history = self._parts, self._parts.services, self._parts.history
        file = StateFile(folder.state)
        saved = file.load(parts.network, history.manifest.state_size)
        budget = await open_budget(
            parts, folder, saved, self._config.privacy_budget_milli, self._config.privacy_earlier
        )
        learner, own_genesis = await parts.worker.run(lambda: self._load(seat, folder, budget))
        recovery = Recovery(
            lambda: parts.history, parts.network, seat, services.store, services.exchange, learner.compute_loss
        )
        provisions = Provisions(recovery, self._lacks, lambda: self._follow(0.0))
        genesis = await provisions.wait_for_genesis(own_genesis)
        services.exchange.states.origin = genesis
        if services.pin_stats is not None:
            own_blobs = await parts.worker.run(lambda: find_own_blobs(history, seat, parts.address, services.store))
            services.keep_pins(folder.pins, own_blobs)
        retention = None if self._config.archive else Retention(services.store, services.unpin)
        state = saved or PeerState(parts.network, Base(genesis), np.zeros(genesis.shape, np.float32))
        state = replace(state, base=await provisions.find_base([state.base], ()))
        self._tell_behaviour(seat, genesis)
        own = OwnState(parts, seat, file, state, provisions, recent)
        return Member(
            seat,
            own,
            provisions,
            Committing(parts, own, learner, self._meanwhile),
            Attesting(parts, own, learner, provisions, recent, self._reports, self._follow),
            TrainingAhead(parts, own, learner),
            retention,
            learner.close,
        )

    def _load(self, seat: int, folder: DataFolder, budget: PrivacyBudget | None) -> tuple[Learner, bytes]:
        """The learner with the seat's data, and the genesis blob as this machine makes it, unless it has it."""
        parts, config, template, manifest = self._parts, self._config, self._template, self._parts.history.manifest
        seats = max(parts.circle.terms.start_seats, seat + 1)
        seed = int(manifest.task_options.get("seed", 0))
        kept = PrivateParts.load(folder.private, parts.network)
        task = parts.behaviour.train_on(self._task)
        with parts.meter.measure_section("training"):
            trainer = Trainer(
                task,
                template.layout,
                seat=seat,
                seats=seats,
                seed=seed,
                template=template,
                kept=kept,
                private=None if budget is None else parts.behaviour.train_privately(budget),
                rounds=manifest.rounds,
                crew=None if config.make_crew is None else config.make_crew(template.layout, seat, seats),
                limit=None if config.train_in_full else parts.pace,
            )
            learner = Learner(
                trainer, manifest, parts.behaviour, seed * 1000 + seat, parts.meter, config.sent_share, budget
            )
            return learner, config.genesis or encode_genesis_blob(template.make_initial(), template.layout.blocks)

    def _tell_behaviour(self, seat: int, genesis: GridState) -> None:
        parts = self._parts
        parts.behaviour.enter(
            SeatedPeer(
                history=lambda: parts.history,
                network=parts.circle.network,
                key=self._key,
                seat=seat,
                genesis=genesis,
                gossip=parts.services.gossip,
                fetch=parts.fetch_blobs,
            )
        )
