"""Account for a circle's model from wherever its blobs are to be had."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from ledger.errors import SetupError
from node.cli.model import show_progress
from node.cli.recomputing import describe_lacking, name_blob
from node.opened_circle import OpenCircle


def account_for(
    opened: OpenCircle,
    wanted: int,
    seat: int | None,
    room: Any,
    open_blobs: Callable[[], AbstractAsyncContextManager[Any]],
) -> Any:
    """A `Told`. open_blobs: a `Fetch`. Raises SetupError where a blob is not to be had."""
    from ledger.audit.tracing import trace
    from ledger.fetch.fetcher import Unavailable
    from node.cli.trace_lines import Told
    from node.duties.circle_model import ModelState
    from node.models.taking_out import Source, find_blocks

    history, network = opened.history, opened.circle.network

    async def work(progress: Any) -> Any:
        async with open_blobs() as fetch:
            source = Source(network, history, find_blocks(opened.placed), fetch)
            traced = await trace(history, network.domain_separator, wanted, seat, fetch, room, progress)
        seats = tuple(one for one, _ in traced.target.holders)
        return traced, source.make_facts(ModelState(traced.round, traced.seat, seats, traced.target.model))

    try:
        with show_progress() as progress:
            traced, facts = asyncio.run(work(progress))
    except Unavailable as lacking:
        raise SetupError(
            f"no account, as {name_blob(history, lacking.digest)}{describe_lacking(lacking)}: try again when more"
            " members are up; what the chain alone says is told with --verdicts"
        ) from lacking
    return Told(opened.block, history, traced, facts)
