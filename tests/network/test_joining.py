"""Who comes late, and who brings a task of their own."""

from pathlib import Path

from aiohttp import web

from tests.support.network.local_run import LocalRun
from tests.support.network.villain import Villain

OWN_TASK = '''
import torch
from torch import nn


class Thermometer:
    """Fahrenheit from Celsius: one weight, one bias, least squares."""

    def __init__(self, steps: int = 1, told: str = "") -> None:
        self.steps, self.told = steps, told

    def model(self):
        return nn.Linear(1, 1)

    def data(self, seat, seats):
        celsius = torch.linspace(-1, 1, 20)[seat::seats, None]
        return {"celsius": celsius, "fahrenheit": 1.8 * celsius + 0.32}

    def train(self, model, data, *, round, seed):
        for _ in range(self.steps):
            loss = (model(data["celsius"]) - data["fahrenheit"]).square().mean()
            for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
                parameter.data -= 0.1 * gradient

    def evaluate(self, model):
        return {"freezing_point": model(torch.zeros(1, 1)).item(), "steps": self.steps + len(self.told) / 10}
'''


class LyingMember(Villain):
    """It takes part, and its gateway has other bytes for everything. asked: for what."""

    def __init__(self, run: LocalRun) -> None:
        super().__init__(run)
        self.asked: set[str] = set()

    def make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ipfs/{cid}", self._lie)
        return app

    async def _lie(self, request: web.Request) -> web.Response:
        self.asked.add(request.match_info["cid"])
        return web.Response(body=b"the state that you ought to go on from", content_type="application/vnd.ipld.raw")


def test_a_latecomer_takes_part_in_the_next_round_whatever_a_lying_member_gives_it(run: LocalRun) -> None:
    options = ["--degree", "4", "--codec", "delta", "--bond", "0", "--attest-window", "30"]
    run.start("honest", "honest", "honest", rounds=3, options=options, paced=True)
    run.open_gates(1)
    run.wait_round(2)
    with LyingMember(run) as liar:
        latecomer = run.add_peer()
        assert run.seat(latecomer) == 4
        run.open_gates(3)
        liar.commit(3, b"\7" * 32)
        liar.attest_nothing(3)
        run.wait_finished(*range(3), latecomer)
        # Round 2 did not wait for it; round 3 did.
        assert [4 in round_.attestations for round_ in run.history().rounds] == [False, False, True]
        said = run.verdicts(latecomer, 3)
        assert said.pop(liar.seat) == "unavailable"
        assert set(said) == {0, 1, 2}
        assert set(said.values()) <= {"accepted", "rejected"}
        for index in range(3):
            assert run.verdicts(index, 3)[4] in ("accepted", "rejected")
        assert liar.asked
        assert {found["seat"] for found in run.findings("--timeout", "5")} == {liar.seat}


def test_peers_train_a_users_own_task_with_the_circles_options_and_theirs(run: LocalRun, tmp_path: Path) -> None:
    (tmp_path / "thermometer.py").write_text(OWN_TASK)
    spec = f"{tmp_path / 'thermometer.py'}:Thermometer"
    # One option is the circle's, the other left to each peer.
    options = ["--rule", "none", "--option", "steps=3"]
    run.start("honest", "honest", rounds=3, own_task=spec, options=options, node_options=["--option", "told=here"])
    run.wait_finished()
    assert run.history().manifest.task_options["steps"] == 3
    assert "told" not in run.history().manifest.task_options
    for index in range(2):
        figures = [run.rounds(index)[number]["figures"] for number in (1, 2, 3)]
        assert [sorted(each) for each in figures] == [["freezing_point", "steps"]] * 3
        assert {each["steps"] for each in figures} == {3.4}
        errors = [abs(each["freezing_point"] - 0.32) for each in figures]
        assert errors[2] < errors[1] < errors[0]
    report = run.network.audit()
    assert (report["task"], report["rule"], report["findings"]) == ("Thermometer", "none", [])
