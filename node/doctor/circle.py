"""The circle on its chain, and the node's place in it: code, file, seat or invitation, coin, who reaches whom."""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.chain.contract.artifact import CodeMismatch
from ledger.chain.deployment.circle_file import CircleFile, OtherCircle, open_circle
from ledger.chain.deployment.cost import round_gas
from ledger.chain.deployment.preflight import fetch_prices_wei
from ledger.chain.deployment.terms import Admission
from ledger.chain.reading import read_history
from ledger.chain.rpc.patience import EndpointPatience
from ledger.circle.history import History, Phase
from ledger.circle.manifest import MalformedManifest, Manifest
from ledger.circle.reputation import FULL
from ledger.errors import Foreseen, SetupError
from ledger.judging.task_checks import check_task
from ledger.untrusted.text import format_ether
from node.doctor.endpoints import ANSWER_S, ask_all, tell_clock, tell_endpoints, tell_websocket
from node.doctor.findings import Notebook
from node.doctor.task import look_at_task
from node.gossip.limits import Limits
from node.gossip.prober import Prober
from node.seat.fate import tally_round
from node.seat.invitations import Invitation, check_invitation
from node.seat.keys import address_of

_PATIENCE: Final = EndpointPatience(answer_s=ANSWER_S, probe_s=3.0, fault_s=0.0, busy_s=0.0, catch_up_s=1.0)
_MEMBERS_ASKED: Final = 6
_KEPT_ROUNDS: Final = 3


@dataclass(frozen=True)
class Asked:
    """What the node would be started with, as far as the chain goes."""

    circle: Path
    """The circle file."""
    urls: Sequence[str] | None
    """Of --rpc or the environment; None for the file's."""
    ws_url: str | None
    """Of --rpc-ws; `none` for none, None to guess."""
    keystore: Path | None
    """The node's key."""
    cold: str | None
    """The address of --cold."""
    invitation: Path | None
    """Of --invitation."""
    rounds: int | None
    """Coin for so many is wanted; None for all that are left."""
    untrained: Collection[str]
    """The tasks that would have nothing to train on here: those that read --data, where none was given."""
    open_task: Callable[[Manifest], Any] | None
    """Makes the task that a manifest agrees on as the node would; None where what it trains on is not there, which
    is told by itself."""


def look_at_chain(notebook: Notebook, asked: Asked) -> None:
    """All of it, one after the other: each needs what was found before."""
    from ledger.chain.rpc.subscription import guess_websocket_url

    file = _read_file(notebook, asked.circle)
    urls = asked.urls or ([file.rpc] if file is not None and file.rpc else [])
    if not urls:
        do = "name one with --rpc or in FOLKMOOT_RPC"
        notebook.wrong("endpoint", "no endpoint of the chain is named", do)
        return
    chain_id = None if file is None else file.chain_id
    seen = ask_all(urls, chain_id, None if file is None else file.contract, 0 if file is None else file.block)
    fit = tell_endpoints(notebook, seen, chain_id)
    if not fit:
        return
    tell_clock(notebook, fit[0], chain_id)
    if asked.ws_url != "none":
        tell_websocket(notebook, asked.ws_url or guess_websocket_url(urls[0]))
    if file is not None:
        _look_at_circle(notebook, asked, file, urls)


def _read_file(notebook: Notebook, path: Path) -> CircleFile | None:
    try:
        file = CircleFile.read(path)
    except SetupError as error:
        notebook.wrong("circle file", str(error), "correct --circle, or ask the founder for the file")
        return None
    notebook.ok("circle file", f"{path} names the circle at {file.contract} on chain {file.chain_id}")
    return file


