"""JSON-RPC through web3's HTTP provider, with this project's errors and answers checked before use."""

import logging
from typing import Any, TypeVar

import msgspec
import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from ledger.errors import NotYet, PeerFault, SetupError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_TIMEOUT_S = 20.0
_MESSAGE_MAX = 2000


class ChainUnreachable(SetupError, NotYet):
    """No answer from the endpoint: wait and ask again, or say so where a command cannot go on."""


class RpcFault(PeerFault):
    """The endpoint answered with an error, or with nonsense.

    code: JSON-RPC's. data: revert data, hex, where there is any.
    """

    def __init__(self, url: str, method: str, code: int, message: str, data: str | None) -> None:
        super().__init__(f"{url} answers {method} with an error ({message}): try another endpoint with --rpc")
        self.method, self.code, self.message, self.data = method, code, message, data


class Rpc:
    """One JSON-RPC endpoint over HTTP(S). Blocking: call it from a worker thread."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise SetupError(f"{url!r} is no JSON-RPC address: give one such as http://127.0.0.1:8545")
        self.url = url
        # Retrying is the caller's decision: it knows whether the request may be sent twice.
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": _TIMEOUT_S}, exception_retry_configuration=None
        )

    def request(self, method: str, parameters: list[Any], kind: type[_T]) -> _T:
        """Ask and check the answer's shape. Raises ChainUnreachable or RpcFault."""
        try:
            response = self._provider.make_request(RPCEndpoint(method), parameters)
        except (requests.RequestException, OSError, ValueError) as error:
            raise ChainUnreachable(
                f"the chain at {self.url} does not answer ({type(error).__name__}): "
                "start it (`folkmoot chain`) or correct --rpc"
            ) from error
        if not isinstance(response, dict):
            raise self._nonsense(method, str(response))
        fault: object = response.get("error")
        if fault is not None:
            raise _fault(self.url, method, fault)
        try:
            return msgspec.convert(response.get("result"), kind)
        except msgspec.ValidationError as error:
            raise self._nonsense(method, str(error)) from error

    def number(self, method: str, *parameters: Any) -> int:
        """Ask for a quantity."""
        answer = self.request(method, list(parameters), str)
        try:
            return int(answer, 16)
        except ValueError as error:
            raise self._nonsense(method, answer) from error

    def data(self, method: str, *parameters: Any) -> bytes:
        """Ask for bytes."""
        answer = self.request(method, list(parameters), str)
        try:
            return bytes.fromhex(answer[2:])
        except ValueError as error:
            raise self._nonsense(method, answer) from error

    def _nonsense(self, method: str, answer: str) -> RpcFault:
        return RpcFault(self.url, method, 0, f"no such answer: {answer[:80]!r}", None)


def _fault(url: str, method: str, fault: object) -> RpcFault:
    if not isinstance(fault, dict):
        return RpcFault(url, method, 0, str(fault)[:_MESSAGE_MAX], None)
    code, data = fault.get("code"), fault.get("data")
    return RpcFault(
        url,
        method,
        code if isinstance(code, int) else 0,
        str(fault.get("message"))[:_MESSAGE_MAX],
        data if isinstance(data, str) else None,
    )
