"""The demo: start everything, watch it, audit it, and say what happened."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from ledger.errors import SetupError
from node.attacks import choose_attack
from node.attacks.effect import spoils_models
from node.attacks.settings import parse_attack_parameters
from node.demo.launcher import LocalNetwork, failure_of
from node.demo.nursery import open_nursery
from node.demo.plot import plot
from node.demo.progress import Progress
from node.demo.results import RunResults, collect
from node.demo.summary import make_fields, print_summary
from node.demo.usage import read_cpu_s, read_pss_bytes

_POLL_S: Final = 0.25
_STALL_S: Final = 300.0


@dataclass(frozen=True)
class DemoOptions:
    """What to run."""

    folder: Path
    """Where the run is kept."""
    peers: int
    """How many, the poisoners included."""
    poisoners: int
    """How many attack; they take the last seats."""
    attack: str
    """A name from node.attacks."""
    rounds: int
    """The circle's last round."""
    degree: int
    """Neighbours that a peer judges in a round."""
    seed: int
    """Of data, training and the chain's randomness."""
    task: str
    """A task's name, or FILE.py:CLASS."""
    keep: bool
    """The folder stays."""
    deploy: tuple[str, ...]
    """Further options of `folkmoot deploy`."""
    node: tuple[str, ...] = ()
    """Further options of every `folkmoot node`."""
    recomputing: tuple[str, ...] = ()
    """Further options of every command that recomputes verdicts: the file of a rule of no release."""
    attack_parameters: tuple[str, ...] = ()
    """As NAME=NUMBER."""
    watch_port: int | None = None
    """Where the live page is served, 0 for a free port; None for no page."""


@dataclass(frozen=True)
class DemoOutcome:
    """What came of it."""

    results: RunResults
    """The peers' figures."""
    report: dict[str, Any]
    """The audit's, as `folkmoot audit --json` prints it."""
    seconds: dict[str, float]
    """Part of the demo → seconds it took."""
    usage: dict[str, float]
    """Bytes and CPU seconds, by name."""
    bundle: Path | None = None
    """What the audit went by, in one file; None where nothing is kept."""


def run_demo(
    options: DemoOptions, console: Console, conclude: Callable[[DemoOutcome], None], *, as_json_output: bool
) -> DemoOutcome:
    """Run the whole network, print progress and summary. Raises SetupError where a part does not start.

    conclude: called once the summary is printed, before a page is left open for as long as somebody looks.
    """
    clock = _Clock()
    with open_nursery() as nursery, LocalNetwork(options.folder) as network:
        # The chain needs little of what the nursery imports meanwhile.
        network.start_chain(seed=options.seed)
        network.nursery = nursery
        console.print(f"chain     {network.rpc}", highlight=False)
        file = network.deploy(
            *options.deploy, "--peers", str(options.peers), "--rounds", str(options.rounds),
            "--degree", str(options.degree), "--seed", str(options.seed), "--attest-window", "30",
        )  # fmt: skip
        console.print(f"circle    {file.contract}, task {file.task[:18]}…", highlight=False)
        clock.lap("chain and contract")
        for index in range(options.peers):
            network.add_peer(options.attack if index >= options.peers - options.poisoners else "honest")
        page = None if options.watch_port is None else network.start_watch(options.watch_port, *options.recomputing)
        said = page or "none: --watch shows the run in a browser (make demo ARGS=--watch)"
        console.print(f"page      {said}", highlight=False)
        own_task = ("--task", options.task) if ".py:" in options.task else ()
        for peer in network.peers:
            # A seat decides which share of the data is a peer's: seats in order make runs comparable.
            seated = ("--seat", str(peer.index), *own_task, *options.node, *options.recomputing)
            network.start_peer(peer, *seated, *_make_experiment_options(options, peer.attack))
        _wait(network, console, options, clock)
        usage = _measure_usage(network)
        results = collect(network.peers)
        bundle = options.folder / "circle.car" if options.keep else None
        report = network.audit(*options.recomputing, *(() if bundle is None else ("--save", str(bundle))))
        clock.lap("audit")
        outcome = DemoOutcome(
            results, report, clock.laps, usage, bundle if bundle is not None and bundle.exists() else None
        )
        _show(network, outcome, options, console, as_json_output=as_json_output)
        conclude(outcome)
        if page is not None:
            _stay(network, console, page)
    return outcome


