"""Models taken out of a circle of real processes, held against it, and gone on from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ledger.blobs.contents.records import decode_genesis, state_digest
from node.circles import open_circle
from node.cli.main import main
from node.learning.genesis import genesis_path
from node.models.model_file import read_head
from tests.support.network.first_updates import base_of_first_update
from tests.support.network.local_run import LocalRun

pytestmark = pytest.mark.rule("R31")
SET_UP = 3
README = Path(__file__).parents[2] / "README.md"
WITHOUT_FOLKMOOT = """
import sys
assert not {name.partition(".")[0] for name in sys.modules} & {"node", "ledger", "contracts"}
print([round(float(part.double().sum()), 6) for part in model.state_dict().values()])
"""
ADAPTED = """
import torch
from torch import nn


class Adapted(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(6, 3).requires_grad_(False)
        self.lora_a, self.lora_b = nn.Parameter(torch.zeros(2, 6)), nn.Parameter(torch.randn(3, 2))

    def forward(self, x):
        return self.base(x) + x @ self.lora_a.T @ self.lora_b.T


class Lora:
    def model(self):
        return Adapted()

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        y = torch.randint(3, (40,), generator=generator)
        return torch.eye(3, 6)[y] + 0.3 * torch.randn(40, 6, generator=generator), y

    def evaluate(self, model):
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}
"""


def read_lines_of_readme() -> str:
    """The Python block of the README's section about taking the model out."""
    found = re.search(r"^## Taking the model out\n(.*?)^## ", README.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


def load_as_the_readme_says(folder: Path) -> str:
    """What the model holds once a process that knows nothing of this program has loaded it."""
    code = read_lines_of_readme() + WITHOUT_FOLKMOOT
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def model(*arguments: str) -> int:
    return main(["model", *arguments])


@pytest.mark.rule("R31.3")
def test_a_model_taken_out_by_two_is_one_file_is_known_again_and_founds_the_next_circle(
    run: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start("honest", "honest", rounds=2, options=["--codec", "delta"])
    run.wait_finished(0, 1)
    circle, folder = str(run.network.circle_file), run.network.folder
    one, other, seats = (str(folder / name) for name in ("model.safetensors", "other", "seats"))
    where = ["--contract", run.contract, "--rpc", run.network.rpc]
    assert model("export", "--circle", circle, "--out", one) == 0
    assert model("export", *where, "--folder", str(run.network.peers[0].folder / "data"), "--out", other) == 0
    assert model("export", *where, "--seat", "1", "--round", "1", "--out", seats) == 0
    assert Path(one).read_bytes() == Path(other).read_bytes()
    with open_circle(circle) as opened:
        report = opened.audit()
        assert (report.clean, report.recomputed) == (True, 2 * 2)
        opened.take_model().save(other)
        assert Path(other).read_bytes() == Path(one).read_bytes()
    sums = [round(float(part.double().sum()), 6) for part in load_file(one).values()]
    assert sorted(json.loads(load_as_the_readme_says(folder))) == sorted(sums)

    for file in (one, seats):
        assert model("verify", file, *where) == 0
    capsys.readouterr()
    values, said = load_file(one), dict(read_head(Path(one)).metadata)
    values["0.weight"][5, 6] += 2.0**-16
    save_file(values, other, said)
    assert model("verify", other, "--circle", circle) == 1
    told = capsys.readouterr().out
    assert "has the values of no model of" in told
    assert "0.weight: 1 of 4096 values differ" in told
    save_file(load_file(seats), other, said)
    assert model("verify", other, "--circle", circle) == 1
    # Two who accept each other come to one base, which is the circle's model too.
    assert "and has the values of the circle's model after round 1" in capsys.readouterr().out
    assert model("export", "--circle", circle, "--seat", "4", "--out", other) == 2
    assert "the circle has no seat 4: its seats are 0..1" in capsys.readouterr().err

    # Years later, from an audit's bundle alone.
    bundle, late = str(folder / "evidence.car"), folder / "late"
    assert main(["audit", "--circle", circle, "--save", bundle]) == 0
    assert model("export", "--bundle", bundle, "--out", str(late)) == 0
    assert late.read_bytes() == Path(one).read_bytes()
    assert model("verify", seats, "--bundle", bundle) == 0
    assert model("verify", other, "--bundle", bundle) == 1

    assert model("diff", one, one) == 0
    assert model("diff", one, seats) == 1
    capsys.readouterr()
    assert model("evaluate", one, "--circle", circle, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["name"] for row in rows] == [one, "the circle's model", "seat 0", "seat 1"]
    assert rows[0]["figures"] == rows[1]["figures"]
    assert 0.0 < rows[2]["figures"]["accuracy"] <= 1.0
    assert model("evaluate", one, "--circle", circle) == 0
    assert "the circle's model, round 2" in capsys.readouterr().out

    task = ["--task", "digits", "--samples", "60", "--peers", "2", "--rounds", "1", "--degree", "1"]
    begun, forked = folder / "next.json", folder / "forked.json"
    assert (
        main(["deploy", "--rpc", run.network.rpc, *task, "--from-model", one, "--out", str(begun), "--json"]) == 0
    )
    fields = json.loads(capsys.readouterr().out)["from_model"]
    assert main(["deploy", "--fork-from", circle, *task, "--out", str(forked), "--estimate", "--json"]) == 0
    # In its own units, by the same rule: it is what a fork of that circle starts from.
    assert fields["genesis"] == json.loads(capsys.readouterr().out)["fork"]["genesis"]
    assert 0.0 < fields["coarseness"] < 0.05
    run.adopt(begun)
    for index in (0, 1):
        run.start_peer(index, "--seat", str(index))
    run.wait_finished(0, 1)
    manifest = run.history().manifest
    assert (manifest.genesis, manifest.origin) == (fields["genesis"], None)
    start = state_digest(decode_genesis(genesis_path(run.network.circle_file).read_bytes(), manifest))
    assert {base_of_first_update(run, index) for index in (0, 1)} == {start}
    assert run.findings() == []


@pytest.mark.rule("R3.2a")
def test_members_take_what_is_frozen_from_the_file_that_the_circle_was_founded_on(
    run: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start_chain()
    folder = run.network.folder
    weights, others, task = folder / "weights.safetensors", folder / "others.safetensors", folder / "lora.py"
    task.write_text(ADAPTED)
    torch.manual_seed(3)
    base = {"base.weight": (2 * torch.eye(3, 6)).bfloat16(), "base.bias": torch.zeros(3)}
    save_file(base | {"lora_a": 0.1 * torch.randn(2, 6), "lora_b": torch.ones(3, 2).double()}, weights)
    save_file({name: tensor * 2 + 1 for name, tensor in base.items()}, others)
    run.found("honest", "honest", rounds=2, own_task=f"{task}:Lora", options=["--from-model", str(weights)])
    told = capsys.readouterr().out
    assert "frozen   2 tensors out of the same file" in told
    assert "lora_b was float64: rounded to float32" in told

    circle = ["--circle", str(run.network.circle_file), "--task", f"{task}:Lora"]
    key = run.key(0)
    for given in ([], ["--frozen", str(others)]):
        said = run.refusal("node", *circle[2:], "--folder", str(folder / "refused"), *given, key=key)
        assert "which is frozen, by its values or its shape" in said
    for index in (0, 1):
        run.start_peer(index, "--seat", str(index), "--frozen", str(weights))
    run.wait_finished(0, 1)
    assert run.findings() == []
    out = folder / "adapters.safetensors"
    assert model("export", *circle[:2], "--out", str(out)) == 0
    assert sorted(load_file(out)) == ["lora_a", "lora_b"]
    assert model("evaluate", str(out), *circle) == SET_UP
    capsys.readouterr()
    assert model("evaluate", str(out), *circle, "--frozen", str(weights), "--json") == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert all(row["figures"]["accuracy"] > 0.5 for row in rows)
