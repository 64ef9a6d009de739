"""Compile contracts/Circle.vy and write contracts/Circle.json, which deployed code is checked against.

Usage: python scripts/compile_contracts.py            (needs the `dev` extra: vyper)
"""

import json
from pathlib import Path
from typing import Any

import vyper
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"


def compile_circle() -> dict[str, Any]:
    """The artifact of contracts/Circle.vy: ABI, creation and runtime bytecode, and where each immutable lies."""
    bundle = FilesystemInputBundle([ROOT])
    output = compile_from_file_input(
        bundle.load_file("contracts/Circle.vy"),
        input_bundle=bundle,
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
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