def _look_at_circle(notebook: Notebook, asked: Asked, file: CircleFile, urls: Sequence[str]) -> None:
    try:
        circle = open_circle(file, urls, patience=_PATIENCE)
        history = read_history(circle, file.block, file.block).history
        check_task(history.manifest)
    except (CodeMismatch, OtherCircle, MalformedManifest) as error:
        do = "use the version of folkmoot that the circle was deployed with, or ask for its file"
        notebook.wrong("circle", str(error), do)
        return
    except Foreseen as error:
        notebook.wrong("circle", str(error), "see what the endpoint says, or name another one")
        return
    number, last = history.number, history.terms.last_round
    saw = f"this version's code and rules; round {number} of {last}, {history.phase.name.lower()}"
    if history.phase == Phase.FINISHED:
        notebook.warn("circle", f"{saw}: it is over", "nothing: a node only serves what it has now")
    else:
        notebook.ok("circle", saw)
    _look_at_member(notebook, asked, circle, history)
    # Last: a large file may take longer than all there is time for.
    if history.manifest.task in asked.untrained:
        notebook.wrong(
            "data",
            f"the circle's task, {history.manifest.task}, trains on what each peer has, and nothing is named",
            'name a file or folder with --data, or in the config: data = "PATH"',
        )
    elif asked.open_task is not None:
        look_at_task(notebook, asked.open_task, history.manifest)


def _look_at_member(notebook: Notebook, asked: Asked, circle: Any, history: History) -> None:
    """Of the key: its seat or how it comes by one, its coin, and who reaches whom."""
    if asked.keystore is None:
        return
    try:
        address = address_of(asked.keystore)
    except SetupError:
        # That is a finding about the key.
        return
    seat = history.seat_of(address)
    if seat is None:
        _look_at_entrance(notebook, asked, circle, history, address)
    else:
        _look_at_seat(notebook, history, seat)
    _look_at_coin(notebook, circle, history, address, seat, asked.rounds)
    _look_at_reach(notebook, circle, history, address, seat)


def _look_at_seat(notebook: Notebook, history: History, seat: int) -> None:
    held, bit = history.seats[seat], 1 << seat
    reputation = history.reputations[seat] / FULL
    troubles = []
    if history.below & bit:
        troubles.append("quarantined: others do not mix its updates")
    if held.suspended_until is not None:
        troubles.append("suspended by a conviction")
    if history.dozing & bit:
        troubles.append("dozing: nobody waits for it")
    if any(one.claim.judge == seat for one in history.open_disputes.values()):
        troubles.append("disputed: keep its node running, which shows what it judged from")
    saw = f"the key holds seat {seat}, reputation {reputation:.3f}"
    if troubles:
        do = f"see `folkmoot seat show {seat}` and `folkmoot disputes --open`"
        notebook.warn("seat", f"{saw}; {'; '.join(troubles)}", do)
    else:
        notebook.ok("seat", saw)
    if held.cold == held.peer:
        do = "`folkmoot seat rotate` gives it a cold key that stays offline: who has this one key has the bond"
        notebook.warn("cold key", "it is the node's own key", do)
    else:
        notebook.ok("cold key", f"{held.cold} may leave and rotate, and is not on the node")


def _look_at_entrance(notebook: Notebook, asked: Asked, circle: Any, history: History, address: str) -> None:
    admission = circle.immutables["ADMISSION"]
    former = any(address in held.keys for held in history.seats.values())
    if former:
        notebook.wrong("seat", f"{address} had a seat and has none any more", "start the node with a fresh key")
    elif asked.invitation is not None:
        try:
            check_invitation(Invitation.read(asked.invitation), circle.network, address, time.time())
        except SetupError as error:
            notebook.wrong("invitation", str(error), "ask for a new one")
        else:
            notebook.ok("invitation", f"{asked.invitation} lets {address} join")
    elif admission != Admission.OPEN:
        who = "its inviter" if admission == Admission.INVITER else "a member"
        do = f"have {who} run `folkmoot invite {address}` and give the file with --invitation"
        notebook.wrong("seat", f"{address} holds no seat, and the circle takes only who is invited", do)
    else:
        notebook.ok("seat", f"{address} holds no seat yet; anyone may join")
    if asked.cold is None or asked.cold == address:
        do = "give an address of a key that stays offline with --cold: who has this one key has the bond"
        notebook.warn("cold key", "the node's own key would be the cold one too", do)
    else:
        notebook.ok("cold key", f"{asked.cold} will be it, and is not on the node")


