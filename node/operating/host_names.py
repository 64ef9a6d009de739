"""Under which names a server is asked for, so that no name of somebody else's can be pointed at it."""

import ipaddress
import re
from collections.abc import Sequence


def is_named_well(host: str, names: Sequence[str]) -> bool:
    """Whether a Host header is one that this server answers to: an IP address, `localhost`, or one of the names.

    A name that somebody else gives to this machine (DNS rebinding) is none of them.
    """
    name, _, port = host.rpartition(":") if re.search(r":\d{1,5}$", host) else (host, "", "")
    if port and int(port) >= 1 << 16:
        return False
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    elif ":" in name:
        return False
    if name.lower() in ("localhost", *names):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host, without brackets, is this machine for everybody."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
