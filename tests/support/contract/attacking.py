"""Contracts that attack the circle, compiled here and deployed beside it."""

from functools import cache
from pathlib import Path

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from tests.support.contract.compiler import require_vyper
from tests.support.contract.machines import BareMachine

FOLDER = Path(__file__).parent / "attackers"


@cache
def _creation_code(name: str) -> bytes:
    require_vyper()
    import vyper

    return bytes.fromhex(vyper.compile_code((FOLDER / f"{name}.vy").read_text())["bytecode"][2:])


def attacker(machine: BareMachine, name: str) -> str:
    """The address of a new attacker."""
    ran = machine.run(machine.accounts[0], None, _creation_code(name))
    assert ran.created is not None
    return ran.created


def data_of(signature: str, *arguments: object) -> bytes:
    """Calldata, from a signature like `act(address,bytes)`."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(signature.encode())[:4] + abi_encode([kind for kind in types if kind], arguments)
