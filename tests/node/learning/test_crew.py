"""Two processes that train for one peer, with torchrun, DistributedDataParallel and gloo on the CPU."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ledger.errors import SetupError
from node.learning.crew import Assignment, Crew
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import load_task

TASK = '''
import os
import torch
from torch import nn

class Kinds:
    learning_rate, batch_size = 0.1, 7
    class_weights = "1,2,3"
    private = ("2.*",)

    def model(self):
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        y = torch.randint(3, (50,), generator=generator)
        return torch.eye(3).repeat(1, 2)[y] + 0.3 * torch.randn(50, 6, generator=generator), y


class Own(Kinds):
    """A train() of its own, as in any script that torchrun starts; from round 2 on it forgets the other process."""

    def train(self, model, data, *, round, seed):
        import torch.distributed as dist
        assert dist.get_world_size() == 2
        both = nn.parallel.DistributedDataParallel(model) if round == 1 else model
        x, y = (part[dist.get_rank()::2] for part in data)
        nn.functional.cross_entropy(both(x), y).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.sub_(parameter.grad, alpha=0.1)
'''
MADE_WITH = {"skew": 0.0, "seed": 0, "samples": 50}


@pytest.fixture
def crews(tmp_path: Path) -> Iterator[Any]:
    """Makes a crew and the trainer that it trains for."""
    (tmp_path / "kinds.py").write_text(TASK)
    with contextlib.ExitStack() as stack:

        def make(name: str) -> tuple[Crew, Trainer, Trainer]:
            task = load_task(f"{tmp_path / 'kinds.py'}:{name}", skew=0.0, seed=0, samples=50)
            template = Template.of(task, 0)
            crew = Crew(Assignment(task, MADE_WITH, template.layout, 0, 2, 0, None), 2)
            stack.callback(crew.close)
            kinds: dict[str, Any] = {"seat": 0, "seats": 2, "seed": 0, "template": template}
            alone, together = (Trainer(task, template.layout, crew=one, **kinds) for one in (None, crew))
            return crew, alone, together

        yield make


def test_two_processes_train_as_one_does_and_end_with_their_peer_however_that_ends(crews: Any) -> None:
    crew, alone, together = crews("Kinds")
    one = two = alone.make_initial()
    for number in (1, 2):
        one, two = alone.train(one, number), together.train(two, number)
    assert not np.array_equal(one, alone.make_initial())
    np.testing.assert_allclose(one, two, atol=1e-5)
    for name, tensor in alone.private_parts.latest.items():
        assert torch.allclose(tensor, together.private_parts.latest[name], atol=1e-5)
    members = find_members(crew)
    assert len(members) == 2
    # What the system does with the sockets of a process that SIGKILL ends.
    for member in crew._members:
        member.close()
    deadline = time.monotonic() + 60
    while any(is_alive(one) for one in members):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert crew._process is not None
    assert crew._folder is not None
    crew._process.wait(60)
    assert not crew._folder.exists()
    with pytest.raises(SetupError, match="one of the 2 processes that train has ended"):
        together.train(one, 3)


def test_a_train_of_its_own_has_torchs_process_group_and_is_told_where_its_processes_part(crews: Any) -> None:
    crew, _, together = crews("Own")
    first = together.make_initial()
    trained = together.train(first, 1)
    assert not np.array_equal(trained, first)
    members = find_members(crew)
    with pytest.raises(SetupError, match=r"left other models in its 2 processes: wrap the model in torch\.nn\."):
        together.train(trained, 2)
    assert not any(is_alive(one) for one in members)


def find_members(crew: Crew) -> list[int]:
    """Process numbers of those that torchrun has started."""
    assert crew._process is not None
    found = Path(f"/proc/{crew._process.pid}/task/{crew._process.pid}/children").read_text().split()
    return [int(one) for one in found]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
