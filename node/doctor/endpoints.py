"""The chain's endpoints, each by itself: does it answer, on the right chain, at its head, with what is needed?"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from ledger.chain.rpc import answers
from ledger.chain.rpc.address import mask_url
from ledger.chain.rpc.client import ChainTrouble, Rpc
from ledger.errors import SetupError
from ledger.untrusted.host_names import NameResolver
from node.doctor.findings import Level, Notebook, split_sentence
from node.seat.accounts import LOCAL_CHAIN_IDS

ANSWER_S: Final = 5.0
_ENDPOINTS_MAX: Final = 8
_BEHIND_MAX: Final = 10
_OLD_S: Final = 600.0
_AHEAD_S: Final = 30.0


@dataclass
class Seen:
    """What one endpoint says."""

    rpc: Rpc | None
    """None for what is no address."""
    shown: str
    """Its address, as it may be shown."""
    head: int = 0
    """Its newest block's number, 0 where it tells none."""
    head_time_s: int = 0
    """That block's time, Unix seconds."""
    at_s: float = 0.0
    """When it was asked, Unix seconds."""
    trouble: str = ""
    """Why it is of no use; empty where it is."""
    do: str = "start it, or correct --rpc"
    """What to do about that."""
    remarks: list[tuple[Level, str, str]] = field(default_factory=list)
    """What else is to be said: level, what was seen, what to do."""


def ask_all(urls: Sequence[str], chain_id: int | None, contract: str | None, block: int) -> list[Seen]:
    """Ask every endpoint side by side.

    contract: of the circle, None where it is not known. block: the one it was opened in.
    """
    seen = [_open(url) for url in list(dict.fromkeys(urls))[:_ENDPOINTS_MAX]]
    threads = [
        threading.Thread(target=_ask, args=(one, chain_id, contract, block), daemon=True)
        for one in seen
        if one.rpc is not None
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def tell_endpoints(notebook: Notebook, seen: Sequence[Seen], chain_id: int | None) -> list[Seen]:
    """Write down what they said; the fit ones, the newest head first."""
    fit = sorted((one for one in seen if not one.trouble), key=lambda one: -one.head)
    for one in seen:
        if one.trouble:
            # One of several that is lost costs nothing while another is there.
            say = notebook.warn if fit else notebook.wrong
            say("endpoint", one.trouble, one.do)
            continue
        if fit[0].head - one.head > _BEHIND_MAX:
            saw = f"{one.shown} is at block {one.head}, another one at {fit[0].head}"
            notebook.warn("endpoint", saw, "wait until it has caught up, or leave it out")
        else:
            notebook.ok("endpoint", f"{one.shown} answers, at block {one.head}")
        for level, saw, do in one.remarks:
            (notebook.wrong if level == Level.WRONG else notebook.warn)("endpoint", saw, do)
    if len(fit) == 1 and chain_id not in LOCAL_CHAIN_IDS:
        do = "name a second one with another --rpc: a node goes on with it where the first fails"
        notebook.warn("endpoints", "there is one that answers", do)
    elif len(fit) > 1:
        notebook.ok("endpoints", f"{len(fit)} answer")
    return fit


def tell_clock(notebook: Notebook, newest: Seen, chain_id: int | None) -> None:
    """This machine's clock against the newest block's time, which is all that is asked."""
    age_s = newest.at_s - newest.head_time_s
    if age_s < -_AHEAD_S:
        saw = f"the newest block is {-age_s:.0f} s ahead of this machine's clock"
        notebook.wrong("clock", saw, "set the clock, e.g. by systemd-timesyncd or chrony")
    elif age_s > _OLD_S and chain_id not in LOCAL_CHAIN_IDS:
        saw = f"the newest block is {age_s:.0f} s old"
        notebook.wrong("clock", saw, "either the chain stands still or this machine's clock is ahead: compare both")
    else:
        told = (
            ""
            if chain_id not in LOCAL_CHAIN_IDS
            else "; a local test chain, which may make blocks on demand, tells no more"
        )
        notebook.ok("clock", f"not behind the newest block, whose time was {age_s:.0f} s ago{told}")


def tell_websocket(notebook: Notebook, url: str | None) -> None:
    """url: where the node would be woken; None for nowhere."""
    if url is None:
        notebook.ok("websocket", "none: the node asks for new blocks")
        return
    # A service's key often stands in the path.
    shown = mask_url(url)
    reason = asyncio.run(_try_websocket(url))
    if reason is None:
        notebook.ok("websocket", f"{shown} tells of new blocks")
    else:
        do = "correct --rpc-ws, or leave it: the node asks instead, a little more often"
        notebook.warn("websocket", f"{shown} does not tell of new blocks ({reason})", do)


async def _try_websocket(url: str) -> str | None:
    """Why it is of no use; None where it takes a subscription."""
    asked = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NameResolver())) as session,
            session.ws_connect(url, max_msg_size=1 << 16) as socket,
        ):
            await socket.send_str(asked)
            answer = await socket.receive_str()
            return None if '"result"' in answer else "it refuses a subscription"
    except TimeoutError:
        return f"no answer in {ANSWER_S:g} s"
    except (aiohttp.ClientError, OSError, TypeError, ValueError) as error:
        return type(error).__name__


def _open(url: str) -> Seen:
    try:
        rpc = Rpc(url, timeout_s=ANSWER_S)
    except SetupError as error:
        seen = Seen(None, "")
        seen.trouble, seen.do = split_sentence(error, seen.do)
        return seen
    return Seen(rpc, rpc.url)


def _ask(one: Seen, chain_id: int | None, contract: str | None, block: int) -> None:
    assert one.rpc is not None
    rpc = one.rpc
    try:
        found = rpc.request("eth_chainId", [], answers.parse_chain_id)
        if chain_id is not None and found != chain_id:
            one.trouble = f"{one.shown} is on chain {found}, the circle on {chain_id}"
            return
        newest = rpc.request("eth_getBlockByNumber", ["latest", False], answers.block_parser(None))
        one.head, one.head_time_s, one.at_s = newest.number, newest.time_s, time.time()
    except ChainTrouble as error:
        one.trouble, one.do = split_sentence(error, one.do)
        return
    except Exception as error:
        one.trouble = f"{one.shown} cannot be asked ({type(error).__name__})"
        return
    _ask_whether_syncing(one, rpc)
    if contract is not None:
        _ask_for_logs(one, rpc, contract, block)


def _ask_whether_syncing(one: Seen, rpc: Rpc) -> None:
    try:
        if rpc.request("eth_syncing", [], lambda raw: raw is not False):
            do = "wait until it is done: until then it knows an old state"
            one.remarks.append((Level.WARNING, f"{one.shown} is still catching up with the chain", do))
    except ChainTrouble:
        # Many services do not know the question; the head's age tells.
        return


def _ask_for_logs(one: Seen, rpc: Rpc, contract: str, block: int) -> None:
    """A node reads all of the circle's events from its first block on; old state it needs none."""
    wanted = {"address": contract, "fromBlock": hex(block), "toBlock": hex(block)}
    do = "use an endpoint that keeps logs since the circle's first block"
    try:
        if not rpc.request("eth_getLogs", [wanted], lambda raw: isinstance(raw, list) and len(raw) > 0):
            saw = f"{one.shown} has no log of the circle's opening in block {block}"
            one.remarks.append((Level.WRONG, saw, do))
    except ChainTrouble as error:
        one.remarks.append((Level.WRONG, f"the logs of block {block} are not to be had: {error}", do))
