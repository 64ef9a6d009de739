"""The task `python-code`: its alphabet, its split, and that the transformer learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ledger.errors import SetupError, UsageError
from node.learning.training import layout_of
from node.tasks import python_code
from node.tasks.interface import load_task
from node.tasks.python_code import LargePythonCode, PythonCode, Symbols, read_text
from node.tasks.transformer import Transformer

SENTENCE = "def f(x):\n\treturn x  # naïve…\r\n"


def to_text(symbols: Symbols) -> str:
    """Symbols as a reader sees them."""
    return "".join("\n" if symbol == 0 else chr(symbol + 31) for symbol in symbols.tolist())


class SmallText(PythonCode):
    width, depth, heads, context, steps, judged = 64, 1, 2, 32, 100, 100
    learning_rate = 3e-3


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    (tmp_path / "b.py").write_bytes(SENTENCE.encode())
    (tmp_path / "a.py").write_text("pass\n" * 200_000)
    (tmp_path / "_private.py").write_text("/home/somebody")
    return tmp_path


def test_modules_are_read_in_order_of_their_names_into_a_fixed_alphabet(modules: Path) -> None:
    symbols = read_text(modules)
    assert symbols.dtype == np.uint8
    assert int(symbols.max()) < python_code.SYMBOLS
    assert to_text(symbols[:10]) == "pass\npass\n"
    assert to_text(symbols[1_000_000:]) == "def f(x):\n    return x  # na?ve?\n"


def test_every_printable_character_has_a_symbol_of_its_own(modules: Path) -> None:
    printable = "\n" + "".join(map(chr, range(32, 127)))
    (modules / "c.py").write_text(printable)
    symbols = read_text(modules)[-96:]
    assert symbols.tolist() == list(range(96))
    assert to_text(symbols) == printable


def test_a_huge_module_is_read_no_further_than_the_limit(modules: Path) -> None:
    for name in "cdefghijklm":
        (modules / f"{name}.py").write_text("x" * 1_500_000)
    assert len(read_text(modules)) == 8_000_000


def test_a_python_without_its_sources_is_a_setup_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("pass\n")
    with pytest.raises(SetupError, match=r"5 characters .* installed as source files"):
        read_text(tmp_path)


def test_seats_get_windows_and_the_same_windows_one_character_on() -> None:
    task = load_task("python-code", skew=0.3, seed=2, samples=50)
    shares = [task.data(seat, 8) for seat in range(8)]
    for x, y in shares:
        assert (x.shape, y.shape, x.dtype, y.dtype) == ((50, 64), (50, 64), torch.int64, torch.int64)
        assert torch.equal(x[:, 1:], y[:, :-1])
        assert 0 <= int(y.min()) <= int(y.max()) < 96
    assert torch.equal(shares[5][0], load_task("python-code", skew=0.3, seed=2, samples=50).data(5, 8)[0])


@pytest.mark.parametrize("skew", [0.0, 0.5, 1.0])
def test_no_window_goes_to_two_seats_or_is_judged_as_well(skew: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # Real text repeats itself: windows that are numbers show whose they are.
    windows = np.arange(3_200 * 33, dtype=np.int64).reshape(3_200, 33)
    monkeypatch.setattr(SmallText, "_windows", windows)
    task = SmallText(skew=skew, seed=1, samples=300)
    firsts = torch.cat([task.data(seat, 8)[0][:, 0] for seat in range(8)] + [task.test_set()[0][:, 0]])
    assert len(firsts) == len(torch.unique(firsts)) == 8 * 300 + 320


def test_full_skew_gives_each_seat_one_contiguous_part_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = np.arange(3_200 * 33, dtype=np.int64).reshape(3_200, 33)
    monkeypatch.setattr(SmallText, "_windows", windows)
    task = SmallText(skew=1.0, seed=1, samples=1_000)
    spans = [(int(x.min()), int(x.max())) for x, _ in (task.data(seat, 4) for seat in range(4))]
    assert all(end < start for (_, end), (start, _) in zip(sorted(spans), sorted(spans)[1:], strict=False))


def test_the_sizes_are_a_million_and_ten_million() -> None:
    assert 0.9e6 < layout_of(PythonCode().model()).size < 1.1e6
    assert 9.5e6 < layout_of(LargePythonCode().model()).size < 11e6


def test_no_place_sees_what_follows_it() -> None:
    torch.manual_seed(0)
    model = Transformer(symbols=96, context=8, width=16, depth=2, heads=2)
    symbols = torch.arange(8).reshape(1, 8)
    changed = symbols.clone()
    changed[0, 5] = 77
    same = (model(symbols) - model(changed)).abs().amax(2)[0]
    assert (same[:5] == 0).all()
    assert (same[5:] > 0).all()


def test_a_second_of_training_teaches_more_than_counting_characters_would() -> None:
    task = SmallText(samples=1_000)
    torch.manual_seed(0)
    model = task.model()
    _, y = task.test_set()
    shares = torch.bincount(y.flatten(), minlength=96) / y.numel()
    entropy = float(-(shares * shares.clamp(min=1e-9).log2()).sum())
    with torch.no_grad():
        before = task.evaluate(model)
    task.train(model, task.data(0, 8), round=1, seed=1)
    with torch.no_grad():
        after = task.evaluate(model)
    assert before["bits_per_character"] > 6
    assert after["bits_per_character"] < entropy - 0.3
    assert after["accuracy"] > float(shares.max())


def test_training_depends_on_its_seed_alone() -> None:
    class Brief(SmallText):
        steps = 2

    def trained(seed: int) -> torch.Tensor:
        torch.manual_seed(0)
        task = Brief(samples=40)
        model = task.model()
        task.train(model, task.data(0, 8), round=1, seed=seed)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_rate_batch_and_steps_are_options_and_absurd_ones_are_refused() -> None:
    def load(**options: float) -> Any:
        return load_task("python-code", skew=0.3, seed=2, samples=50, options=options).definition

    made = load(learning_rate=0.01, batch_size=4, steps=2)
    assert (made.learning_rate, made.batch_size, made.steps) == (0.01, 4, 2)
    assert load().steps == 16
    for absurd in ({"batch_size": 10**12}, {"steps": 10**9}, {"steps": 0}, {"learning_rate": -1.0}):
        with pytest.raises(UsageError):
            load(**absurd)
