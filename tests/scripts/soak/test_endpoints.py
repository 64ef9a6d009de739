"""Endpoints at their worst: what they tell when they lie is something else than the chain said."""

import pytest

from scripts.soak.endpoints import change

LOG = {"data": "0x00ab", "topics": []}


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("eth_getLogs", [LOG, {**LOG, "data": "0x01"}]),
        ("eth_getLogs", [LOG]),
        ("eth_call", "0x00"),
        ("eth_blockNumber", "0x10"),
        ("eth_getTransactionReceipt", {"status": "0x1"}),
        ("eth_getTransactionCount", "0x1"),
    ],
)
def test_a_lie_differs_from_the_truth(method: str, result: object) -> None:
    assert change(method, result) != result


def test_what_it_does_not_know_it_tells_as_it_is() -> None:
    assert change("eth_chainId", "0x1") == "0x1"
    assert change("eth_getLogs", []) == []
