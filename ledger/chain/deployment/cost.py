"""What a circle costs its peers: the gas that was measured (contracts/gas.json) times a price."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class RoundGas:
    """Gas of the calls of one round, units."""

    seats: int
    """How many seats the circle has."""
    join: int
    """Of each peer, once."""
    commit: int
    """Of each peer."""
    attest: int
    """Of each peer."""
    settle: int
    """Of one peer for all."""

    @property
    def peer_round(self) -> int:
        """Of one peer in one round, its share of the settlement included."""
        return self.commit + self.attest + -(-self.settle // self.seats)


def round_gas(seats: int) -> RoundGas:
    """The measured figures of the next larger circle; settling is scaled to the seats. seats: 2..256."""
    measured = min(size for size in _read_measured() if size >= seats)
    figures = _read_measured()[measured]
    return RoundGas(
        seats,
        figures["join"],
        figures["commit"],
        figures["attest"],
        -(-figures["settle"] * seats // measured),
    )


@cache
def _read_measured() -> dict[int, dict[str, int]]:
    """Gas by call, by how many seats a circle has; the file holds the codes' sizes as well."""
    raw = json.loads(files("contracts").joinpath("gas.json").read_text())
    return {int(seats): figures for seats, figures in raw.items() if seats.isdigit()}
