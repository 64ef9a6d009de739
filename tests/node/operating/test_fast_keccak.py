"""The keccak in C is taken where it is there and nobody chose another, and gives what the other one gives."""

import os

import pytest
from eth_hash.backends import pycryptodome, pysha3
from hypothesis import given
from hypothesis import strategies as st

from node.operating import fast_keccak
from node.operating.fast_keccak import choose_keccak

BACKEND = "ETH_HASH_BACKEND"


@given(st.binary(max_size=600))
def test_both_back_ends_give_the_same(data: bytes) -> None:
    assert pysha3.keccak256(data) == pycryptodome.keccak256(data)


def test_it_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKEND, raising=False)
    choose_keccak()
    assert os.environ[BACKEND] == "pysha3"


def test_without_it_nothing_is_named_and_eth_hash_takes_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKEND, raising=False)
    monkeypatch.setattr(fast_keccak, "_EXTENSION", "no_such_extension")
    choose_keccak()
    assert BACKEND not in os.environ


def test_what_the_user_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND, "pycryptodome")
    choose_keccak()
    assert os.environ[BACKEND] == "pycryptodome"
