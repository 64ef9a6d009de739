"""TETHER once more, slowly and with no library: Python integers and fractions. The tests compare."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt

from tests.support.specification.arithmetic import Numbers, round_half_up, squared_distance

Matrix = list[list[int]]
# seat → tenure, meetings, values
Traces = Mapping[int, tuple[int, int, list[int]]]

REACH = 1 << 22


@dataclass(frozen=True)
class Found:
    """What a screening gives. verdicts: seat → accepted. figures: seat → what decided, as the record holds it."""

    verdicts: dict[int, bool]
    mixed: set[int]
    next_base: list[int]
    seed: bytes
    traces: Traces
    figures: dict[int, dict[str, int]]


def sketch(values: Numbers, seed: bytes, width: int) -> list[int]:
    """Every coordinate has a sign and a place; both come from the hash of its run's number."""
    sums = [0] * width
    for run in range(-(-len(values) // width)):
        message = b"folkmoot sketch 1" + seed + run.to_bytes(8, "little")
        raw = hashlib.shake_256(message).digest(width // 8 + 4)
        rotation = int.from_bytes(raw[-4:], "little")
        for place, value in enumerate(values[run * width : (run + 1) * width]):
            is_minus = raw[place // 8] >> place % 8 & 1
            sums[(place + rotation) % width] += -value if is_minus else value
    return sums


def unit_step(step: Numbers, tau2: int, seed: bytes, width: int) -> list[int]:
    """The sketch of step / max(τ, ‖step‖), in 2**−22."""
    if tau2 == 0:
        return [0] * width
    longer2 = max(tau2, sum(value * value for value in step))
    scale = isqrt((REACH << 31) ** 2 // longer2)
    return [round_half_up(Fraction(value * scale, 1 << 31)) for value in sketch(step, seed, width)]


def gain(meetings: int, memory_milli: int) -> int:
    decay = 1 << 30
    for _ in range(meetings):
        decay = decay * memory_milli // 1000
    return (1 << 50) // ((1 << 30) - decay)


def main_direction(matrix: Matrix) -> list[int]:
    """The column of largest diagonal entry of the 1024th power, rounded to 26 bits at each squaring."""
    power = cut(matrix)
    for _ in range(10):
        columns = list(zip(*power, strict=True))
        power = cut([[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in power])
    best = max(range(len(power)), key=lambda place: (power[place][place], -place))
    return [row[best] for row in power]


def cut(matrix: Matrix) -> Matrix:
    bits = max(abs(entry).bit_length() for row in matrix for entry in row)
    return [[round_half_up(Fraction(entry, 1 << max(bits - 26, 0))) for entry in row] for row in matrix]


def spread(
    vectors: Sequence[Numbers], guest: Numbers, pulls: Sequence[int]
) -> tuple[list[int], int, list[int], int, int]:
    """Projections of the vectors and the guest, in 2**−20 of the vectors' unit; in its square ‖·‖², λ₁ and Σλ.

    pulls: of each vector, and the guest's last.
    """
    count = len(vectors)
    weight = sum(pull * pull for pull in pulls[:count])
    centre = [sum(pull * value for pull, value in zip(pulls, column, strict=False)) for column in zip(*vectors)]  # noqa: B905
    centred = [
        [weight * value - pull * c for value, c in zip(vector, centre, strict=True)]
        for vector, pull in zip([*vectors, guest], pulls, strict=True)
    ]
    products = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in centred] for one in centred]
    inner = [row[:count] for row in products[:count]]
    total = sum(inner[place][place] for place in range(count))
    weights = main_direction(inner)
    along = [sum(w * entry for w, entry in zip(weights, row, strict=False)) for row in products]
    power = sum(w * value for w, value in zip(weights, along, strict=False))
    unit = weight << 20
    squares = [inner[place][place] // unit**2 for place in range(count)]
    length = isqrt(power) * unit
    if not length:
        return [0] * count, 0, squares, 0, total // unit**2
    scaled = [round_half_up(Fraction(value, length)) for value in along]
    largest = floor(Fraction(power, sum(w * w for w in weights) * unit**2))
    return scaled[:count], scaled[count], squares, largest, total // unit**2


def kept_part(meetings: int, memory_milli: int) -> Fraction:
    """What is left of a trace's beginning, in 2**−30."""
    decay = 1 << 30
    for _ in range(meetings):
        decay = decay * memory_milli // 1000
    return Fraction(decay, 1 << 30)


def noise_gain(meetings: int, memory_milli: int) -> int:
    """1 / √((1 − a) / (1 + a) · (1 − a²ᵐ)), in 2**−20."""
    a, end = Fraction(memory_milli, 1000), kept_part(meetings, memory_milli)
    return isqrt(floor((1 + a) / (1 - a) / (1 - end**2) * (1 << 40)))


def noise_pull(meetings: int, memory_milli: int) -> int:
    """1 / √share, in 2**−10."""
    a, end = Fraction(memory_milli, 1000), kept_part(meetings, memory_milli)
    return isqrt(floor((1 + a) / (1 - a) * (1 - end) / (1 + end) * (1 << 20)))


def noise_share(meetings: int, memory_milli: int) -> int:
    """What is left of a step's squared noise in the bias-corrected trace, in 2**−30."""
    a, end = Fraction(memory_milli, 1000), kept_part(meetings, memory_milli)
    return floor((1 - a) / (1 + a) * (1 + end) / (1 - end) * (1 << 30))


def edge_of_noise(meetings: Sequence[int], values: int, parameters: Mapping[str, int]) -> int:
    """The largest λ₁ that noise alone gives, in 2**−44."""
    count = len(meetings)
    shares = sum(noise_share(m, parameters["memory_milli"]) for m in meetings)
    level = Fraction(parameters["noise_milli"], 1000) + Fraction(
        parameters["young_milli"] * shares, 1000 * count << 30
    )
    return floor(REACH**2 * level * Fraction(values + count + isqrt(4 * values * count), values))


def pulled_mean(base: Numbers, own: Numbers, others: Sequence[Numbers], factors: Sequence[Fraction]) -> list[int]:
    """base plus the mean of one's own step and the others' shortened ones, on the grid."""
    moved = [Fraction(mine - b) for mine, b in zip(own, base, strict=True)]
    for other, factor in zip(others, factors, strict=True):
        moved = [m + factor * (w - b) for m, w, b in zip(moved, other, base, strict=True)]
    rounded = [b + round_half_up(m / (1 + len(others))) for b, m in zip(base, moved, strict=True)]
    return [max(-(1 << 24), min(1 << 24, value)) for value in rounded]


def median(values: Sequence[int]) -> Fraction:
    ranked = sorted(values)
    return Fraction(ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2], 2)


def tether(
    base: Numbers,
    own: Numbers,
    neighbours: Mapping[int, Numbers],
    eligible: frozenset[int],
    judge: int,
    round_seed: bytes,
    tenures: Mapping[int, int],
    memory_seed: bytes,
    memory: Traces,
    round_number: int,
    parameters: Mapping[str, int],
    floors: Mapping[int, int] | None = None,
) -> Found:
    """One screening. parameters: all of the rule's. floors: seat → F (R12.5); None without privacy terms."""
    count, width = len(neighbours), parameters["sketch_width"]
    seed = memory_seed or hashlib.sha256(b"folkmoot tether 1" + round_seed + judge.to_bytes(4, "little")).digest()
    distances = {seat: squared_distance(state, base) for seat, state in neighbours.items()}
    step2 = squared_distance(own, base)
    if floors is not None and not floors.get(judge, 0):
        step2 = 0
    quiet = {seat for seat, d2 in distances.items() if floors is not None and d2 < floors.get(seat, 0)}
    noisy = sum(1 for seat in distances if seat not in quiet and (floors or {}).get(seat, 0) > 0)
    is_noisy = 2 * noisy > len(distances) - len(quiet)
    loud = sorted(d2 for seat, d2 in distances.items() if seat not in quiet)
    lower_median = loud[(len(loud) - 1) // 2] if loud else 0
    tau2 = lower_median
    if step2:
        least, most = (
            floor(Fraction(parameters[f"{name}_milli"], 1000) ** 2 * step2) for name in ("least", "reach")
        )
        tau2 = max(least, min(tau2, most))
    gate2 = Fraction(parameters["gate_milli"], 1000) ** 2 * max(tau2, step2)
    inside = sorted(seat for seat, d2 in distances.items() if d2 <= gate2 and seat not in quiet)
    tenure_then, judged, _ = memory.get(judge, (None, 0, []))
    if tenure_then != tenures.get(judge, 0):
        judged = 0
    is_new = judged <= parameters["settling"] and judged < round_number - 1
    is_late = len(loud) > 0 and not inside and is_new
    if is_late:
        inside, tau2 = sorted(set(neighbours) - quiet), lower_median

    def unit(state: Numbers, of: bytes) -> list[int]:
        return unit_step([w - b for w, b in zip(state, base, strict=True)], tau2, of, width)

    first = hashlib.sha256(b"folkmoot tether 1" + round_seed + judge.to_bytes(4, "little")).digest()
    apart = {
        (one, other): sum(a * b for a, b in zip(unit(states[one], seed), unit(states[other], seed), strict=True))
        - sum(
            a * b
            for a, b in zip(unit(states[one], b"fresh" + first), unit(states[other], b"fresh" + first), strict=True)
        )
        for states in [{**neighbours, judge: own}]
        for one in inside
        for other in [*inside, judge]
    }
    seen = []
    for seat in inside:
        others = [apart[seat, other] for other in inside if other != seat]
        others += [apart[seat, judge]] * parameters["own_votes"]
        middle = median(others) if others else Fraction(0)
        if abs(middle) * 1000 <= parameters["hidden_milli"] * REACH**2:  # noqa: SIM102
            if abs(apart[seat, seat]) * 1000 <= parameters["unseen_milli"] * REACH**2:
                seen.append(seat)
    inside = seen

    traces = dict(memory)
    offset = [0] * width
    if floors is not None:
        common = [unit(neighbours[seat], seed) for seat in inside] + [unit(own, seed)]
        part = Fraction(parameters["offset_milli"], 1000 * len(common))
        offset = [round_half_up(part * sum(column)) for column in zip(*common, strict=True)]
    for seat, state in [*neighbours.items(), (judge, own)]:
        step = [value - o for value, o in zip(unit(state, seed), offset, strict=True)]
        tenure, meetings, before = memory.get(seat, (None, 0, [0] * width))
        if tenure != tenures.get(seat, 0):
            meetings, before = 0, [0] * width
        keep = Fraction(parameters["memory_milli"], 1000)
        after = [round_half_up(keep * b + (1 - keep) * s) for b, s in zip(before, step, strict=True)]
        traces[seat] = (tenures.get(seat, 0), meetings + 1, after)

    dropped: set[int] = set()
    has_fired = False
    figures = {seat: {"distance2": distances[seat], "tau2": tau2} for seat in neighbours}
    known = [] if is_late else sorted(inside)
    if parameters["memory_milli"] and not is_late:
        absent = [s for s in memory if s not in neighbours and s != judge and len(memory[s][2]) == width]
        absent.sort(key=lambda seat: (-memory[seat][1], seat))
        known = sorted([*inside, *absent[: max(parameters["most"] - len(inside), 0)]])
    if known:

        def corrected(seat: int) -> list[int]:
            _, meetings, values = traces[seat]
            factor = noise_gain if is_noisy else gain
            return [factor(meetings, parameters["memory_milli"]) * value for value in values]

        pulls = [1] * (len(known) + 1)
        if is_noisy:
            pulls = [noise_pull(traces[seat][1], parameters["memory_milli"]) for seat in [*known, judge]]
        projections, guest, squares, largest, total = spread(
            [corrected(seat) for seat in known], corrected(judge), pulls
        )
        centre = median([*projections, *[guest] * parameters["own_votes"]])
        away = {seat: abs(p - centre) for seat, p in zip(known, projections, strict=True)}
        ranked = sorted(known, key=lambda seat: (-away[seat], seat))
        is_few = len(known) <= parameters["few"]
        middle2 = sorted(squares)[(len(known) - 1) // 2]
        still2 = Fraction(parameters["still_milli"], 1000) ** 2
        moving = sum(square >= still2 * middle2 for square in squares)
        even = Fraction(parameters["spectral_milli"], 1000 * (moving - 1)) if moving > 1 else Fraction(0)
        for seat, projection in zip(known, projections, strict=True):
            if seat in inside:
                figures[seat] |= {"projection": projection, "double_centre": int(2 * centre), "lambda1": largest}
                figures[seat] |= {"trace": total, "known": len(known), "moving": moving}
        least_part = max(even, Fraction(parameters["share_milli"], 1000))
        if not is_noisy:
            has_fired = not is_few and largest > least_part * total
        else:
            edge = edge_of_noise([traces[seat][1] for seat in known], min(len(base), width), parameters)
            for seat in set(known).intersection(inside):
                figures[seat] |= {"edge": edge}
            besides = total - REACH**2 * (moving - 1)
            # With one that moves there is no even part; see the rule's own product.
            stands_out = (largest - REACH**2) * 1000 * (moving - 1) > besides * max(
                parameters["spectral_milli"], parameters["share_milli"] * (moving - 1)
            )
            has_fired = not is_few and stands_out and largest > edge
        if has_fired:
            suspects = ranked[: parameters["drop_milli"] * len(known) // 1000]
            far = parameters["outer_milli" if is_noisy else "far_milli"]
            enough = Fraction(far, 1000) * max(away.values())
            dropped = {seat for seat in suspects if away[seat] >= enough}
        elif is_few:
            budget = parameters["drop_milli"] * count // 1000 - (count - len(inside))
            dropped = set([seat for seat in ranked if seat in inside][: max(budget, 0)])

    mixed = {seat for seat in inside if seat not in dropped and seat in eligible}
    verdicts = {seat: seat in inside and not (has_fired and seat in dropped) for seat in neighbours}
    factors = [
        Fraction(isqrt((tau2 << 36) // distances[seat]), 1 << 18) if distances[seat] > tau2 else Fraction(1)
        for seat in mixed
    ]
    next_base = pulled_mean(base, own, [neighbours[seat] for seat in mixed], factors)
    return Found(verdicts, mixed, next_base, seed, traces, figures)
