"""Deploying a circle so that nothing is paid for twice: what is there is found, what was begun is finished.

It takes two transactions: the court's code, which is the same for every circle of this version, and the circle.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
from eth_utils.address import to_checksum_address

from ledger.chain.circle import Circle, NotThere
from ledger.chain.contract.artifact import code_hash, load_circle_artifact
from ledger.chain.contract.code import check_court, contract_address, fetch_code, is_court, wait_for_block
from ledger.chain.deployment.circle_file import CircleFile, check_pinned, open_circle, read_json, write_json
from ledger.chain.deployment.plan import DeploymentPlan, is_as_planned, make_plan
from ledger.chain.deployment.terms import ChosenTerms, TermValue
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import Rpc
from ledger.chain.rpc.patience import insist
from ledger.chain.transactions.receipts import fetch_receipt
from ledger.chain.transactions.sender import NoFunds, Reverted, Sender
from ledger.circle.events import Opened
from ledger.errors import NotYet, SetupError, UsageError

__all__ = [
    "ChosenTerms",
    "CircleFile",
    "Deployment",
    "DeploymentPlan",
    "Intent",
    "Paid",
    "deploy_circle",
    "find_deployed",
    "find_known_court",
    "finish_begun",
    "make_plan",
    "open_circle",
]
_log = logging.getLogger(__name__)
_POLL_S: Final = 0.2
_WAIT_S: Final = 600.0
_LOG_CHUNK_BLOCKS: Final = 2000
# How many of the key's later transactions may be the deployment, if other programs used the key meanwhile.
_NONCES: Final = 64


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Written beside the circle file before a deployment is sent, so that one cut short is found again."""

    chain_id: int
    """EIP-155 chain id."""
    deployer: str
    """The sender's address."""
    nonce: int
    """The one the sender's next transaction had; with the deployer it tells the addresses."""
    block: int
    """The chain's head then."""
    task: str
    """The manifest's digest, 0x-prefixed hex."""
    terms: dict[str, TermValue]
    """As the constructor gets them."""
    court: str | None = None
    """Of the circle, once it is there."""

    @classmethod
    def path(cls, out: Path) -> Path:
        """Where the intent of a circle file lies."""
        return out.with_name(out.name + ".pending")


@dataclass(frozen=True)
class Paid:
    """What transactions took."""

    gas: int
    """Units."""
    cost_wei: int
    """Gas times its price."""

    @classmethod
    def of(cls, *receipts: Receipt) -> "Paid":
        """Of these together."""
        return cls(sum(one.gas for one in receipts), sum(one.gas * one.price_wei for one in receipts))


@dataclass(frozen=True)
class Deployment:
    """A circle that stands."""

    circle: Circle
    """Read through the endpoint that deployed it."""
    file: CircleFile
    """What was written of it."""
    paid: Paid | None
    """For what this command sent or found sent; None where the endpoint no longer tells."""


def find_deployed(
    rpc: Rpc, chain_id: int, plan: DeploymentPlan, out: Path, *, court: str | None = None, anew: bool = False
) -> CircleFile | None:
    """What `out` names already, if it is this circle and stands; None where there is no such file.

    court: the one it is to have, if that was chosen. anew: a file whose circle is gone from the chain counts as
    none. Raises UsageError where it is another circle
    or lives on another chain, SetupError where it is damaged or what it names is not there.
    """
    if not out.exists():
        return None
    file = CircleFile.read(out)
    if file.chain_id != chain_id:
        raise UsageError(f"{out} names a circle on chain {file.chain_id}, this is {chain_id}: choose another --out")
    if not _fetch_code(rpc, file):
        if anew:
            return None
        raise SetupError(
            f"{out} names a circle at {file.contract}, and nothing is there (was the chain reset?): "
            "correct --rpc, or deploy it again with --anew"
        )
    wanted = plan.terms if court is None else plan.compute_terms(to_checksum_address(court))
    differing = [name for name, value in wanted.items() if file.terms.get(name) != value]
    if file.task != plan.task or differing:
        what = "task" if file.task != plan.task else ", ".join(differing)
        raise UsageError(
            f"{out} names a circle with another {what}: give the options it was deployed with, "
            "or choose another --out for a new one"
        )
    check_pinned(Circle(rpc, file.contract, chain_id, since=file.block), file)
    return file


