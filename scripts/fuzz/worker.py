"""A process that feeds decoders, started by `scripts.fuzz.supervising`: what kills it kills no more than it.

    python -m scripts.fuzz.worker PLAN FOLDER

The plan is JSON: seed, the file for the mark, a folder for scratch files, and pieces of (decoder, first, last). A
tally a piece comes out.
"""

import argparse
import json
import logging
import mmap
import resource
import struct
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.fuzz.decoders import list_decoders
from scripts.fuzz.feeding import feed
from scripts.fuzz.tally import Keeper

MARK: Final = struct.Struct("<qq")
"""Which piece and which input are at work."""
_DATA_BYTES_MAX: Final = 6 << 30


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("plan", type=Path)
    made.add_argument("folder", type=Path, help="for inputs that are faults")
    options = made.parse_args()
    plan, keeper = json.loads(options.plan.read_text()), Keeper(options.folder)
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_DATA, (_DATA_BYTES_MAX, _DATA_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with (
        Path(plan["mark"]).open("r+b") as file,
        mmap.mmap(file.fileno(), MARK.size) as mark,
        tempfile.TemporaryDirectory(dir=plan["scratch"]) as scratch,
    ):
        decoders = {one.name: one for one in list_decoders(Path(scratch))}
        for place, (name, first, last) in enumerate(plan["pieces"]):

            def tell(number: int, place: int = place) -> None:
                MARK.pack_into(mark, 0, place, number)

            tally = feed(decoders[name], plan["seed"], range(first, last), keeper, tell)
            print(json.dumps(tally.to_fields()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
