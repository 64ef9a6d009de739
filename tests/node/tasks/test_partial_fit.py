from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ledger.errors import SetupError
from node.learning.rehearsal import rehearse
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task
from node.tasks.partial_fit import FittedModel, PartialFit

QUICK: dict[str, Any] = {"learning_rate_init": 0.02, "batch_size": 20}
CLASSIFIERS: list[Any] = [
    SGDClassifier(loss="log_loss"),
    Perceptron(),
    MLPClassifier(hidden_layer_sizes=(8,), random_state=0, **QUICK),
]


class Kinds(PartialFit):
    """Three kinds of points."""

    features, classes, epochs = 6, 3, 3

    def __init__(self, estimator: Any) -> None:
        self._given = estimator

    def estimator(self) -> Any:
        return self._given

    def data(self, seat: int, seats: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seat)
        y = rng.integers(0, 3, 300)
        return np.eye(3).repeat(2, 1)[y] + 0.3 * rng.standard_normal((300, 6)), y

    def evaluate(self, model: FittedModel) -> dict[str, float]:
        x, y = self.data(99, 100)
        return {"accuracy": float(model.make_estimator().score(x, y))}


class Amounts(PartialFit):
    """One number from six."""

    features, epochs = 6, 5

    def __init__(self, estimator: Any) -> None:
        self._given = estimator

    def estimator(self) -> Any:
        return self._given

    def data(self, seat: int, seats: int) -> tuple[Any, Any]:
        x = np.random.default_rng(seat).standard_normal((300, 6))
        return x, x @ np.arange(6.0)

    def evaluate(self, model: FittedModel) -> dict[str, float]:
        x, y = self.data(99, 100)
        return {"r2": float(model.make_estimator().score(x, y))}


def train_and_average(definition: PartialFit, rounds: int = 3) -> tuple[dict[str, float], dict[str, float]]:
    """Figures of the first state and of the average of two peers after some rounds."""
    task = Task("estimator", definition)
    template = Template.of(task, 0)
    trainers = [Trainer(task, template.layout, seat=seat, seats=2, seed=0, template=template) for seat in range(2)]
    first = state = template.make_initial()
    for number in range(1, rounds + 1):
        state = np.mean([trainer.train(state, number) for trainer in trainers], 0, dtype=np.float32)
    return trainers[0].evaluate(first), trainers[0].evaluate(state)


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_the_average_of_two_peers_classifiers_tells_classes_apart(estimator: Any) -> None:
    _, after = train_and_average(Kinds(estimator))
    assert after["accuracy"] > 0.9


@pytest.mark.parametrize(
    "estimator", [SGDRegressor(), MLPRegressor(hidden_layer_sizes=(16,), random_state=0, **QUICK)]
)
def test_the_average_of_two_peers_regressions_foretells(estimator: Any) -> None:
    _, after = train_and_average(Amounts(estimator))
    assert after["r2"] > 0.9


def test_two_classes_have_one_row_of_weights_and_two_answers() -> None:
    model = FittedModel(SGDClassifier(), 4, 2)
    assert model.get_parameter("coef_").shape == (1, 4)
    with torch.no_grad():
        model.get_parameter("coef_").fill_(1.0)
    assert model(torch.ones(3, 4)).tolist() == [[-4.0, 4.0]] * 3


def test_a_model_answers_as_its_estimator_predicts() -> None:
    definition = Kinds(MLPClassifier(hidden_layer_sizes=(8,), random_state=0))
    model = definition.model()
    assert isinstance(model, FittedModel)
    definition.train(model, definition.data(0, 1), round=1, seed=3)
    x, _ = definition.data(7, 8)
    assert model(torch.from_numpy(x)).argmax(1).tolist() == model.make_estimator().predict(x).tolist()


def test_training_is_the_same_twice() -> None:
    assert train_and_average(Kinds(CLASSIFIERS[0])) == train_and_average(Kinds(CLASSIFIERS[0]))


def test_it_goes_through_codec_and_rehearsal_as_any_task() -> None:
    found = rehearse(Task("estimator", Kinds(CLASSIFIERS[0])), seed=0, seats=2, codec="int8-zstd")
    assert found.figures["accuracy"] > 0.9
    assert found.template.parts.shared == ("coef_", "intercept_")


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(), DecisionTreeClassifier(), GradientBoostingClassifier(), SVC()],
    ids=lambda one: type(one).__name__,
)
def test_what_has_no_arrays_of_a_fixed_shape_is_refused_in_a_sentence(estimator: Any) -> None:
    with pytest.raises(
        SetupError, match=r"cannot be averaged, as it learns no arrays of a fixed shape: take SGDCl"
    ):
        Task("estimator", Kinds(estimator)).model()


@pytest.mark.parametrize("estimator", [GaussianNB(), SGDClassifier(average=True)])
def test_what_learns_more_than_weights_is_refused_in_a_sentence(estimator: Any) -> None:
    with pytest.raises(SetupError, match="cannot be averaged"):
        Task("estimator", Kinds(estimator)).model()
