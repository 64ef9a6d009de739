"""The compiled circle that this version was released with, and whether an address holds exactly that code."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.errors import SetupError


class CodeMismatch(SetupError):
    """What lies at the address is not the circle contract of this version."""


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """contracts/Circle.json."""

    contract: str
    """Name of the contract."""
    compiler: str
    """The compiler's version."""
    abi: list[dict[str, Any]]
    """Of the circle and the court together, which share an address."""
    bytecode: str
    """The circle's creation code, 0x-prefixed hex."""
    runtime: str
    """The circle's runtime code without its immutables, 0x-prefixed hex."""
    immutables: dict[str, int]
    """Name → byte offset behind the runtime code, one word each."""
    court_bytecode: str
    """The court's creation code, 0x-prefixed hex."""
    court_runtime: str
    """The code of every deployed court, which has no immutables, 0x-prefixed hex; the circle's constructor knows
    its hash."""

    def find_types(self, kind: str, name: str, side: str = "inputs") -> list[str]:
        """The ABI types of a function's or event's parameters (`side` outputs: of its results)."""
        return [_abi_type(parameter) for parameter in self.find_entry(kind, name)[side]]

    @property
    def creation(self) -> bytes:
        """The circle's creation bytecode, without the constructor's arguments."""
        return bytes.fromhex(self.bytecode[2:])

    def find_constructor(self) -> list[dict[str, Any]]:
        """The ABI's description of the constructor's parameters."""
        return [parameter for entry in self.abi if entry["type"] == "constructor" for parameter in entry["inputs"]]

    def find_entry(self, kind: str, name: str) -> dict[str, Any]:
        """The ABI entry of a function or event. Raises KeyError."""
        for entry in self.abi:
            if entry["type"] == kind and entry.get("name") == name:
                return entry
        raise KeyError(f"{kind} {name}")

    def encode_call(self, name: str, *arguments: object) -> bytes:
        """Selector and encoded arguments of a function call."""
        types = self.find_types("function", name)
        return keccak(f"{name}({','.join(types)})".encode())[:4] + abi_encode(types, arguments)

    @property
    def court_creation(self) -> bytes:
        """The court's creation bytecode, which takes no arguments; it goes first."""
        return bytes.fromhex(self.court_bytecode[2:])

    @property
    def court_code(self) -> bytes:
        """What lies where the court was deployed."""
        return bytes.fromhex(self.court_runtime[2:])

    @property
    def code_bytes(self) -> int:
        """How large a deployed circle is, its immutables included."""
        return len(self.runtime) // 2 - 1 + 32 * len(self.immutables)

    def encode_creation(self, arguments: tuple[object, ...]) -> bytes:
        """Creation bytecode with the constructor's arguments."""
        types = [_abi_type(parameter) for parameter in self.find_constructor()]
        return self.creation + abi_encode(types, arguments)

    def read_immutables(self, code: bytes, address: str) -> Mapping[str, bytes]:
        """The words behind the runtime code of a deployed circle. Raises CodeMismatch unless the rest is ours."""
        runtime = bytes.fromhex(self.runtime[2:])
        if not code:
            raise CodeMismatch(f"there is no contract at {address}: check the address and the chain behind --rpc")
        if len(code) != len(runtime) + 32 * len(self.immutables) or not code.startswith(runtime):
            raise CodeMismatch(
                f"the code at {address} is not the circle contract of this version ({self.compiler}): "
                "check the address, or use the version of folkmoot that deployed it"
            )
        return {
            name: code[len(runtime) + offset : len(runtime) + offset + 32]
            for name, offset in self.immutables.items()
        }


def code_hash(code: bytes) -> str:
    """Keccak-256 of deployed code, 0x-prefixed hex; with the immutables, so it stands for the terms too."""
    return "0x" + keccak(code).hex()


def _abi_type(parameter: dict[str, Any]) -> str:
    """The type as signatures and eth_abi write it: a struct is the list of its fields' types."""
    name: str = parameter["type"]
    if not name.startswith("tuple"):
        return name
    return f"({','.join(map(_abi_type, parameter['components']))})" + name.removeprefix("tuple")


@cache
def load_circle_artifact() -> Artifact:
    """The artifact in this installation."""
    raw = json.loads(files("contracts").joinpath("Circle.json").read_text())
    return msgspec.convert(raw, Artifact)
