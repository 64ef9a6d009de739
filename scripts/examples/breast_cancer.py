"""Malignant or benign, by the cell nuclei of 569 tumours: the task that ships."""

from typing import Final

import numpy as np

from node.tasks.breast_cancer import BreastCancer
from scripts.examples.example import RULE_CHOICES, Choice, Example


class Parted(BreastCancer):
    """The task on its 456 training patients alone, every fifth of whom is held out."""

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        super().__init__(skew, seed, samples)
        train = self._train
        self._train, self._test = np.delete(train, np.s_[::5]), train[::5]


_TERMS: Final = tuple(
    f"epsilon=8,delta=1e-3,batch=28,steps={steps},clip=1,lr={rate}"
    for steps, rate in ((2, "0.5"), (4, "0.25"), (4, "0.5"), (4, "1"), (8, "0.5"))
)

EXAMPLE: Final = Example(
    title="8 hospitals",
    task="breast-cancer",
    figures=("accuracy",),
    attack="label-flip",
    privacy="epsilon=8,delta=1e-3,batch=28,steps=4,clip=1,lr=1",
    rounds=20,
    samples=57,
    rule_parameters={"share_milli": 400, "spectral_milli": 6000},
    validation_task=f"{__file__}:{Parted.__name__}",
    choices=(
        *(Choice(("networked", "poisoned"), {"rule_parameters": found}) for found in RULE_CHOICES),
        *(Choice(("private",), {"privacy": terms}) for terms in _TERMS),
    ),
)
