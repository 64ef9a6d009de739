"""Malignant or benign, by the cell nuclei of 569 tumours: the task that ships."""

from typing import Final

from scripts.examples.example import Example

EXAMPLE: Final = Example(
    title="8 hospitals",
    task="breast-cancer",
    figures=("accuracy",),
    attack="label-flip",
    privacy="epsilon=8,delta=1e-3,batch=28,steps=4,clip=1,lr=0.5",
    rounds=20,
    samples=57,
)
