"""Running one scenario: places, chain, circle, nodes, the rounds, the audit."""

import contextlib
import random
import time
from pathlib import Path
from typing import Any, Final

from ledger.circle.history import Phase
from scripts.soak.air import CALM
from scripts.soak.network import Sight, SoakNetwork
from scripts.soak.outcome import Outcome, count_findings, find_median, measure_unavailable
from scripts.soak.scenarios import ANY, V6, Scenario
from scripts.soak.sky import Sky
from scripts.soak.soak import Member, Soak

_LONGEST_ROUND_S: Final = 600.0
_FINISH_S: Final = 60.0
_HANDING_S: Final = 5.0


def run_scenario(scenario: Scenario, folder: Path, task: tuple[str, ...], seed: int) -> Outcome:
    """Raises UsageError and SetupError."""
    with (
        contextlib.closing(scenario),
        Sky(scenario.nodes + scenario.extra_places, scenario.behind_nat, seed) as sky,
        SoakNetwork(folder, sky) as network,
    ):
        soak = Soak(
            scenario.name,
            network,
            sky,
            random.Random(seed),
            scenario.rounds,
            float(scenario.commit_window_s + scenario.attest_window_s),
        )
        _found(scenario, soak, task)
        sky.set_climate(scenario.climate)
        scenario.settle(soak)
        for member in soak.members:
            soak.start(member)
        begun = time.monotonic()
        before = _go_through(scenario, soak) if soak.wait_for_start() else sky.tell()
        took_s = time.monotonic() - begun
        scenario.end(soak)
        _wait_for_ends(soak)
        if scenario.behind_nat:
            # What was said last is on its way to those who keep it.
            time.sleep(_HANDING_S)
        weather = sky.tell()
        # The audit is measured elsewhere: here it is to find everything, and soon.
        sky.part()
        sky.set_climate(CALM)
        begun = time.monotonic()
        report = network.audit("--timeout", "10")
        audit_s = time.monotonic() - begun
        return _sum_up(scenario, soak, before, weather, report, took_s, audit_s)


def _found(scenario: Scenario, soak: Soak, task: tuple[str, ...]) -> None:
    """Chain, circle, and the nodes' keys."""
    network, peers = soak.network, str(scenario.nodes)
    network.start()
    degree = str(min(scenario.degree, scenario.nodes - 1))
    windows = ("--commit-window", str(scenario.commit_window_s), "--attest-window", str(scenario.attest_window_s))
    options = ("--peers", peers, "--rounds", str(scenario.rounds), "--degree", degree, *windows)
    network.deploy(*task, *options, *scenario.deploy_options)
    soak.sight = Sight.of(network.circle_file)
    for index, place in enumerate(soak.sky.places[: scenario.nodes]):
        peer = network.add_peer(scenario.attacks.get(index, "honest"))
        is_v6 = index in scenario.by_v6 and place.address_v6 is not None
        host, advertise = (V6, place.address_v6 or "") if is_v6 else (ANY, place.address)
        soak.members.append(Member(peer, place, host, advertise, ("--rpc", network.rpc)))


def _go_through(scenario: Scenario, soak: Soak) -> dict[str, Any]:
    """All rounds. Returns the weather's counters before the first one."""
    before, entered, moved = soak.sky.tell(), 0, time.monotonic()
    while True:
        settled = soak.look()
        for number in range(entered + 1, min(settled + 1, soak.rounds) + 1):
            entered, moved = number, time.monotonic()
            scenario.enter_round(soak, number)
        scenario.attend(soak)
        if soak.history.phase == Phase.FINISHED:
            return before
        if time.monotonic() - moved > _LONGEST_ROUND_S:
            soak.note(f"round {entered} is not settled after {_LONGEST_ROUND_S:.0f} s: given up")
            return before


def _wait_for_ends(soak: Soak) -> None:
    """Until all nodes that live know that it is over, and serve what they said last."""
    until = time.monotonic() + _FINISH_S
    while time.monotonic() < until:
        if all(soak.events(member, "finished") for member in soak.members if soak.is_alive(member)):
            return
        soak.look()


def _sum_up(
    scenario: Scenario,
    soak: Soak,
    before: dict[str, Any],
    weather: dict[str, Any],
    report: dict[str, Any],
    took_s: float,
    audit_s: float,
) -> Outcome:
    seconds = soak.seconds
    rounds = [
        event for member in soak.members for event in soak.events(member, "round") if member.peer.attack == "honest"
    ]
    quarantined = {line["seat"] for line in report["membership"] if line["change"] == "quarantined"}
    return Outcome(
        scenario=scenario.name,
        nodes=scenario.nodes,
        rounds=scenario.rounds,
        settled=len(soak.settled_at),
        round_s=find_median(seconds),
        longest_s=max(seconds, default=0.0),
        stalls=sum(one > soak.stall_s for one in seconds),
        sent_bytes=_measure_bytes(soak, before, weather, "sent"),
        received_bytes=_measure_bytes(soak, before, weather, "received"),
        deaths=len(soak.deaths),
        restarts=soak.restarts,
        planted=dict(scenario.attacks),
        findings=count_findings(report["findings"]),
        quarantined=sorted(quarantined),
        unavailable=measure_unavailable(rounds),
        weather={name: value for name, value in weather.items() if name not in ("sent", "received")},
        seconds=took_s,
        audit_s=audit_s,
        notes=soak.notes,
    )


def _measure_bytes(soak: Soak, before: dict[str, Any], after: dict[str, Any], way: str) -> float:
    """Of one node in one round."""
    numbers = [str(place.number) for place in (member.place for member in soak.members)]
    settled = max(1, len(soak.settled_at))
    return find_median([(after[way].get(one, 0) - before[way].get(one, 0)) / settled for one in numbers])
