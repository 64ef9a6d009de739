"""JSON-RPC through web3's HTTP provider, with this project's errors and answers checked before use."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Final, TypeVar

import msgspec
import requests
from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from ledger.chain.rpc import answers, patience
from ledger.chain.rpc.address import EndpointAddress
from ledger.chain.rpc.answers import Nonsense, Parser
from ledger.chain.rpc.throttling import is_throttling
from ledger.chain.rpc.transport import TooLarge, TransportError, is_late, is_never_sent, open_session
from ledger.errors import Foreseen, NotYet, PeerFault, SetupError
from ledger.untrusted.parsing import TooMany, decode_json
from ledger.untrusted.text import make_printable

_T = TypeVar("_T")
_TIMEOUT_S: Final = 20.0
_MESSAGE_MAX: Final = 300
# Of revert data: an error with a string.
_DATA_MAX: Final = 4096
_BAD_REQUEST, _TOO_MANY, _INNER_ERROR = 400, 429, 500
# Whoever stands in front of the chain is too busy, or the chain behind it is.
_BUSY: Final = (_TOO_MANY, 502, 503, 504)
_PAUSE_MAX_S: Final = 60.0


class ChainTrouble(Foreseen):
    """The chain was asked, and did not say: no endpoint answered, or one answered with an error."""


class ChainUnreachable(ChainTrouble, SetupError, NotYet):
    """No answer from the endpoint: wait and ask again, or say so where a command cannot go on.

    cause: a few words.
    """

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


class AnswerLost(ChainUnreachable):
    """The endpoint took the request, or may have, and gave no whole answer.

    is_heavy: less might have been answered.
    """

    def __init__(self, message: str, cause: str = "", *, is_heavy: bool = False) -> None:
        super().__init__(message, cause)
        self.is_heavy = is_heavy


class Throttled(ChainUnreachable):
    """The endpoint asks for patience. pause_s: for how long, 0.0 where it does not say."""

    def __init__(self, message: str, cause: str = "", *, pause_s: float = 0.0) -> None:
        super().__init__(message, cause)
        self.pause_s = pause_s


class RpcFault(ChainTrouble, PeerFault):
    """The endpoint answered with an error, or with nonsense.

    code: JSON-RPC's. data: revert data, hex, where there is any.
    """

    def __init__(self, url: str, method: str, code: int, message: str, data: str | None) -> None:
        message = make_printable(message, _MESSAGE_MAX)
        super().__init__(f"{url} answers {method} with an error ({message}): try another endpoint with --rpc")
        self.method, self.code, self.message, self.data = method, code, message, data

    @property
    def is_revert(self) -> bool:
        """A contract refused, under whatever code the endpoint says so: Hardhat has that of its own errors."""
        return "revert" in self.message.lower()


class BadAnswer(RpcFault):
    """The endpoint answered with nonsense; what was asked may have been done."""

    def __init__(self, url: str, method: str, what: str) -> None:
        super().__init__(url, method, 0, f"no such answer: {make_printable(what, 160)}", None)


class Rpc:
    """One JSON-RPC endpoint over HTTP(S), asked once. Blocking: call it from a worker thread."""

    def __init__(
        self, url: str, *, timeout_s: float = _TIMEOUT_S, provider: JSONBaseProvider | None = None
    ) -> None:
        """timeout_s: for a whole answer. provider: one of web3's to ask instead of opening connections.

        Raises SetupError for what is no address.
        """
        self._address = EndpointAddress.of(url) if provider is None else EndpointAddress(url, url, ())
        self._timeout_s = timeout_s
        self.changes = 0
        """How often another endpoint was taken into use."""
        self.repeats = 0
        """How often a request was made again after a pause, as nobody had answered it as it should be."""
        self.patience = patience.NONE
        self._provider = provider or _Provider(self._address.full, timeout_s)

    @property
    def url(self) -> str:
        """Whom a request goes to now, as it may be shown."""
        return self._address.shown

    @property
    def public_url(self) -> str | None:
        """The whole address, where it holds nothing that others must not know."""
        return self._address.public

    def request(self, method: str, params: list[Any], parse: Parser[_T]) -> _T:
        """Ask, and make a value of the answer. Raises ChainUnreachable or RpcFault."""
        answer = self._ask(method, params)
        try:
            return parse(answer)
        except Nonsense as error:
            raise BadAnswer(self.url, method, self._address.scrub(str(error))) from None

    def doubt(self, reason: str) -> None:
        """What the endpoint in use told does not fit together: ask another one from now on, if there is one."""

    def fetch_number(self, method: str, *params: Any) -> int:
        """Ask for a quantity."""
        return self.request(method, list(params), answers.parse_quantity)

    def fetch_head(self) -> int:
        """The newest block's number."""
        return self.request("eth_blockNumber", [], answers.parse_height)

    def fetch_data(self, method: str, *params: Any) -> bytes:
        """Ask for bytes."""
        return self.request(method, list(params), answers.parse_data)

    def _ask(self, method: str, params: list[Any]) -> object:
        """The `result` of an answer. Raises ChainUnreachable, RpcFault."""
        response: object
        try:
            response = self._provider.make_request(RPCEndpoint(method), params)
        except (requests.RequestException, TransportError, OSError, ValueError) as error:
            # What libraries say of a request may hold its whole address: nothing of it goes on from here.
            response = self._handle_failure(method, error)
        if not isinstance(response, dict):
            raise BadAnswer(self.url, method, f"{type(response).__name__} in place of an object")
        fault: object = response.get("error")
        if fault is not None:
            raise self._make_refusal_error(method, fault)
        if "result" not in response:
            raise BadAnswer(self.url, method, "neither result nor error")
        return response["result"]

    def _handle_failure(self, method: str, error: Exception) -> object:
        """The refusal in an HTTP error. Raises what became of a request that got no answer."""
        response = error.response if isinstance(error, requests.HTTPError) else None
        status = None if response is None else response.status_code
        if response is not None and status in _BUSY:
            pause_s = pause_in(response.headers.get("Retry-After"), time.time())
            raise self._make_unanswered_error(Throttled, f"HTTP status {status}", pause_s=pause_s) from None
        if response is not None and status in (_BAD_REQUEST, _INNER_ERROR):
            # Some services wrap a JSON-RPC error in an HTTP one.
            answer = _is_refused(response.content)
            if answer is not None:
                return answer
        if status is not None:
            raise self._make_unanswered_error(ChainUnreachable, f"HTTP status {status}") from None
        if isinstance(error, Nonsense):
            raise BadAnswer(self.url, method, str(error)) from None
        if isinstance(error, TooMany | TooLarge):
            raise self._make_unanswered_error(AnswerLost, str(error), is_heavy=True) from None
        if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
            raise self._make_unanswered_error(AnswerLost, "not JSON") from None
        if is_late(error):
            raise self._make_unanswered_error(
                AnswerLost, f"no answer in {self._timeout_s:g} s", is_heavy=True
            ) from None
        kind = ChainUnreachable if is_never_sent(error) else AnswerLost
        raise self._make_unanswered_error(kind, type(error).__name__) from None

    def _make_unanswered_error(
        self, kind: Callable[..., ChainUnreachable], cause: str, **more: Any
    ) -> ChainUnreachable:
        sentence = (
            f"the chain at {self.url} does not answer ({cause}): start it (`folkmoot chain`) or correct --rpc"
        )
        if kind is Throttled:
            sentence = f"the chain at {self.url} has too much to do ({cause}): wait, or name another with --rpc"
        return kind(sentence, cause, **more)

    def _make_refusal_error(self, method: str, fault: object) -> Exception:
        if not isinstance(fault, dict):
            return RpcFault(self.url, method, 0, self._address.scrub(str(fault)[:_DATA_MAX]), None)
        code, data = fault.get("code"), fault.get("data")
        if isinstance(data, dict):
            # Hardhat wraps it once more.
            data = data.get("data")
        number = code if type(code) is int else 0
        message = self._address.scrub(str(fault.get("message"))[:_DATA_MAX])
        if is_throttling(method, number, message):
            return self._make_unanswered_error(Throttled, make_printable(message, 120))
        return RpcFault(
            self.url, method, number, message, data if isinstance(data, str) and len(data) <= _DATA_MAX else None
        )


