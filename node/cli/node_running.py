"""A node as it runs: until the circle is over or somebody ends it, and what a person is told meanwhile."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from ledger.errors import Foreseen
from ledger.identity.endpoints import show_addresses
from node.operating.figures import format_figure
from node.operating.lifeline import ENDING, is_ignored
from node.operating.printing import say


async def run_monitored(
    peer: Any, stay: bool, report: Callable[[Any], None], monitor: Any, metrics_at: tuple[str, int] | None
) -> int:
    """monitor: None where nobody asked for one."""
    if monitor is None or metrics_at is None:
        return await _run(peer, stay, report)
    monitor.find_parts = lambda: peer.parts
    report({"event": "metrics", "url": await monitor.start(*metrics_at)})
    try:
        return await _run(peer, stay, report)
    finally:
        await monitor.close()


async def _run(peer: Any, stay: bool, report: Callable[[Any], None]) -> int:
    task = asyncio.current_task()
    assert task is not None
    loop, asked = asyncio.get_running_loop(), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        asked.append(number)
        task.cancel()

    for number in (*ENDING, signal.SIGINT):
        if not is_ignored(number):
            loop.add_signal_handler(number, end, number)
    try:
        await peer.run(stay)
    except asyncio.CancelledError:
        if asked:
            report({"event": "stopped", "signal": asked[0].name})
        _leave()
    except ExceptionGroup as group:
        # Parallel work wraps what went wrong; the set-up error in it is what a person can act on.
        expected, unexpected = group.split((Foreseen, OSError))
        if unexpected is not None or expected is None:
            raise
        raise _find_first(expected) from group
    return 0


def _leave() -> None:
    """End now: a training under way cannot be interrupted, and what it would give is not needed.

    Everything that must last is on disk before it is used, so nothing is lost.
    """
    logging.shutdown()
    os._exit(0)


def _find_first(group: ExceptionGroup[Exception]) -> Exception:
    found = group.exceptions[0]
    return _find_first(found) if isinstance(found, ExceptionGroup) else found


def print_event(event: dict[str, Any]) -> None:
    if event["event"] == "starting":
        chain = f"chain {event['chain_id']} ({event['endpoint']})"
        say(f"circle {event['contract']} on {chain}: {event['last_round']} rounds")
        say(f"starting with key {event['key']}, folder {event['folder']}")
    elif event["event"] == "joined":
        named = f', "{event["name"]}"' if event["name"] is not None else ""
        say(f"seat {event['seat']}{named}: {event['address']} at {show_addresses(event['endpoint'])}")
    elif event["event"] == "waiting":
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(event["until"]))
        say(f"seat {event['seat']}: its keys are rotated to this node's, which takes over at {when}")
    elif event["event"] == "round":
        verdicts = list(event["verdicts"].values())
        counts = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in dict.fromkeys(verdicts))
        figures = ", ".join(f"{name} {format_figure(value)}" for name, value in event["figures"].items())
        told = [*([figures] if figures else []), f"neighbours: {counts}", f"{event['seconds']:.1f} s"]
        say(f"round {event['round']}: {'; '.join(told)}")
    elif event["event"] == "notice":
        # Of a lost seat the command's last sentence tells.
        if event["kind"] != "seat_lost":
            say(event["says"])
    elif event["event"] == "metrics":
        say(f"metrics at {event['url']}/metrics, health at {event['url']}/healthz")
    elif event["event"] == "stopped":
        say(f"stopped by {event['signal']}: started again with the same command, the node goes on where it was")
    else:
        say(f"the circle finished its last round, {event['round']}")
