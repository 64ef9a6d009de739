"""Keys open without a validator's arithmetic, which is the real one for whoever asks for it, and loaded then."""

import json
import subprocess
import sys
from typing import Any, Final

from py_ecc.bls12_381.bls12_381_curve import curve_order

from node.operating.late_bls import ORDER
from tests.support.imports import ROOT

_PROGRAM: Final = """
import json, sys
if sys.argv[1] == "late":
    from node.operating.late_bls import load_bls_late
    load_bls_late()
    load_bls_late()
from eth_account import Account
key = b"\\1" * 32
opened = Account.decrypt(Account.encrypt(key, "word", kdf="scrypt", iterations=2), "word") == key
loaded = sorted(name for name in sys.modules if name in ("py_ecc.bls", "py_ecc.bls12_381"))
import eth_keyfile
made = eth_keyfile.create_keyfile_json(b"\\0" * 31 + b"\\5", b"word", version=4, kdf="pbkdf2", iterations=2)
from py_ecc.bls import G2ProofOfPossession
from py_ecc.bls12_381 import pairing
found = [type(eth_keyfile.__spec__.loader).__name__, len(sys.meta_path)]
print(json.dumps([opened, loaded, made["pubkey"], callable(pairing), *found]))
"""


def run(how: str) -> list[Any]:
    command = [sys.executable, "-c", _PROGRAM, how]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=ROOT)
    found: list[Any] = json.loads(done.stdout)
    return found


def test_a_keystore_opens_without_it_and_a_validators_key_is_the_same() -> None:
    late, usual = run("late"), run("usual")
    assert (late.pop(1), usual.pop(1)) == ([], ["py_ecc.bls", "py_ecc.bls12_381"])
    assert late == usual
    assert late[0] is True


def test_the_order_is_the_curves() -> None:
    assert curve_order == ORDER
