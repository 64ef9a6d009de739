"""--metrics, of the commands that run for long."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.operating.printing import caution


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """--metrics, off by default: a port that nobody asked for would only be one more to guard."""
    parser.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        help="serve /metrics for Prometheus and /healthz, /readyz, /livez there (default: nowhere; without HOST on "
        "127.0.0.1 alone; PORT 0 takes a free one)",
    )


def parse_metrics(options: argparse.Namespace) -> tuple[str, int] | None:
    """Where to serve them, None for nowhere. Raises UsageError."""
    if options.metrics is None:
        return None
    from node.metrics.server import parse_listening
    from node.operating.host_names import is_loopback

    host, port = parse_listening(options.metrics)
    if not is_loopback(host):
        caution(
            f"whoever reaches {host} sees this process's balance, traffic and how its seat stands: let only your "
            "Prometheus through"
        )
    return host, port


def make_monitor(
    place: tuple[str, int] | None, urls: Sequence[str], chain_id: int, keystore: Path, folder: Any
) -> Any:
    """A node's `NodeMonitor`, None where there is no place for it. folder: its `DataFolder`. Raises SetupError."""
    if place is None:
        return None
    # Imported here: what makes pages of figures takes its time to load.
    from node.metrics.node_monitor import NodeMonitor
    from node.seat.keys import address_of

    return NodeMonitor(urls, chain_id, address_of(keystore), folder.blobs, folder.root)
