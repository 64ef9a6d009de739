"""Which of 9,857 loans go bad: Lending Club's of early 2016, as the R package modeldata has them.

Source: Lending Club's own statistics, a subset of rows and columns by Max Kuhn, modeldata (MIT), which Debian packages
as r-cran-modeldata.
"""

from pathlib import Path
from typing import Final

from scripts.examples.example import PAGES, RULE_CHOICES, Choice, Example
from scripts.examples.sources import find_folder, is_whole, read_r_table, write_table

SHA256: Final = "c106fb7e3e3a0244524e2d31b87cefbce5810c7436b3e0b52d30f899aa3df5ee"


def fetch() -> Path:
    """The table, fetched where it is not there yet. Raises SetupError."""
    path = find_folder() / "lending_club.csv"
    if not is_whole(path, SHA256):
        frame = read_r_table("r-cran-modeldata", "lending_club")
        header = [str(name).lower() for name in frame.columns]
        write_table(path, header, zip(*(frame[name].tolist() for name in frame.columns), strict=True), SHA256)
    return path


_TERMS: Final = tuple(
    f"epsilon=8,delta=1e-5,batch=490,steps={steps},clip=1,lr={rate}"
    for steps, rate in ((2, "1"), (4, "0.5"), (4, "1"), (4, "2"), (8, "1"))
)

EXAMPLE: Final = Example(
    title="8 banks, by state",
    task="table",
    options={
        "schema": str(PAGES / "credit" / "schema.json"),
        "owner": "addr_state",
        "model": "linear",
        "learning_rate": "0.03",
    },
    data=fetch,
    figures=("auc", "recall_at_5_percent", "ap", "accuracy"),
    samples=980,
    skew=0.0,
    attack="label-flip",
    alone_options={"learning_rate": "0.01"},
    privacy="epsilon=8,delta=1e-5,batch=490,steps=8,clip=1,lr=1",
    choices=(
        *(Choice(("alone",), {"alone_options": {"learning_rate": rate}}) for rate in ("0.003", "0.01", "0.03")),
        *(Choice(("networked",), {"options": {"learning_rate": rate}}) for rate in ("0.003", "0.01", "0.03")),
        *(Choice(("networked", "poisoned"), {"rule_parameters": found}) for found in RULE_CHOICES),
        *(Choice(("private",), {"privacy": terms}) for terms in _TERMS),
    ),
)
