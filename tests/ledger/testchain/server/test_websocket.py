"""Calls and subscriptions over a WebSocket, with web3 and with clients that behave badly."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from eth_utils.crypto import keccak
from web3 import AsyncWeb3, Web3, WebSocketProvider

from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.rpc.subscriptions import MAX_SUBSCRIPTIONS, Hub
from ledger.testchain.server import port, websocket
from ledger.testchain.server.port import MAX_BODY_BYTES, MAX_CONNECTIONS
from tests.support.stand_ins import as_any

WAIT_S = 60
# Heads of these for many subscriptions are more than two sockets' buffers hold.
MANY_BLOCKS = 400
GONE = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR)
Signed = Callable[..., bytes]
Start = Callable[..., Any]


class Talk:
    """One connection: `ask` returns an answer's result or error, `told` the next notification's result."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._news: list[Any] = []

    async def ask(self, method: str, *params: Any) -> Any:
        await self.socket.send_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        while "id" not in (message := await self.socket.receive_json(timeout=WAIT_S)):
            self._news.append(message)
        return message.get("result", message.get("error"))

    async def told(self) -> tuple[str, Any]:
        message = self._news.pop(0) if self._news else await self.socket.receive_json(timeout=WAIT_S)
        assert message["method"] == "eth_subscription"
        return message["params"]["subscription"], message["params"]["result"]


@asynccontextmanager
async def connected(chain: Any, **options: Any) -> AsyncIterator[Talk]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(chain.url, max_msg_size=0, **options) as socket,
    ):
        yield Talk(socket)


@pytest.fixture
def fresh(start_chain: Start) -> Any:
    return start_chain()


async def test_every_method_answers_as_over_http(chain: Any) -> None:
    calls: list[tuple[Any, ...]] = [
        ("eth_chainId",),
        ("eth_getBlockByNumber", "0x0", True),
        ("eth_nothing",),
        ("eth_getBalance", "0x0"),
        ("eth_feeHistory", "0x2", "latest", [50]),
    ]
    async with connected(chain) as talk:
        for method, *params in calls:
            over_http = await asyncio.to_thread(chain.rpc, method, *params)
            over_socket = await talk.ask(method, *params)
            failed = isinstance(over_http, dict) and "error" in over_http
            assert over_socket == (over_http["error"] if failed else over_http)


async def test_a_batch_is_answered_in_order_subscriptions_included(chain: Any) -> None:
    names = ["eth_chainId", "eth_subscribe", "eth_nothing", "eth_unsubscribe"]
    arguments: list[list[Any]] = [[], ["newHeads"], [], ["0x1"]]
    batch = [
        {"jsonrpc": "2.0", "id": at, "method": method, "params": params}
        for at, (method, params) in enumerate(zip(names, arguments, strict=True))
    ]
    async with connected(chain) as talk:
        await talk.socket.send_json(batch)
        answers = await talk.socket.receive_json(timeout=WAIT_S)
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3]
    assert answers[1]["result"].startswith("0x")
    assert [answers[2]["error"]["code"], answers[3]["result"]] == [-32601, False]


async def test_new_heads_are_told_in_order_until_unsubscribed(fresh: Any) -> None:
    async with connected(fresh) as talk:
        name = await talk.ask("eth_subscribe", "newHeads")
        await talk.ask("anvil_mine", 3)
        heads = [await talk.told() for _ in range(3)]
        assert {told for told, _ in heads} == {name}
        assert [head["number"] for _, head in heads] == ["0x1", "0x2", "0x3"]
        block = await talk.ask("eth_getBlockByNumber", "0x3", False)
        assert heads[2][1].items() <= block.items()
        assert await talk.ask("eth_unsubscribe", name) is True
        assert await talk.ask("eth_unsubscribe", name) is False
        await talk.ask("evm_mine")
        assert await talk.ask("eth_blockNumber") == "0x4"
        assert talk._news == []


async def test_only_logs_that_match_are_told(fresh: Any, notebook: Any, signed: Signed) -> None:
    contract = await asyncio.to_thread(fresh.deploy, notebook)
    noted = "0x" + keccak(text="Noted(address,uint256,string)").hex()
    author = "0x" + "00" * 12 + DEV_ACCOUNTS[1].address[2:].lower()
    async with connected(fresh) as talk:
        everything = await talk.ask("eth_subscribe", "logs", {})
        by_author = await talk.ask("eth_subscribe", "logs", {"topics": [noted, author]})
        elsewhere = await talk.ask("eth_subscribe", "logs", {"address": DEV_ACCOUNTS[3].address})
        for who in (0, 1):
            call = contract.encode_abi("note", [7, "text"])
            nonce = await asyncio.to_thread(fresh.w3.eth.get_transaction_count, DEV_ACCOUNTS[who].address)
            await asyncio.to_thread(fresh.send, signed(who, nonce, to=contract.address, data=call, gas=200_000))
        told = [await talk.told() for _ in range(3)]
        found = await talk.ask("eth_getLogs", {"fromBlock": "0x0"})
    assert [name for name, _ in told].count(everything) == 2
    assert [log for name, log in told if name == everything] == found
    assert [log for name, log in told if name == by_author] == found[1:]
    assert elsewhere not in [name for name, _ in told]


