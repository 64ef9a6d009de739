"""Where a node listens: whether the ports can be had, and whether others could be told to come there."""

import errno
import socket
from pathlib import Path

from ledger.errors import UsageError
from node.doctor.findings import Notebook
from node.doctor.stores import find_holder
from node.operating.host_names import is_loopback
from node.operating.listening import Listening


def look_at_ports(
    notebook: Notebook, listening: Listening, metrics: tuple[str, int] | None, folder: Path | None
) -> None:
    """metrics: host and port of --metrics, None for none. folder: of --folder; a node that runs has the ports."""
    try:
        listening.check_host()
    except UsageError as error:
        notebook.wrong("advertise", str(error), "name the host that others reach this machine at with --advertise")
    else:
        _look_at_host(notebook, listening.reached_at)
    running = find_holder(folder) if folder is not None else None
    host = listening.listens_at
    _look_at_port(notebook, "gossip port", host, listening.gossip_port, "--gossip-port", running)
    _look_at_port(notebook, "gateway port", host, listening.gateway_port, "--gateway-port", running)
    if metrics is not None:
        _look_at_port(notebook, "metrics port", *metrics, "--metrics", running)


def try_port(host: str, port: int) -> OSError | None:
    """Why nobody could listen there now; None where one can. Nothing is listened to."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind(place)
    except OSError as error:
        return error
    return None


def _look_at_host(notebook: Notebook, host: str) -> None:
    if is_loopback(host):
        do = "where members are on other machines: --host 0.0.0.0 --advertise NAME, with both ports fixed and open"
        notebook.warn("advertise", f"others are sent to {host}, which is this machine alone", do)
    else:
        notebook.ok("advertise", f"others are sent to {host}")


def _look_at_port(notebook: Notebook, check: str, host: str, port: int, option: str, running: str | None) -> None:
    if not 0 <= port <= 65535:
        notebook.wrong(check, f"there is no port {port}", f"choose one from 1 to 65535 with {option}")
        return
    error = try_port(host, port)
    if error is None and port == 0:
        if is_loopback(host) or option == "--metrics":
            notebook.ok(check, "any that is free")
        else:
            notebook.warn(check, "another one at each start", f"fix it with {option}, so that it can be opened")
    elif error is None:
        notebook.ok(check, f"{port} on {host} is free")
    elif error.errno == errno.EADDRINUSE and running is not None:
        notebook.ok(check, f"{port} on {host} is in use, and a node is running ({running})")
    elif error.errno == errno.EADDRINUSE:
        notebook.wrong(
            check, f"{port} on {host} is in use", f"stop the other program or choose another with {option}"
        )
    elif error.errno == errno.EACCES:
        notebook.wrong(
            check, f"{port} on {host} is not allowed for this user", f"choose one above 1023 with {option}"
        )
    else:
        do = f"correct --host or {option}"
        notebook.wrong(check, f"{port} on {host} cannot be had ({error.strerror or error})", do)
