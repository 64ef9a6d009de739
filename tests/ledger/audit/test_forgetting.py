"""What is remembered of earlier rounds costs or saves time, and decides nothing: no verdict, dispute or finding.

Circles with gaps, pauses, a second tenure, a false judge and withheld blobs are played and audited twice: with room
for every state, and with room for one.
"""

import numpy as np
import pytest

from ledger.audit.findings import Check, Finding, Report
from ledger.audit.round_checks import RoundAuditor
from ledger.audit.spill import Spill
from ledger.audit.working_set import CarriedStates, Holder, SpilledStates
from ledger.circle.draw import seats_of
from ledger.circle.events import Disputed
from ledger.circle.history import History
from ledger.circle.round import Round
from ledger.judging.false_verdicts import is_false_verdict
from ledger.judging.frame_chains import CircleTask, Commit, DecodedState, HeldBlobs, StateCache, find_frame_chain
from ledger.rules.judge_memory import CarriedState as CarriedState_
from tests.support.histories.circles import NETWORK, PARAMETERS, Away, Circle, FalseJudge, genesis_state, hand_over
from tests.support.histories.parts import address, digest

pytestmark = pytest.mark.rule("R28")

ALL, ONE = 1 << 40, 1
STATE_BYTES = 4 * PARAMETERS
CIRCLES = [
    ("delta", "tether", 4),
    ("delta", "balance", 2),
    ("int8", "tether", 2),
    ("int8-zstd", "balance", 4),
]


def disputed(circle: Circle, judge: int, target: int) -> None:
    """The judge's verdict of the round just settled is disputed."""
    number = circle.known.rounds[-1].number - 1
    claim = len(circle.known.disputes)
    raised = (claim, number, judge, target, address(500), digest("evidence"), circle.known.bonded, 1_700_000_000)
    circle.write(Disputed(*raised))


def played(
    codec: str, rule: str, degree: int, *, room: int = ALL, withheld: tuple[tuple[int, int], ...] = ()
) -> Circle:
    """Six seats, ten rounds. Seat 1 is away for three, 3 every other one; seat 5 changes hands; seat 2 lies."""
    between = {
        4: lambda circle: hand_over(circle, 5),
        8: lambda circle: [disputed(circle, judge, target) for judge, target in ((2, 0), (0, 2), (4, 1))],
    }
    cheats = {1: Away(1, range(4, 7)), 3: Away(3, (2, 4, 6)), 2: FalseJudge(2, 0, (7, 8))}
    return Circle(
        seats=6,
        rounds=10,
        degree=degree,
        rule=rule,
        rule_parameters={},
        codec=codec,
        cheats=cheats,
        between=between,
        room=room,
        withheld=withheld,
    )


def audited(
    circle: Circle, states: StateCache, carried: CarriedStates | None = None
) -> tuple[list[Finding], dict[Check, int], int, dict[int, bool | None]]:
    """(findings, what was looked at, what disputes are about) of an audit that remembers these states."""
    history, report = circle.history(), Report(NETWORK.chain_id, NETWORK.contract, 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report, states=states, carried=carried)
    for round_ in history.rounds:
        auditor.check(round_, circle.served(round_.number)[0])
    return report.findings, report.examined, report.unavailable_verdicts, auditor.false_verdicts


@pytest.fixture(autouse=True)
def six_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 6)


@pytest.mark.parametrize(("codec", "rule", "degree"), CIRCLES)
def test_with_room_for_one_state_everybody_attests_the_same_bits(codec: str, rule: str, degree: int) -> None:
    rich, poor = (played(codec, rule, degree, room=room) for room in (ALL, ONE))
    assert rich.events == poor.events
    assert rich.blobs == poor.blobs
    assert any(round_.tenures.get(5) == 2 for round_ in rich.known.rounds)


