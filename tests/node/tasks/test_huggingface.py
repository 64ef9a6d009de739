"""Models of transformers and peft, small and of random weights, as tasks without a train() of their own."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.genesis import Agreement, found_circle
from node.learning.rehearsal import rehearse
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task, load_task
from node.tasks.named_inputs import NamedInputs

EXAMPLE = Path("docs/examples/huggingface/next_word.py")
# transformers and peft use what they themselves have marked as old.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)


class Sorting:
    """BERT tells whether a token below 8 comes first; texts are of several lengths."""

    learning_rate, optimizer, batch_size, epochs = 0.005, "adam", 8, 4

    def model(self) -> nn.Module:
        from transformers import AutoModelForSequenceClassification, BertConfig

        shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        config = BertConfig(vocab_size=16, max_position_embeddings=8, num_labels=2, **shape)
        found: nn.Module = AutoModelForSequenceClassification.from_config(config)
        return found

    def data(self, seat: int, seats: int) -> tuple[Any, torch.Tensor]:
        from transformers import BatchEncoding

        generator = torch.Generator().manual_seed(seat)
        tokens = torch.randint(16, (96, 8), generator=generator)
        mask = (torch.arange(8) < torch.randint(2, 9, (96, 1), generator=generator)).long()
        return BatchEncoding({"input_ids": tokens * mask, "attention_mask": mask}), (tokens[:, 0] < 8).long()

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        x, y = self.data(99, 100)
        return {"accuracy": float((model(**x).logits.argmax(1) == y).float().mean())}


def test_a_classifier_of_transformers_learns_from_tokens_and_mask_without_a_train_of_its_own() -> None:
    task = Task("bert", Sorting())
    template = Template.of(task, 0)
    trainer = Trainer(task, template.layout, seat=0, seats=2, seed=0, template=template)
    state = trainer.make_initial()
    before = trainer.compute_loss(state)
    for number in range(1, 4):
        state = trainer.train(state, number)
    assert trainer.compute_loss(state) < before / 2
    assert trainer.evaluate(state)["accuracy"] > 0.9


@pytest.fixture(scope="module")
def adapted() -> Task:
    return load_task(f"{EXAMPLE}:NextWord", skew=0, seed=0, samples=100, data=Path("docs/tutorials"))


def test_adapters_alone_are_shared_and_the_base_is_named_by_digest(adapted: Task) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rehearsal = rehearse(adapted, seed=0, seats=2, codec="int8-zstd")
    parts = rehearsal.template.parts
    assert all(".lora_" in name for name in parts.shared)
    assert any(name.endswith("lm_head.weight") for name in parts.frozen)
    assert not parts.private
    trained = sum(one.numel() for one in rehearsal.template.model.parameters() if one.requires_grad)
    assert rehearsal.template.layout.size == trained
    founding = found_circle(rehearsal.template, Agreement({}, 1, "tether", {}, 3, "int8-zstd"))
    assert founding.manifest.frozen == rehearsal.template.frozen.digest != ""
    assert set(rehearsal.figures) == {"top3", "accuracy"}


def test_adapters_learn_the_next_word(adapted: Task) -> None:
    template = Template.of(adapted, 0)
    trainer = Trainer(adapted, template.layout, seat=0, seats=2, seed=0, template=template)
    first = trainer.make_initial()
    trained = trainer.train(first, 1)
    assert not np.array_equal(trained, first)
    before, after = trainer.evaluate(first), trainer.evaluate(trained)
    assert after["top3"] > before["top3"] + 0.02


def test_two_makings_give_the_same_base_and_the_same_adapters(adapted: Task) -> None:
    one, other = Template.of(adapted, 0), Template.of(adapted, 0)
    assert one.frozen == other.frozen
    assert np.array_equal(one.make_initial(), other.make_initial())


def test_named_inputs_are_taken_row_by_row_together() -> None:
    inputs = NamedInputs({"a": torch.arange(4), "b": torch.eye(4)})
    some = inputs[torch.tensor([2, 0])]
    assert len(inputs) == 4
    assert some.parts["a"].tolist() == [2, 0]
    assert some.parts["b"].argmax(1).tolist() == [2, 0]


@pytest.mark.parametrize(
    "x", [{}, {"a": torch.ones(3), "b": torch.ones(2)}, {"a": [[1], [1, 2]]}, {"a": torch.tensor(1)}]
)
def test_named_inputs_of_several_lengths_are_refused_in_a_sentence(x: Any) -> None:
    class Ragged(Sorting):
        def data(self, seat: int, seats: int) -> tuple[Any, torch.Tensor]:
            return x, torch.zeros(3, dtype=torch.long)

    with pytest.raises(
        SetupError, match=r"named inputs that are not tensors of one length .*: let the tokeniser pad"
    ):
        Task("ragged", Ragged()).data(0, 1)
