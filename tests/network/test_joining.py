"""Who comes late, and who brings a task of their own."""

from pathlib import Path

from tests.support.network.local_run import LocalRun

OWN_TASK = '''
import torch
from torch import nn


class Thermometer:
    """Fahrenheit from Celsius: one weight, one bias, least squares."""

    def model(self):
        return nn.Linear(1, 1)

    def data(self, seat, seats):
        celsius = torch.linspace(-1, 1, 20)[seat::seats, None]
        return {"celsius": celsius, "fahrenheit": 1.8 * celsius + 0.32}

    def train(self, model, data, *, round, seed):
        for _ in range(3):
            loss = (model(data["celsius"]) - data["fahrenheit"]).square().mean()
            for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
                parameter.data -= 0.1 * gradient

    def evaluate(self, model):
        return {"freezing_point": model(torch.zeros(1, 1)).item(), "rounds_off": 0.5}
'''


def test_a_latecomer_takes_part_in_the_next_round(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=4, options=["--degree", "3"], paced=True)
    run.open_gates(1)
    run.wait_round(2)
    latecomer = run.add_peer()
    assert run.seat(latecomer) == 3
    run.open_gates(4)
    run.wait_finished()
    rounds = run.history().rounds
    # Round 2 did not wait for it; rounds 3 and 4 did.
    assert [3 in round_.commits for round_ in rounds[2:]] == [True, True]
    assert all(3 in round_.attestations for round_ in rounds[2:])
    for index in range(3):
        assert run.verdicts(index, 4)[3] in ("accepted", "rejected")
    assert run.findings() == []


def test_peers_train_a_task_of_the_users_own(run: LocalRun, tmp_path: Path) -> None:
    (tmp_path / "thermometer.py").write_text(OWN_TASK)
    spec = f"{tmp_path / 'thermometer.py'}:Thermometer"
    run.start("honest", "honest", rounds=3, own_task=spec, options=["--rule", "none"])
    run.wait_finished()
    for index in range(2):
        figures = [run.rounds(index)[number]["figures"] for number in (1, 2, 3)]
        assert [sorted(each) for each in figures] == [["freezing_point", "rounds_off"]] * 3
        errors = [abs(each["freezing_point"] - 0.32) for each in figures]
        assert errors[2] < errors[1] < errors[0]
    report = run.network.audit()
    assert (report["task"], report["rule"], report["findings"]) == ("Thermometer", "none", [])
