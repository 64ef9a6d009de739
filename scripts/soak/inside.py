"""`folkmoot` in another network namespace: `python -m scripts.soak.inside NAMESPACE COMMAND …`."""

import argparse
import ctypes
import os
import sys
from typing import Final

_CLONE_NEWNET: Final = 0x40000000


def main() -> int:
    """The command's status."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("namespace", metavar="NAMESPACE", help="e.g. /run/netns/NAME")
    made.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="of folkmoot, with its options")
    options = made.parse_args()
    descriptor = os.open(options.namespace, os.O_RDONLY)
    if ctypes.CDLL(None).setns(descriptor, _CLONE_NEWNET) != 0:
        print(f"cannot enter the network namespace {options.namespace}", file=sys.stderr)
        return 3
    os.close(descriptor)
    from node.cli.main import main as run

    return run(options.command)


if __name__ == "__main__":
    sys.exit(main())
