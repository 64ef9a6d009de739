"""`folkmoot status --watch`: the same as it changes, drawn anew in a terminal and a line a change elsewhere."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from ledger.errors import UsageError
from node.cli.options import choose_rpc_urls, parse_patience, print_json
from node.operating.printing import say
from node.operating.wording import format_seats, format_time

_USUAL_S: Final = 2.0
_LEAST_S, _MOST_S = 0.2, 3600.0
# An endpoint that does not answer is told of soon; what it was asked is asked again at the next look anyway.
_PATIENCE_S: Final = 2.0
# Lines of a terminal that are not seats: the circle, headings, frame, what is below.
_LINES_BESIDE: Final = 9

Shown = Mapping[str, Any]


def add_watch(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--watch",
        type=float,
        nargs="?",
        const=_USUAL_S,
        metavar="SECONDS",
        help="go on until Ctrl-C, looking for changes so often (default 2): drawn anew in a terminal, elsewhere a"
        " line a change",
    )


def check_watch(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go with it."""
    if options.watch is None:
        return
    if not _LEAST_S <= options.watch <= _MOST_S:
        raise UsageError(f"--watch looks every {_LEAST_S:g} to {_MOST_S:g} seconds, not every {options.watch:g}")
    if options.reach or options.folder is not None or options.check_origin is not None:
        raise UsageError("--watch shows what the chain says: give it without --reach, --folder and --check-origin")


class Screen(Protocol):
    """Where changes are shown."""

    def show(self, shown: Shown) -> None:
        """The circle as it is now."""

    def tell_away(self, why: str) -> None:
        """Nothing could be read, first or again."""

    def tell_back(self, away_s: float) -> None:
        """It can be read again, after so many seconds."""


def watch(options: argparse.Namespace) -> int:
    """Show a circle until Ctrl-C ends it. Raises SetupError where it cannot be read to begin with."""
    from ledger.chain.deployment.circle_file import CircleFile, open_circle
    from ledger.chain.rpc.patience import EndpointPatience

    patience = parse_patience(options)
    file = CircleFile.read(options.circle)
    circle = open_circle(file, choose_rpc_urls(options), patience=patience)
    circle.rpc.patience = EndpointPatience.of(min(options.patience, _PATIENCE_S))
    look = make_look(file, circle)
    if options.json:
        return _follow(look, JsonLines(), options.watch)
    if not sys.stdout.isatty():
        return _follow(look, Lines(), options.watch)
    with Picture() as picture:
        return _follow(look, picture, options.watch)


def make_look(file: Any, circle: Any) -> Callable[[], Shown]:
    """What reads the circle once more: only what is new is asked for. file: a CircleFile. circle: a Circle."""
    from ledger.chain.rpc import answers
    from ledger.chain.tracker import Tracker
    from node.cli.status_rows import make_circle_fields

    tracker = Tracker(circle, file.block)
    last: dict[int, Shown] = {}

    def look() -> Shown:
        head = circle.fetch_head()
        if head in last:
            return last[head]
        tracker.advance()
        block = max(head, tracker.through)

        def now_s() -> float:
            found = circle.rpc.request("eth_getBlockByNumber", [hex(block), False], answers.block_parser(block))
            return max(time.time(), float(found.time_s))

        state = circle.fetch_state(block)
        shown = make_circle_fields(file, circle, tracker.history, state, block, now_s)
        shown["deadline_s"] = state.deadline_s if shown["seconds_left"] is not None else None
        last.clear()
        last[head] = shown
        return shown

    return look


def follow(
    look: Callable[[], Shown], screen: Screen, pause: Callable[[], None], clock: Callable[[], float]
) -> None:
    """Look, show, pause, and so on without end. clock: seconds."""
    from ledger.chain.rpc.client import ChainTrouble
    from ledger.circle.history import HistoryFault
    from ledger.circle.manifest import MalformedManifest

    away_since: float | None = None
    while True:
        try:
            shown = look()
        except (ChainTrouble, HistoryFault, MalformedManifest) as error:
            away_since = clock() if away_since is None else away_since
            screen.tell_away(str(error))
        else:
            if away_since is not None:
                screen.tell_back(clock() - away_since)
                away_since = None
            screen.show(shown)
        pause()


