"""What a node tells of its own seat: each change once, from the history alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ledger.circle.draw import mask_of
from ledger.circle.events import Answer, Attested, Disputed, Drawn, Event, Outcome, Settled, Stage, Woken
from ledger.circle.history import History
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from node.operating.notices import Notice
from node.seat.fate import Purse, RoundTally, Standing, find_news, find_standing
from tests.support.histories.disputes import Court
from tests.support.histories.moments import PARAMETERS, SEATS, SEED, commits, drawn, history_of, settled

OWN, CHALLENGER = 1, "0x" + "99" * 20
ETH = 10**18


def told_of(history: History, *events: Event, seat: int = OWN) -> list[Notice]:
    """What is news after each of these events, in order."""
    before = find_standing(history, seat)
    told = []
    for event in events:
        history.apply(event)
        after = find_standing(history, seat)
        told += find_news(before, after, PARAMETERS)
        before = after
    return told


def kinds(notices: Sequence[Notice]) -> list[str]:
    return [notice.kind for notice in notices]


def judged(*seats: int, accepting: Sequence[int] = (), rejecting: Sequence[int] = ()) -> list[Event]:
    """Round 1 of these seats, in which some accept seat 1's update and some reject it; it accepts all others'."""
    before = drawn(*seats)
    round_ = history_of(*before).round
    assert round_ is not None
    order = round_.find_neighbours(3)
    for judge in seats:
        others = mask_of([seat for seat in seats if seat not in (judge, OWN)])
        heard = (judge in accepting or judge in rejecting) << OWN
        word = encode_verdicts(SEED, 1, order[judge], others | heard, others | (judge in accepting) << OWN)
        before.append(Attested(judge, word, b"\1" * 32))
    return [*before, settlement(*before)]


def settlement(*before: Event) -> Settled:
    history = history_of(*before)
    assert history.round is not None
    return Settled(1, mask_of(list(history.round.attestations)), pack(history.compute_reputations(history.round)))


def test_a_round_in_which_all_went_well_is_not_worth_a_word() -> None:
    assert told_of(history_of(), *judged(0, 1, 2, 3, accepting=[0, 2, 3])) == []


def test_a_seat_that_most_of_its_judges_reject_is_told_with_numbers() -> None:
    told = told_of(history_of(), *judged(0, 1, 2, 3, accepting=[0], rejecting=[2, 3]))
    assert kinds(told) == ["rejected"]
    assert told[0].says.startswith("2 of 3 judges rejected the update of seat 1 in round 1: ")
    assert told[0].event == {
        "event": "notice",
        "kind": "rejected",
        "says": told[0].says,
        "is_bad": True,
        "seat": 1,
        "round": 1,
        "rejecting": 2,
        "judges": 3,
    }


def test_what_goes_on_from_round_to_round_is_told_when_it_begins_and_when_it_ends() -> None:
    def standing(*rounds: RoundTally) -> Standing:
        return Standing(OWN, True, 32768, False, 0, {one.round: one for one in rounds})

    bad, worse = RoundTally(1, True, True, 0, 3), RoundTally(2, True, True, 0, 1, 2)
    well = RoundTally(3, True, True, 2, 1)
    assert kinds(find_news(standing(), standing(bad), PARAMETERS)) == ["rejected"]
    assert kinds(find_news(standing(bad), standing(bad, worse), PARAMETERS)) == ["unheard"]
    ended = find_news(standing(bad, worse), standing(bad, worse, well), PARAMETERS)
    assert (kinds(ended), ended[0].is_bad) == (["round_went_well"], False)
    assert ended[0].says == "seat 1 was accepted by 2 of 3 judges in round 3"
    assert find_news(standing(bad, worse, well), standing(well, RoundTally(4, True, True, 3)), PARAMETERS) == []
    # A node that has been away hears of all of them in order.
    assert kinds(find_news(standing(), standing(bad, worse, well), PARAMETERS)) == [
        "rejected",
        "unheard",
        "round_went_well",
    ]


def test_half_of_the_judges_are_not_most() -> None:
    assert told_of(history_of(), *judged(0, 1, 2, 3, accepting=[0], rejecting=[2])) == []
    unaware = Standing(OWN, True, 32768, False, 0)
    half = Standing(OWN, True, 32768, False, 0, {1: RoundTally(1, True, True, accepting=2, silent=2)})
    assert find_news(unaware, half, PARAMETERS) == []


def test_a_seat_whose_update_most_judges_did_not_have_is_told() -> None:
    told = told_of(history_of(), *judged(0, 1, 2, 3, accepting=[0]))
    assert kinds(told) == ["unheard"]
    assert told[0].says.startswith("2 of 3 judges did not have the update of seat 1 in round 1: ")


def test_a_missed_round_and_a_missed_attestation_are_told() -> None:
    assert kinds(told_of(history_of(), *judged(0, 2, 3))) == ["missed_round", "dozing"]
    before = drawn(0, 1, 2, 3)
    round_ = history_of(*before).round
    assert round_ is not None
    everyone = mask_of(range(SEATS))
    for judge in (0, 2, 3):
        word = encode_verdicts(SEED, 1, round_.find_neighbours(3)[judge], everyone, everyone)
        before.append(Attested(judge, word, b"\1" * 32))
    assert kinds(told_of(history_of(), *before, settlement(*before))) == ["missed_attestation", "dozing"]


def test_who_joined_in_a_round_has_not_missed_it() -> None:
    history = history_of(*drawn(0, 2, 3))
    history.seats[OWN].since_round = 1
    assert find_standing(history_of(*judged(0, 2, 3)), OWN).last == RoundTally(1, committed=False, attested=False)
    for event in judged(0, 2, 3)[4:]:
        history.apply(event)
    assert find_standing(history, OWN).last is None


def test_quarantine_and_its_end_and_each_strike_are_told_once() -> None:
    well = Standing(OWN, True, 32768, False, 0)
    low, lower = Standing(OWN, True, 16000, True, 1), Standing(OWN, True, 15000, True, 2)
    assert kinds(find_news(well, low, PARAMETERS)) == ["quarantined", "strike"]
    assert kinds(find_news(low, lower, PARAMETERS)) == ["strike"]
    assert find_news(lower, lower, PARAMETERS) == []
    restored = find_news(lower, well, PARAMETERS)
    assert (kinds(restored), restored[0].is_bad) == (["restored"], False)
    said = find_news(well, low, PARAMETERS)[0].says
    assert said.startswith("seat 1 is quarantined: its reputation of 0.244 is below the floor of 0.250")


def test_at_its_start_a_node_is_told_what_is_and_not_what_was() -> None:
    rounds = judged(0, 1, 2, 3, rejecting=[0, 2, 3])
    history = history_of(*rounds)
    assert find_news(None, find_standing(history, OWN), PARAMETERS) == []
    history.reputations[OWN] = 1000
    history.apply(Disputed(0, 1, OWN, 0, CHALLENGER, b"\7" * 32, 0b1111, 500))
    assert kinds(find_news(None, find_standing(history, OWN), PARAMETERS)) == ["quarantined", "disputed"]


def court_told(court: Court, seat: int, act: Callable[[], object]) -> list[Notice]:
    """What is news of a seat after something has happened in the circle of nine."""
    before = find_standing(court.history, seat)
    act()
    return find_news(before, find_standing(court.history, seat), court.history.terms)


def test_a_conviction_is_told_with_how_long_it_lasts_and_so_is_its_end() -> None:
    court = Court()
    assert kinds(court_told(court, 0, court.dispute)) == ["disputed"]
    jurors = court.summon()
    court.vote(Answer.UPHOLDS, *jurors)
    court.refer(Stage.CIRCLE)
    court.vote(Answer.UPHOLDS, *range(4, 9))
    told = court_told(court, 0, lambda: court.resolve(Outcome.UPHELD, court.history.terms.bond // 2))
    assert "convicted" in kinds(told)
    convicted = next(one for one in told if one.kind == "convicted")
    assert convicted.fields["suspended_until"] == 2 + 64
    assert "its updates are not mixed until round 66, when this node wakes by itself" in convicted.says
    again = find_news(None, find_standing(court.history, 0), court.history.terms)
    assert "convicted" in kinds(again), "a node that starts in between is told too"
    court.history.seats[0].suspended_until = 2
    told = court_told(court, 0, lambda: court.apply(Woken(2, 0)))
    assert kinds(told) == ["suspension_over"]
    assert "convicted" not in kinds(find_news(None, find_standing(court.history, 0), court.history.terms))


def test_a_claim_that_comes_to_nothing_is_told() -> None:
    court = Court()
    court.dispute()
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    told = court_told(court, 0, lambda: court.resolve(Outcome.REJECTED))
    assert (kinds(told), told[0].is_bad) == (["cleared"], False)


def test_who_is_asked_to_vote_is_told_in_each_stage_until_when() -> None:
    court = Court()
    court.dispute()
    jurors: list[int] = []
    assert court_told(court, 2, lambda: jurors.extend(court.summon())) == [] or 2 in jurors
    juror = jurors[0]
    told = find_news(None, find_standing(court.history, juror), court.history.terms)
    assert kinds(told) == ["drawn_for_jury"]
    assert told[0].says == (
        f"seat {juror} is on the jury of dispute 0: this node recomputes and votes, until 2027-01-15 10:00:00 UTC"
    )
    court.vote(Answer.UPHOLDS, *jurors)
    assert find_news(None, find_standing(court.history, juror), court.history.terms) == []
    told = court_told(court, juror, lambda: court.refer(Stage.CIRCLE))
    assert kinds(told) == ["called_to_vote"]
    assert told[0].fields["deadline"] == court.history.disputes[0].deadline


def test_a_seat_that_is_waited_for_no_more_is_told_so_and_when_that_is_over() -> None:
    court = Court()
    told = court_told(court, 8, lambda: court.play(2, range(8)))
    assert kinds(told) == ["missed_round", "dozing"]
    court.history.dozing = 0
    before = replace(find_standing(court.history, 8), is_dozing=True)
    assert kinds(find_news(before, find_standing(court.history, 8), court.history.terms)) == ["awake"]


def test_another_tenure_has_another_fate() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    history.apply(Disputed(0, 1, OWN, 0, CHALLENGER, b"\7" * 32, 0b1111, 500))
    assert find_standing(history, OWN).disputes == {0: None}
    history.seats[OWN].tenure = 2
    assert find_standing(history, OWN).disputes == {}


def test_coin_that_pays_for_few_rounds_is_told_at_two_marks_and_when_it_is_enough_again() -> None:
    purse = Purse()
    told = {balance: purse.note(balance * ETH, rounds_to_go=500) for balance in [*range(60, 0, -1), 1000]}
    said = {balance: notice.kind for balance, notice in told.items() if notice is not None}
    assert said == {49: "low_on_coin", 9: "low_on_coin", 1000: "coin_enough"}


def test_coin_is_low_only_where_more_rounds_are_to_go_than_it_pays() -> None:
    purse = Purse()
    assert purse.note(31, 40) is None
    assert purse.note(30, 30) is None
    low = purse.note(29, 40)
    assert low is not None
    assert low.fields == {"rounds_paid": 29, "balance_wei": 29}
    assert purse.note(28, 40) is None
    again = purse.note(1000, 40)
    assert again is not None
    assert (again.kind, again.is_bad) == ("coin_enough", False)


def test_before_a_round_was_paid_nothing_is_said_of_coin() -> None:
    purse = Purse()
    assert [purse.note(wei, 1000) for wei in (5, 5, 9)] == [None, None, None]


def test_commits_of_the_round_under_way_are_no_judgement() -> None:
    assert find_standing(history_of(*commits(0, 1)), OWN).last is None
    open_round = [*drawn(0, 1, 2)]
    assert isinstance(open_round[-1], Drawn)
    assert find_standing(history_of(*open_round), OWN).last is None
