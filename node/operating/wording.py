"""Times, spans and seats as people read them, and the name that somebody who mistyped one may have meant."""

import time
from collections.abc import Iterable


def format_time(unix_s: float) -> str:
    """A moment; one that no calendar has, as it stands."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(unix_s))
    except (ValueError, OverflowError, OSError):
        return f"second {unix_s:g}"


def format_seats(seats: list[int]) -> str:
    """Seats in words; neighbours in number as a range."""
    if not seats:
        return "no seat"
    runs: list[list[int]] = []
    for seat in seats:
        if runs and seat == runs[-1][-1] + 1:
            runs[-1].append(seat)
        else:
            runs.append([seat])
    told = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"seat {told[0]}" if len(seats) == 1 else f"seats {', '.join(told)}"


def format_duration(seconds: float) -> str:
    """A span of time in the largest unit that fits it whole."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return format_count(int(seconds // size), unit)
    return format_count(int(seconds), "second")


def format_count(number: int, unit: str) -> str:
    """`1 round`, `2 rounds`."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def find_meant(typed: str, names: Iterable[str]) -> str | None:
    """The nearest of the names, which have small letters and dashes; None where none is near."""
    # It takes its time to import, and is for a slip alone.
    from difflib import get_close_matches

    near = get_close_matches(typed.replace("_", "-").lower(), list(names), 1)
    return near[0] if near else None
