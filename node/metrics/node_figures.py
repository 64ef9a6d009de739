"""A node's figures. Events bring what happens once a round; all else is looked up when somebody asks.

Nothing here is called in the course of a round but `note`, once for each event that the node reports.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ledger.circle.history import History, Phase
from ledger.circle.reputation import FULL
from ledger.codec import CODECS
from ledger.fetch.block_request import Failure
from ledger.fetch.fetcher import FetchStats
from ledger.rules import RULES
from ledger.untrusted.text import make_printable
from node.blobs.pin_stats import PinStats
from node.membership.parts import PeerParts
from node.metrics import names
from node.metrics.chain_watch import ChainWatch
from node.metrics.families import make_count, make_counts, make_gauge, make_gauges, make_states, tell_disk
from node.metrics.store_size import StoreSize
from node.operating.meter import SECTIONS
from node.seat.fate import RoundTally, tally_round

ETHER: Final = 10**18
_ROUND_S: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)
_CPU_S: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600)
_CPU_PARTS: Final = (*SECTIONS, "other")


class RoundFigures:
    """What a node reports: rounds, notices, and what its task and its privacy say."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rounds = Counter(
            "folkmoot_rounds", "Rounds that this node attested in and reported.", registry=registry
        )
        self._seconds = Histogram(
            "folkmoot_round_duration_seconds",
            "From one reported round to the next.",
            buckets=_ROUND_S,
            registry=registry,
        )
        self._cpu = Histogram(
            "folkmoot_round_cpu_seconds",
            "CPU time of one round by part of the work.",
            ["section"],
            buckets=_CPU_S,
            registry=registry,
        )
        self._verdicts = Counter(
            "folkmoot_verdicts", "Verdicts of this node about its neighbours.", ["verdict"], registry=registry
        )
        self._notices = Counter(
            "folkmoot_notices", "What this node told its operator, by kind.", ["kind"], registry=registry
        )
        self._figures = Gauge(
            "folkmoot_task_figure", "What the task's evaluation gave last.", ["figure", "better"], registry=registry
        )
        self.privacy: Mapping[str, Any] = {}
        """Where the budget of privacy stood last; empty without privacy terms."""
        for section in _CPU_PARTS:
            self._cpu.labels(section)
        for verdict in names.VERDICTS:
            self._verdicts.labels(verdict)
        for kind in names.NOTICES:
            self._notices.labels(kind)
        self._named: set[str] = set()

    def note(self, event: Mapping[str, Any]) -> None:
        """Take an event in as it is reported."""
        if event["event"] == "round":
            self._note_round(event)
        elif event["event"] == "notice":
            self._notices.labels(names.among(event["kind"], names.NOTICES)).inc()

    def _note_round(self, event: Mapping[str, Any]) -> None:
        self._rounds.inc()
        self._seconds.observe(event["seconds"])
        for section, seconds in event["cpu_s"].items():
            self._cpu.labels(names.among(section, _CPU_PARTS)).observe(seconds)
        for verdict in event["verdicts"].values():
            self._verdicts.labels(names.among(verdict, names.VERDICTS)).inc()
        better = event["better"]
        for name, value in event["figures"].items():
            shown = make_printable(str(name), names.FIGURE_NAME_MAX)
            if isinstance(value, int | float) and (shown in self._named or len(self._named) < names.FIGURES_MAX):
                self._named.add(shown)
                self._figures.labels(shown, better.get(name, "")).set(value)
        self.privacy = event.get("privacy", {})


