"""The audit of rounds: who cheats is named, with round and figures, and nobody else ever is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import squared_distance, to_float
from ledger.audit.findings import Check, Report
from ledger.audit.round_checks import RoundAuditor
from ledger.blobs.contents.records import Update, decode_update, encode_update
from ledger.codec import DELTA
from ledger.judging.false_verdicts import is_false_verdict
from ledger.judging.frame_chains import (
    CircleTask,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from tests.support.histories.circles import (
    NETWORK,
    Circle,
    FalseCheckpoint,
    FalseJudge,
    Honest,
    author,
    flipped,
    genesis_state,
)
from tests.support.histories.parts import digest

pytestmark = pytest.mark.rule("R22")


def audited(circle: Circle, *, genesis: bool = True) -> Report:
    """The report over all rounds of a circle."""
    history, report = circle.history(), Report(31337, NETWORK.contract, 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state() if genesis else None, report)
    for round_ in history.rounds:
        auditor.check(round_, circle.served(round_.number)[0])
    return report


def named(report: Report) -> list[tuple[str, int | None, int | None]]:
    """(check, round, seat) of every finding."""
    return [(finding.check.value, finding.round, finding.seat) for finding in report.findings]


def cheat(seat: int, *, only: int | None = 2, **overrides: Callable[..., Any]) -> dict[int, Honest]:
    """A peer that does one thing differently in one round (in every round with only=None)."""

    def method(name: str, does: Callable[..., Any]) -> Callable[..., Any]:
        def called(number: int, value: Any) -> Any:
            honest = getattr(Honest(seat), name)(number, value)
            return does(honest) if only in (None, number) else honest

        return called

    peer = Honest(seat)
    for name, does in overrides.items():
        setattr(peer, name, method(name, does))
    return {seat: peer}


def judged_by(circle: Circle, seat: int, number: int) -> int:
    """A neighbour of a seat in a round, the lowest."""
    return circle.history().rounds[number - 1].find_neighbours(circle.manifest.degree)[seat][0]


# ------------------------------------------------------------------------------------------- nobody cheats


@pytest.mark.parametrize("rule", ["balance", "none"])
@pytest.mark.parametrize(("seats", "degree"), [(2, 4), (3, 2), (5, 4), (7, 3)])
def test_an_honest_circle_has_no_finding(rule: str, seats: int, degree: int) -> None:
    parameters = {} if rule == "none" else {"gamma_milli": 300}
    circle = Circle(seats=seats, degree=degree, rule=rule, rule_parameters=parameters)
    report = audited(circle)
    assert report.clean, report.findings
    assert report.examined[Check.VERDICTS] == sum(
        attestation.judged.bit_count() for r in circle.history().rounds for attestation in r.attestations.values()
    )
    assert report.examined[Check.RECORDS] == 2 * 3 * seats
    assert report.examined[Check.COPIES] == 3 * seats
    assert report.unavailable_verdicts == 0


def test_honest_peers_in_these_circles_accept_each_other() -> None:
    """Or the other tests would show less than they seem to."""
    rounds = Circle().history().rounds
    assert all(a.judged == a.accepted != 0 for r in rounds for a in r.attestations.values())


def test_honest_rejections_are_no_finding() -> None:
    far = cheat(1, trained=lambda vector: -to_float(genesis_state()), only=None)
    circle = Circle(cheats=far)
    assert audited(circle).clean
    assert not any(a.accepted >> 1 & 1 for r in circle.history().rounds for a in r.attestations.values())


def test_an_absent_and_a_silent_peer_are_no_finding() -> None:
    absent = cheat(1, blob=lambda blob: None)
    silent = cheat(3, attestation=lambda event: None)
    circle = Circle(cheats=absent | silent)
    assert 1 not in circle.history().rounds[1].commits
    assert 3 not in circle.history().rounds[1].attestations
    assert audited(circle).clean


def test_a_quarantined_peers_neighbours_are_not_accused_of_leaving_it_out() -> None:
    far = cheat(1, trained=lambda vector: -to_float(genesis_state()), only=None)
    circle = Circle(cheats=far, rounds=8)
    history = circle.history()
    assert 1 not in history.rounds[7].find_eligible(16384)
    assert audited(circle).clean


def test_a_round_still_under_way_is_no_finding() -> None:
    circle = Circle()
    drawn = max(place for place, event in enumerate(circle.events) if type(event).__name__ == "Drawn")
    for stop in (drawn, drawn + 1, drawn + 3):
        partly = Circle()
        partly.events = circle.events[:stop]
        assert audited(partly).clean


def test_without_the_genesis_nothing_is_recomputed_and_nobody_accused() -> None:
    report = audited(Circle(), genesis=False)
    assert report.clean
    assert not {Check.VERDICTS, Check.RECORDS} & set(report.examined)


# ------------------------------------------------------------------------------------------- unavailable


@pytest.mark.rule("R22.1")
def test_a_judge_that_says_unavailable_is_not_accused() -> None:
    unlucky = cheat(2, received=lambda fetched: {s: replace(each, held=HeldBlobs()) for s, each in fetched.items()})
    report = audited(Circle(cheats=unlucky))
    assert report.clean
    assert report.unavailable_verdicts == 4


def test_one_neighbour_out_of_reach_is_counted_and_nobody_accused() -> None:
    def lose_one(fetched: dict[int, FetchedUpdate]) -> dict[int, FetchedUpdate]:
        seat = min(fetched)
        return fetched | {seat: replace(fetched[seat], held=HeldBlobs())}

    report = audited(Circle(cheats=cheat(2, received=lose_one)))
    assert report.clean
    assert report.unavailable_verdicts == 1


# ------------------------------------------------------------------------------------------- A3: blobs


def other_author(blob: bytes) -> bytes:
    update = msgspec.msgpack.decode(blob[4:])
    update[2] = author(4)
    return blob[:4] + msgspec.msgpack.encode(update)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda blob: b"FM, but no update",
        lambda blob: blob[:-1],
        lambda blob: blob + b"\0",
        lambda blob: blob[:4] + b"\xff" + blob[5:],
        lambda blob: blob[:-900] + bytes(900),
        lambda blob: blob.replace(b"int8-zstd", b"int8-\xff\xff\xff\xff"),
        lambda blob: b"FM" + bytes(20_000),
        other_author,
    ],
    ids=["nonsense", "cut", "tail", "no-array", "bad-frame", "no-utf8", "oversize", "other-author"],
)
def test_an_invalid_update_names_its_author_alone(spoil: Callable[..., Any]) -> None:
    circle = Circle(cheats=cheat(3, blob=spoil))
    report = audited(circle)
    # Whoever publishes a state that nobody can read has also judged by one.
    assert named(report) == [("A3", 2, 3), ("A5", 2, 3)]
    assert "invalid" in report.findings[0].fact
    assert report.findings[0].evidence["digest"] == circle.updates[2, 3].hex()
    attested = circle.history().rounds[1].attestations
    assert all(a.judged >> 3 & 1 and not a.accepted >> 3 & 1 for s, a in attested.items() if s != 3)


def test_bytes_that_make_no_blob_name_their_author_alone() -> None:
    class Broken(Circle):
        def _commits(self, number: int) -> int:
            committed = super()._commits(number)
            if number == 2:
                self.blobs[self.updates[2, 3]] = None
            return committed

    circle = Broken()
    report = audited(circle)
    assert named(report) == [("A3", 2, 3), ("A5", 2, 3)]
    assert "no blob" in report.findings[0].fact


def test_a_finding_does_not_carry_a_field_that_fills_the_blob() -> None:
    def with_long_codec(blob: bytes) -> bytes:
        return blob[:4] + msgspec.msgpack.encode([*msgspec.msgpack.decode(blob[4:])[:4], "x" * 4000, b""])

    report = audited(Circle(cheats=cheat(3, blob=with_long_codec)))
    assert named(report) == [("A3", 2, 3), ("A5", 2, 3)]
    assert all(len(finding.fact) < 400 for finding in report.findings)


# ------------------------------------------------------------------------------------------- A3/A5: withheld


@pytest.mark.rule("R22.1", "R29")
def test_an_update_that_nobody_shows_is_charged_to_those_who_say_that_they_judged_it() -> None:
    report = audited(Circle(withheld=[(2, 3)]))
    assert named(report) == [("A5", 2, seat) for seat in range(5)]
    facts = {finding.seat: finding.fact for finding in report.findings}
    assert facts[3] == "it does not show what it judged from: the update is missing, its own"
    assert facts[0] == "it does not show what it judged from: the update is missing, seat 3's"
    assert (report.recomputed, report.not_recomputed) == (10, 5)


@pytest.mark.rule("R22.1")
def test_what_hangs_on_a_withheld_update_is_unknown_until_the_judges_next_checkpoint() -> None:
    """Checkpoints come every four rounds: after round 2 of seats 2, at the end of all others."""
    circle = Circle(
        withheld=[(2, 3)], rule="tether", rule_parameters={}, rounds=5, checkpoint_every=4, cheats=lying(2, 3, 4)
    )
    report = audited(circle)
    assert {(number, seat) for _, number, seat in named(report)} == {
        *((2, seat) for seat in range(5)),
        *((number, 2) for number in (3, 4)),
    }
    assert sorted(note.split()[4] for note in report.notes) == ["0", "1", "3", "4"]
    assert all("to its next checkpoint cannot be recomputed" in note for note in report.notes)
    assert report.not_recomputed == 5 + 2 + 1 + 3 + 2


def lying(seat: int, *rounds: int, about: int = 4) -> dict[int, FalseJudge]:
    """seat → a judge that says the opposite about one other in some rounds."""
    return {seat: FalseJudge(seat, about, rounds)}


def test_one_withheld_update_gives_nobody_immunity() -> None:
    """The judge withholds its own first updates and lies later on; it is named whatever it shows since."""
    about: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "rounds": 7, "checkpoint_every": 3}
    for withheld in ([(1, 2)], [(1, 2), (2, 2)]):
        report = audited(Circle(withheld=withheld, cheats=lying(2, 5, 6, 7), **about))
        assert {finding[1:] for finding in named(report)} >= {(number, 2) for number in (5, 6, 7)}


@pytest.mark.rule("R22.1", "R29.1")
def test_who_shows_no_checkpoint_is_named_for_that() -> None:
    about: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "rounds": 7, "checkpoint_every": 3}
    report = audited(Circle(withheld=[(3, 2)], unshown=[(4, 2), (7, 2)], cheats=lying(2, 5, 6, 7), **about))
    facts = [(f.round, f.fact) for f in report.findings if f.seat == 2]
    assert facts == [
        (3, "it does not show what it judged from: the update is missing, its own"),
        (4, "it does not show its checkpoint, from which its later verdicts follow"),
        (7, "it does not show its checkpoint, from which its later verdicts follow"),
    ]
    others = audited(Circle(unshown=[(4, 2)], **about))
    assert others.clean, "nobody asks for a checkpoint whose content follows from what is there"


def test_a_false_checkpoint_is_found_from_the_one_before_and_what_follows_from_it_is_not_false_too() -> None:
    about: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "rounds": 6, "checkpoint_every": 3}
    cheats = {2: FalseCheckpoint(2, (4,))}
    report = audited(Circle(cheats=cheats, **about))
    assert named(report) == [("A6", 4, 2)]
    assert report.findings[0].fact == "the anchored record, with its checkpoint, is not the one that the blobs give"
    hidden = audited(Circle(cheats=cheats, unshown=[(4, 2)], **about))
    assert named(hidden) == [("A6", 4, 2)]
    assert [note.split()[4] for note in hidden.notes] == ["2"]


def test_after_a_withheld_update_the_audit_goes_on() -> None:
    """The bases that hang on it are unknown for one round; a lie in the next one is found all the same."""
    liar = cheat(0, attestation=lambda event: flipped(event, 1), only=3)
    report = audited(Circle(withheld=[(2, 3)], cheats=liar))
    assert [finding for finding in named(report) if finding[1] == 3] == [("A5", 3, 0)]
    assert {seat for _, number, seat in named(report) if number == 2} == set(range(5))


def test_a_withheld_update_that_nobody_needed_for_another_verdict_concerns_only_its_author() -> None:

    def without_it(fetched: dict[int, FetchedUpdate]) -> dict[int, FetchedUpdate]:
        return {seat: replace(each, held=HeldBlobs()) if seat == 3 else each for seat, each in fetched.items()}

    cheats = {seat: cheat(seat, received=without_it)[seat] for seat in (0, 1, 2, 4)}
    assert named(audited(Circle(withheld=[(2, 3)], cheats=cheats))) == [("A5", 2, 3)]


def test_all_updates_withheld_is_survived() -> None:
    circle = Circle(withheld=[(number, seat) for number in (1, 2, 3) for seat in range(5)])
    report = audited(circle, genesis=False)
    assert all(check == "A5" for check, _, _ in named(report))


# ------------------------------------------------------------------------------------------- A5: verdicts


def test_a_false_rejection_names_the_judge_with_the_figures() -> None:
    liar = cheat(2, attestation=lambda event: flipped(event, 4))
    circle = Circle(cheats=liar)
    report = audited(circle)
    assert named(report) == [("A5", 2, 2)]
    finding = report.findings[0]
    assert finding.fact == "it attested that it rejected seat 4; the rule gives accepted"
    blobs, _ = circle.served(2)

    def state(seat: int) -> NDArray[np.int32]:
        links = find_frame_chain(circle.known, circle.known.rounds[1], seat)
        return decode_public_state(
            make_fetched_update(links, 1, blobs),
            CircleTask(circle.manifest, NETWORK.domain_separator, StateCache()),
        ).state

    assert finding.evidence["distance2"] == str(squared_distance(state(2), state(4)))
    assert int(finding.evidence["distance2"]) <= int(finding.evidence["limit2"])
    assert finding.evidence["peer"] == circle.history().seats[2].peer


def test_a_false_acceptance_names_the_judge() -> None:
    poisoner = cheat(4, trained=lambda vector: -vector)
    friend = cheat(2, attestation=lambda event: flipped(event, 4))
    report = audited(Circle(cheats=poisoner | friend))
    assert named(report) == [("A5", 2, 2)]
    assert report.findings[0].fact == "it attested that it accepted seat 4; the rule gives rejected"


def test_accepting_an_unreadable_update_names_judge_and_author() -> None:
    spoiler = cheat(4, blob=lambda blob: blob[:-1])
    friend = cheat(2, attestation=lambda event: flipped(event, 4))
    report = audited(Circle(cheats=spoiler | friend))
    assert sorted(named(report)) == [("A3", 2, 4), ("A5", 2, 2), ("A5", 2, 4)]
    assert "the rule gives invalid" in next(f.fact for f in report.findings if f.seat == 2)


def test_two_that_collude_are_both_named_and_their_victim_is_not() -> None:
    liars = cheat(1, attestation=lambda event: flipped(event, 0)) | cheat(
        2, attestation=lambda event: flipped(event, 0)
    )
    assert sorted(named(audited(Circle(cheats=liars)))) == [("A5", 2, 1), ("A5", 2, 2)]


# ------------------------------------------------------------------------------------------- A6: records, bases


def test_another_record_than_the_blobs_give_names_the_judge() -> None:
    forger = cheat(2, attestation=lambda event: replace(event, record=digest("another")))
    report = audited(Circle(cheats=forger))
    assert named(report) == [("A6", 2, 2)]
    assert report.findings[0].evidence["anchored"] == digest("another").hex()


def test_a_wrong_base_claimed_once_names_its_author_once() -> None:
    claimer = cheat(1, claimed_base=lambda base: digest("not my base"))
    report = audited(Circle(cheats=claimer, rounds=4))
    assert named(report) == [("A6", 2, 1)]
    assert report.findings[0].evidence["named"] == digest("not my base").hex()


def test_a_peer_that_goes_on_from_its_own_base_is_named_from_the_next_round_on_and_alone() -> None:
    """It judged as the rule says and then mixed as it liked."""
    stubborn = cheat(1, next_base=lambda base: base + np.int32(1), only=1)
    report = audited(Circle(cheats=stubborn))
    assert named(report) == [("A6", 2, 1)]


def test_training_from_an_earlier_base_after_a_silent_round_is_right() -> None:
    """Who did not attest has no next base: it goes on from the one before."""
    silent = cheat(3, attestation=lambda event: None)
    assert audited(Circle(cheats=silent, rounds=4)).clean


# ------------------------------------------------------------------------------------------- A9: copies


class Copier(Honest):
    """Publishes another seat's state of a round under its own name."""

    def __init__(
        self, seat: int, victim: int, circle: Callable[..., Any], *, number: int = 2, of: int | None = None
    ) -> None:
        super().__init__(seat)
        self.victim, self.number, self.of, self.late = victim, number, of or number, True
        self._circle = circle

    def blob(self, number: int, update: Update) -> bytes | None:
        if number != self.number:
            return encode_update(update)
        circle = self._circle()
        taken = circle.blobs[circle.updates[self.of, self.victim]]
        copied = decode_update(taken, circle.manifest, NETWORK.domain_separator, self.of, author(self.victim))
        return encode_update(msgspec.structs.replace(update, payload=copied.payload))

    def commits_last(self, number: int) -> bool:
        return True


