"""JSON-RPC through web3's HTTP provider, with this project's errors and answers checked before use."""

import logging
import time
from collections.abc import Mapping
from types import UnionType
from typing import Any, Final, TypeVar, overload
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from ledger.errors import NotYet, PeerFault, SetupError
from ledger.parsing import decode_json

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
ANSWER_MAX_BYTES: Final = 64 << 20
_TIMEOUT_S: Final = 20.0
_PIECE_BYTES: Final = 1 << 16
_MESSAGE_MAX: Final = 2000
_BAD_REQUEST: Final = 400
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class ChainUnreachable(SetupError, NotYet):
    """No answer from the endpoint: wait and ask again, or say so where a command cannot go on.

    cause: a few words.
    """

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


class RpcFault(PeerFault):
    """The endpoint answered with an error, or with nonsense.

    code: JSON-RPC's. data: revert data, hex, where there is any.
    """

    def __init__(self, url: str, method: str, code: int, message: str, data: str | None) -> None:
        super().__init__(f"{url} answers {method} with an error ({message}): try another endpoint with --rpc")
        self.method, self.code, self.message, self.data = method, code, message, data


class BadAnswer(RpcFault):
    """The endpoint answered with nonsense; what was asked may have been done."""

    def __init__(self, url: str, method: str, answer: str) -> None:
        super().__init__(url, method, 0, f"no such answer: {answer[:80]!r}", None)


class Rpc:
    """One JSON-RPC endpoint over HTTP(S). Blocking: call it from a worker thread."""

    def __init__(
        self, url: str, *, timeout_s: float = _TIMEOUT_S, provider: JSONBaseProvider | None = None
    ) -> None:
        """timeout_s: for a whole answer. provider: one of web3's to ask instead of opening connections."""
        if provider is None and not url.startswith(("http://", "https://")):
            raise SetupError(f"{url!r} is no JSON-RPC address: give one such as http://127.0.0.1:8545")
        self._url, self._timeout_s = url, timeout_s
        self._provider = provider or _provider(url, timeout_s)

    @property
    def url(self) -> str:
        """Whom a request goes to now."""
        return self._url

    @overload
    def request(self, method: str, parameters: list[Any], kind: type[_T]) -> _T: ...
    @overload
    def request(self, method: str, parameters: list[Any], kind: UnionType) -> Any: ...
    def request(self, method: str, parameters: list[Any], kind: Any) -> Any:
        """Ask and check the answer's shape. Raises ChainUnreachable or RpcFault."""
        return self._request(method, parameters, kind)

    def number(self, method: str, *parameters: Any) -> int:
        """Ask for a quantity."""
        answer = self.request(method, list(parameters), str)
        try:
            return int(answer, 16)
        except ValueError as error:
            raise BadAnswer(self.url, method, answer) from error

    def data(self, method: str, *parameters: Any) -> bytes:
        """Ask for bytes."""
        answer = self.request(method, list(parameters), str)
        try:
            return bytes.fromhex(answer[2:])
        except ValueError as error:
            raise BadAnswer(self.url, method, answer) from error

    def _request(self, method: str, parameters: list[Any], kind: Any) -> Any:
        response = self._ask(method, parameters)
        if not isinstance(response, dict):
            raise BadAnswer(self._url, method, str(response))
        fault: object = response.get("error")
        if fault is not None:
            raise _fault(self._url, method, fault)
        try:
            return msgspec.convert(response.get("result"), kind)
        except msgspec.ValidationError as error:
            raise BadAnswer(self._url, method, str(error)) from error

    def _ask(self, method: str, parameters: list[Any]) -> object:
        try:
            return self._provider.make_request(RPCEndpoint(method), parameters)
        except (requests.RequestException, TransportError, OSError, ValueError) as error:
            if (refused := _refused(error)) is not None:
                return refused
            cause = _cause(error, self._timeout_s)
            raise ChainUnreachable(
                f"the chain at {self._url} does not answer ({cause}): start it (`folkmoot chain`) or correct --rpc",
                cause,
            ) from error


class _Provider(HTTPProvider):
    """Parses answers with `decode_json`."""

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """Raises ValueError for what is no JSON."""
        decoded: RPCResponse = decode_json(raw_response)
        return decoded


class _CappedAdapter(HTTPAdapter):
    """Reads an answer up to a size and up to a moment, however slowly it comes."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises requests' exceptions."""
        deadline = time.monotonic() + self._timeout_s
        response = super().send(request, True, timeout, verify, cert, proxies)
        body, raw = bytearray(), response.raw
        try:
            while piece := raw.read1(_PIECE_BYTES, decode_content=True):
                body += piece
                if len(body) > ANSWER_MAX_BYTES:
                    raise requests.ConnectionError(f"more than {ANSWER_MAX_BYTES >> 20} MiB")
                if time.monotonic() > deadline:
                    raise requests.Timeout("the answer drips")
        except (requests.RequestException, TransportError, OSError):
            raw.close()
            raise
        raw.release_conn()
        response._content, response._content_consumed = bytes(body), True  # type: ignore[attr-defined]
        return response


def _provider(url: str, timeout_s: float) -> JSONBaseProvider:
    session = requests.Session()
    # Proxies and passwords from the environment are not meant for this machine; looking for them takes time.
    session.trust_env = urlsplit(url).hostname not in _LOOPBACK
    adapter = _CappedAdapter(timeout_s)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # Retrying is the caller's decision: it knows whether the request may be sent twice. Nor may an endpoint
    # send us elsewhere.
    return _Provider(
        url,
        request_kwargs={"timeout": timeout_s, "allow_redirects": False},
        session=session,
        exception_retry_configuration=None,
    )


def _refused(error: Exception) -> object:
    """Some services wrap a JSON-RPC error in an HTTP one: the JSON inside, or None."""
    response = error.response if isinstance(error, requests.HTTPError) else None
    if response is None or response.status_code != _BAD_REQUEST:
        return None
    try:
        answer = decode_json(response.content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("error"), dict) else None


def _cause(error: Exception, timeout_s: float) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {timeout_s:g} s"
    if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
        return "not JSON"
    return type(error).__name__


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
