"""A large circle that there never was, as the page's server would tell of it: for measuring the page alone.

The files and the policy are those that are served; the answers are made here, with numpy, as large as they get.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np
from aiohttp import web

from node.watch.page_files import read_page_files
from node.watch.server import HEADERS

OPENED_S: Final = 1_800_000_000
ROUND_S: Final = 30
DEGREE: Final = 30
_FULL: Final = 65_535
_FLOOR: Final = 16_384


class MadeCircle:
    """seats, rounds: how many. A quarter of the seats sinks, the others rise."""

    def __init__(self, seats: int, rounds: int) -> None:
        self.seats, self.rounds = seats, rounds
        self._random = np.random.default_rng(1)
        self._poisoners = set(range(seats - seats // 4, seats))

    @cached_property
    def reputations(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """(rounds, seats)."""
        drift = np.where([seat in self._poisoners for seat in range(self.seats)], -40, 40)
        steps = self._random.integers(-1500, 1501, (self.rounds, self.seats)) + drift
        return np.clip(32_768 + np.cumsum(steps, axis=0), 1_000, 65_000)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """What `GET /api/…` gives; None for what is not made here."""
        match path.split("/"):
            case ["circle"]:
                return self._circle()
            case ["now"]:
                return self._now()
            case ["seats"]:
                return [self._seat(seat) for seat in range(self.seats)]
            case ["seats", seat]:
                return self._seat_in_full(int(seat))
            case ["rounds"]:
                return self._rounds(int(query.get("from", 1)), int(query.get("to", self.rounds)))
            case ["rounds", number]:
                return self._round(int(number))
            case ["reputations"]:
                return self._reputations(query)
            case _:
                return None

    def _circle(self) -> dict[str, Any]:
        return {
            "source": {"kind": "live", "says": "made up", "endpoint": ""},
            **{"program": "folkmoot", "chainId": 1337, "contract": self._hex(20), "task": "made", "rule": "tether"},
            **{"codec": "int8-zstd", "degree": DEGREE, "lastRound": self.rounds + 1, "openedAtS": OPENED_S},
            **{"floor": _FLOOR / _FULL, "terms": {}, "privacy": None, "origin": None},
        }

    def _now(self) -> dict[str, Any]:
        everybody = list(range(self.seats))
        return {
            **{"revision": 1, "block": 5 * self.rounds, "blockTimeS": OPENED_S, "round": self.rounds},
            **{"phase": "commit", "deadlineS": OPENED_S, "roster": everybody, "committed": everybody[::2]},
            **{"attested": [], "waitedFor": everybody[1::2], "openDisputes": 0, "findings": None},
            "audit": {"state": "off", "block": None, "isWhole": False},
            "following": {"state": "live", "says": "made up", "sinceS": OPENED_S},
        }

    def _seat(self, seat: int) -> dict[str, Any]:
        value = int(self.reputations[-1, seat])
        return {
            **{
                "seat": seat,
                "name": f"Clinic {seat}",
                "nameMarks": [],
                "peer": self._hex(20),
                "cold": self._hex(20),
            },
            **{"endpoint": f"wss://clinic-{seat}.example:4000 https://clinic-{seat}.example:4001", "state": "held"},
            **{"reputation": value / _FULL, "standing": ["quarantined"] if value < _FLOOR else [], "notices": []},
            **{"committed": seat % 2 == 0, "attested": False},
            "lastRound": {
                "round": 1,
                "committed": True,
                "attested": True,
                "accepted": 30,
                "rejected": 0,
                "unjudged": 0,
            },
        }

    def _seat_in_full(self, seat: int) -> dict[str, Any]:
        accepted = self._random.integers(0, DEGREE + 1, self.rounds)
        columns = {"accepted": accepted, "rejected": DEGREE - accepted, "silent": 0 * accepted}
        number = list(range(1, self.rounds + 1))
        rounds = {"number": number, **{name: column.tolist() for name, column in columns.items()}}
        return {**self._seat(seat), "life": [], "judgedBy": list(range(DEGREE)), "rounds": rounds}

    def _rounds(self, first: int, last: int) -> dict[str, list[int]]:
        numbers = np.arange(first, last + 1)
        rejected = self._random.integers(0, 40 * self.seats // 4, len(numbers))
        full, opened = np.full(len(numbers), self.seats), OPENED_S + ROUND_S * numbers
        columns = {
            **{"number": numbers, "committed": full, "attested": full, "accepted": DEGREE * full - rejected},
            **{"rejected": rejected, "unjudged": 0 * full},
            **{"openedAtS": opened, "drawnAtS": opened + 10, "settledAtS": opened + ROUND_S - 1},
        }
        return {name: column.tolist() for name, column in columns.items()}

    def _round(self, number: int) -> dict[str, Any]:
        began = OPENED_S + ROUND_S * number
        commits = [self._placed(began + seat % 9) | {"seat": seat} | self._blob() for seat in range(self.seats)]
        judges = [self._judge(judge, began) for judge in range(self.seats)]
        told = [("committed", one["seat"], one) for one in commits] + [
            ("attested", one["judge"], one) for one in judges
        ]
        timeline = [
            {"kind": kind, "seat": seat, "says": f"seat {seat} {kind}"}
            | {k: one[k] for k in ("block", "tx", "timeS")}
            for kind, seat, one in told
        ]
        times = {"openedAtS": began, "drawnAtS": began + 10, "settledAtS": began + ROUND_S - 1}
        return {
            **{"number": number, "seed": self._hex(32), "roster": list(range(self.seats)), "phaseTimes": times},
            **{"commits": commits, "judges": judges, "timeline": timeline},
        }

    def _judge(self, judge: int, began: int) -> dict[str, Any]:
        drawn = set(self._random.choice(self.seats, DEGREE + 1, replace=False).tolist()) - {judge}
        verdicts = {"accepted": sorted(drawn - self._poisoners), "rejected": sorted(drawn & self._poisoners)}
        return {"judge": judge, **verdicts, "unjudged": [], "record": self._blob(), **self._placed(began + 15)}

    def _reputations(self, query: dict[str, str]) -> dict[str, Any]:
        first, last = int(query.get("from", 1)), min(self.rounds, int(query.get("to", self.rounds)))
        places = np.unique(np.linspace(first - 1, last - 1, int(query.get("points", 1000))).astype(int))
        values = self.reputations[places]
        seats = {seat: values[:, int(seat)].tolist() for seat in query.get("seats", "").split(",") if seat}
        least, median, most = np.percentile(values, (0, 50, 100), axis=1).astype(int).tolist()
        return {
            "rounds": (places + 1).tolist(),
            "seats": seats,
            "band": {"least": least, "median": median, "most": most},
        }

    def _placed(self, time_s: int) -> dict[str, Any]:
        return {"block": time_s - OPENED_S, "tx": self._hex(32), "timeS": time_s}

    def _blob(self) -> dict[str, str]:
        return {"digest": self._hex(32), "cid": "bafkrei" + self._random.bytes(26).hex()}

    def _hex(self, size: int) -> str:
        return "0x" + self._random.bytes(size).hex()


@contextmanager
def serving(circle: MadeCircle) -> Iterator[str]:
    """Serve it on this machine while the body runs; gives the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = web.AppRunner(_make_app(circle))
    try:
        yield asyncio.run_coroutine_threadsafe(_listen(runner), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(runner: web.AppRunner) -> str:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def _make_app(circle: MadeCircle) -> web.Application:
    files, ended = read_page_files(), asyncio.Event()

    async def end(_: web.Application) -> None:
        ended.set()

    async def answer(request: web.Request) -> web.Response:
        made = circle.answer(request.match_info["path"], dict(request.query))
        body = {"error": "this is not made up"} if made is None else made
        return web.json_response(
            body=msgspec.json.encode(body), status=404 if made is None else 200, headers=HEADERS
        )

    async def listen(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        await ended.wait()
        return response

    async def send(request: web.Request) -> web.Response:
        file = files[request.path]
        return web.Response(body=file.data, headers={**HEADERS, "Content-Type": file.content_type})

    app = web.Application()
    app.on_shutdown.append(end)
    app.router.add_get("/api/live", listen)
    app.router.add_get("/api/{path:.*}", answer)
    app.router.add_get("/{name:[^/]*}", send)
    return app
