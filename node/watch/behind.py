"""What works behind the page as long as it is served: the audit, and accounts that somebody asked for."""

import asyncio

from node.watch.source import Source


async def work_behind(source: Source) -> None:
    """A `Worker`: run the audit until cancelled, and end what was begun."""
    audit, traces = source.audit, source.traces
    audit.on_change = lambda: source.note_findings(audit.count)
    if traces is not None:
        traces.on_change = lambda: source.note_findings(audit.count)
    source.note_findings(audit.count)
    try:
        await asyncio.to_thread(audit.start)
        await asyncio.Event().wait()
    finally:
        await asyncio.to_thread(audit.close)
        if traces is not None:
            await asyncio.to_thread(traces.close)
