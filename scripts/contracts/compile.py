"""Compile contracts/Circle.vy and Court.vy and write contracts/Circle.json, which deployed code is checked against.

Circle.vy names the hash of the court's code: where that is another than Court.vy gives, it is written there first.
The compiler ends the creation codes with a hash of the sources, so a changed comment changes these 32 bytes, and nothing
else.

Usage: python -m scripts.contracts.compile            (needs the `dev` extra: vyper)
"""

import argparse
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import vyper
from eth_hash.auto import keccak
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
_COURT_HASH = re.compile(r"(?<=^COURT_HASH: constant\(bytes32\) = )0x[0-9a-f]{64}$", re.MULTILINE)


def compile_circle() -> dict[str, Any]:
    """The artifact: the ABI of the one address, both codes, and where each of the circle's immutables lies."""
    circle, court = compiled("Circle"), compiled("Court")
    return {
        "contract": "Circle",
        "compiler": f"vyper {vyper.__version__}",
        "abi": merged(circle["abi"], court["abi"]),
        "bytecode": circle["bytecode"],
        "runtime": circle["bytecode_runtime"],
        "immutables": {name: entry["offset"] for name, entry in circle["layout"]["code_layout"].items()},
        "court_bytecode": court["bytecode"],
        "court_runtime": court["bytecode_runtime"],
    }


@cache
def compiled(contract: str) -> dict[str, Any]:
    """What the compiler makes of a contract, by the names of its output formats."""
    bundle = FilesystemInputBundle([ROOT])
    output: dict[str, Any] = compile_from_file_input(
        bundle.load_file(f"contracts/{contract}.vy"),
        input_bundle=bundle,
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout", "method_identifiers", "userdoc", "devdoc"],
    )
    return output


def merged(circle: list[dict[str, Any]], court: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ABI of both at one address: what the circle does not know it hands to the court."""
    return [entry for entry in circle if entry["type"] != "fallback"] + court


def court_hash() -> str:
    """Keccak-256 of the code that a deployed court has: it has no immutables, so it is what was compiled."""
    return "0x" + keccak(bytes.fromhex(compiled("Court")["bytecode_runtime"][2:])).hex()


def name_the_court() -> None:
    """Write the hash of the court's code into Circle.vy."""
    source = CONTRACTS / "Circle.vy"
    text, found = _COURT_HASH.subn(court_hash(), source.read_text())
    assert found == 1, "Circle.vy has one line with COURT_HASH"
    if text != source.read_text():
        source.write_text(text)
        compiled.cache_clear()


def main() -> None:
    """Compile and write."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    name_the_court()
    (CONTRACTS / "Circle.json").write_text(json.dumps(compile_circle(), indent=1) + "\n")
    print(f"wrote {CONTRACTS / 'Circle.json'}")


if __name__ == "__main__":
    main()
