"""Feed all that reads what others wrote with a million inputs that nobody meant.

    python -m scripts.fuzz                        all of it: over a million inputs
    python -m scripts.fuzz decoders --inputs 20000 --only manifest record
    python -m scripts.fuzz --replay build/fuzz/decoders--manifest--7

A fault is an exception that a decoder does not say it raises, a death, more than a second of CPU for one input,
memory that grows, and a server that fails, or answers a valid request no more. Inputs are made of valid ones from a
seed: the same seed gives the same. What is a fault is kept in a file, and can be fed again. Prints a table; exits
with 1 where there is a fault.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from ledger.errors import UsageError
from scripts.fuzz import areas
from scripts.fuzz.decoders import list_decoders
from scripts.fuzz.feeding import AREA, describe
from scripts.fuzz.supervising import feed_all
from scripts.fuzz.tally import Keeper, Tally, format_tallies, parse_kept
from scripts.running import run, tell

_INPUTS: Final = 1_100_000


def main() -> int:
    options = _make_parser().parse_args()
    if options.replay is not None:
        return _replay(options.replay)
    chosen, shares = options.areas or list(areas.SHARES), areas.SHARES
    if unknown := sorted(set(chosen) - set(shares)):
        raise UsageError(f"there is no area {unknown[0][:80]!r}: choose of {', '.join(shares)}")
    total, tallies, begun = sum(shares[one] for one in chosen), list[Tally](), time.monotonic()
    for area in chosen:
        inputs = round(options.inputs * shares[area] / total)
        tell(f"{area}: {inputs:,} inputs")
        found = (
            _feed_decoders(options, inputs)
            if area == AREA
            else areas.feed(area, options.seed, inputs, Keeper(options.out))
        )
        tallies += found
        for tally in found:
            for fault in tally.faults:
                tell(f"FAULT {tally.area}: {tally.name}: {fault}")
    faults = sum(len(one.faults) for one in tallies)
    print(format_tallies([*tallies, _sum_up(tallies)]))
    print(f"{time.monotonic() - begun:.0f} s, seed {options.seed}, {faults} faults")
    if options.json is not None:
        options.json.write_text(json.dumps([one.to_fields() for one in tallies], indent=1))
    return 1 if faults else 0


def _make_parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(areas.SHARES)}; all unless named")
    made.add_argument("--inputs", type=int, default=_INPUTS)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--jobs", type=int, default=2, help="processes that decode at a time")
    made.add_argument("--only", nargs="+", default=[], metavar="DECODER", help="feed these alone")
    made.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder for inputs that are faults")
    made.add_argument("--json", type=Path, help="write the table there too")
    made.add_argument("--replay", type=Path, metavar="FILE", help="feed an input that was kept again")
    return made


def _feed_decoders(options: argparse.Namespace, inputs: int) -> list[Tally]:
    with tempfile.TemporaryDirectory() as scratch:
        decoders = list_decoders(Path(scratch))
        known = [one.name for one in decoders]
        if unknown := sorted(set(options.only) - set(known)):
            raise UsageError(f"there is no decoder {unknown[0][:80]!r}: choose of {', '.join(known)}")
        chosen = [one for one in decoders if not options.only or one.name in options.only]
        return feed_all(chosen, options.seed, inputs, max(1, min(options.jobs, len(chosen))), Keeper(options.out))


def _replay(path: Path) -> int:
    try:
        area, name = parse_kept(path)
        data = path.read_bytes()
    except (ValueError, OSError) as error:
        raise UsageError(f"--replay: {error}") from error
    if area != AREA:
        found = areas.replay(area, name, data)
        print("\n".join(found) or "nothing is wrong now")
        return 1 if found else 0
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as scratch:
        decoder = next(one for one in list_decoders(Path(scratch)) if one.name == name)
        begun = time.thread_time()
        try:
            print(f"taken: {str(decoder.read(data))[:200]}")
        except decoder.refuses as error:
            print(f"refused: {describe(error)}")
        tell(f"{len(data)} bytes, {time.thread_time() - begun:.3f} s")
    return 0


def _sum_up(tallies: list[Tally]) -> Tally:
    found = Tally("all", "")
    for one in tallies:
        found.inputs, found.taken, found.refused = (
            found.inputs + one.inputs,
            found.taken + one.taken,
            found.refused + one.refused,
        )
        found.cpu_s, found.longest_s = found.cpu_s + one.cpu_s, max(found.longest_s, one.longest_s)
        found.faults += one.faults
    return found


if __name__ == "__main__":
    sys.exit(run(main))
