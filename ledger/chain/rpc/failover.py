"""One chain behind one endpoint or several: keeps to one while it is fit, moves on, and asks again in a while.

No single answer of one endpoint ends anything. What it did not answer, or answered with nonsense, is asked of the
next one at once and of all of them again after a pause, for as long as `EndpointPatience` says.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Parser
from ledger.chain.rpc.client import AnswerLost, BadAnswer, ChainTrouble, ChainUnreachable, Rpc, RpcFault, Throttled
from ledger.chain.rpc.patience import Backoff, EndpointPatience
from ledger.errors import SetupError
from ledger.untrusted.text import make_printable

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_SEND: Final = "eth_sendRawTransaction"
_LOGS: Final = "eth_getLogs"
_RUNNING: Final = ("eth_call", "eth_estimateGas")
_INNER_ERROR: Final = -32603
# Another endpoint may know better: no such method, not supported, over a limit, an inner error.
_OWN_CODES: Final = frozenset({-32601, _INNER_ERROR, -32004, -32005})
# It has not got the block yet: a moment later it may.
_BEHIND_WORDS: Final = (
    "header not found",
    "unknown block",
    "block not found",
    "header for hash not found",
    "cannot find block",
    "block is not available",
    "not yet available",
    "ahead of the",
    "latest block number is",
    "but requested was",
)
_OWN_WORDS: Final = (*_BEHIND_WORDS, "missing trie node", "historical state", "indexing is in progress")
# From so long a pause on, people are told that there is one.
_TOLD_S: Final = 1.0


@dataclass
class _Member:
    """One endpoint."""

    rpc: Rpc
    """For ordinary questions."""
    probe: Rpc
    """For first questions, with a shorter wait."""
    is_checked: bool = False
    """Chain id and height were right when it was taken into use."""
    failed_at: float | None = None
    """When it failed last, by the clock; None where it has not."""
    reason: str = ""
    """Why it failed."""
    not_before: float = 0.0
    """It asked to be left alone until then."""


class _WrongChain(ChainUnreachable):
    """This endpoint is on another chain than the others."""


class _NotChecked(ChainUnreachable):
    """This endpoint did not say what it was asked first; the request itself has not left."""


class _Behind(ChainUnreachable):
    """This endpoint lacks blocks that were seen already."""


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
        patience: EndpointPatience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """chain_id: None takes that of the first that answers; a single endpoint's is its user's to check."""
        if not urls:
            raise SetupError("no JSON-RPC address was given: give one such as http://127.0.0.1:8545")
        super().__init__(urls[0])
        self._chain_id, self.patience = chain_id, patience or EndpointPatience()
        self._clock, self._sleep = clock, sleep
        self._members = [
            _Member(Rpc(url, timeout_s=self.patience.answer_s), Rpc(url, timeout_s=self.patience.probe_s))
            for url in dict.fromkeys(urls)
        ]
        self._current = 0
        self._seen_block = 0
        self._seen_at: int | None = None
        self._behind_since: float | None = None
        self._was_heard = False

    @property
    def url(self) -> str:
        """The endpoint in use, as it may be shown."""
        return self._members[self._current].rpc.url

    @property
    def public_url(self) -> str | None:
        """The endpoint in use, where its address holds nothing that others must not know."""
        return self._members[self._current].rpc.public_url

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them as they may be shown, in order of preference."""
        return tuple(member.rpc.url for member in self._members)

    def request(self, method: str, params: list[Any], parse: Parser[_T]) -> _T:
        """Ask the endpoint in use, or the next that is fit; all again later where none is.

        Raises ChainUnreachable with what is wrong with each where patience is over, RpcFault.
        """
        started, backoff = self._clock(), Backoff()
        while True:
            troubles: list[Exception] = []
            for index in self._order_members():
                try:
                    answer = self._ask_member(index, method, params, parse)
                except ChainTrouble as error:
                    if _is_final(error, method):
                        if isinstance(error, ChainUnreachable):
                            self._leave(index, error)
                        raise
                    self._leave(index, error)
                    troubles.append(error)
                else:
                    self._use(index, for_good=not any(_is_refusal(error) for error in troubles))
                    return answer
            waited_s = self._clock() - started
            pause_s = max(backoff.pause_s(), self._asked_for_s(troubles))
            if waited_s + pause_s > max(self._borne_s(error, method) for error in troubles):
                raise self._summarise(troubles)
            self.repeats += 1
            self._tell(pause_s, method, troubles)
            self._sleep(pause_s)

    def doubt(self, reason: str) -> None:
        """What the endpoint in use told does not fit together: another one is asked from now on."""
        self._leave(self._current, ChainUnreachable(reason, reason))
        if len(self._members) > 1 and self._seen_at == self._current:
            # Nobody else told of that block: the endpoint asked next need not have it.
            self._seen_block, self._behind_since = 0, None
        others = [index for index in self._order_members() if index != self._current]
        if others:
            self._use_next(others[0])

    def _order_members(self) -> list[int]:
        now = self._clock()
        failed = [member.failed_at for member in self._members]
        ranked = order_endpoints(self._current, failed, now, self.patience.first_again_s)
        ready = [index for index in ranked if self._members[index].not_before <= now]
        return ready or ranked

    def _ask_member(self, index: int, method: str, params: list[Any], parse: Parser[_T]) -> _T:
        member = self._members[index]
        if not member.is_checked and len(self._members) > 1:
            self._check(index)
        answer = member.rpc.request(method, params, parse)
        self._was_heard = True
        known, is_head = read_height(method, params, answer)
        if known is not None:
            self._see(index, known, is_head)
        return answer

    def _check(self, index: int) -> None:
        """Raises ChainUnreachable or RpcFault unless it is on the chain and not behind."""
        member = self._members[index]
        try:
            found = member.probe.fetch_number("eth_chainId")
            if self._chain_id is not None and found != self._chain_id:
                what = f"has chain id {found}, not {self._chain_id}"
                raise _WrongChain(f"{member.rpc.url} {what}", what)
            if self._seen_block:
                self._see(index, member.probe.fetch_head(), is_head=True)
        except AnswerLost as error:
            raise _NotChecked(str(error), error.cause) from error
        except RpcFault as error:
            what = f"answers {error.method} with an error: {error.message[:80]}"
            raise _NotChecked(f"{member.rpc.url} {what}", what) from error
        self._chain_id = found
        member.is_checked = True

    def _see(self, index: int, number: int, is_head: bool) -> None:
        """Take note of a block's number, and of who told of it.

        Raises _Behind where an endpoint's newest is behind what was seen.
        """
        if number >= self._seen_block:
            self._seen_block, self._seen_at, self._behind_since = number, index, None
        elif is_head:
            now = self._clock()
            self._behind_since = self._behind_since or now
            if now - self._behind_since <= self.patience.lag_s:
                what = f"is at block {number}, block {self._seen_block} was seen"
                raise _Behind(f"{self.url} {what}: wait for it, or name another with --rpc", what)
            _log.warning("chain went back from=%d to=%d", self._seen_block, number)
            self._seen_block, self._seen_at, self._behind_since = number, index, None

    def _leave(self, index: int, error: Exception) -> None:
        member, reason, now = self._members[index], _describe_error(error), self._clock()
        if len(self._members) > 1 and member.reason != reason:
            _log.warning("endpoint unfit url=%s reason=%s", member.rpc.url, reason)
        member.is_checked, member.failed_at, member.reason = False, now, reason
        member.not_before = now + error.pause_s if isinstance(error, Throttled) else 0.0

    def _use(self, index: int, for_good: bool) -> None:
        member = self._members[index]
        member.failed_at, member.reason, member.not_before = None, "", 0.0
        if not for_good:
            # The one in use just could not answer this.
            member.is_checked = False
        elif index != self._current:
            self._use_next(index)

    def _use_next(self, index: int) -> None:
        _log.warning("endpoint changed from=%s to=%s", self.url, self._members[index].rpc.url)
        # Whoever is taken up again later may have fallen behind by then.
        self._members[self._current].is_checked = False
        self.changes += 1
        self._current = index

    def _asked_for_s(self, troubles: Sequence[Exception]) -> float:
        """How long all of them want to be left alone; nothing where one of them may be asked at once."""
        wanted = [error.pause_s if isinstance(error, Throttled) else 0.0 for error in troubles]
        return min(wanted, default=0.0)

    def _borne_s(self, error: Exception, method: str) -> float:
        """For how long a request is made again after such an error."""
        if isinstance(error, Throttled):
            return self.patience.busy_s
        if isinstance(error, _WrongChain):
            return 0.0
        if isinstance(error, _Behind | _NotChecked):
            return self.patience.fault_s
        if isinstance(error, AnswerLost):
            # Whoever asks for less may get it sooner.
            return 0.0 if error.is_heavy and method == _LOGS else self.patience.fault_s
        if isinstance(error, ChainUnreachable):
            return self.patience.fault_s if self._was_heard else 0.0
        assert isinstance(error, RpcFault)
        is_passing = isinstance(error, BadAnswer) or error.code == _INNER_ERROR or _is_behind(error)
        return self.patience.fault_s if is_passing else 0.0

    def _tell(self, pause_s: float, method: str, troubles: Sequence[Exception]) -> None:
        level = logging.WARNING if pause_s >= _TOLD_S else logging.INFO
        reasons = "; ".join(_describe_error(error) for error in troubles)
        _log.log(level, "asking again in_s=%.1f method=%s reason=%s", pause_s, method, make_printable(reasons, 200))

    def _summarise(self, troubles: Sequence[Exception]) -> Exception:
        """What to raise where nobody answered: a refusal, if there was one, counts more than a silence."""
        refusals = [error for error in troubles if _is_refusal(error)]
        if refusals or len(self._members) == 1:
            return (refusals or troubles)[0]
        reasons = "; ".join(f"{m.rpc.url}: {m.reason}" for m in self._members if m.reason)
        message = f"no endpoint of the chain can be used ({reasons}): start one or correct --rpc"
        if all(isinstance(error, Throttled) for error in troubles):
            return Throttled(message, reasons)
        is_heavy = any(isinstance(error, AnswerLost) and error.is_heavy for error in troubles)
        return AnswerLost(message, reasons, is_heavy=is_heavy)