def _follow(look: Callable[[], Shown], screen: Screen, pause_s: float) -> int:
    follow(look, screen, lambda: time.sleep(pause_s), time.monotonic)
    return 0


# ----------------------------------------------------------------------------------------------------- in lines


class Lines:
    """A line a change."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """clock: Unix seconds."""
        self._clock, self._before, self._is_away = clock, dict[str, Any](), False

    def show(self, shown: Shown) -> None:
        """What is other than the last time; the first time where the circle is."""
        for sentence in describe_changes(self._before, shown):
            self._say(f"block {shown['block']}: {sentence}")
        self._before = dict(shown)

    def tell_away(self, why: str) -> None:
        """Once."""
        if not self._is_away:
            self._say(f"the chain cannot be read, and is tried again: {why}")
        self._is_away = True

    def tell_back(self, away_s: float) -> None:
        """And for how long it was not."""
        self._is_away = False
        self._say(f"the chain can be read again, after {away_s:.0f} s")

    def _say(self, text: str) -> None:
        say(f"{format_time(self._clock())}  {text}")


class JsonLines:
    """An object a change."""

    def __init__(self) -> None:
        self._before, self._is_away = dict[str, Any](), False

    def show(self, shown: Shown) -> None:
        """All of it, as `status --json` has it, where anything is other than the last time."""
        told = {"event": "status", **shown}
        if _without_clock(told) != _without_clock(self._before):
            print_json(told)
        self._before = told

    def tell_away(self, why: str) -> None:
        """Once."""
        if not self._is_away:
            print_json({"event": "away", "says": why})
        self._is_away = True

    def tell_back(self, away_s: float) -> None:
        """And for how long it was not."""
        self._is_away = False
        print_json({"event": "back", "away_s": round(away_s, 1)})


def _without_clock(shown: Shown) -> dict[str, Any]:
    """Blocks in which nothing happens to the circle, and time that goes by, are no change."""
    return {name: value for name, value in shown.items() if name not in ("block", "seconds_left")}


def describe_changes(before: Shown, now: Shown) -> Iterator[str]:
    """One sentence a change. before: empty for the first time."""
    from node.cli.status_lines import describe_circle

    if not before:
        held = sum(row["state"] == "held" for row in now["seats"])
        yield f"{describe_circle(now)}; {held} seats are held"
        return
    if (now["round"], now["phase"]) != (before["round"], before["phase"]):
        yield f"round {now['round']} of {now['last_round']}, {now['phase']}"
    yield from _describe_seats(_by_seat(before), _by_seat(now), is_same_round=now["round"] == before["round"])
    known, open_ = ({row["dispute"]: row for row in shown["open_disputes"]} for shown in (before, now))
    for number, row in open_.items():
        if number not in known:
            yield f"dispute {number} about seat {row['judge']} is raised"
        elif row["stage"] != known[number]["stage"]:
            yield f"dispute {number} about seat {row['judge']}: {row['stage']}"
    for number in known.keys() - open_.keys():
        yield f"dispute {number} about seat {known[number]['judge']} is closed"


def _by_seat(shown: Shown) -> dict[int, Mapping[str, Any]]:
    return {row["seat"]: row for row in shown["seats"]}


def _describe_seats(
    before: Mapping[int, Mapping[str, Any]], now: Mapping[int, Mapping[str, Any]], *, is_same_round: bool
) -> Iterator[str]:
    for done in ("committed", "attested"):
        seats = [
            seat
            for seat, row in now.items()
            if row[done] and not (is_same_round and seat in before and before[seat][done])
        ]
        if seats:
            yield f"{format_seats(seats)} {done}"
    for seat, row in now.items():
        yield from _describe_seat(before.get(seat), row)
    gaining = [
        seat for seat, row in now.items() if seat in before and row["reputation"] > before[seat]["reputation"]
    ]
    if gaining:
        yield f"{format_seats(gaining)} gained reputation"


def _describe_seat(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> Iterator[str]:
    from ledger.identity.endpoints import show_addresses
    from node.cli.status_lines import describe_name
    from node.seat.seat_fields import describe_standing

    seat, places = f"seat {row['seat']}", show_addresses(row["endpoint"])
    if before is None or before["peer"] != row["peer"]:
        yield f"{seat} is {row['peer']}'s{describe_name(row, ', ')}, at {places}"
        return
    if (before["name"], before["name_marks"]) != (row["name"], row["name_marks"]):
        yield f"{seat} calls itself {describe_name(row) or 'nothing any more'}"
    if show_addresses(before["endpoint"]) != places:
        yield f"{seat} is reached at {places}"
    if before["state"] != row["state"] and row["state"] == "held":
        yield f"{seat} is held"
    # Round 0: suspensions are told of by the round they last until.
    was, has = describe_standing(dict(before), 0), describe_standing(dict(row), 0)
    yield from (f"{seat} is {word}" for word in has if word not in was)
    yield from (f"{seat} is not {word} any more" for word in was if word not in has)
    if row["reputation"] < before["reputation"]:
        yield f"{seat} fell to a reputation of {row['reputation']:.3f}, from {before['reputation']:.3f}"


# -------------------------------------------------------------------------------------------------- in a terminal


class Picture:
    """Drawn anew in place, a line a seat; addresses, which seldom change, are left to `folkmoot status`."""

    def __init__(self) -> None:
        from rich.live import Live

        from node.operating.console import CleanConsole

        self._console = CleanConsole()
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._shown: Shown | None = None
        self._away = ""

    def __enter__(self) -> "Picture":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, shown: Shown) -> None:
        """All of it; the time that is left goes on also where nothing else does."""
        self._shown, self._away = shown, ""
        self._draw()

    def tell_away(self, why: str) -> None:
        """Below what was seen last."""
        self._away = why
        self._draw()

    def tell_back(self, away_s: float) -> None:
        """What is drawn next says it."""

    def _draw(self) -> None:
        from rich.console import Group

        parts = [] if self._shown is None else list(draw_status(self._shown, self._console.size, time.time()))
        parts.append(_describe_following(self._shown, self._away))
        self._live.update(Group(*parts), refresh=True)


def draw_status(shown: Shown, size: tuple[int, int], now_s: float) -> Iterator[Any]:
    """Rich's parts. size: columns and lines of the terminal. now_s: Unix seconds."""
    from node.cli.status_lines import describe_circle, describe_disputes

    deadline_s = shown["deadline_s"]
    left_s = None if deadline_s is None else max(0, int(deadline_s - now_s))
    yield _as_text(describe_circle({**shown, "seconds_left": left_s}))
    if shown["seats"]:
        yield from _draw_seats(shown, size)
    else:
        yield _as_text("nobody has a seat yet: `folkmoot node` takes one")
    if shown["open_disputes"]:
        yield _as_text(describe_disputes(shown["open_disputes"]))


def _draw_seats(shown: Shown, size: tuple[int, int]) -> Iterator[Any]:
    from rich.table import Table

    from node.cli.status_lines import describe_name, list_figures

    rows = shown["seats"]
    most = max(1, size[1] - _LINES_BESIDE)
    has_names = any(row["name"] is not None for row in rows)
    table = Table("seat", *(["name"] if has_names else []), *list_figures())
    for row in rows[:most]:
        named = [_as_text(describe_name(row))] if has_names else []
        table.add_row(str(row["seat"]), *named, *list_figures(row, shown["round"]))
    yield table
    if len(rows) > most:
        yield _as_text(f"and {len(rows) - most} more seats, for which this terminal has too few lines")


def _describe_following(shown: Shown | None, away: str) -> Any:
    at = format_time(time.time())
    if away:
        return _as_text(f"{at}: the chain cannot be read, and is tried again: {away}")
    return _as_text(
        f"{at}: as of block {shown['block']}; Ctrl-C ends this" if shown else f"{at}: reading the chain"
    )


def _as_text(text: str) -> Any:
    from rich.text import Text

    from ledger.untrusted.text import make_printable

    return Text(make_printable(text))