async def test_logs_of_replaced_blocks_are_told_as_removed_before_the_new_heads(
    fresh: Any, notebook: Any, signed: Signed
) -> None:
    contract = await asyncio.to_thread(fresh.deploy, notebook)
    call = contract.encode_abi("note", [7, "text"])
    await asyncio.to_thread(fresh.send, signed(0, 1, to=contract.address, data=call, gas=200_000))
    async with connected(fresh) as talk:
        (log,) = await talk.ask("eth_getLogs", {"fromBlock": "0x0"})
        logs, heads = await talk.ask("eth_subscribe", "logs", {}), await talk.ask("eth_subscribe", "newHeads")
        await talk.ask("anvil_reorg", 1, [])
        assert await talk.told() == (logs, {**log, "removed": True})
        name, head = await talk.told()
    assert name == heads
    assert (head["number"], head["hash"] == log["blockHash"]) == (log["blockNumber"], False)


async def test_what_cannot_be_subscribed_to_is_an_error(chain: Any) -> None:
    async with connected(chain) as talk:
        for params in ([], ["syncing"], ["newHeads", {}], ["logs", {"topics": 7}], ["logs", {}, {}], [7]):
            assert (await talk.ask("eth_subscribe", *params))["code"] == -32602
        for params in ([], [7], ["0x1", "0x2"]):
            assert (await talk.ask("eth_unsubscribe", *params))["code"] == -32602
        for _ in range(MAX_SUBSCRIPTIONS):
            await talk.ask("eth_subscribe", "newHeads")
        assert (await talk.ask("eth_subscribe", "newHeads"))["message"].startswith("too many subscriptions")
    assert chain.rpc("eth_subscribe", "newHeads")["error"]["code"] == -32601


async def test_web3_follows_heads_and_logs_over_a_socket(fresh: Any, notebook: Any, signed: Signed) -> None:
    contract = await asyncio.to_thread(fresh.deploy, notebook)
    async with AsyncWeb3(WebSocketProvider(fresh.url.replace("http", "ws"))) as w3:
        assert await w3.eth.chain_id == 1337
        heads = await w3.eth.subscribe("newHeads")
        logs = await w3.eth.subscribe("logs", {"address": contract.address})
        call = contract.encode_abi("note", [7, "text"])
        sent = await w3.eth.send_raw_transaction(signed(0, 1, to=contract.address, data=call, gas=200_000))
        receipt = await w3.eth.wait_for_transaction_receipt(sent, timeout=WAIT_S)
        told = {}
        async with asyncio.timeout(WAIT_S):
            async for message in w3.socket.process_subscriptions():
                told[message["subscription"]] = message["result"]
                if len(told) == 2:
                    break
        assert told[heads]["hash"] == receipt["blockHash"]
        assert told[logs]["transactionHash"] == sent
        async with w3.batch_requests() as batch:
            batch.add(w3.eth.get_block(0))
            batch.add(w3.eth.get_block(1))
            blocks = await batch.async_execute()
        assert [block["number"] for block in blocks] == [0, 1]
        assert await w3.eth.unsubscribe(heads)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_provider_of_web3_works_too(fresh: Any, signed: Signed) -> None:
    from web3 import LegacyWebSocketProvider

    provider = LegacyWebSocketProvider(fresh.url.replace("http", "ws"))
    w3 = Web3(provider)
    sent = w3.eth.send_raw_transaction(signed(0, 0))
    assert w3.eth.wait_for_transaction_receipt(sent, timeout=WAIT_S, poll_latency=0.01)["status"] == 1
    loop, socket = provider._loop, provider.conn.ws
    assert loop is not None
    assert socket is not None
    asyncio.run_coroutine_threadsafe(socket.close(), loop).result(WAIT_S)
    loop.call_soon_threadsafe(loop.stop)


