"""Feeding one decoder many inputs in this process, and looking at each of them."""

import gc
import resource
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.fuzz.decoders.decoder import Decoder
from scripts.fuzz.tally import STALL_S, Keeper, Tally, check_growth

AREA: Final = "decoders"
_LEAP_BYTES: Final = 256 << 20
"""What no single input may have a process take."""
_MEASURED_FROM: Final = 500
"""Fewer inputs say nothing about memory, and collecting what is garbage takes longer than they do."""
_PAGE_BYTES: Final = resource.getpagesize()


def feed(
    decoder: Decoder,
    seed: int,
    numbers: range,
    keeper: Keeper,
    tell: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Feed the inputs of these numbers. tell: called with each number before its input is fed."""
    tally, clock = Tally(AREA, decoder.name), time.thread_time
    peak, is_measured = _find_peak(), len(numbers) >= _MEASURED_FROM
    for number in numbers:
        if is_measured and number - numbers.start == len(numbers) // 5:
            tally.memory_before = read_own_memory()
        data = decoder.make_input(seed, number)
        tell(number)
        begun = clock()
        try:
            decoder.read(data)
            tally.taken += 1
        except decoder.refuses:
            tally.refused += 1
        except Exception as error:
            keeper.keep(tally, number, data, describe(error))
        took = clock() - begun
        tally.cpu_s += took
        tally.longest_s = max(tally.longest_s, took)
        if took > STALL_S:
            keeper.keep(tally, number, data, f"took {took:.1f} s")
        if (now := _find_peak()) - peak > _LEAP_BYTES:
            keeper.keep(tally, number, data, f"took {now - peak >> 20} MiB")
        peak = max(peak, now)
    tally.inputs = len(numbers)
    if is_measured:
        tally.memory_after = read_own_memory()
        check_growth(tally)
    return tally


def describe(error: BaseException) -> str:
    """An exception and where it comes from, in one line."""
    places = traceback.extract_tb(error.__traceback__)
    where = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "nowhere"
    return f"{type(error).__name__} in {where}: {error}".replace("\n", " ")


def read_own_memory() -> int:
    """Bytes in memory of this process, after what is garbage is gone."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def _find_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
