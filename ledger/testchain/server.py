"""JSON-RPC 2.0 over HTTP: what is checked before the chain sees a request, batches, and error answers.

Browsers are kept out: no CORS headers, application/json only, and only Host names that cannot be rebound.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ledger.testchain.miner import Miner, RunInChain
from ledger.testchain.rpc import Rpc, RpcError

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_BATCH = 1000
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_IN_FLIGHT = 256
BODY_TIMEOUT_S = 30.0
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_INVALID_PARAMS = -32602
_INTERNAL_ERROR = -32603
_ANSWER_TOO_LARGE = -32003
_log = logging.getLogger(__name__)


class RpcServer:
    """The HTTP front of one chain. run_in_chain: runs a function in the chain's thread and waits for it."""

    def __init__(self, rpc: Rpc, miner: Miner, run_in_chain: RunInChain, host: str) -> None:
        self._rpc, self._miner, self._run_in_chain, self._host = rpc, miner, run_in_chain, host
        self._in_flight = 0

    def app(self) -> web.Application:
        """The aiohttp application; JSON-RPC is POSTed to /."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/", self._post)
        return app

    async def _post(self, request: web.Request) -> web.Response:
        if not _is_safe_host(request.host, self._host):
            return web.Response(status=403, text="invalid host specified\n")
        if request.content_type != "application/json":
            return web.Response(status=415, text="invalid content type, only application/json is supported\n")
        if self._in_flight >= MAX_IN_FLIGHT:
            return web.Response(status=503, text="too many requests at once\n")
        self._in_flight += 1
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await request.read()
            answer = await self._answer_body(body)
        except TimeoutError:
            return web.Response(status=408, text="the request took too long to arrive\n")
        finally:
            self._in_flight -= 1
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=answer, content_type="application/json")

    async def _answer_body(self, body: bytes) -> bytes | None:
        # py-evm raises the interpreter's recursion limit beyond what an ordinary thread's stack can hold, so
        # nested brackets may only be parsed in the chain's thread, whose stack is made for that limit.
        try:
            message = await self._run_in_chain(msgspec.json.decode, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _error(None, RpcError(_PARSE_ERROR, "parse error"))
        if not isinstance(message, list):
            return await self._answer_one(message)
        if not message:
            return _error(None, RpcError(_INVALID_REQUEST, "empty batch"))
        if len(message) > MAX_BATCH:
            return _error(None, RpcError(_INVALID_REQUEST, "batch too large"))
        return await self._answer_batch(message)

    async def _answer_batch(self, messages: list[Any]) -> bytes | None:
        answers, size = [], 0
        for message in messages:
            if size > MAX_ANSWER_BYTES:
                answer: bytes | None = _error(_id_of(message), RpcError(_ANSWER_TOO_LARGE, "response too large"))
            else:
                answer = await self._answer_one(message)
            if answer is not None:
                answers.append(answer)
                size += len(answer)
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _answer_one(self, message: Any) -> bytes | None:
        """The encoded answer; None for a notification (a call without an id), which is executed all the same."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return _error(_id_of(message), RpcError(_INVALID_REQUEST, "invalid request"))
        method, arguments = message.get("method"), message.get("params")
        if not isinstance(method, str):
            return _error(_id_of(message), RpcError(_INVALID_REQUEST, "invalid request"))
        arguments = [] if arguments is None else arguments
        if not isinstance(arguments, list):
            return _error(_id_of(message), RpcError(_INVALID_PARAMS, "non-array args"))
        answer: bytes = await self._run_in_chain(_execute, self._rpc.answer, _id_of(message), method, arguments)
        if method == "eth_sendRawTransaction":
            self._miner.wake()
        return answer if "id" in message else None


def _execute(call: Callable[[str, list[Any]], Any], call_id: Any, method: str, arguments: list[Any]) -> bytes:
    """Answer one call and encode the answer. Runs in the chain's thread."""
    try:
        return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "result": call(method, arguments)})
    except RpcError as error:
        return _error(call_id, error)
    except Exception:  # one caller's odd request must not stop the chain for the others
        _log.exception("internal error in %s", method[:80])
        return _error(call_id, RpcError(_INTERNAL_ERROR, "internal error"))


def _error(call_id: Any, error: RpcError) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "error": error.view()})


def _id_of(message: Any) -> Any:
    call_id = message.get("id") if isinstance(message, dict) else None
    return call_id if isinstance(call_id, str | int | float) else None


def _is_safe_host(host_header: str, own_host: str) -> bool:
    """Whether the Host header is an address, localhost or our own name: no other name can be made to point here."""
    name = host_header.rpartition(":")[0] if ":" in host_header.rpartition("]")[2] else host_header
    name = name.strip("[]").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", own_host.lower())
    return True
