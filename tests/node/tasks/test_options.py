"""A task's options: what was typed, what a manifest holds, and what a class is made with."""

from pathlib import Path, PurePath
from typing import Any, ClassVar, Literal

import pytest

from ledger.errors import UsageError
from node.tasks.interface import Task, load_task
from node.tasks.options import Options, join_options, parse_options, settle_options

COMMON = {"skew": 0.2, "seed": 0, "samples": 10}


class Wide:
    option_files: ClassVar[tuple[str, ...]] = ("schema",)

    def __init__(
        self,
        width: int = 8,
        rate: float = 0.5,
        target: str = "y",
        deep: bool = False,
        kind: Literal["gru", "lstm"] = "gru",
        limit: int | None = None,
        schema: str = "",
        guessed: Any = None,
        data: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.made = dict(locals())


class Filed:
    def __init__(self, table: Path, folder: PurePath | None = None) -> None:
        self.table, self.folder = table, folder


class Everything:
    def __init__(self, **options: Any) -> None:
        self.options = options


def settle(given: Any, kind: type = Wide, **fields: Any) -> Any:
    found: dict[str, Any] = {"data": None, "is_trained_by_default": True} | fields
    return settle_options("wide.py:Wide", kind, COMMON, given, found.pop("data"), **found)


def test_a_typed_text_becomes_what_its_keyword_is() -> None:
    typed = parse_options(
        ["width=16", "rate=1", "target=007", "deep=yes", "kind=lstm", "limit=3", "guessed=2.5", "schema=a=b"]
    )
    found = settle(typed)
    assert found.keywords == {
        "width": 16,
        "rate": 1.0,
        "target": "007",
        "deep": True,
        "kind": "lstm",
        "limit": 3,
        "guessed": 2.5,
        "schema": "a=b",
        "seed": 0,
    }
    assert found.options["deep"] == 1
    assert settle(found.options).keywords == found.keywords


def test_how_it_is_trained_is_an_option_of_any_task_without_a_train() -> None:
    found = settle({"batch_size": "16", "loss": "mse", "class_weights": "1,20", "epochs": "0.5"})
    assert found.attributes == {"batch_size": 16, "loss": "mse", "class_weights": (1.0, 20.0), "epochs": 0.5}
    assert found.options == {"batch_size": 16, "loss": "mse", "class_weights": "1,20", "epochs": 0.5}
    assert settle(found.options).attributes == found.attributes
    assert settle({"epochs": 2, "other": "x"}, Everything).keywords["other"] == "x"
    with pytest.raises(UsageError, match="no option 'epochs'"):
        settle({"epochs": "2"}, is_trained_by_default=False)


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"wdth": "8"}, r"no option 'wdth': did you mean width\?"),
        ({"batchsize": "8"}, r"did you mean batch_size\?"),
        ({"zzz": "8"}, "no option 'zzz': it has width, rate"),
        ({"width": "wide"}, "option width is 'wide': give a whole number"),
        ({"width": "1.5"}, "give a whole number"),
        ({"width": "9" * 60}, "give a whole number"),
        ({"width": 1 << 60}, "no whole number within"),
        ({"rate": "nan"}, "give a number"),
        ({"rate": float("inf")}, "give a finite number"),
        ({"deep": "perhaps"}, "give true or false"),
        ({"kind": "rnn"}, "choose gru, lstm"),
        ({"target": "x" * 8193}, "at most 8192 bytes"),
        ({"target": [1]}, "is a list: give a number or a text"),
        ({"batch_size": "1000000000000"}, "batch_size is 1000000000000: give a number from 1 to 1.04858e"),
        ({"batch_size": "2.5"}, "give a whole number"),
        ({"epochs": "0"}, "epochs is 0: give a number above 0 to 100"),
        ({"momentum": "1"}, "momentum is 1"),
        ({"loss": "hinge"}, "loss is 'hinge': choose cross-entropy, mse, mae, huber, bce"),
        ({"optimizer": "lion"}, "choose sgd, adam, adamw"),
        ({"class_weights": "0,0"}, "class_weights are 0 for every class"),
        ({"class_weights": "1,x"}, "give a number from 0 for each class"),
        ({"seed": 3}, "--option seed has an option of its own: give --seed"),
        ({"data": "/etc/passwd"}, "--option data has an option of its own: give --data"),
        ({f"x{place}": 1 for place in range(65)}, "at most 64"),
    ],
)
def test_what_is_no_option_is_refused_with_what_to_do(given: Any, fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        settle(given)


def test_no_option_names_a_file_but_the_founders_own_and_then_its_text_travels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="table is a path, and no option names a file"):
        settle({"table": "/etc/passwd"}, Filed)
    file = tmp_path / "schema.json"
    file.write_text('{"age": [0, 100]}')
    assert settle({"schema": str(file)}, typed=["schema"]).options == {"schema": '{"age": [0, 100]}'}
    # From a manifest, the same text is a text.
    assert settle({"schema": str(file)}).options == {"schema": str(file)}
    file.write_text("x" * 8193)
    with pytest.raises(UsageError, match="above 8192 bytes"):
        settle({"schema": str(file)}, typed=["schema"])
    with pytest.raises(UsageError, match="cannot be read as text"):
        settle({"schema": str(tmp_path)}, typed=["schema"])


