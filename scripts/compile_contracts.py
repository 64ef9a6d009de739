"""Compile contracts/Circle.vy and write contracts/Circle.json, which deployed code is checked against.

Usage: python scripts/compile_contracts.py            (needs the `dev` extra: vyper)
"""

import json
from pathlib import Path
from typing import Any

import vyper

CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"


def compile_circle() -> dict[str, Any]:
    """The artifact of contracts/Circle.vy: ABI, creation and runtime bytecode, and where each immutable lies."""
    source = (CONTRACTS / "Circle.vy").read_text()
    output = vyper.compile_code(
        source, contract_path="Circle.vy", output_formats=["abi", "bytecode", "bytecode_runtime", "layout"]
    )
    immutables = {name: entry["offset"] for name, entry in output["layout"]["code_layout"].items()}
    return {
        "contract": "Circle",
        "compiler": f"vyper {vyper.__version__}",
        "abi": output["abi"],
        "bytecode": output["bytecode"],
        "runtime": output["bytecode_runtime"],
        "immutables": immutables,
    }


if __name__ == "__main__":
    (CONTRACTS / "Circle.json").write_text(json.dumps(compile_circle(), indent=1) + "\n")
    print(f"wrote {CONTRACTS / 'Circle.json'}")