class NodeFigures(Collector):
    """What a running node is asked for when somebody scrapes. parts: None before it has read the circle's history.

    health: check → whether it is so.
    """

    def __init__(
        self,
        parts: Callable[[], PeerParts | None],
        reported: RoundFigures,
        watch: ChainWatch,
        size: StoreSize,
        health: Callable[[], Mapping[str, bool]],
    ) -> None:
        self._parts, self._reported, self._watch = parts, reported, watch
        self._size, self._health = size, health
        self._tally: tuple[tuple[int, int, int], RoundTally] | None = None

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield make_states("folkmoot_health", "Whether a check of /healthz is passed.", "check", self._health())
        yield from self._tell_chain()
        yield from tell_disk(self._size.room)
        yield make_gauge("folkmoot_store_blocks", "Blocks in the store.", self._size.blocks)
        yield make_gauge("folkmoot_store_bytes", "What these blocks take.", self._size.bytes)
        yield from _tell_privacy(self._reported.privacy)
        parts = self._parts()
        if parts is None:
            return
        yield from _tell_costs(parts)
        yield from _tell_traffic(parts)
        yield from _tell_following(parts, time.monotonic(), time.time())
        if parts.history.task_manifest is not None:
            yield from _tell_circle(parts)
            yield from self._tell_seat(parts)

    def _tell_chain(self) -> Iterator[Metric]:
        sight = self._watch.sight
        yield make_gauge(
            "folkmoot_chain_up", "Whether an endpoint answered the last question.", int(self._watch.is_answered)
        )
        yield make_gauge("folkmoot_chain_endpoints", "Endpoints that this node was given.", self._watch.endpoints)
        if sight is not None:
            yield make_gauge("folkmoot_chain_head", "Number of the newest block seen.", sight.head)
            yield make_gauge(
                "folkmoot_chain_head_timestamp_seconds", "Its time, as the chain has it.", sight.head_time_s
            )
            yield make_gauge("folkmoot_chain_seen_timestamp_seconds", "When it was asked for.", sight.at_s)
            yield make_gauge("folkmoot_balance_ether", "What this node's account holds.", sight.balance_wei / ETHER)

    def _tell_seat(self, parts: PeerParts) -> Iterator[Metric]:
        history = parts.history
        seat = history.seat_of(parts.address)
        yield make_gauge("folkmoot_seat_held", "Whether this node's key holds a seat.", int(seat is not None))
        if seat is None:
            return
        held, bit = history.seats[seat], 1 << seat
        yield make_gauge("folkmoot_seat_number", "The seat.", seat)
        yield make_gauge(
            "folkmoot_seat_reputation_ratio", "Its reputation, 0 to 1.", history.reputations[seat] / FULL
        )
        yield make_states(
            "folkmoot_seat_standing",
            "How the seat stands.",
            "standing",
            {
                "awaited": bool(history.roster & bit),
                "late": bool(history.late & bit),
                "dozing": bool(history.dozing & bit),
                "quarantined": bool(history.below & bit),
                "suspended": held.suspended_until is not None,
                "away": parts.tenancy.is_away,
            },
        )
        yield make_gauge(
            "folkmoot_seat_strikes", "Settlements in a row that found it below the floor.", held.strikes
        )
        yield make_gauge("folkmoot_seat_convictions", "Claims upheld about what it said.", held.convictions)
        yield make_gauge("folkmoot_seat_bond_ether", "What it has put down.", held.bond / ETHER)
        yield make_gauge("folkmoot_seat_attested_round", "The last round that it attested in.", held.attested_round)
        about = [one for one in list(history.open_disputes.values()) if one.claim.judge == seat]
        yield make_gauge("folkmoot_seat_disputes_open", "Open disputes about what it said.", len(about))
        tally = self._tally_last(history, seat, parts.follower.rollbacks)
        if tally is not None:
            counts = {"accepting": tally.accepting, "rejecting": tally.rejecting, "silent": tally.silent}
            yield make_gauges(
                "folkmoot_seat_judges", "The last settled round's judges of its update.", "verdict", counts
            )

    def _tally_last(self, history: History, seat: int, rollbacks: int) -> RoundTally | None:
        settled = next((one for one in reversed(history.rounds[-2:]) if one.settled), None)
        if settled is None:
            return None
        key = (settled.number, seat, rollbacks)
        if self._tally is None or self._tally[0] != key:
            self._tally = key, tally_round(settled, seat, history.terms.degree)
        return self._tally[1]


def _tell_privacy(stood: Mapping[str, Any]) -> Iterator[Metric]:
    if not stood:
        return
    yield make_gauge("folkmoot_privacy_spent_epsilon", "Spent of the budget of privacy.", stood["spent_epsilon"])
    yield make_gauge("folkmoot_privacy_budget_epsilon", "The most that may be spent.", stood["budget_epsilon"])
    if stood["rounds_left"] is not None:
        yield make_gauge("folkmoot_privacy_rounds_left", "Rounds that the rest pays.", stood["rounds_left"])


def _tell_circle(parts: PeerParts) -> Iterator[Metric]:
    history, network = parts.history, parts.circle.network
    manifest, round_ = history.manifest, history.round
    info = {
        "chain_id": str(network.chain_id),
        "contract": network.contract,
        "rule": names.among(manifest.rule, RULES),
        "codec": names.among(manifest.codec, CODECS),
    }
    yield InfoMetricFamily("folkmoot_circle", "The circle that this node takes part in.", value=info)
    yield make_gauge("folkmoot_round", "The round under way, 0 before the first.", history.number)
    yield make_gauge("folkmoot_last_round", "The circle ends with it.", history.terms.last_round)
    phases = {one.name.lower(): history.phase == one for one in Phase}
    yield make_states("folkmoot_phase", "The phase that the circle is in.", "phase", phases)
    yield make_gauge(
        "folkmoot_round_commits", "Updates committed to in this round.", len(round_.commits) if round_ else 0
    )
    attested = len(round_.attestations) if round_ else 0
    yield make_gauge("folkmoot_round_attestations", "Seats that attested in this round.", attested)
    yield make_gauge("folkmoot_seats_held", "Seats that are held.", history.members.bit_count())
    yield make_gauge("folkmoot_seats_awaited", "Seats that this round waits for.", history.roster.bit_count())
    floor = history.terms.reputation_floor / FULL
    yield make_gauge("folkmoot_reputation_floor_ratio", "Below it a seat is quarantined, 0 to 1.", floor)
    yield make_gauge("folkmoot_disputes_open", "Open disputes in the circle.", len(history.open_disputes))


