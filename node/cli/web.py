"""The live page beside a node: `folkmoot watch` as a process of its own without a key, ending with the node."""

# ruff: noqa: S603  (the process is this program, started from an argument list, never through a shell)

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from ledger.errors import UsageError
from node.cli.options import RPC_VARIABLE
from node.operating.lifeline import Lifeline

_END_S: Final = 5.0
_LINE_MAX: Final = 4096
Report = Callable[[dict[str, Any]], None]


def check_web_port(port: int | None) -> None:
    """Raises UsageError for what is no port."""
    if port is not None and not 0 <= port < 1 << 16:
        raise UsageError(f"--web {port} is no port: give 1 to 65535, or none for any that is free")


@contextmanager
def page_beside(
    port: int | None,
    circle: Path,
    rpc_urls: Sequence[str] | None,
    data: Path,
    report: Report,
    log_options: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Iterator[None]:
    """Serve the page while the block runs; nothing where port is None.

    port: 0 takes a free one. data: the node's folder, whose own figures are shown. report: is told the page's
    address or that it did not start; the node goes on without it. log_options: the node's own, as they are typed
    before a command, as both write to one stderr. options: further ones of the page's.
    """
    if port is None:
        yield
        return
    # An audit fetches what all members published: a node's link is there for the node.
    command = ["watch", "--json", "--no-audit", "--circle", str(circle), "--folder", str(data), "--port", str(port)]
    command += options
    lifeline = Lifeline()
    # Other users of this machine see a command line, and an endpoint's address may hold a key.
    named = {RPC_VARIABLE: " ".join(rpc_urls)} if rpc_urls else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli.main", *log_options, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **named, **lifeline.environment},
        pass_fds=lifeline.inherited,
    )
    assert process.stdout is not None
    telling = threading.Thread(target=_tell, args=(process.stdout, report), name="web", daemon=True)
    telling.start()
    try:
        yield
    finally:
        _end(process)
        telling.join(_END_S)
        if not telling.is_alive():
            process.stdout.close()
        lifeline.close()


def _tell(output: IO[bytes], report: Report) -> None:
    """Wait for the page's first line, which comes once it is served; what went wrong is on stderr by then."""
    line = output.readline(_LINE_MAX)
    try:
        url = str(json.loads(line)["url"])
    except (ValueError, KeyError, TypeError):
        says = "the live page did not start, as said above: this node goes on without it"
        report({"event": "notice", "kind": "no_page", "says": says, "is_bad": True})
        return
    report({"event": "notice", "kind": "page", "says": f"live page at {url}", "is_bad": False, "url": url})


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