def connect(
    urls: Sequence[str], chain_id: int | None = None, *, patience: EndpointPatience | None = None
) -> Endpoints:
    """One endpoint or several. Raises SetupError for what is no address."""
    return Endpoints(urls, chain_id, patience=patience)


def order_endpoints(current: int, failed_at: Sequence[float | None], now: float, again_s: float) -> list[int]:
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


def read_height(method: str, params: list[Any], answer: object) -> tuple[int | None, bool]:
    """The newest block's number that an answer shows, and whether it is the endpoint's newest block."""
    if method == "eth_blockNumber" and isinstance(answer, int):
        return answer, True
    if method == "eth_feeHistory" and params[1] == "latest" and isinstance(answer, tuple):
        return int(answer[1]), True
    if method == _LOGS and isinstance(answer, list) and answer:
        return int(answer[-1].position[0]), False
    if isinstance(answer, answers.Receipt):
        return answer.block, False
    return None, False


def _is_final(error: Exception, method: str) -> bool:
    """Whether nobody else is to be asked: a refusal that is the chain's own, or a transaction that may be out."""
    if method == _SEND:
        return not isinstance(error, ChainUnreachable) or isinstance(error, AnswerLost | Throttled)
    # Only what runs a contract is refused by the chain. Anything else each endpoint can answer, or not, by itself.
    return method in _RUNNING and _is_refusal(error) and not _is_endpoints_own(error)


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, RpcFault) and not isinstance(error, BadAnswer)


def _is_endpoints_own(fault: Exception) -> bool:
    assert isinstance(fault, RpcFault)
    return not fault.is_revert and (fault.code in _OWN_CODES or _has(fault, _OWN_WORDS))


def _is_behind(fault: RpcFault) -> bool:
    return _has(fault, _BEHIND_WORDS)


def _has(fault: RpcFault, words: Sequence[str]) -> bool:
    lowered = fault.message.lower()
    return any(one in lowered for one in words)


def _describe_error(error: Exception) -> str:
    if isinstance(error, BadAnswer):
        return f"answers nonsense ({error.message[:120]})"
    return error.cause or str(error) if isinstance(error, ChainUnreachable) else str(error)
