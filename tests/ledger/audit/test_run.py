"""The audit from end to end, over JSON-RPC in memory: an endpoint or a contract that lies is found out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ledger.audit.findings import Check, Report
from ledger.audit.run import audit
from ledger.chain.reading import KnownEvents
from ledger.chain.rpc.client import BadAnswer, RpcFault
from ledger.chain.rpc.patience import EndpointPatience
from ledger.circle.events import Left, Moved, Opened, Settled
from ledger.circle.reputation import pack, unpack
from ledger.errors import SetupError
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Blobs, Endpoint, block_hash, drawn_seed, log_of
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    Circle,
    FalseJudge,
    Honest,
    Said,
    flipped,
)
from tests.support.histories.parts import digest, endpoint

pytestmark = pytest.mark.rule("R22")


def circle_of(rounds: int = 2, **options: Any) -> Circle:
    """Five peers; after the first round seat 2 moves."""
    between = {1: lambda circle: circle.write(Moved(2, endpoint(77)))}
    options = {"between": between, **options}
    return Circle(rounds=rounds, genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed, **options)


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Audit a circle through an endpoint that lies. Returns the report, and what was fetched."""

    def run(
        circle: Circle,
        lies: dict[str, Callable[..., Any]] | None = None,
        blobs: Mapping[bytes, bytes | None] | None = None,
        **options: Any,
    ) -> tuple[Report, list[bytes]]:
        held = Blobs({GENESIS_ROOT: GENESIS_BLOB, **circle.blobs} if blobs is None else blobs)
        told = Endpoint(circle, lies)
        rpc = told.rpc()
        rpc.patience = EndpointPatience(fault_s=0.6, catch_up_s=0.0)
        monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: rpc)
        monkeypatch.setattr("ledger.audit.run.BlobFetcher", lambda *_, **__: held)
        report = asyncio.run(audit([URL], NETWORK.contract, **options))
        return report, held.asked

    return run


def named(report: Report) -> list[tuple[Check, int | None, int | None]]:
    return [(finding.check, finding.round, finding.seat) for finding in report.findings]


def test_an_honest_endpoint_gives_a_clean_report_in_which_everything_was_looked_at(
    audited: Callable[..., Any],
) -> None:
    circle, done = circle_of(), []
    report, asked = audited(circle, progress=lambda *of: done.append(of))
    assert report.findings == []
    assert report.clean
    assert (report.rounds, report.seats, report.rule) == (2, 5, "balance")
    assert report.examined["A2"] == len(circle.events)
    assert {check for check, count in report.examined.items() if count} >= {
        *("A1", "A2", "A3", "A4", "A5", "A6", "A7"),
    }
    assert set(asked) == {GENESIS_ROOT, *circle.updates.values()}
    assert done == [(1, 2), (2, 2)]
    assert (report.blobs, report.blob_bytes) == (
        10,
        sum(len(circle.read(root)) for root in circle.updates.values()),
    )
    assert report.reputations == {
        circle.known.seats[seat].peer: circle.known.reputations[seat] / 65535 for seat in range(5)
    }
    assert [change.time_s for change in report.membership] == [1_700_000_000 + FIRST_BLOCK + n for n in range(1, 6)]


# ------------------------------------------------------------------------------------ A2: what the endpoint tells


