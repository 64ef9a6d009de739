"""Long rows of numbers with fewer points, so that a line through them looks the same."""

from collections.abc import Sequence


def thin(values: Sequence[float | None], most: int) -> list[int]:
    """Which places to keep, ascending: of each stretch the least and the largest, and both ends.

    most: about so many. All places where they are no more than that.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    stretches = max(1, (most - 2) // 2)
    kept = {0, count - 1}
    for number in range(stretches):
        places = range(number * count // stretches, (number + 1) * count // stretches)
        known = [place for place in places if values[place] is not None]
        if not known:
            kept.add(places[0])
            continue
        kept.add(min(known, key=lambda place: values[place] or 0.0))
        kept.add(max(known, key=lambda place: values[place] or 0.0))
    return sorted(kept)
