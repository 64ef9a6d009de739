"""Print what a circle costs its peers, from the measured gas; `--write` puts the table into docs/guides/deploying.md.

Usage: python -m scripts.contracts.cost [--write] [GWEI ...]            (default: 0.1 1 10)
"""

import re
import sys
from pathlib import Path

from ledger.chain.deployment.cost import round_gas

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "deploying.md"
SIZES = (8, 32, 128, 256)
PRICES_GWEI = (0.1, 1.0, 10.0)


def table(prices_gwei: list[float]) -> str:
    """Markdown, one row for each size of a circle. prices_gwei: of a unit of gas."""
    heads = [f"at {price:g} gwei" for price in prices_gwei]
    lines = [
        "| seats | join | commit | attest | settle, for all | **a peer-round** | " + " | ".join(heads) + " |",
        "|" + "---:|" * (6 + len(heads)),
    ]
    for seats in SIZES:
        gas = round_gas(seats)
        figures = (gas.join, gas.commit, gas.attest, gas.settle, gas.peer_round)
        costs = [f"{gas.peer_round * price * 1e-9:.6f} ETH" for price in prices_gwei]
        lines.append(
            f"| {seats} | " + " | ".join(f"{figure:,}" for figure in figures) + f" | {' | '.join(costs)} |"
        )
    return "\n".join(lines) + "\n"


def with_table(guide: str) -> str:
    """The guide's text with the table of today."""
    return re.sub(r"\| seats \|.*?\n(?=\n)", table(list(PRICES_GWEI)), guide, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    given = sys.argv[1:]
    if given == ["--write"]:
        GUIDE.write_text(with_table(GUIDE.read_text()))
        print(f"wrote {GUIDE}")
    else:
        print(table([float(price) for price in given] or list(PRICES_GWEI)), end="")