class _Provider(HTTPProvider):
    """Parses answers with `decode_json`, and takes none that is for another request."""

    def __init__(self, url: str, timeout_s: float) -> None:
        # Retrying is the caller's decision: it knows whether the request may be sent twice. Nor may an endpoint
        # send us elsewhere.
        super().__init__(
            url,
            request_kwargs={"timeout": timeout_s, "allow_redirects": False},
            session=open_session(url, timeout_s),
            exception_retry_configuration=None,
        )
        self._numbers = count()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Raises Nonsense for an answer to another request, ValueError for what is no JSON."""
        number = next(self._numbers)
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer: Any = decode_json(self._make_request(method, msgspec.json.encode(asked)))
        if isinstance(answer, dict):
            said = answer.get("id")
            # An error may come before the number was read.
            is_early = said is None and answer.get("error") is not None
            if not is_early and (type(said) is not int or said != number):
                raise Nonsense(f"the answer to request {str(said)[:20]} in place of {number}")
        found: RPCResponse = answer
        return found


def pause_in(header: str | None, now_s: float) -> float:
    """The seconds that a Retry-After header asks for, in either form, a minute at most; 0.0 for none or nonsense.

    now_s: Unix time.
    """
    if header is None or len(header) > 40:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _PAUSE_MAX_S)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - now_s, 0.0), _PAUSE_MAX_S)
    except (ValueError, OverflowError, OSError):
        return 0.0


def _is_refused(body: bytes) -> object:
    try:
        answer = decode_json(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("error"), dict) else None