@pytest.mark.parametrize("withheld", [(), ((3, 4), (6, 5), (7, 0))], ids=["all-served", "some-withheld"])
@pytest.mark.parametrize(("codec", "rule", "degree"), CIRCLES)
def test_with_room_for_one_state_an_audit_finds_the_same(
    codec: str, rule: str, degree: int, withheld: tuple[tuple[int, int], ...]
) -> None:
    circle = played(codec, rule, degree, withheld=withheld)
    expected = audited(circle, StateCache(genesis_state(), ALL))
    for room in (ONE, 3 * STATE_BYTES):
        assert audited(circle, StateCache(genesis_state(), room)) == expected
    findings, _, _, truths = expected
    lies = {round_.number for round_ in circle.known.rounds[6:8] if round_.attestations[2].judged & 1}
    assert {finding.round for finding in findings if finding.seat == 2} >= (set() if withheld else lies)
    if not withheld:
        assert {finding.seat for finding in findings} == {2}
        assert truths == {0: 8 in lies, 1: False, 2: False}


def test_what_has_no_room_in_memory_is_read_back_from_disk_to_the_same_bits() -> None:
    circle = played("delta", "tether", 4)
    expected = audited(circle, StateCache(genesis_state(), ALL))
    for most in (2, 12):
        states_shelf, carried_shelf = Spill[Commit](STATE_BYTES), Spill[tuple[Holder, str]](1)
        with states_shelf, carried_shelf:
            states = StateCache(genesis_state(), ONE, beyond=SpilledStates(states_shelf, most))
            assert audited(circle, states, CarriedStates(carried_shelf, 1)) == expected
            assert len(states_shelf) == most


def test_what_is_read_back_from_disk_still_says_whether_its_author_was_charged() -> None:
    with Spill[Commit](STATE_BYTES) as shelf:
        states = SpilledStates(shelf, 2)
        for number, is_charged in ((1, True), (2, False)):
            commit = Commit(number, bytes([number]) * 32, bytes(20))
            kept = DecodedState(genesis_state(), bytes(32), (), is_charged)
            states.put(commit, kept)
            found = states.get(commit)
            assert found is not None
            assert found.is_charged is is_charged
            assert np.array_equal(found.state, kept.state)


@pytest.mark.parametrize(("codec", "rule", "degree"), CIRCLES)
def test_a_verdict_is_as_false_with_room_for_one_state(codec: str, rule: str, degree: int) -> None:
    circle = played(codec, rule, degree)
    history, domain = circle.history(), NETWORK.domain_separator
    for number in (6, 7, 9):
        round_ = history.rounds[number - 1]
        for judge, attested in round_.attestations.items():
            carried = carried_before(history, round_, judge, circle.blobs)
            for target in seats_of(attested.judged):
                held, states = HeldBlobs(circle.blobs), StateCache(genesis_state(), ONE)
                lied = (judge, target, number) == (2, 0, 7)
                said = is_false_verdict(
                    history, CircleTask(history.manifest, domain, states), round_, judge, target, carried, held
                )
                assert said is lied


def carried_before(history: History, round_: Round, judge: int, blobs: dict[bytes, bytes | None]) -> CarriedState_:
    """What the judge brought into the round, recomputed with room for one state."""
    from ledger.judging.replay import find_replay_starts, replay
    from ledger.rules.judge_memory import CarriedState

    carried, states = CarriedState(genesis_state()), StateCache(genesis_state(), ONE)
    for before in list(find_replay_starts(history, round_, judge, looks_back=True))[-1].rounds:
        carried = replay(
            history,
            CircleTask(history.manifest, NETWORK.domain_separator, states),
            before,
            judge,
            carried,
            HeldBlobs(blobs),
        ).carried
    return carried


def test_after_a_pause_a_frame_hangs_on_blobs_of_rounds_long_past() -> None:
    circle = played("delta", "tether", 4)
    history = circle.history()
    links = find_frame_chain(history, history.rounds[6], 1)
    assert [link.round for link in links] == [7, 3, 2, 1]
    # Another holder of the seat hangs on nothing of the one before.
    assert [link.round for link in find_frame_chain(history, history.rounds[5], 5)] == [6, 5]