def _fetch_code(rpc: Rpc, file: CircleFile) -> bytes:
    """What lies at the circle's address, asked again where that is nothing; empty if it stays so."""
    try:
        return insist(
            rpc, lambda: _fetch_some_code(rpc, file.contract, file.block), _NoCode, rpc.patience.catch_up_s
        )
    except _NoCode:
        return b""


def finish_begun(
    rpc: Rpc, chain_id: int, plan: DeploymentPlan, out: Path, confirmations: int = 0
) -> Deployment | None:
    """Finish a deployment for `out` that was sent and not written down; None where its circle was not sent.

    A court that was sent is noted then, and `deploy_circle` goes on with it.
    Raises UsageError where one was begun with other terms, SetupError where it is in no block yet.
    """
    path = Intent.path(out)
    if not path.exists():
        return None
    intent = read_json(path, Intent, "note of a deployment under way")
    if (intent.chain_id, intent.task, intent.terms) != (chain_id, plan.task, plan.terms):
        raise UsageError(
            f"{path} tells of another deployment that was begun on chain {intent.chain_id}: finish it with the "
            "options it was begun with, or remove that file to give it up"
        )
    sent = _find_sent(rpc, intent, plan)
    if sent.circle is not None:
        return _finish(rpc, sent.circle, intent, plan, out, confirmations)
    if sent.court is None:
        path.unlink()
    else:
        write_json(path, msgspec.structs.replace(intent, court=sent.court))
    return None


def find_known_court(rpc: Rpc, out: Path, chosen: str | None = None) -> str | None:
    """The court that a deployment for `out` uses: the chosen one, or one sent before it was cut short.

    None where one is to be sent. Raises SetupError where the chosen one is none of this version.
    """
    if chosen is not None:
        check_court(rpc, chosen)
        return str(to_checksum_address(chosen))
    path = Intent.path(out)
    noted = read_json(path, Intent, "note of a deployment under way") if path.exists() else None
    return noted.court if noted is not None and noted.court and is_court(rpc, noted.court) else None


def deploy_circle(
    sender: Sender, plan: DeploymentPlan, out: Path, confirmations: int = 0, court: str | None = None
) -> Deployment:
    """Deploy, wait until so many blocks lie on top, check what is there and write `out`.

    court: the one to use, from `find_known_court`; None sends one first. Before it comes `finish_begun`.
    Raises SetupError, Reverted, NoFunds, NoReceipt, ChainUnreachable.
    """
    intent = Intent(
        chain_id=sender.chain_id,
        deployer=sender.address,
        nonce=_fetch_nonce(sender.rpc, sender.address, "pending"),
        block=sender.rpc.fetch_head(),
        task=plan.task,
        terms=plan.terms,
        court=court,
    )
    write_json(Intent.path(out), intent)
    receipts: list[Receipt] = []
    if court is None:
        receipts.append(_create(sender, plan.court_data, intent, out))
        court = _read_created(receipts[0])
        intent = msgspec.structs.replace(intent, court=court)
        write_json(Intent.path(out), intent)
    receipts.append(_create(sender, plan.encode_circle_creation(court), intent, out))
    done = _finish(sender.rpc, _read_created(receipts[-1]), intent, plan, out, confirmations)
    return replace(done, paid=Paid.of(*receipts))


def _create(sender: Sender, data: bytes, intent: Intent, out: Path) -> Receipt:
    try:
        return sender.create(data)
    except (NoFunds, Reverted):
        # A court that is there is kept for the next try.
        if intent.court is None:
            Intent.path(out).unlink()
        raise


def _read_created(receipt: Receipt) -> str:
    if receipt.contract is None:
        raise SetupError(
            f"the endpoint's receipt of the deployment ({receipt.transaction}) names no contract: run the same "
            "command again, perhaps with another --rpc"
        )
    return str(to_checksum_address(receipt.contract))


def _finish(
    rpc: Rpc, address: str, intent: Intent, plan: DeploymentPlan, out: Path, confirmations: int
) -> Deployment:
    deployment = _confirm(rpc, address, intent, plan, confirmations)
    deployment.file.write(out)
    Intent.path(out).unlink()
    return deployment


@dataclass(frozen=True)
class _Sent:
    """What was sent before and is there."""

    circle: str | None
    """Its address; None where it is not there."""
    court: str | None
    """Its address; None where it is not there."""
    is_pending: bool
    """A pool may hold more."""


