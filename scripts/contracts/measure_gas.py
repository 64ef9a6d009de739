"""Measure what the circle's calls burn and how large its codes are; write contracts/gas.json, which a test compares.

Usage: python -m scripts.contracts.measure_gas            (needs the `dev` extra)
"""

import argparse

from scripts.contracts.gas import GAS_FILE, SIZES, code_sizes, gas_file, measure


def main() -> None:
    """Measure and write."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    measured = {seats: measure(seats) for seats in SIZES}
    GAS_FILE.write_text(gas_file(measured))
    print(f"wrote {GAS_FILE}")
    for name, size in code_sizes().items():
        print(f"{name}: {size['runtime_bytes']:,} bytes of code, {size['left_bytes']:,} left")
    for seats, gas in measured.items():
        print(
            f"{seats:4} seats: {gas['quiet_peer_round']:,} gas per peer and round, {gas['rejecting_peer_round']:,} "
            f"with a fifth of the verdicts rejecting; settlement {gas['settle']:,}, at worst {gas['worst_settle']:,}"
        )


if __name__ == "__main__":
    main()
