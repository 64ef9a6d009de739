"""Cases about JSON-RPC itself: batches, odd requests, WebSocket; and proofs of the state."""

import json
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from scripts.chains.conformance.case import Case, account, block, case, notebook
from scripts.chains.conformance.scene import NOBODY, Scene, calldata

WAIT_S = 20.0
ASK = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


def posted(name: str, body: Any) -> Case:
    """A body sent over HTTP: text as it is, anything else as JSON. Answers the parsed body."""

    def ask(scene: Scene) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        _, answer = scene.chain.post(text.encode())
        try:
            return json.loads(answer)
        except ValueError:
            return "no JSON" if answer else "nothing"

    return Case("JSON-RPC", name, ask)


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ASK.items() if name not in names}


REQUESTS = [
    posted("a call", ASK),
    posted("a text as id", {**ASK, "id": "seven"}),
    posted("null as id", {**ASK, "id": None}),
    posted("a broken number as id", {**ASK, "id": 1.5}),
    posted("no params", _without("params")),
    posted("null params", {**ASK, "params": None}),
    posted("an object as params", {**ASK, "params": {"a": 1}}),
    posted("a text as params", {**ASK, "params": "0x1"}),
    posted("no method", _without("method")),
    posted("a number as method", {**ASK, "method": 7}),
    posted("no version", _without("jsonrpc")),
    posted("version 1.0", {**ASK, "jsonrpc": "1.0"}),
    posted("a notification", _without("id")),
    posted("a field nobody knows", {**ASK, "extra": 1}),
    posted("not JSON", "{nonsense"),
    posted("nothing", ""),
    posted("a number", 7),
    posted("a text", '"text"'),
    posted("null", "null"),
    posted("a batch", [ASK, {**ASK, "id": 2, "method": "net_version"}]),
    posted("a batch with an error in it", [ASK, {**ASK, "id": 2, "method": "eth_nothingOfTheSort"}]),
    posted("a batch with a number in it", [ASK, 7]),
    posted("a batch with an empty object in it", [ASK, {}]),
    posted("a batch with a notification", [ASK, _without("id")]),
    posted("a batch of notifications", [_without("id"), _without("id")]),
    posted("an empty batch", []),
    posted("the same id twice in a batch", [ASK, ASK]),
    posted("a batch of 100", [{**ASK, "id": number} for number in range(100)]),
]


def _over_socket(scene: Scene, *messages: Any) -> list[Any]:
    """Send each message, read one answer each."""
    with connect(scene.chain.ws_url, open_timeout=WAIT_S) as socket:
        answers = []
        for message in messages:
            socket.send(message if isinstance(message, str) else json.dumps(message))
            answers.append(json.loads(socket.recv(WAIT_S)))
        return answers


def _socket(name: str, *messages: Any) -> Case:
    def ask(scene: Scene) -> Any:
        try:
            return _over_socket(scene, *messages)
        except (WebSocketException, OSError) as error:
            return f"no WebSocket: {type(error).__name__}"

    return Case("WebSocket", name, ask)


def _subscribe(scene: Scene, *params: Any) -> Any:
    """Subscribe, mine a block with a log of the contract, take one notification, end the subscription."""
    try:
        with connect(scene.chain.ws_url, open_timeout=WAIT_S) as socket:
            return _listen(scene, socket, params)
    except (WebSocketException, OSError) as error:
        return f"no WebSocket: {type(error).__name__}"


def _listen(scene: Scene, socket: Any, params: tuple[Any, ...]) -> Any:
    def ask(method: str, arguments: Any) -> Any:
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": arguments}))
        return json.loads(socket.recv(WAIT_S))

    opened = ask("eth_subscribe", list(params))
    if "error" in opened:
        return opened
    name = opened["result"]
    _note(scene)
    told = json.loads(socket.recv(WAIT_S))
    told["params"]["subscription"] = told["params"]["subscription"] == name
    result = told["params"]["result"]
    # What is in them was compared over HTTP; here that they come, and in which form.
    told["params"]["result"] = sorted(result) if isinstance(result, dict) else type(result).__name__
    return [
        isinstance(name, str) and name.startswith("0x"),
        told,
        _ended(ask, name),
        ask("eth_unsubscribe", [name]),
    ]


def _ended(ask: Any, name: str) -> Any:
    """The answer to eth_unsubscribe, whatever else was on its way."""
    answer = ask("eth_unsubscribe", [name])
    return answer if "id" in answer else "still talking"


def _note(scene: Scene) -> None:
    sender = scene.address(4)
    nonce = int(scene.call("eth_getTransactionCount", sender, "latest")["result"], 16)
    data = calldata("note(uint256,string)", 7, "told")
    fields = {"to": scene.notebook, "value": 0, "gas": 120_000, "data": data, "maxFeePerGas": 10**11}
    scene.call("eth_sendRawTransaction", scene.sign(4, nonce, **fields))
    scene.mine()


def _subscription(name: str, *params: Any) -> Case:
    def ask(scene: Scene) -> Any:
        given = [item(scene) if callable(item) else item for item in params]
        return _subscribe(scene, *given)

    return Case("eth_subscribe", name, ask)


SOCKETS = [
    _socket("a call", ASK),
    _socket("three calls in a row", ASK, {**ASK, "id": 2, "method": "net_version"}, {**ASK, "id": "x"}),
    _socket("a batch", [ASK, {**ASK, "id": 2}]),
    _socket("not JSON, then a call", "{nonsense", ASK),
    _socket("an unknown method", {**ASK, "method": "eth_nothingOfTheSort"}),
]

SUBSCRIPTIONS = [
    _subscription("newHeads", "newHeads"),
    _subscription("logs of the contract", "logs", lambda scene: {"address": scene.notebook}),
    _subscription("logs of everyone", "logs", {}),
    _subscription("logs without a filter", "logs"),
    _subscription("newPendingTransactions", "newPendingTransactions"),
    _subscription("newPendingTransactions, hashes asked for", "newPendingTransactions", False),
    _subscription("newPendingTransactions, whole", "newPendingTransactions", True),
    _subscription("nothing there is", "nothingOfTheSort"),
    case("eth_subscribe", "over HTTP", "newHeads"),
]

PROOFS = [
    case("eth_getProof", "an account", account(0), [], "0x5"),
    case("eth_getProof", "slots set and not set", notebook, ["0x00", "0x05"], "0x5"),
    case("eth_getProof", "slots without a leading zero", notebook, ["0x0", "0x5"], "0x5"),
    case("eth_getProof", "a padded slot", notebook, ["0x" + "00" * 32], "0x5"),
    case("eth_getProof", "nobody", NOBODY, [], "0x5"),
    case("eth_getProof", "at a block's hash", notebook, ["0x00"], {"blockHash": block(5)}),
    case("eth_getProof", "beyond the head", notebook, [], "0x3e8"),
    case("eth_getProof", "a slot too long", notebook, ["0x" + "00" * 33], "0x5"),
]

BEFORE = [*REQUESTS, *PROOFS]
AFTER = [*SOCKETS, *SUBSCRIPTIONS]
