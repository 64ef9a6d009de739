"""One soak while it runs: its nodes, what the chain says, and what went otherwise than it should."""

import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.circle.history import History, Phase
from node.demo.launcher import PeerProcess, failure_of
from scripts.running import tell
from scripts.soak.network import Sight, SoakNetwork
from scripts.soak.sky import Place, Sky

_POLL_S: Final = 0.25
_START_S: Final = 300.0


@dataclass
class Member:
    """One node of the soak."""

    peer: PeerProcess
    """Its folder and process."""
    place: Place
    """Where it runs."""
    host: str
    """It listens there."""
    advertise: str
    """Others call it there."""
    options: tuple[str, ...] = ()
    """Further options of `folkmoot node`, at each start."""
    at_next_start: tuple[str, ...] = ()
    """The same, at the next start alone."""
    starts: int = 0
    """Lives so far."""
    may_end: bool = False
    """Its end now is planned."""


@dataclass
class Soak:
    """Nodes, chain and counters of one scenario."""

    name: str
    """The scenario's."""
    network: SoakNetwork
    """The processes."""
    sky: Sky
    """The places."""
    rng: random.Random
    """Draws all that is drawn."""
    rounds: int
    """The circle's last round."""
    stall_s: float
    """A round that takes longer is a stall: as long as both of its windows."""
    members: list[Member] = field(default_factory=list)
    """By index; seats are the same."""
    sight: Sight | None = None
    """The chain's word."""
    settled_at: dict[int, float] = field(default_factory=dict)
    """Round → seconds since round 1 opened."""
    deaths: list[str] = field(default_factory=list)
    """Ends that nobody planned."""
    restarts: int = 0
    """Starts after a planned end."""
    notes: list[str] = field(default_factory=list)
    """What a scenario did and saw, in words."""
    _begun: float = 0.0

    @property
    def folder(self) -> Path:
        """Where all of it is kept."""
        return self.network.folder

    @property
    def history(self) -> History:
        """What the chain says now."""
        assert self.sight is not None
        return self.sight.look()

    def note(self, text: str) -> None:
        """For the report, and for whoever watches."""
        self.notes.append(text)
        tell(f"{self.name}: {text}")

    def start(self, member: Member) -> None:
        """Start a node, or start it again."""
        if member.starts:
            self.restarts += 1
        # What it is started with once is the step at which it is to die.
        member.starts, member.may_end = (
            member.starts + 1,
            bool(member.at_next_start) or member.peer.attack != "honest",
        )
        options = ("--seat", str(member.peer.index), *member.options, *member.at_next_start)
        member.at_next_start = ()
        self.network.start_node(member.peer, *options, host=member.host, advertise=member.advertise)

    def is_alive(self, member: Member) -> bool:
        """Whether its process runs."""
        return member.peer.process is not None and member.peer.process.poll() is None

    def kill(self, member: Member) -> None:
        """SIGKILL, and wait until it is gone."""
        member.may_end = True
        assert member.peer.process is not None
        member.peer.process.kill()
        member.peer.process.wait()

    def events(self, member: Member, kind: str) -> Sequence[dict[str, object]]:
        """What it has reported of one kind, over all its lives."""
        return [event for event in member.peer.read_events() if event["event"] == kind]

    def wait_for_start(self) -> bool:
        """Until all have their seats. False where that does not come about."""
        until = time.monotonic() + _START_S
        while len(self.history.seats) < len(self.members):
            self.look_for_deaths()
            if time.monotonic() > until:
                self.note(f"only {len(self.history.seats)} of {len(self.members)} have joined in {_START_S:.0f} s")
                return False
            time.sleep(_POLL_S)
        self._begun = time.monotonic()
        return True

    def look(self) -> int:
        """Wait a moment and look. Returns how many rounds are settled; all, once the circle is finished."""
        time.sleep(_POLL_S)
        self.look_for_deaths()
        history = self.history
        settled = self.rounds if history.phase == Phase.FINISHED else max(0, history.number - 1)
        now = time.monotonic() - self._begun
        for number in range(len(self.settled_at) + 1, settled + 1):
            self.settled_at[number] = now
            tell(f"{self.name}: round {number} settled, {now:.0f} s")
        return settled

    def look_for_deaths(self) -> None:
        """Note each end that nobody planned, and start the node again."""
        for member in self.members:
            if member.starts and not member.may_end and not self.is_alive(member):
                assert member.peer.process is not None
                self.deaths.append(
                    f"node {member.peer.index}, status {member.peer.process.poll()}: {failure_of(member.peer)}"
                )
                self.note(self.deaths[-1])
                self.start(member)

    @property
    def seconds(self) -> list[float]:
        """Of each settled round."""
        times = [0.0, *(self.settled_at[number] for number in sorted(self.settled_at))]
        return [after - before for before, after in itertools.pairwise(times)]
