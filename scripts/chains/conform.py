"""Put the same questions to our chain and to Anvil; print where they differ and write docs/chain-conformance.md.

Exit status 1 if an answer differs and scripts/chains/conformance/differences.py does not say why.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", action="store_true", help="print every difference as found")
    options = parser.parse_args()
    from scripts.chains.conformance.differences import explained
    from scripts.chains.conformance.run import compare
    from scripts.chains.conformance.table import render, stale
    from tests.support.chains.anvil import VERSION

    found = compare()
    unexplained = {case: explained(case, lines)[1] for case, lines in found.items()}
    for case, lines in (found if options.raw else unexplained).items():
        for line in lines:
            print(f"{case}\n    {line}")
    for rule in stale(found):
        print(f"explains nothing any more: {rule.why}")
    text = render(found, VERSION)
    print(text)
    (ROOT / "docs" / "chain-conformance.md").write_text(text)
    return 1 if any(unexplained.values()) or stale(found) else 0


if __name__ == "__main__":
    sys.exit(main())
