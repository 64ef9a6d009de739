"""The next word of texts of one's own."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ledger.errors import SetupError, UsageError
from node.learning.private.closed_forms import sum_clipped
from node.simulator import Scenario, simulate
from node.tasks.interface import load_task
from node.tasks.text.task import Text

LINES = (
    "the cat was on the table and the dog was under it.",
    "of all the days in the year this one was the best.",
    "they have been to the house and they will be there.",
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people's folders, each a saying again and again."""
    folder = tmp_path_factory.mktemp("people")
    for number, line in enumerate(LINES):
        (folder / f"p{number}").mkdir()
        for year in (1, 2):
            (folder / f"p{number}" / f"{year}.txt").write_text(f"{line}\n" * 40)
    return folder


def test_windows_follow_each_other_and_each_symbol_is_the_next_ones_past(people: Path) -> None:
    task = Text(words=200, context=8, data=people / "p0")

    x, y = task.data(0, 3)

    assert x.shape == y.shape
    assert x.shape[1] == 8
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert torch.equal(x[1:, 0], y[:-1, -1])


def test_what_is_measured_on_is_the_end_and_nobody_trains_on_it(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("the of to and a i you in " * 50)
    (tmp_path / "2.txt").write_text("was it that for is as with he " * 50)
    task = Text(words=30, context=4, held_out=0.5, data=tmp_path)

    x, y = task.data(0, 1)

    assert max(x.max(), y.max()) < 10  # the first eight words alone, and a sentence's end
    assert task.evaluate(_Always(task.classes, 10))["accuracy"] == pytest.approx(1 / 8, abs=0.01)


def test_people_are_dealt_whole_and_each_is_measured_on_its_own(people: Path) -> None:
    task = Text(words=200, context=8, dealt=True, data=people)

    shares = [task.data(seat, 3)[0] for seat in range(3)]
    word = task.vocabulary.encode(["house"]).tolist()[0]
    figures = [task.evaluate(_Always(task.classes, word), seat) for seat in range(3)]

    assert sum(bool((share == word).any()) for share in shares) == 1
    assert sorted(one["accuracy"] > 0 for one in figures) == [False, False, True]


def test_a_dealt_share_has_at_most_the_samples_asked_for(people: Path) -> None:
    assert len(Text(words=200, context=8, dealt=True, samples=5, data=people).data(1, 3)[0]) == 5


def test_an_unknown_word_is_never_suggested_and_counts_as_missed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the zanzibar " * 100)
    task = Text(words=10, context=4, data=tmp_path)

    figures = task.evaluate(_Always(task.classes, 0))

    assert figures["accuracy"] in (0.0, 0.5)  # the next best is `the`, or it is not
    assert task.evaluate(_Always(task.classes, 2))["accuracy"] == pytest.approx(0.5, abs=0.05)


def test_three_suggestions_find_more_than_one(people: Path) -> None:
    task = Text(words=200, context=8, data=people / "p0")
    figures = task.evaluate(task.model())

    assert list(figures) == ["top3_accuracy", "accuracy", "perplexity"]
    assert figures["top3_accuracy"] >= figures["accuracy"]
    assert figures["perplexity"] == pytest.approx(task.classes, rel=0.2)


@pytest.mark.parametrize("network", ["lstm", "transformer"])
def test_a_few_rounds_teach_peers_their_texts(people: Path, network: str) -> None:
    options: dict[str, int | float | str] = {
        "dealt": "yes",
        "words": 200,
        "context": 8,
        "width": 16,
        "network": network,
        "learning_rate": 0.02,
        "batch_size": 4,
    }
    found = simulate(
        Scenario(task="text", peers=3, rounds=4, degree=2, evaluate_every=4, options=options, data=people)
    )

    last = [row for row in found.rows if row.round == 4]
    assert min(row.figures["top3_accuracy"] for row in last) > 0.35
    assert not any(row.quarantined for row in last)


def test_private_training_has_a_closed_form_for_the_transformer(people: Path) -> None:
    task = load_task(
        "text",
        skew=0.0,
        seed=0,
        samples=10,
        options={"words": 200, "width": 8, "context": 4, "network": "transformer"},
        data=people,
    )
    model, (x, y) = task.model(), task.data(0, 1)

    found = sum_clipped(model, _losses, (x[:6], y[:6]), 1.0)

    assert len(found) == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 0}, "context is 0"),
        ({"width": 5000}, "width is 5000"),
        ({"held_out": 1.0}, "held_out is 1"),
        ({"network": "transformer", "width": 10}, "multiple of 4"),
    ],
)
def test_options_outside_their_ranges_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Text(**options).model()  # type: ignore[arg-type]


def test_no_folder_and_too_little_text_are_told_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--data FOLDER"):
        Text().check_data()
    folders = {words: tmp_path / str(words) for words in (1, 30, 300)}
    for words, folder in folders.items():
        folder.mkdir()
        (folder / "a.txt").write_text("the end " * words)
    with pytest.raises(SetupError, match="no 17 symbols in a row"):
        Text(data=folders[1]).check_data()
    with pytest.raises(SetupError, match="too little text is held out"):
        Text(data=folders[30]).check_data()
    Text(data=folders[300]).check_data()


class _Always(nn.Module):
    """Weighs one symbol above all, the others alike."""

    def __init__(self, symbols: int, symbol: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(nn.functional.one_hot(torch.tensor(symbol), symbols).float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weights.expand(*x.shape, -1)


def _losses(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(model(x).mT, y, reduction="none").mean(1)
