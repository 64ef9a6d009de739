"""Names that strangers chose: a slow one holds up nobody but who asked for it."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from ledger.untrusted.host_names import NameResolver

ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


class NameServer:
    """Answers at once, but for names with "slow" in them: those when it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: Counter[str] = Counter()

    def getaddrinfo(self, host: str, *rest: object, **more: object) -> list[tuple[object, ...]]:
        self.asked[host] += 1
        if "slow" in host:
            self.let_go.wait(30)
        if "nowhere" in host:
            raise socket.gaierror("no such name")
        if "odd" in host:
            raise UnicodeError("no label")
        return list(ANSWER)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.let_go.set()


async def test_a_name_becomes_its_addresses(names: NameServer) -> None:
    (found,) = await NameResolver().resolve("peer.example", 80)
    assert (found["hostname"], found["host"], found["port"]) == ("peer.example", "192.0.2.1", 80)
    assert (found["family"], found["proto"]) == (socket.AF_INET, 6)


async def test_slow_names_hold_up_no_other_and_no_worker_thread(names: NameServer) -> None:
    resolver = NameResolver()
    slow = [asyncio.create_task(resolver.resolve(f"slow-{number}.example")) for number in range(40)]
    assert await resolver.resolve("peer.example")
    assert await asyncio.to_thread(lambda: "free") == "free"
    assert not any(task.done() for task in slow)
    names.let_go.set()
    assert all(await asyncio.gather(*slow))


async def test_a_slow_name_takes_one_look_up_however_often_it_is_asked_for(names: NameServer) -> None:
    resolver = NameResolver()
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve("slow.example"), 0.01)
    asked = asyncio.create_task(resolver.resolve("slow.example"))
    await asyncio.sleep(0)
    names.let_go.set()
    assert await asked
    assert names.asked == {"slow.example": 1}


async def test_look_ups_under_way_are_bounded(names: NameServer) -> None:
    resolver = NameResolver(parallel=2)
    slow = [asyncio.create_task(resolver.resolve(f"slow-{number}.example")) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="2 other names"):
        await resolver.resolve("peer.example")
    names.let_go.set()
    await asyncio.gather(*slow)
    assert await resolver.resolve("peer.example")


@pytest.mark.parametrize("host", ["nowhere.example", "odd.example"])
async def test_a_name_that_leads_nowhere_is_an_error_of_the_network(names: NameServer, host: str) -> None:
    resolver = NameResolver()
    with pytest.raises(OSError, match=r"."):
        await resolver.resolve(host)
    assert not resolver._under_way


def test_no_look_up_keeps_a_process_from_ending(names: NameServer) -> None:
    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(NameResolver().resolve("slow.example"), 0.01)

    asyncio.run(leave())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "names"]
    assert thread.daemon
    names.let_go.set()
    thread.join(30)
    assert not thread.is_alive(), "and it finds the loop gone without a fuss"
