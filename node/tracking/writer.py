"""The process in which a tracker's package runs: a message a line on stdin, and on stdout why it gives up."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable

from node.tracking.backends import Backend, open_backend


def write_down(lines: Iterable[bytes]) -> None:
    """Do what the lines say until they end. Raises whatever the tracker raises."""
    backend: Backend | None = None
    try:
        for line in lines:
            message = json.loads(line)
            if backend is None:
                backend = open_backend(message["kind"], message["place"])
            elif "run" in message:
                backend.start(message["run"], message["settings"])
            else:
                backend.log(message["step"], message["figures"])
    finally:
        if backend is not None:
            backend.end()


def main() -> int:
    """Returns the exit status. What the tracker prints goes nowhere."""
    said = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        write_down(sys.stdin.buffer)
    except Exception as error:  # a package that is not ours may raise anything, and this is the end of it
        reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        with contextlib.suppress(OSError):
            os.write(said, reason.encode(errors="replace")[:300])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