def _tell_following(parts: PeerParts, monotonic_s: float, unix_s: float) -> Iterator[Metric]:
    follower, rpc = parts.follower, parts.circle.rpc
    if follower.answered_at is not None:
        read_at = unix_s - (monotonic_s - follower.answered_at)
        yield make_gauge(
            "folkmoot_chain_read_timestamp_seconds", "When the circle's events were last read.", read_at
        )
    yield make_gauge(
        "folkmoot_chain_websocket_up", "Whether a WebSocket tells of new blocks.", int(follower.is_woken)
    )
    yield make_count("folkmoot_chain_rollbacks", "How often the chain took events back.", follower.rollbacks)
    yield make_count("folkmoot_chain_endpoint_changes", "How often another endpoint was taken.", rpc.changes)
    yield make_count("folkmoot_chain_requests_repeated", "Requests made again as nobody had answered.", rpc.repeats)


def _tell_costs(parts: PeerParts) -> Iterator[Metric]:
    sender = parts.follower.sender
    yield make_counts("folkmoot_cpu_seconds", "CPU time by part of the work.", "section", parts.meter.total())
    yield make_count("folkmoot_gas_used", "Gas that this node's calls used.", sender.gas_spent)
    yield make_count("folkmoot_fees_ether", "What that gas cost.", sender.fees_wei / ETHER)


def _tell_traffic(parts: PeerParts) -> Iterator[Metric]:
    services = parts.services
    gossip, gateway, fetched, doors = (
        services.gossip.stats,
        services.gateway_stats,
        services.fetch_stats,
        services.doors,
    )
    sent = {"gateway": gateway.bytes_sent, "gossip": gossip.bytes_sent}
    yield make_counts("folkmoot_sent_bytes", "Bodies handed to the network.", "kind", sent)
    received = {"blobs": fetched.bytes_received, "gossip": gossip.bytes_received}
    yield make_counts("folkmoot_received_bytes", "Bodies taken from the network.", "kind", received)
    yield make_gauge("folkmoot_peers_linked", "Members linked by gossip now.", len(services.gossip.links))
    told = {"made": gossip.announced, "heard": gossip.heard}
    yield make_counts("folkmoot_announcements", "Announcements of updates, each once.", "origin", told)
    yield make_count("folkmoot_gossip_drops", "Messages dropped as a peer took too few.", gossip.drops)
    yield make_count("folkmoot_gossip_faults", "Connections on which a peer broke the protocol.", gossip.faults)
    yield make_count("folkmoot_gateway_requests", "Requests to the gateway.", gateway.requests)
    refused = {"busy": gateway.refused_busy, "turned_away": doors.turned_away, "cut": doors.cut}
    yield make_counts("folkmoot_gateway_refused", "Requests and connections refused or cut.", "reason", refused)
    yield make_count("folkmoot_blocks_fetched", "Blocks that a gateway gave.", fetched.blocks)
    failures = {kind.value: fetched.failures[kind] for kind in Failure}
    yield make_counts("folkmoot_fetch_failures", "How often a gateway gave no block.", "reason", failures)
    yield make_count("folkmoot_blobs_unavailable", "Blobs that nobody gave in time.", fetched.unavailable)
    if (pins := services.pin_stats) is not None:
        yield from _tell_daemon(pins, fetched)


def _tell_daemon(pins: PinStats, fetched: FetchStats) -> Iterator[Metric]:
    yield make_gauge("folkmoot_ipfs_pins", "This node's own pins that the IPFS daemon has.", pins.held)
    yield make_gauge("folkmoot_ipfs_pins_wanted", "Blobs that the IPFS daemon should have pinned.", pins.wanted)
    changes = {"made": pins.made, "removed": pins.removed}
    yield make_counts("folkmoot_ipfs_pin_changes", "Pins made and removed at the IPFS daemon.", "change", changes)
    yield make_count(
        "folkmoot_ipfs_pin_failures", "How often the daemon was down, slow, full or refused to pin.", pins.failures
    )
    yield make_count("folkmoot_ipfs_blocks", "Blocks that the IPFS daemon gave.", fetched.daemon_blocks)
    failures = {kind.value: fetched.daemon_failures[kind] for kind in Failure}
    yield make_counts("folkmoot_ipfs_fetch_failures", "How often the daemon gave no block.", "reason", failures)
