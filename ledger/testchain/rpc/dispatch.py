"""JSON-RPC 2.0 messages: single calls and batches in, encoded answers out. No connection is known here."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from ledger.testchain.evm.messages import ExecutionFailed
from ledger.testchain.mining.miner import Miner, RunInChain
from ledger.testchain.rpc.development import is_control
from ledger.testchain.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    METHOD_NOT_FOUND,
    SERVER_ERROR,
    RpcError,
)
from ledger.testchain.rpc.methods import RpcMethods
from ledger.testchain.rpc.params import InvalidParams, parse_data, parse_number
from ledger.testchain.rpc.simulation import METHODS as SIMULATIONS

MAX_BATCH = 1000
# Fewer than requests may be on their way at once, so that others are answered whatever these do.
MAX_SIMULATIONS = 128
MAX_WAITING = 64
SEND_AND_WAIT = "eth_sendRawTransactionSync"
# go-ethereum's.
WAIT_S, MAX_WAIT_S = 20.0, 60.0
NOT_MINED_YET = 4
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_PARSE_ERROR = -32700
_ANSWER_TOO_LARGE = -32003
_log = logging.getLogger(__name__)

# Methods of one connection, answered on the event loop. Raise RpcError.
LocalMethods = dict[str, Callable[..., Any]]
# Method, outcome (`ok`, `refused` or `failed`), seconds until it was answered.
NoteCall = Callable[[str, str, float], None]
OTHER_METHOD = "other"


class Dispatcher:
    """Answers messages from one chain. run_in_chain, run_simulation: run a function in one of its threads and wait.

    with_controls: whether callers may move the chain's clock, pace, pool and past.
    """

    def __init__(
        self,
        rpc: RpcMethods,
        miner: Miner,
        run_in_chain: RunInChain,
        run_simulation: RunInChain,
        with_controls: bool,
        note_call: NoteCall = lambda *_: None,
    ) -> None:
        """note_call: told of every call that was answered."""
        self._note_call = note_call
        self._rpc, self._miner, self._run_in_chain = rpc, miner, run_in_chain
        self._run_simulation, self._simulating = run_simulation, 0
        self._with_controls = with_controls
        self._next_block, self._waiting = asyncio.Event(), 0

    async def answer(self, body: bytes | str, local: LocalMethods | None = None) -> bytes | None:
        """The answer to a message, or None if it asks for none. local: methods of the connection it came by."""
        # py-evm raises the interpreter's recursion limit beyond what an ordinary thread's stack can hold, so
        # nested brackets may only be parsed in the chain's thread, whose stack is made for that limit.
        try:
            message = await self._run_in_chain(msgspec.json.decode, body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return error_answer(None, RpcError(_PARSE_ERROR, "parse error"))
        if not isinstance(message, list):
            return await self._answer_one(message, local or {})
        if not message:
            return error_answer(None, RpcError(INVALID_REQUEST, "empty batch"))
        if len(message) > MAX_BATCH:
            return error_answer(None, RpcError(INVALID_REQUEST, "batch too large"))
        return await self._answer_batch(message, local or {})

    async def _answer_batch(self, messages: list[Any], local: LocalMethods) -> bytes | None:
        answers, size = [], 0
        for message in messages:
            if size > MAX_ANSWER_BYTES:
                answer: bytes | None = error_answer(
                    _id_of(message), RpcError(_ANSWER_TOO_LARGE, "response too large")
                )
            else:
                answer = await self._answer_one(message, local)
            if answer is not None:
                answers.append(answer)
                size += len(answer)
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _answer_one(self, message: Any, local: LocalMethods) -> bytes | None:
        """The encoded answer; None for a notification (a call without an id), which is executed all the same."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return error_answer(_id_of(message), RpcError(INVALID_REQUEST, "invalid request"))
        method, arguments = message.get("method"), message.get("params")
        if not isinstance(method, str):
            return error_answer(_id_of(message), RpcError(INVALID_REQUEST, "invalid request"))
        arguments = [] if arguments is None else arguments
        if not isinstance(arguments, list):
            return error_answer(_id_of(message), RpcError(INVALID_PARAMS, "non-array args"))
        began = time.monotonic()
        answer, outcome = await self._call(_id_of(message), method, arguments, local)
        # Whatever a caller thinks of is one method more for nobody.
        known = method if method in local or method == SEND_AND_WAIT or self._rpc.has(method) else OTHER_METHOD
        self._note_call(known, outcome, time.monotonic() - began)
        return answer if "id" in message else None

    async def _call(
        self, call_id: Any, method: str, arguments: list[Any], local: LocalMethods
    ) -> tuple[bytes, str]:
        """The answer and the outcome."""
        if method in local:
            return _execute(lambda _method, given: local[method](*given), call_id, method, arguments)
        if is_control(method) and not self._with_controls:
            refusal = f"the method {method[:80]} is only offered by a chain that listens on loopback"
            return error_answer(call_id, RpcError(METHOD_NOT_FOUND, refusal)), "refused"
        if method == SEND_AND_WAIT:
            return await self._send_and_wait(call_id, arguments)
        if method in SIMULATIONS:
            return await self._simulate(call_id, method, arguments)
        answer: tuple[bytes, str] = await self._run_in_chain(_execute, self._rpc.answer, call_id, method, arguments)
        if method == "eth_sendRawTransaction":
            self._miner.wake()
        elif is_control(method):
            self._miner.adapt()
        return answer

    def note_block(self) -> None:
        """There is a new block."""
        self._next_block.set()
        self._next_block = asyncio.Event()

    async def _send_and_wait(self, call_id: Any, arguments: list[Any]) -> tuple[bytes, str]:
        """eth_sendRawTransactionSync (EIP-7966): the receipt, or code 4 and the hash where that takes too long."""
        try:
            raw, wait_s = parse_send_and_wait(arguments)
            if self._waiting >= MAX_WAITING:
                raise RpcError(LIMIT_EXCEEDED, f"{MAX_WAITING} callers wait for receipts: try again later")
            sent = await self._run_in_chain(self._rpc.answer, "eth_sendRawTransaction", [raw])
        except RpcError as error:
            return error_answer(call_id, error), "refused"
        self._miner.wake()
        self._waiting += 1
        try:
            receipt = await self._await_receipt(sent, wait_s)
        finally:
            self._waiting -= 1
        if receipt is None:
            refusal = f"the transaction was pooled, but is in no block after {wait_s:g} s"
            return error_answer(call_id, RpcError(NOT_MINED_YET, refusal, sent)), "refused"
        return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "result": receipt}), "ok"

    async def _await_receipt(self, transaction_hash: str, wait_s: float) -> Any:
        """Or None, when the time is over."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    # Taken before the look: a block in between is not missed.
                    arrived = self._next_block
                    receipt = await self._run_in_chain(
                        self._rpc.answer, "eth_getTransactionReceipt", [transaction_hash]
                    )
                    if receipt is not None:
                        return receipt
                    await arrived.wait()
        except TimeoutError:
            return None

    async def _simulate(self, call_id: Any, method: str, arguments: list[Any]) -> tuple[bytes, str]:
        """Like `_call`, in the thread of simulations, where each waits for those before it."""
        if self._simulating >= MAX_SIMULATIONS:
            refusal = RpcError(LIMIT_EXCEEDED, f"{MAX_SIMULATIONS} calls wait to be executed: try again later")
            return error_answer(call_id, refusal), "refused"
        self._simulating += 1
        try:
            answer: tuple[bytes, str] = await self._run_simulation(
                _execute, self._rpc.answer, call_id, method, arguments
            )
        except ExecutionFailed as stopping:
            return error_answer(call_id, RpcError(SERVER_ERROR, str(stopping))), "failed"
        finally:
            self._simulating -= 1
        return answer


def parse_send_and_wait(arguments: list[Any]) -> tuple[str, float]:
    """The signed transaction and how long to wait for its receipt, in seconds. Raises RpcError."""
    try:
        if not 1 <= len(arguments) <= 2:
            raise InvalidParams(f"{SEND_AND_WAIT}: expected a transaction and perhaps a wait in milliseconds")
        parse_data(arguments[0])
        wait_s = WAIT_S if len(arguments) < 2 or arguments[1] is None else parse_number(arguments[1], "wait") / 1000
    except InvalidParams as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error
    return arguments[0], min(wait_s, MAX_WAIT_S) or WAIT_S


def error_answer(call_id: Any, error: RpcError) -> bytes:
    """The encoded answer to a call that failed."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "error": error.view()})


def _execute(
    call: Callable[[str, list[Any]], Any], call_id: Any, method: str, arguments: list[Any]
) -> tuple[bytes, str]:
    """Answer one call; the encoded answer and the outcome.

    Runs in the chain's thread, or for local methods on the event loop.
    """
    try:
        return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "result": call(method, arguments)}), "ok"
    except RpcError as error:
        return error_answer(call_id, error), "refused"
    except Exception:  # one caller's odd request must not stop the chain for the others
        _log.exception("internal error method=%s", method[:80])
        return error_answer(call_id, RpcError(INTERNAL_ERROR, "internal error")), "failed"


def _id_of(message: Any) -> Any:
    call_id = message.get("id") if isinstance(message, dict) else None
    return call_id if isinstance(call_id, str | int | float) else None