def _show(
    network: LocalNetwork, outcome: DemoOutcome, options: DemoOptions, console: Console, *, as_json_output: bool
) -> None:
    report = outcome.report
    reputations = {seat: report["reputations"].get(address, 0.0) for seat, address in _read_seats(network).items()}
    title = f"{report['task']}, rule {report['rule']}, {options.poisoners} of {options.peers} {options.attack}"
    plot(outcome.results, reputations, title, options.folder / "rounds.png")
    picture = options.folder / "rounds.png" if options.keep else None
    if as_json_output:
        make_fields(picture, outcome, reputations)
    else:
        print_summary(console, picture, outcome, reputations, poisoned=_is_poisoned(options))


def _is_poisoned(options: DemoOptions) -> bool:
    """Whether a rule is what keeps the attackers from harm."""
    if not options.poisoners:
        return False
    return spoils_models(choose_attack(options.attack, parse_attack_parameters(list(options.attack_parameters))))


def _stay(network: LocalNetwork, console: Console, page: str) -> None:
    """Keep the page, and what it asks, until somebody interrupts."""
    assert network.watch is not None
    console.print(f"page      {page} stays open: Ctrl-C ends it", highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        network.watch.wait()
        console.print(f"page      ended by itself: see {network.folder / 'watch.log'}", highlight=False)


def _wait(network: LocalNetwork, console: Console, options: DemoOptions, clock: "_Clock") -> None:
    """Until every peer has finished. Raises SetupError when one dies, or nothing happens for long."""
    last_change, seen = time.monotonic(), -1
    with Progress(console, options.peers, options.rounds) as progress:
        while True:
            events = {peer.index: peer.read_events() for peer in network.peers}
            for peer in network.peers:
                assert peer.process is not None
                if peer.process.poll() is not None:
                    raise SetupError(f"peer {peer.index} ended: {failure_of(peer)} (log: {peer.log_file})")
            count = sum(len(listed) for listed in events.values())
            if count != seen:
                last_change, seen = time.monotonic(), count
                progress.show({peer.index: (peer.attack, events[peer.index]) for peer in network.peers})
            if "peers started" not in clock.laps and _select_events(events, "joined"):
                clock.lap("peers started")
            if _select_events(events, "finished"):
                clock.lap("rounds")
                return
            if time.monotonic() - last_change > _STALL_S:
                raise SetupError(f"no peer has reported for {_STALL_S:.0f} s: see the logs in {network.folder}")
            time.sleep(_POLL_S)


def _make_experiment_options(options: DemoOptions, attack: str) -> list[str]:
    """What a poisoner has to know, and what an honest peer reports about the attack."""
    parameters = [part for text in options.attack_parameters for part in ("--attack-parameter", text)]
    if attack != "honest":
        # The poisoners take the last seats.
        seats = range(options.peers - options.poisoners, options.peers)
        return ["--accomplices", ",".join(map(str, seats)), *parameters]
    if (
        options.poisoners
        and choose_attack(options.attack, parse_attack_parameters(list(options.attack_parameters))).has_figures
    ):
        return ["--watch", options.attack, *parameters]
    return []


def _measure_usage(network: LocalNetwork) -> dict[str, float]:
    """Memory (PSS) of all peers together, with what forked them, and of the chain, and the chain's CPU time.

    Left out is what the system does not tell.
    """
    assert network.chain is not None
    peers = [read_pss_bytes(peer.process.pid) for peer in network.peers if peer.process is not None]
    if network.nursery is not None:
        peers.append(read_pss_bytes(network.nursery.pid))
    found = {
        "peers_pss_bytes": sum(size for size in peers if size is not None) or None,
        "chain_pss_bytes": read_pss_bytes(network.chain.pid),
        "chain_cpu_s": read_cpu_s(network.chain.pid),
    }
    return {name: value for name, value in found.items() if value is not None}


def _select_events(events: dict[int, list[dict[str, Any]]], kind: str) -> bool:
    return all(any(event["event"] == kind for event in listed) for listed in events.values())


def _read_seats(network: LocalNetwork) -> dict[int, str]:
    joined = [event for peer in network.peers for event in peer.read_events() if event["event"] == "joined"]
    return {event["seat"]: event["address"] for event in joined}


class _Clock:
    """Seconds by stage of the demo."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._since = now - self._since, now
