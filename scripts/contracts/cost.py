"""Print what a circle costs its peers, from the measured gas; `--write` puts the table into docs/guides/deploying.md.

Usage: python -m scripts.contracts.cost [--write] [GWEI ...]            (default: 0.1 1 10)
"""

import argparse
import re
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


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prices_gwei", nargs="*", type=float, metavar="GWEI", default=PRICES_GWEI)
    parser.add_argument("--write", action="store_true", help="into the guide, at the default prices")
    options = parser.parse_args()
    if options.write:
        GUIDE.write_text(with_table(GUIDE.read_text()))
        print(f"wrote {GUIDE}")
    else:
        print(table(list(options.prices_gwei)), end="")


if __name__ == "__main__":
    main()