def changed_log(kind: Moved, change: Callable[..., Any]) -> Callable[..., Any]:
    """Tell one event of this kind otherwise."""

    def lie(_parameters: list[dict[str, str]], logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        name = log_of(kind, 0)["topics"][0]
        place = [log["topics"][0] for log in logs].index(name)
        number = int(logs[place]["blockNumber"], 16)
        return [*logs[:place], *change(logs[place], number), *logs[place + 1 :]]

    return lie


MOVED = Moved(2, endpoint(77))
LIES = {
    "another endpoint": changed_log(MOVED, lambda log, number: [log_of(Moved(2, endpoint(78)), number)]),
    "another seat": changed_log(MOVED, lambda log, number: [log_of(Moved(1, endpoint(77)), number)]),
    "one left out": changed_log(MOVED, lambda log, number: []),
    "one added": changed_log(
        MOVED, lambda log, number: [log, {**log_of(Left(3, 0, 5), number), "logIndex": "0x1"}]
    ),
    "the last left out": lambda _, logs: logs[:-1],
    "the first left out": lambda _, logs: logs[1:],
    "none": lambda _, logs: [],
}
NONSENSE = {
    "cut": changed_log(MOVED, lambda log, number: [{**log, "data": log["data"][:-64]}]),
    "of another contract": changed_log(MOVED, lambda log, number: [{**log, "address": "0x" + "12" * 20}]),
    "twice": changed_log(MOVED, lambda log, number: [log, log]),
    "no event of a circle": changed_log(MOVED, lambda log, number: [{**log, "topics": ["0x" + "00" * 32]}]),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_endpoint_whose_events_are_not_the_contracts_is_one_finding_and_nothing_is_recomputed(
    audited: Callable[..., Any], lie: Callable[..., Any]
) -> None:
    report, asked = audited(circle_of(), {"eth_getLogs": lie})
    assert named(report) == [("A2", None, None)]
    assert not report.clean
    assert asked == []
    assert report.reputations == {}


@pytest.mark.parametrize("lie", NONSENSE.values(), ids=NONSENSE)
def test_logs_that_no_circle_wrote_end_the_audit_in_a_sentence_and_are_no_finding(
    audited: Callable[..., Any], lie: Callable[..., Any]
) -> None:
    with pytest.raises(BadAnswer, match="try another endpoint"):
        audited(circle_of(), {"eth_getLogs": lie})


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_endpoint_that_leaves_out_or_adds_events_once_is_asked_again(
    audited: Callable[..., Any], lie: Callable[..., Any]
) -> None:
    """As one machine behind an address does whose index is not up to date."""
    told = []

    def at_first(parameters: list[dict[str, str]], logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        told.append(1)
        return lie(parameters, logs) if len(told) == 1 else logs

    report, _ = audited(circle_of(), {"eth_getLogs": at_first})
    assert report.findings == []
    assert len(told) == 2


@pytest.mark.parametrize(
    "lie", [lambda _, said: bytes(24), lambda _, said: said[:-1] + b"\0"], ids=["zeros", "near"]
)
def test_events_that_do_not_fold_to_the_contracts_hash_are_a_finding_with_both(
    audited: Callable[..., Any], lie: Callable[..., Any]
) -> None:
    circle = circle_of()
    report, asked = audited(circle, {"history": lie})
    assert named(report) == [("A2", None, None)]
    told = lie(None, circle.known.hash)
    assert report.findings[0].evidence == {"contract": told.hex(), "folded": circle.known.hash.hex()}
    assert "ask another endpoint" in report.findings[0].fact
    assert asked == []


def test_an_endpoint_for_which_nothing_has_happened_yet_is_a_finding_too(audited: Callable[..., Any]) -> None:
    """No events and the hash of none fit together, but a circle begins with its opening."""
    nothing = {"eth_getLogs": LIES["none"], "history": lambda _, said: bytes(24)}
    assert named(audited(circle_of(), nothing)[0]) == [("A2", None, None)]


def test_a_contract_deployed_for_another_task_than_the_events_say_is_a_finding(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    other = digest("another task").hex()
    opened = circle.events[0]
    assert isinstance(opened, Opened)
    code = {"eth_getCode": lambda _, code: code.replace(opened.task.hex(), other)}
    report, _ = audited(circle, code)
    assert named(report) == [("A2", None, None)]


def test_an_endpoint_that_refuses_a_view_is_a_sentence_and_no_finding_against_anybody(
    audited: Callable[..., Any],
) -> None:
    for answer in ("0x", RuntimeError("execution aborted")):
        with pytest.raises(RpcFault, match="try another endpoint"):
            audited(circle_of(), {"history": lambda _, said, answer=answer: answer})


def test_a_chain_that_was_reorganised_while_it_was_read_is_read_again(audited: Callable[..., Any]) -> None:
    """The last event is there at the second look only, and by then its block has another hash."""
    circle, looks = circle_of(), []
    last = FIRST_BLOCK + len(circle.events) - 1

    def marks(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        if int(parameters[0], 16) == last:
            looks.append(1)
            return {**block, "hash": block_hash(9_999)} if len(looks) == 1 else block
        return block

    def logs(_parameters: list[dict[str, str]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return told[:-1] if len(looks) == 1 else told

    report, _ = audited(circle, {"eth_getBlockByNumber": marks, "eth_getLogs": logs})
    assert report.findings == []
    assert report.rounds == 2
    assert len(looks) >= 3


def test_a_chain_that_was_reorganised_while_its_headers_were_read_is_read_again(
    audited: Callable[..., Any],
) -> None:
    """The events were read by then, and a draw's header is another than it was: nobody drew falsely."""
    circle, looks, read = circle_of(), [], []
    last = FIRST_BLOCK + len(circle.events) - 1
    drawn = FIRST_BLOCK + next(
        n for n, event in enumerate(circle.events) if getattr(event, "seed", b"") == drawn_seed(2)
    )

    def marks(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        number = int(parameters[0], 16)
        if number == drawn:
            read.append(1)
            return {**block, "mixHash": "0x" + "77" * 32} if len(read) == 1 else block
        if number == last:
            looks.append(1)
            # The block is another one for as long as the first reading goes on.
            return {**block, "hash": block_hash(9_999)} if not read else block
        return block

    report, _ = audited(circle, {"eth_getBlockByNumber": marks})
    assert report.findings == []
    assert len(read) == 2


def test_a_later_audit_asks_for_the_events_since_the_one_before_alone(audited: Callable[..., Any]) -> None:
    circle, known, asked = circle_of(), KnownEvents(), list[int]()

    def note(parameters: list[dict[str, str]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.append(int(parameters[0]["fromBlock"], 16))
        return told

    events = circle.events
    stop = 1 + next(place for place, event in enumerate(events) if isinstance(event, Settled))
    circle.events = events[:stop]
    assert audited(circle, {"eth_getLogs": note}, known=known)[0].head == FIRST_BLOCK + stop - 1
    assert min(asked) == 0
    asked.clear()
    circle.events = events
    whole = audited(circle)[0]
    assert audited(circle, {"eth_getLogs": note}, known=known)[0] == whole
    assert min(asked) == FIRST_BLOCK + stop
    asked.clear()
    assert audited(circle, {"eth_getLogs": note}, known=known)[0] == whole
    assert asked == []


def test_after_a_reorganisation_a_later_audit_begins_anew(audited: Callable[..., Any]) -> None:
    circle, known, asked = circle_of(), KnownEvents(), list[int]()
    events = circle.events
    stop = 1 + next(place for place, event in enumerate(events) if isinstance(event, Settled))

    def note(parameters: list[dict[str, str]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.append(int(parameters[0]["fromBlock"], 16))
        return told

    def other(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        is_last = int(parameters[0], 16) == FIRST_BLOCK + stop - 1
        return {**block, "hash": block_hash(9_999)} if is_last else block

    circle.events = events[:stop]
    audited(circle, known=known)
    circle.events = events
    report, _ = audited(circle, {"eth_getBlockByNumber": other, "eth_getLogs": note}, known=known)
    assert report == audited(circle)[0]
    assert min(asked) == 0


# ------------------------------------------------------------------------------------ A1 and A4


def test_other_code_is_one_finding_and_no_code_a_sentence(audited: Callable[..., Any]) -> None:
    report, asked = audited(
        circle_of(), {"eth_getCode": lambda _, code: code.replace("0x60", "0x61", 1)[:-2] + "00ff"}
    )
    assert named(report) == [("A1", None, None)]
    assert asked == []
    with pytest.raises(SetupError, match="there is no contract at"):
        audited(circle_of(), {"eth_getCode": lambda _, code: "0x"})


def test_a_header_of_another_block_than_the_draws_is_the_endpoints_fault(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    drawn = FIRST_BLOCK + next(
        n for n, event in enumerate(circle.events) if getattr(event, "seed", b"") == drawn_seed(2)
    )

    def none(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        return {"hash": block["hash"]} if int(parameters[0], 16) == drawn else block

    with pytest.raises(BadAnswer, match="no such answer"):
        audited(circle, {"eth_getBlockByNumber": none})

    def forked(parameters: list[Any], block: dict[str, str]) -> dict[str, str]:
        return {**block, "hash": block_hash(9_999)} if int(parameters[0], 16) == drawn else block

    with pytest.raises(BadAnswer, match="its logs name"):
        audited(circle, {"eth_getBlockByNumber": forked})


# ------------------------------------------------------------------------------------ A7: what the contract holds


def test_stored_reputations_that_are_not_the_last_settlements_are_one_finding(audited: Callable[..., Any]) -> None:
    report, _ = audited(circle_of(), {"reputation_words": lambda _, words: (words[0] ^ 1, *words[1:])})
    assert named(report) == [("A7", None, None)]
    assert "not those of its last settlement" in report.findings[0].fact


def test_stored_reputations_that_cannot_be_read_end_the_audit_in_a_sentence(audited: Callable[..., Any]) -> None:
    for answer in (RuntimeError("no such state"), "0x1234"):
        with pytest.raises(RpcFault, match="try another endpoint"):
            audited(circle_of(), {"reputation_words": lambda _, words, answer=answer: answer})


def favoured(words: tuple[int, ...]) -> tuple[int, ...]:
    """The words of a settlement, with seat 1's reputation at the top."""
    return pack({**unpack(words, 5), 1: 65535})


def test_a_settlement_that_the_verdicts_do_not_give_is_a_finding_for_each_seat(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    place = max(n for n, event in enumerate(circle.events) if isinstance(event, Settled))
    honest = circle.events[place]
    assert isinstance(honest, Settled)
    circle.events[place] = replace(honest, reputations=favoured(honest.reputations))
    report, _ = audited(circle)
    assert named(report) == [("A7", 2, 1)]
    assert report.findings[0].evidence == {"contract": "65535", "recomputed": str(unpack(honest.reputations, 5)[1])}


def test_a_settlement_with_reputations_of_seats_that_nobody_holds_is_a_finding(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    place = max(n for n, event in enumerate(circle.events) if isinstance(event, Settled))
    honest = circle.events[place]
    assert isinstance(honest, Settled)
    circle.events[place] = replace(honest, reputations=(*honest.reputations[:15], 1 << 240))
    report, _ = audited(circle)
    assert ("A7", 2, None) in named(report)
    assert {check for check, _, _ in named(report)} == {"A7"}


# ------------------------------------------------------------------------------------ what needs the blobs


def test_a_blob_that_nobody_serves_is_named_with_what_each_gateway_said(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    blobs = {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
    del blobs[circle.updates[2, 3]]
    report, _ = audited(circle, blobs=blobs)
    first = report.findings[0]
    assert (first.check, first.round, first.seat) == ("A3", 2, 3)
    assert first.evidence["digest"] == circle.updates[2, 3].hex()
    assert first.evidence["at http://gateway.example"] == "status 404"
    assert named(report)[1:] == [("A5", 2, seat) for seat in range(5)], "all say that they judged it"
    assert report.blobs == 9 + 5 + 5, "records and checkpoints tell how its judges went on"


@pytest.mark.parametrize(("genesis", "said"), [({}, "nobody serves"), ({GENESIS_ROOT: b"FMno"}, "invalid")])
def test_a_genesis_that_is_not_to_be_had_or_none_is_a_finding(
    audited: Callable[..., Any], genesis: dict[bytes, bytes], said: str
) -> None:
    circle = circle_of()
    report, _ = audited(circle, blobs={**genesis, **circle.blobs})
    assert named(report) == [("A3", None, None)]
    assert said in report.findings[0].fact


def test_a_false_judge_is_named_from_the_chain_and_the_blobs_alone(audited: Callable[..., Any]) -> None:
    class Liar(Honest):
        def attestation(self, number: int, said: Said) -> Said:
            return flipped(said, 1) if number == 2 else said

    report, _ = audited(circle_of(cheats={4: Liar(4)}))
    assert {(check, number, seat) for check, number, seat in named(report)} == {("A5", 2, 4)}


def test_with_two_processes_the_report_is_the_same(audited: Callable[..., Any]) -> None:
    circle = circle_of(cheats={4: FalseJudge(4, 0, (2,))})
    assert audited(circle, jobs=2)[0] == audited(circle, jobs=1)[0]


def test_what_is_sealed_still_is_not_asked_for(audited: Callable[..., Any]) -> None:
    """The last round's commits are open: nobody may serve them yet."""
    circle = circle_of(rounds=2)
    stop = next(n for n, event in enumerate(circle.events) if getattr(event, "seed", b"") == drawn_seed(2))
    circle.events = circle.events[:stop]
    report, asked = audited(circle)
    assert report.findings == []
    assert set(asked) == {
        GENESIS_ROOT,
        *(root for (number, _), root in circle.updates.items() if number == 1),
    }
    assert report.rounds == 2