class WithCopier(Circle):
    def __init__(self, seat: int, victim: int, of: int) -> None:
        super().__init__(cheats={seat: Copier(seat, victim, lambda: self, of=of)})


@pytest.mark.parametrize(("copier", "victim"), [(4, 1), (0, 3)])
def test_of_two_equal_states_the_later_commit_is_the_copy(copier: int, victim: int) -> None:
    report = audited(WithCopier(copier, victim, of=2))
    assert named(report) == [("A9", 2, copier)]
    assert f"seat {victim}'s of round 2" in report.findings[0].fact


def test_a_state_copied_from_an_earlier_round_is_found() -> None:
    """Within a round nothing can be copied before the commits close; what was published last round can."""
    report = audited(WithCopier(0, 3, of=1))
    assert named(report) == [("A9", 2, 0)]
    assert "seat 3's of round 1" in report.findings[0].fact


def test_ones_own_earlier_state_is_no_copy() -> None:
    assert audited(WithCopier(3, 3, of=1)).clean


def test_peers_that_have_converged_and_publish_what_they_mixed_are_no_copiers() -> None:
    """Nothing is left to learn: all go on from the same base, and each publishes it."""

    class Done(Honest):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            return to_float(base)

    circle = Circle(rounds=2, cheats={seat: Done(seat) for seat in (1, 2, 4)})
    states = {circle.updates[1, seat]: seat for seat in (1, 2, 4)}
    assert len(states) == 3, "the same state by three authors"
    report = audited(circle)
    assert report.findings == []
    assert report.examined[Check.COPIES] == 10


