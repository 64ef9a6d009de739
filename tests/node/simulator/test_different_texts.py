"""Six honest peers whose texts have hardly a word in common."""

from pathlib import Path

import pytest

from node.simulator import Scenario, simulate

TASK = '''
"""The next word of a text whose words are the peer's own, but for the fifty that all know."""

import torch
from torch import nn

WORDS, WINDOW = 1000, 8


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.out = nn.Linear(64, WORDS)

    def forward(self, x):
        return self.out(self.lstm(self.embedding(x))[0][:, -1])


class Texts:
    learning_rate = 0.1
    classes = WORDS

    def model(self):
        model = LanguageModel()
        with torch.no_grad():
            # A word of the last peer's has its block's largest values, just within the steps; some of them grow.
            model.embedding.weight.clamp_(-3.9, 3.9)
            model.embedding.weight[900] = 127 / 32
        return model

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        own = torch.randint(50 + 150 * seat, 200 + 150 * seat, (150, WINDOW + 1), generator=generator)
        common = torch.randint(50, (150, WINDOW + 1), generator=generator)
        words = torch.where(torch.rand(own.shape, generator=generator) < 0.6, common, own)
        return words[:, :WINDOW], words[:, WINDOW]
'''


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.py"
    path.write_text(TASK)
    return path


# Such a word made an honest peer look five times as far away as the others, and put it into quarantine
# (docs/decisions/0048).
def test_no_honest_peer_is_rejected_for_a_word_that_only_it_knows(task: Path) -> None:
    found = simulate(Scenario(task=f"{task}:Texts", peers=6, rounds=4, degree=4, skew=0.2))

    assert not any(row.quarantined or row.ejected for row in found.rows)
    assert sum(row.honest_rejected for row in found.rows) == 0
