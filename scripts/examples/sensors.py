"""The example sensors: tomorrow's riders at twenty stations of Chicago's trains, each station a peer.

`python -m scripts.examples sensors --fetch`
fetches the data set `Chicago` of the R package modeldata (MIT licence) as Debian's r-cran-modeldata has it, from the
City of Chicago's data portal: thousands who entered each station on each of 5,698 days, 2001 to 2016. It leaves a CSV a
station in the user's cache. The data set holds, beside each day, the counts of 14 days before; here each
stands by its own day. (That this is so can be seen: its column of Clark/Lake today is that of 14 days before, 14 rows
on, and the fetch checks it.)
"""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole
from scripts.examples.example import RULE_CHOICES, Choice, Example
from scripts.examples.sources import find_folder, read_r_table

PACKAGE: Final = "r-cran-modeldata"
STATIONS: Final = (
    "Austin", "Quincy_Wells", "Belmont", "Archer_35th", "Oak_Park", "Western", "Clark_Lake", "Clinton",
    "Merchandise_Mart", "Irving_Park", "Washington_Wells", "Harlem", "Monroe", "Polk", "Ashland", "Kedzie", "Addison",
    "Jefferson_Park", "Montrose", "California",
)  # fmt: skip
SHA256: Final = "27cef50ca91bd412768c0dbb85338469cce95069a9d75ced4939b24bd5117da8"
"""Of all CSVs, one after another in the order of their names."""
_LAG_DAYS: Final = 14
_NOW: Final = "ridership"
_LAGGED: Final = "Clark_Lake"


def fetch(folder: Path | None = None) -> Path:
    """Leave a CSV a station, and return their folder. Raises SetupError."""
    folder = folder or find_folder() / "sensors"
    if _digest(folder) == SHA256:
        return folder
    table = {str(name): list(values) for name, values in dict(read_r_table(PACKAGE, "Chicago")).items()}
    if table[_NOW][:-_LAG_DAYS] != table[_LAGGED][_LAG_DAYS:]:
        raise SetupError(f"{PACKAGE} has other columns than when this example was written")
    days = [date(1970, 1, 1) + timedelta(days=int(day) - _LAG_DAYS) for day in table["date"]]
    folder.mkdir(parents=True, exist_ok=True)
    for station in STATIONS:
        write_whole(_path(folder, station), format_station(days, table[station]), mode=PUBLIC)
    if (digest := _digest(folder)) != SHA256:
        raise SetupError(f"the stations in {folder} have the SHA-256 {digest}, not {SHA256}: they are other data")
    return folder


def _path(folder: Path, station: str) -> Path:
    return folder / f"{station.lower()}.csv"


def format_station(days: Sequence[date], riders: Sequence[Any]) -> bytes:
    rows = [f"{day},{float(count):g}" for day, count in zip(days, riders, strict=True)]
    return "\n".join(["date,riders", *rows, ""]).encode()


def _digest(folder: Path) -> str | None:
    """Of the stations' files; None where one is missing."""
    total = hashlib.sha256()
    for station in sorted(STATIONS):
        path = _path(folder, station)
        if not path.is_file():
            return None
        total.update(path.read_bytes())
    return total.hexdigest()


_TERMS: Final = tuple(
    f"epsilon=8,steps={steps},batch=64,clip=0.5,lr={rate}"
    for steps, rate in ((5, "0.1"), (20, "0.03"), (20, "0.1"))
)

EXAMPLE: Final = Example(
    title="tomorrow's riders at twenty stations",
    task="series",
    figures=("mae", "rmse", "r2", "mae_of_last_season"),
    attack="sign-flip",
    privacy="epsilon=8,steps=20,batch=64,clip=0.5,lr=0.03",
    peers=20,
    rounds=20,
    degree=6,
    samples=365,
    options={
        "dealt": "yes",
        "columns": "riders:0:25:log",
        "time": "date",
        "window": "14",
        "season": "7",
        "learning_rate": "0.003",
        "schedule": "cosine",
        "epochs": "2",
    },
    data=fetch,
    alone_options={"learning_rate": "0.003"},
    rule_parameters={"share_milli": 400, "spectral_milli": 6000},
    choices=(
        *(Choice(("alone",), {"alone_options": {"learning_rate": rate}}) for rate in ("0.0003", "0.001", "0.003")),
        *(Choice(("networked",), {"options": {"learning_rate": rate}}) for rate in ("0.0003", "0.001", "0.003")),
        *(Choice(("networked", "poisoned"), {"rule_parameters": found}) for found in RULE_CHOICES),
        *(Choice(("private",), {"privacy": terms}) for terms in _TERMS),
    ),
)