def test_without_the_genesis_an_update_that_is_none_is_named_all_the_same() -> None:
    """No frame of a chained codec can be read then; what names another author needs no reading."""
    circle = Circle(rounds=1, codec=DELTA, cheats=cheat(3, only=1, blob=lambda blob: blob[:-1]))
    report = audited(circle, genesis=False)
    assert ("A3", 1, 3) in named(report)
    assert {seat for _, _, seat in named(report)} <= {3, None}


def test_committing_to_somebody_elses_digest_harms_only_the_copier() -> None:
    """The blob names its author: under another's name it is invalid."""

    class Thief(Copier):
        def blob(self, number: int, update: Update) -> bytes | None:
            circle = self._circle()
            honest = encode_update(update)
            return circle.blobs[circle.updates[number, self.victim]] if number == 2 else honest

    class Robbed(Circle):
        def __init__(self) -> None:
            super().__init__(cheats={0: Thief(0, 3, lambda: self)})

    assert named(audited(Robbed())) == [("A3", 2, 0), ("A5", 2, 0)]


# ------------------------------------------------------------------------------------------- nobody else, ever

CHEATS: dict[str, dict[str, Any]] = {
    "false-verdict": {"attestation": lambda event: flipped(event, 0 if event.seat else 1)},
    "all-rejected": {"attestation": lambda event: replace(event, accepted=0)},
    "other-record": {"attestation": lambda event: replace(event, record=digest("x"))},
    "wrong-base": {"claimed_base": lambda base: digest("y")},
    "own-mixing": {"next_base": lambda base: base // 2},
    "cut-blob": {"blob": lambda blob: blob[: len(blob) // 2]},
    "no-utf8": {"blob": lambda blob: blob.replace(b"int8-zstd", b"\xff" * 9)},
}


@settings(max_examples=25)
@given(st.sampled_from(sorted(CHEATS)), st.integers(0, 4), st.sampled_from([1, 2, None]))
def test_whatever_one_peer_does_and_whenever_it_alone_is_named(name: str, seat: int, only: int | None) -> None:
    report = audited(Circle(cheats=cheat(seat, only=only, **CHEATS[name])))
    assert {finding.seat for finding in report.findings} == {seat}


@settings(max_examples=15)
@given(
    st.dictionaries(st.integers(0, 5), st.sampled_from(sorted(CHEATS)), max_size=3),
    st.sets(st.integers(0, 5), max_size=5),
    st.sampled_from(["balance", "tether"]),
)
def test_several_cheats_and_withheld_updates_together_name_no_honest_peer(
    cheats: dict[int, str], hiding: set[int], rule: str
) -> None:
    """Who hides shows nothing of round 2, of its own nor of others; all the rest show what they judged."""
    playing: dict[int, Honest] = {}
    for seat, name in cheats.items():
        playing |= cheat(seat, **CHEATS[name])
    circle = Circle(seats=6, degree=2, cheats=playing, rule=rule, rule_parameters={})
    attestations = circle.known.rounds[1].attestations
    keepers = {
        seat: {seat, *(judge for judge, said in attestations.items() if said.judged >> seat & 1)}
        for seat in range(6)
    }
    circle.withheld = {(2, seat) for seat, kept_by in keepers.items() if kept_by <= hiding}
    circle.unshown = {(2, seat) for seat in hiding}
    found = {finding.seat for finding in audited(circle).findings}
    assert found <= set(cheats) | hiding
    assert {seat for _, seat in circle.withheld} <= found


def test_of_a_rule_by_private_data_the_audit_says_that_it_cannot_recompute_it() -> None:
    circle = Circle(rule="ubar", rule_parameters={}, cheats=cheat(2, attestation=lambda event: flipped(event, 4)))
    report = audited(circle)
    assert report.findings == []
    assert [note for note in report.notes if "rule ubar judges by private data" in note]
    assert Check.VERDICTS not in report.examined
    assert report.examined[Check.COPIES] == 15


def test_nobody_can_tell_whether_a_verdict_by_private_data_is_false() -> None:
    circle = Circle(rule="ubar", rule_parameters={})
    history = circle.history()
    assert (
        is_false_verdict(
            history,
            CircleTask(history.manifest, NETWORK.domain_separator),
            history.rounds[0],
            2,
            4,
            None,
            HeldBlobs(circle.blobs),
        )
        is None
    )