def test_data_reach_the_keyword_data_and_no_other_task(tmp_path: Path) -> None:
    assert settle({}, data=tmp_path).keywords["data"] == tmp_path
    assert "data" not in settle({}).keywords
    with pytest.raises(UsageError, match="takes no --data"):
        load_task("digits", skew=0, seed=0, samples=10, data=tmp_path)
    with pytest.raises(UsageError, match="is not there"):
        load_task("digits", skew=0, seed=0, samples=10, data=tmp_path / "none.csv")


def test_a_keyword_that_must_be_given_is_asked_for() -> None:
    class Wanting:
        def __init__(self, data: Path, target: str) -> None: ...

    with pytest.raises(UsageError, match="wants data: name the file or folder"):
        settle({"target": "y"}, Wanting)
    with pytest.raises(UsageError, match="wants --option target=VALUE"):
        settle({}, Wanting, data=Path())


@pytest.mark.parametrize("text", ["batch_size", "=3", "a-b=1", ""])
def test_what_is_no_pair_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is not NAME=VALUE"):
        parse_options([text])


def test_a_name_given_twice_is_said() -> None:
    with pytest.raises(UsageError, match="epochs is given twice"):
        parse_options(["epochs=1", "epochs=2"])


def test_a_peer_may_say_what_its_circle_left_open_and_contradict_nothing() -> None:
    made_with: Options = {"skew": 0.2, "seed": 7, "samples": 100, "target": "outcome", "batch_size": 16, "deep": 1}
    own = {"target": "outcome", "batch_size": "16", "deep": "yes", "epochs": "0.5"}
    joined = join_options(made_with, own)
    assert joined == {"target": "outcome", "batch_size": 16, "deep": 1, "epochs": "0.5"}
    with pytest.raises(UsageError, match="batch_size=32: the circle agreed on batch_size=16"):
        join_options(made_with, {"batch_size": "32"})


def load(**options: Any) -> Task:
    return load_task("digits", skew=0.0, seed=0, samples=20, options=options)


def test_the_tasks_that_ship_take_how_they_are_trained_and_refuse_what_is_absurd() -> None:
    task = load(optimizer="adam", epochs=2, batch_size=4)
    assert (task.choices.optimizer, task.choices.epochs, task.choices.batch_size) == ("adam", 2, 4)
    assert task.choices.learning_rate == 0.05  # as the class says it
    assert task.make_again().choices == task.choices
    for absurd in ({"batch_size": 10**12}, {"epochs": 10**6}, {"learning_rate": -1}, {"classes": 3}):
        with pytest.raises(UsageError):
            load(**absurd)
    with pytest.raises(UsageError, match=r"1\.\.10\^9"):
        load_task("digits", skew=0.0, seed=0, samples=10**12)