def _find_sent(rpc: Rpc, intent: Intent, plan: DeploymentPlan) -> _Sent:
    """What was sent before, once no pool holds more of it."""
    patient_until = time.monotonic() + rpc.patience.catch_up_s
    deadline = time.monotonic() + _WAIT_S
    while True:
        sent = _look_for_sent(rpc, intent, plan)
        if sent.circle is not None:
            return sent
        # Not to be found once may mean that an endpoint is behind, and paying twice is worse than a few seconds.
        if not sent.is_pending and time.monotonic() > patient_until:
            return sent
        if time.monotonic() > deadline:
            raise SetupError(
                f"the deployment that {intent.deployer} sent before (nonce {intent.nonce}) is in no block yet: "
                "wait and run the same command again"
            )
        time.sleep(_POLL_S)


def _look_for_sent(rpc: Rpc, intent: Intent, plan: DeploymentPlan) -> _Sent:
    """Look at the addresses that the key's transactions since then made. All of it as of one block."""
    head, court = hex(wait_for_block(rpc, intent.block)), intent.court
    mined, sent = _fetch_nonce(rpc, intent.deployer, head), _fetch_nonce(rpc, intent.deployer, "pending")
    for nonce in range(intent.nonce, min(mined, intent.nonce + _NONCES)):
        address = contract_address(intent.deployer, nonce)
        code = rpc.fetch_data("eth_getCode", address, head)
        if is_as_planned(code, address, plan):
            _log.info("circle found, sent before contract=%s nonce=%d", address, nonce)
            return _Sent(address, court, is_pending=False)
        if code == load_circle_artifact().court_code:
            _log.info("court found, sent before court=%s nonce=%d", address, nonce)
            court = address
    return _Sent(None, court, sent > max(mined, intent.nonce))


def _confirm(rpc: Rpc, address: str, intent: Intent, plan: DeploymentPlan, confirmations: int) -> Deployment:
    """Check what lies there, and wait for blocks on top: a block that is replaced may put it into another one."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        opened = _fetch_opening(rpc, address, intent)
        if opened is not None and wait_for_block(rpc, opened.position[0]) - opened.position[0] >= confirmations:
            break
        if time.monotonic() > deadline:
            raise SetupError(
                f"the circle at {address} has not {confirmations} blocks on top yet: "
                "wait and run the same command again"
            )
        time.sleep(_POLL_S)
    circle = Circle(rpc, address, intent.chain_id, since=opened.position[0])
    if not is_as_planned(circle.code, address, plan):
        raise SetupError(f"the circle at {address} holds another task or other terms than were sent: do not use it")
    file = CircleFile(
        chain_id=intent.chain_id,
        contract=address,
        block=opened.position[0],
        transaction=opened.transaction,
        code_hash=code_hash(circle.code),
        task=plan.task,
        terms=plan.compute_terms(circle.court),
        rpc=rpc.public_url,
    )
    receipt = fetch_receipt(rpc, opened.transaction)
    return Deployment(circle, file, None if receipt is None else Paid.of(receipt))


def _fetch_opening(rpc: Rpc, address: str, intent: Intent) -> PlacedEvent | None:
    """The circle's first event, at the earliest in the block after the intent was written.

    None where an endpoint does not have it yet, which others behind the same address may have.
    """
    try:
        circle, head = Circle(rpc, address, intent.chain_id, since=intent.block), wait_for_block(rpc, intent.block)
    except NotThere:
        return None
    for first in range(intent.block, head + 1, _LOG_CHUNK_BLOCKS):
        placed = circle.fetch_events(first, min(first + _LOG_CHUNK_BLOCKS - 1, head))
        if placed and isinstance(placed[0].event, Opened):
            return placed[0]
    return None


def _fetch_nonce(rpc: Rpc, account: str, block: str) -> int:
    return rpc.request("eth_getTransactionCount", [account, block], answers.parse_nonce)


class _NoCode(NotYet):
    """Nothing lies at an address, as far as an endpoint knows."""


def _fetch_some_code(rpc: Rpc, address: str, since: int) -> bytes:
    code = fetch_code(rpc, address, since)
    if not code:
        raise _NoCode(f"nothing is at {address}")
    return code
