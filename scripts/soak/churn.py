"""Nodes that die at named steps and come back, endpoints that flap and lie, and members that lie: all at once."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scripts.soak.endpoints import LyingEndpoint, UnsteadyEndpoint
from scripts.soak.scenarios import Scenario
from scripts.soak.sky import HOME
from scripts.soak.soak import Member, Soak

STEPS: Final = ("train", "commit", "exchange", "attest")


@dataclass
class _Plan:
    """One node's deaths."""

    left: list[tuple[int, str]]
    """Rounds and steps that are still to come, in order."""
    at: tuple[int, str] | None = None
    """The one that it was started with."""


@dataclass(frozen=True)
class Churn(Scenario):
    """In each round three in ten of the honest are killed at a random step and started again."""

    name: str = "churn"
    """See Scenario."""
    rounds: int = 50
    """See Scenario."""
    behind_nat: tuple[int, ...] = ()
    """See Scenario."""
    share: float = 0.3
    """Of the honest nodes, killed in each round."""
    planted: tuple[str, ...] = ("sign-flip", "false-verdict", "equivocate")
    """What the last nodes do wrong, one each."""
    commit_window_s: int = 40
    """See Scenario."""
    attest_window_s: int = 20
    """See Scenario."""
    deploy: tuple[str, ...] = ("--bond", "1")
    """See Scenario."""
    _plans: dict[int, _Plan] = field(default_factory=dict)
    _endpoints: list[UnsteadyEndpoint] = field(default_factory=list)

    @property
    def attacks(self) -> Mapping[int, str]:
        return dict(zip(range(self.nodes - len(self.planted), self.nodes), self.planted, strict=True))

    def settle(self, soak: Soak) -> None:
        rpc = soak.network.rpc
        self._endpoints.extend(
            kind(rpc, HOME, soak.rng.randrange(1 << 30)) for kind in (UnsteadyEndpoint, LyingEndpoint)
        )
        for member in soak.members:
            urls = [rpc, *(endpoint.url for endpoint in self._endpoints)]
            turn = member.peer.index % len(urls)
            member.options = tuple(word for url in urls[turn:] + urls[:turn] for word in ("--rpc", url))
            if member.peer.index not in self.attacks:
                plan = self._plans[member.peer.index] = _Plan(draw_deaths(soak.rng, self.rounds, self.share))
                member.at_next_start = self._next_death(plan, 0)
        deaths = sum(len(plan.left) + (plan.at is not None) for plan in self._plans.values())
        soak.note(f"{deaths} deaths are planned; endpoints: one true, one that flaps, one that lies")

    def attend(self, soak: Soak) -> None:
        number = soak.history.number
        for index, plan in self._plans.items():
            member = soak.members[index]
            if plan.at is None:
                continue
            if soak.is_alive(member) and number > plan.at[0]:
                # It did not come to that step in that round: it was away, or the round went on without it.
                soak.kill(member)
            if not soak.is_alive(member):
                self._restart(soak, member, plan, number)
        for member in soak.members:
            if member.peer.index in self.attacks and not soak.is_alive(member):
                # Who is convicted loses its seat, and its node ends.
                member.may_end = True

    def end(self, soak: Soak) -> None:
        for member in soak.members:
            if not soak.is_alive(member) and member.peer.index not in self.attacks:
                self._restart(soak, member, _Plan([]), self.rounds)
        asked = {type(one).__name__: one.count_seen() for one in self._endpoints}
        soak.note(
            f"{soak.restarts} restarts; requests to {asked}; lies told: {sum(one.lies for one in self._endpoints)}"
        )

    def close(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()
        self._endpoints.clear()
        self._plans.clear()

    def _restart(self, soak: Soak, member: Member, plan: _Plan, number: int) -> None:
        member.at_next_start = self._next_death(plan, number)
        soak.start(member)

    @staticmethod
    def _next_death(plan: _Plan, number: int) -> tuple[str, ...]:
        """The options for the next one after a round."""
        plan.left = [one for one in plan.left if one[0] > number]
        plan.at = plan.left.pop(0) if plan.left else None
        return () if plan.at is None else ("--fail-at", f"{plan.at[0]}:{plan.at[1]}")


def draw_deaths(rng: random.Random, rounds: int, share: float) -> list[tuple[int, str]]:
    """One node's rounds and steps, in order; in the last round nobody dies."""
    return [(number, rng.choice(STEPS)) for number in range(1, rounds) if rng.random() < share]