async def test_pages_in_a_browser_are_refused(chain: Any) -> None:
    call = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
    status, _ = await asyncio.to_thread(chain.post, call, Origin="http://localhost:3000")
    assert status == 403
    for headers in ({"Origin": "http://127.0.0.1"}, {"Host": "rebound.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with connected(chain, headers=headers):
                pass
        assert caught.value.status == 403


async def test_a_plain_get_says_what_to_do_instead(chain: Any) -> None:
    async with aiohttp.ClientSession() as session, session.get(chain.url) as response:
        assert response.status == 426
        assert response.headers.get("Access-Control-Allow-Origin") is None
        assert "POST" in await response.text()


async def test_a_message_too_large_ends_the_connection(chain: Any) -> None:
    async with connected(chain) as talk:
        # The chain may stop reading before all of it is sent; then the reason is lost with the connection.
        with suppress(ConnectionError):
            await talk.socket.send_str(" " * (MAX_BODY_BYTES + 1))
        message = await talk.socket.receive(timeout=WAIT_S)
    assert message.type in (aiohttp.WSMsgType.CLOSE, *GONE)
    if message.type is aiohttp.WSMsgType.CLOSE:
        assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_malformed_messages_are_answered_and_the_connection_goes_on(chain: Any) -> None:
    async with connected(chain) as talk:
        for text in ("{", "[" * 100_000, "[]", "7"):
            await talk.socket.send_str(text)
            assert (await talk.socket.receive_json(timeout=WAIT_S))["error"]["code"] in (-32700, -32600)
        await talk.socket.send_bytes(b"\xff")
        assert (await talk.socket.receive_json(timeout=WAIT_S))["error"]["code"] == -32700
        assert await talk.ask("eth_chainId") == "0x539"


async def test_one_connection_more_than_the_bound_is_turned_away(fresh: Any) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = [await session.ws_connect(fresh.url) for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(fresh.url)
        assert caught.value.status == 503
        for socket in sockets:
            await socket.close()
        async with asyncio.timeout(WAIT_S):
            await (await connect_when_there_is_room(session, fresh.url)).close()


async def connect_when_there_is_room(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    while True:
        try:
            return await session.ws_connect(url)
        except aiohttp.WSServerHandshakeError as error:
            if error.status != 503:
                raise


async def test_a_slow_reader_is_dropped_with_a_reason_while_the_others_go_on(
    fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_WAITING", 200)
    monkeypatch.setattr(websocket, "CLOSE_S", WAIT_S)
    async with connected(fresh) as slow, connected(fresh) as quick:
        await stop_reading(slow)
        await quick.ask("eth_subscribe", "newHeads")
        for _ in range(MANY_BLOCKS):
            await quick.ask("evm_mine")
            await quick.told()
        reading(slow).resume_reading()
        told = 0
        while (message := await slow.socket.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.TEXT:
            told += json.loads(message.data)["method"] == "eth_subscription"
    assert 0 < told < MANY_BLOCKS * MAX_SUBSCRIPTIONS
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION)
    assert "read too slowly" in (message.extra or "")


async def test_a_reader_that_never_reads_again_is_let_go(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_WAITING", 200)
    monkeypatch.setattr(websocket, "CLOSE_S", 0.05)
    monkeypatch.setattr(port, "MAX_CONNECTIONS", 2)
    async with connected(fresh) as dead, connected(fresh) as quick:
        await stop_reading(dead)
        for _ in range(MANY_BLOCKS):
            await quick.ask("evm_mine")
        assert await quick.ask("eth_blockNumber") == hex(MANY_BLOCKS)
        async with aiohttp.ClientSession() as session, asyncio.timeout(WAIT_S):
            await (await connect_when_there_is_room(session, fresh.url)).close()
        reading(dead).resume_reading()
        while (message := await dead.socket.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.type in GONE


def reading(talk: Talk) -> ResponseHandler:
    """What reads from its connection."""
    connection = talk.socket._conn
    assert connection is not None
    assert connection.protocol is not None
    return connection.protocol


async def stop_reading(talk: Talk) -> None:
    """Subscribe to much and read nothing: it fills the buffers of the connection, then the chain's queue."""
    for _ in range(MAX_SUBSCRIPTIONS):
        await talk.ask("eth_subscribe", "newHeads")
    reading(talk).pause_reading()


def test_a_large_answer_does_not_make_a_reader_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_WAITING_BYTES", 10)
    outbox = websocket.Outbox()
    outbox.add_answer(bytes(1000))
    assert [outbox.add_news(bytes(5)) for _ in range(3)] == [True, True, False]


async def test_a_stopping_chain_says_good_bye(start_chain: Start) -> None:
    chain = start_chain()
    async with connected(chain) as talk:
        await talk.ask("eth_subscribe", "newHeads")
        stopping = asyncio.create_task(asyncio.to_thread(chain.stop))
        message = await talk.socket.receive(timeout=WAIT_S)
        await stopping
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)


async def test_transactions_are_told_of_as_they_become_ready(fresh: Any, signed: Signed) -> None:
    async with connected(fresh) as talk:
        hashes = await talk.ask("eth_subscribe", "newPendingTransactions")
        whole = await talk.ask("eth_subscribe", "newPendingTransactions", True)
        sent = [await talk.ask("eth_sendRawTransaction", "0x" + signed(0, nonce).hex()) for nonce in (1, 0)]
        told = [await talk.told() for _ in range(4)]
        assert [result for name, result in told if name == hashes] == sent[::-1]
        assert [result["nonce"] for name, result in told if name == whole] == ["0x0", "0x1"]
        await talk.ask("eth_unsubscribe", hashes)
        await talk.ask("eth_unsubscribe", whole)
        await talk.ask("eth_sendRawTransaction", "0x" + signed(0, 2).hex())
        assert await talk.ask("eth_chainId") == "0x539"
        assert talk._news == []


class _Gone:
    """A socket whose client is gone while its ping is being answered."""

    async def receive(self) -> None:
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    async def close(self, **_: object) -> None:
        pass


async def test_a_client_that_is_gone_before_its_ping_is_answered_is_no_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await websocket.Connection(as_any(_Gone()), as_any(None), Hub()).serve()
    assert caplog.records == []
