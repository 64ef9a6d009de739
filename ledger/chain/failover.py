"""Several endpoints of one chain behind the interface of one: keeps to one while it is fit, then moves on."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.chain.rpc import BadAnswer, ChainUnreachable, Rpc, RpcFault
from ledger.errors import SetupError

_log = logging.getLogger(__name__)
_CATCH_UP_POLL_S: Final = 0.2
_SEND: Final = "eth_sendRawTransaction"
# Another endpoint may know better: no such method, not supported, over a limit, an inner error.
_OWN_CODES: Final = frozenset({-32601, -32603, -32004, -32005})
_OWN_WORDS: Final = (
    "header not found",
    "unknown block",
    "missing trie node",
    "historical state",
    "indexing is in progress",
)


@dataclass(frozen=True)
class Patience:
    """Seconds. answer_s: for an answer, probe_s: for one to a first question. first_again_s: after this long the
    first endpoint is tried again. catch_up_s: how long a request waits for an endpoint that is behind. lag_s: after
    this long with nobody at the height once seen, that height is given up."""

    answer_s: float = 10.0
    probe_s: float = 3.0
    first_again_s: float = 60.0
    catch_up_s: float = 3.0
    lag_s: float = 60.0


@dataclass
class _Member:
    """One endpoint. is_checked: chain id and height were right when it was taken into use."""

    rpc: Rpc
    probe: Rpc
    is_checked: bool = False
    failed_at: float | None = None
    reason: str = ""
    is_behind: bool = False


class _Unfit(Exception):
    """This endpoint cannot answer now; was_asked: the request itself may have reached it."""

    def __init__(self, reason: str, *, was_asked: bool = False, is_behind: bool = False) -> None:
        super().__init__(reason)
        self.was_asked, self.is_behind = was_asked, is_behind


class Endpoints(Rpc):
    """Endpoints in order of preference. An endpoint is used after its chain id was checked, and left where it does
    not answer, answers nonsense, or is behind a block that was already seen.

    A transaction is never sent twice by itself: `Sender` decides, knowing that the first may have arrived.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int | None = None,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """chain_id: None takes that of the first endpoint that answers."""
        if not urls:
            raise SetupError("no JSON-RPC address was given: give one such as http://127.0.0.1:8545")
        super().__init__(urls[0])
        self._chain_id, self._patience, self._clock = chain_id, patience or Patience(), clock
        self._members = [
            _Member(Rpc(url, timeout_s=self._patience.answer_s), Rpc(url, timeout_s=self._patience.probe_s))
            for url in dict.fromkeys(urls)
        ]
        self._current = 0
        self._seen_block = 0
        self._behind_since: float | None = None

    @property
    def url(self) -> str:
        """The endpoint in use."""
        return self._members[self._current].rpc.url

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them, in order of preference."""
        return tuple(member.rpc.url for member in self._members)

    def _request(self, method: str, parameters: list[Any], kind: Any) -> Any:
        """Ask the endpoint in use, or the next that is fit.

        Raises ChainUnreachable with what is wrong with each where none is, RpcFault.
        """
        until = self._clock() + self._patience.catch_up_s
        while True:
            fault: RpcFault | None = None
            for index in self._order():
                try:
                    answer = self._ask_member(index, method, parameters, kind)
                except _Unfit as unfit:
                    self._leave(index, unfit)
                    if unfit.was_asked and method == _SEND:
                        raise self._none_fit() from unfit
                except RpcFault as error:
                    if not _is_endpoints_own(error) or method == _SEND:
                        raise
                    fault = fault or error
                else:
                    self._use(index, for_good=fault is None)
                    return answer
            if fault is not None:
                raise fault
            if self._clock() >= until or not any(member.is_behind for member in self._members):
                raise self._none_fit()
            time.sleep(_CATCH_UP_POLL_S)

    def _order(self) -> list[int]:
        now = self._clock()
        failed = [member.failed_at for member in self._members]
        return order(self._current, failed, now, self._patience.first_again_s)

    def _ask_member(self, index: int, method: str, parameters: list[Any], kind: Any) -> Any:
        member = self._members[index]
        if not member.is_checked:
            self._check(member)
        try:
            answer: Any = member.rpc.request(method, parameters, kind)
        except ChainUnreachable as error:
            raise _Unfit(error.cause, was_asked=True) from error
        except BadAnswer as error:
            if method == _SEND:
                raise
            raise _Unfit("answers nonsense", was_asked=True) from error
        height, is_head = height_in(method, parameters, answer)
        if height is not None:
            self._see(height, is_head)
        return answer

    def _check(self, member: _Member) -> None:
        """Raises _Unfit unless it is on the chain and not behind."""
        try:
            found = member.probe.number("eth_chainId")
            if self._chain_id is not None and found != self._chain_id:
                raise _Unfit(f"has chain id {found}, not {self._chain_id}")
            if self._seen_block:
                self._see(member.probe.number("eth_blockNumber"), is_head=True)
        except ChainUnreachable as error:
            raise _Unfit(error.cause) from error
        except RpcFault as error:
            raise _Unfit(f"answers {error.method} with an error: {error.message[:80]}") from error
        self._chain_id = found
        member.is_checked = True

    def _see(self, height: int, is_head: bool) -> None:
        """Take note of a block's number. Raises _Unfit where an endpoint's newest is behind what was seen."""
        if height >= self._seen_block:
            self._seen_block, self._behind_since = height, None
        elif is_head:
            now = self._clock()
            self._behind_since = self._behind_since or now
            if now - self._behind_since <= self._patience.lag_s:
                raise _Unfit(f"is at block {height}, block {self._seen_block} was seen", is_behind=True)
            _log.warning("the chain went back from=%d to=%d", self._seen_block, height)
            self._seen_block, self._behind_since = height, None

    def _leave(self, index: int, unfit: _Unfit) -> None:
        member = self._members[index]
        if member.failed_at is None or member.reason != str(unfit):
            _log.warning("endpoint unfit url=%s reason=%s", member.rpc.url, unfit)
        member.is_checked, member.is_behind = False, unfit.is_behind
        member.failed_at, member.reason = self._clock(), str(unfit)

    def _use(self, index: int, for_good: bool) -> None:
        member = self._members[index]
        member.failed_at, member.is_behind, member.reason = None, False, ""
        if not for_good:
            # The one in use just could not answer this.
            member.is_checked = False
        elif index != self._current:
            _log.warning("endpoint changed from=%s to=%s", self.url, member.rpc.url)
            # Whoever is taken up again later may have fallen behind by then.
            self._members[self._current].is_checked = False
            self._current = index

    def _none_fit(self) -> ChainUnreachable:
        reasons = "; ".join(f"{m.rpc.url}: {m.reason}" for m in self._members if m.reason)
        return ChainUnreachable(
            f"no endpoint of the chain can be used ({reasons}): start one or correct --rpc", reasons
        )


def connect(urls: Sequence[str], chain_id: int | None = None) -> Rpc:
    """One endpoint or several. Raises SetupError for what is no address."""
    return Rpc(urls[0]) if len(urls) == 1 else Endpoints(urls, chain_id)


def order(current: int, failed_at: Sequence[float | None], now: float, again_s: float) -> list[int]:
    """Whom to ask, in order: the one in use; the first, before it, where its failure is long ago; then the others,
    those that failed latest at the end."""
    others = [index for index in range(len(failed_at)) if index != current]
    others.sort(key=lambda index: (failed_at[index] is not None, failed_at[index] or 0.0, index))
    ranked = [current, *others]
    first_failed = failed_at[0]
    if current != 0 and (first_failed is None or now - first_failed >= again_s):
        ranked.remove(0)
        ranked.insert(0, 0)
    return ranked


def height_in(method: str, parameters: list[Any], answer: object) -> tuple[int | None, bool]:
    """The newest block's number that an answer shows, and whether it is the endpoint's newest block."""
    try:
        if method == "eth_blockNumber" and isinstance(answer, str):
            return int(answer, 16), True
        if method == "eth_getBlockByNumber" and parameters[0] == "latest" and isinstance(answer, dict):
            return int(answer["number"], 16), True
        if method == "eth_feeHistory" and parameters[1] == "latest" and isinstance(answer, dict):
            return int(answer["oldestBlock"], 16) + len(answer["baseFeePerGas"]) - 2, True
        if method == "eth_getLogs" and isinstance(answer, list) and answer:
            return int(_field(answer[-1], "blockNumber"), 16), False
        if method == "eth_getTransactionReceipt" and answer is not None:
            return int(_field(answer, "blockNumber"), 16), False
    except (KeyError, TypeError, ValueError, AttributeError):
        # Whoever asked checks the answer; it just says nothing about height.
        pass
    return None, False


def _field(item: object, name: str) -> str:
    return str(item[name] if isinstance(item, dict) else getattr(item, name))


def _is_endpoints_own(fault: RpcFault) -> bool:
    return fault.code in _OWN_CODES or any(words in fault.message for words in _OWN_WORDS)
