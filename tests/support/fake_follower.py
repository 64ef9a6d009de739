"""A follower without a chain: the history is told, calls are noted, and waiting takes no time."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

from ledger.chain.rpc.answers import Receipt
from ledger.chain.transactions.receipts import CallNotDone
from ledger.chain.transactions.sender import PlannedCall
from ledger.circle.events import Event
from ledger.circle.history import History
from ledger.identity.network import Network
from node.follower import Overtaken
from tests.support.histories.parts import address


class Clock:
    """In the place of the module `time`: Unix time and the monotonic clock at once."""

    def __init__(self, now: float = 10_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


IMMUTABLES = {"ADMISSION": 0, "COMMIT_WINDOW_S": 60, "ATTEST_WINDOW_S": 80}


class FakeFollower:
    """then: call → the events that the chain has after it. refusals: what the next calls raise. waits_s: how long
    calls side by side were waited for. later: what the
    chain tells at the next waits, in order; waiting longer than that is an error."""

    def __init__(self, history: History, *, address: str = address(0), balance_wei: int = 10**18) -> None:
        self.history, self.balance = history, balance_wei
        self.sender = SimpleNamespace(address=address)
        network = Network.of(1337, "0x" + "ab" * 20)
        self.circle = SimpleNamespace(network=network, immutables=dict(IMMUTABLES))
        self.calls: list[tuple[object, ...]] = []
        self.rollbacks = 0
        self.paid_wei: list[int] = []
        self.waits_s: list[float] = []
        self.then: dict[str, Callable[..., list[Event]]] = {}
        self.refusals: list[Exception] = []
        self.later: list[list[Event]] = []
        self.past: list[Event] = []
        self.before_call: Callable[[], object] = lambda: None

    def apply(self, *events: Event) -> None:
        for event in events:
            self.history.apply(event)
            self.past.append(event)

    async def call(
        self, name: str, *arguments: object, only_if: Callable[[History], bool] | None = None, value_wei: int = 0
    ) -> None:
        self.before_call()
        if only_if is not None and not only_if(self.history):
            raise Overtaken(f"{name} makes no sense any more")
        self._take(name, arguments, value_wei)

    def _take(self, name: str, arguments: tuple[object, ...], value_wei: int) -> None:
        self.calls.append((name, *arguments))
        self.paid_wei.append(value_wei)
        if self.refusals:
            raise self.refusals.pop(0)
        if name in self.then:
            self.apply(*self.then[name](*arguments))

    async def call_all(
        self, choose: Callable[[History], Sequence[PlannedCall]], *, timeout_s: float
    ) -> dict[PlannedCall, Receipt | CallNotDone]:
        self.before_call()
        self.waits_s.append(timeout_s)
        done: dict[PlannedCall, Receipt | CallNotDone] = {}
        trouble: list[Exception] = []
        for one in choose(self.history):
            try:
                self._take(one.name, one.arguments, one.value_wei)
                done[one] = Receipt("0x", 1, 21_000, 1, None)
            except Overtaken:
                # The chain went back: it ends them all.
                raise
            except CallNotDone as error:
                done[one] = error
            except Exception as error:
                trouble.append(error)
        if trouble:
            raise trouble[0]
        return done

    async def follow(self, wait_s: float = 0.0) -> bool:
        if not wait_s:
            return False
        assert self.later, "it waits for what will not come"
        self.apply(*self.later.pop(0))
        return True

    async def wait(self, wait_s: float) -> None:
        await self.follow(wait_s)

    async def fetch_events(self) -> list[Event]:
        return self.past

    async def fetch_balance_wei(self) -> int:
        return self.balance
