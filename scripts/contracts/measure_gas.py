"""Measure what the circle's calls burn and write contracts/gas.json, which a test compares.

Usage: python -m scripts.contracts.measure_gas            (needs the `dev` extra)
"""

from scripts.contracts.gas import GAS_FILE, SIZES, gas_file, measure

if __name__ == "__main__":
    measured = {seats: measure(seats) for seats in SIZES}
    GAS_FILE.write_text(gas_file(measured))
    print(f"wrote {GAS_FILE}")
    for seats, gas in measured.items():
        print(
            f"{seats:4} seats: {gas['quiet_peer_round']:,} gas per peer and round, {gas['rejecting_peer_round']:,} "
            f"with a fifth of the verdicts rejecting; settlement {gas['settle']:,}, at worst {gas['worst_settle']:,}"
        )
