"""Ethereum's keys without those of its validators: what reckons on the curve BLS12-381 is loaded where it is used.

eth-account reads keystores with eth-keyfile, which also makes validators' keystores and for these alone imports
py_ecc's pairings: tables that take half a second of processor time to build, a quarter of what a command that talks
to a chain takes to start. While eth-keyfile is imported it finds two stand-ins in their place; whoever makes a
validator's keystore loads the real ones.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

_USER: Final = "eth_keyfile"
_BLS: Final = "py_ecc.bls"
_PAIRING: Final = "py_ecc.bls12_381"
ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Of the curve's group; a test compares it with py_ecc's."""


def load_bls_late() -> None:
    """From now on. Doing it again, or where eth-keyfile is imported already, changes nothing."""
    if _USER not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Ciphersuite:
    """In the place of py_ecc's, and the same once anything is asked of it."""

    def __getattr__(self, name: str) -> Any:
        from py_ecc.bls.ciphersuites import G2ProofOfPossession

        return getattr(G2ProofOfPossession, name)


class _Finder(MetaPathFinder):
    """Finds eth-keyfile where it is, once, with a loader that imports it beside the stand-ins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _USER:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Another loader's work."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        try:
            with _standing_in():
                self._loader.exec_module(module)
        except ImportError:
            # Another release, which takes something else from there: it gets the real ones.
            for name in [one for one in sys.modules if one.startswith(f"{_USER}.")]:
                del sys.modules[name]
            self._loader.exec_module(module)


@contextmanager
def _standing_in() -> Iterator[None]:
    stand_ins = {name: ModuleType(name) for name in (_BLS, _PAIRING) if name not in sys.modules}
    if _BLS in stand_ins:
        stand_ins[_BLS].__dict__["G2ProofOfPossession"] = _Ciphersuite()
    if _PAIRING in stand_ins:
        stand_ins[_PAIRING].__dict__["curve_order"] = ORDER
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]
