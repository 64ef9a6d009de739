"""`folkmoot` in another network namespace: `python -m scripts.soak.inside NAMESPACE COMMAND …`."""

import ctypes
import os
import sys
from typing import Final

_CLONE_NEWNET: Final = 0x40000000


def main() -> int:
    """The command's status."""
    namespace, *command = sys.argv[1:]
    descriptor = os.open(namespace, os.O_RDONLY)
    if ctypes.CDLL(None).setns(descriptor, _CLONE_NEWNET) != 0:
        print(f"cannot enter the network namespace {namespace}", file=sys.stderr)
        return 3
    os.close(descriptor)
    from node.cli.main import main as run

    return run(command)


if __name__ == "__main__":
    sys.exit(main())
