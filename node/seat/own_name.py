"""What a node's own seat calls itself (R16.2): as its operator says, or as before."""

import logging
from typing import Final

from ledger.circle.history import History
from ledger.errors import UsageError
from ledger.identity.display_names import NAME_MAX, NotAName, check_name, tidy_name
from ledger.identity.endpoints import Endpoint, MalformedEndpoint, find_seat_name
from node.seat.seating import find_announced_seat

_log = logging.getLogger(__name__)
# No endpoint of a host is longer than with these.
_LONGEST_PORT: Final = 65535


def parse_own_name(typed: str | None, host: str) -> str | None:
    """The name of --name; empty for none from now on, None for the one that the seat has.

    host: where others reach this node; one that is none is refused elsewhere. Raises UsageError for a name that
    nobody would be shown, or that has no room beside the addresses.
    """
    if not typed:
        return typed
    name = tidy_name(typed)
    try:
        check_name(name)
        if (endpoint := _find_longest(host)) is not None:
            endpoint.named(name)
    except NotAName as error:
        raise UsageError(
            f"--name {typed[:60]!r} would be shown to nobody: {error}; give up to {NAME_MAX} letters and digits"
            " with single spaces and - . _ ' & + between"
        ) from error
    except MalformedEndpoint as error:
        raise UsageError(f"--name {typed[:60]!r} is too long: {error}; give a shorter one") from error
    return name


def _find_longest(host: str) -> Endpoint | None:
    try:
        return Endpoint.at(host, _LONGEST_PORT, _LONGEST_PORT)
    except MalformedEndpoint:
        return None


def put_name(endpoint: Endpoint, wanted: str | None, history: History, address: str) -> Endpoint:
    """A node's endpoint with the name that its seat is to have.

    wanted: of `parse_own_name`. address: the node's own.
    """
    name = wanted if wanted is not None else _find_present(history, address)
    try:
        return endpoint.named(name or None)
    except MalformedEndpoint as error:
        _log.warning("name dropped name=%s reason=%s", name, error)
        return endpoint


def _find_present(history: History, address: str) -> str | None:
    seat = history.seat_of(address)
    if seat is None and (announced := find_announced_seat(history, address)) is not None:
        seat = announced[0]
    return None if seat is None else find_seat_name(history.seats[seat].endpoint)