def _look_at_coin(
    notebook: Notebook, circle: Any, history: History, address: str, seat: int | None, rounds: int | None
) -> None:
    left = history.terms.last_round - history.number + 1 if history.phase != Phase.FINISHED else 0
    wanted = left if rounds is None else rounds
    try:
        balance = circle.rpc.fetch_number("eth_getBalance", address, "latest")
        price, _ = fetch_prices_wei(circle.rpc)
    except Foreseen as error:
        notebook.warn("coin", f"the balance or the price is not known ({error})", "look again later")
        return
    gas = round_gas(min(max(len(history.seats), 2), 256))
    entrance = 0 if seat is not None or not left else gas.join * price + history.terms.bond
    paid = max(0, balance - entrance) // max(1, gas.peer_round * price)
    saw = f"{format_ether(balance)}, which at today's price pays "
    saw += f"{paid} rounds" if seat is not None or not left else f"the bond, joining and {paid} rounds"
    do = f"send coin to {address}, on a local test chain with `folkmoot keys fund {address}`"
    if entrance > balance:
        saw = f"{format_ether(balance)}, and joining takes {format_ether(entrance)} with the bond"
        notebook.wrong("coin", saw, do)
    elif left and paid < 1:
        notebook.wrong("coin", saw, do)
    elif paid < wanted:
        notebook.warn("coin", f"{saw}, {wanted} are wanted", do)
    else:
        notebook.ok("coin", f"{saw}, {wanted} are wanted")


def _look_at_reach(notebook: Notebook, circle: Any, history: History, address: str, seat: int | None) -> None:
    """What others said of this node's updates on chain, and whether members' endpoints answer from here."""
    if seat is not None:
        _tell_what_judges_said(notebook, history, seat)
    others = [(number, held) for number, held in history.seats.items() if held.is_held and held.peer != address]
    chosen = random.sample(others, min(_MEMBERS_ASKED, len(others)))
    if not chosen:
        return
    reached = asyncio.run(_probe(circle.network, [(held.endpoint, held.peer) for _, held in chosen]))
    lost = [f"seat {number}" for (number, _), is_there in zip(chosen, reached, strict=True) if not is_there]
    saw = f"{len(chosen) - len(lost)} of {len(chosen)} members that were tried answer from here"
    if len(lost) == len(chosen):
        do = "see whether this machine may open connections to other members; they may also all be down"
        notebook.warn("members", saw, do)
    else:
        notebook.ok("members", saw + (f" (not {', '.join(lost)})" if lost else ""))


def _tell_what_judges_said(notebook: Notebook, history: History, seat: int) -> None:
    settled = [one for one in history.rounds[-_KEPT_ROUNDS - 1 :] if one.settled]
    tallies = [tally_round(one, seat, history.terms.degree) for one in settled]
    heard = [one for one in tallies if one.committed and one.judges]
    if not heard:
        notebook.ok("reached", "no judge has said anything of its last updates yet")
        return
    last = heard[-1]
    saw = f"{last.silent} of {last.judges} judges did not have its update in round {last.round}"
    if 2 * last.silent > last.judges:
        do = "see that --advertise names this machine's public host, and that both ports are open and forwarded"
        notebook.warn("reached", saw, do)
    else:
        notebook.ok("reached", saw)


async def _probe(network: Any, endpoints: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether each member proves to be at its endpoint, gossip and gateway."""
    prober = Prober(network, Limits(handshake_s=3.0))
    try:
        found = await asyncio.gather(*(prober.probe_both(text, peer) for text, peer in endpoints))
        return [one.gossip and one.gateway for one in found]
    finally:
        await prober.close()
