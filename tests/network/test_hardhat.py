"""A circle lives on other makers' chains: on Hardhat 2 and 3, as on ours and Anvil."""

import pytest

from tests.support.chains.hardhat import hardhat
from tests.support.network.local_run import LocalRun

ROUNDS = 2
HONEST = ("honest",) * 4
# Windows so long that no deadline passes. Hardhat makes a block when a transaction comes, so none confirms another.
OPTIONS = ("--commit-window", "600", "--attest-window", "600", "--confirmations", "0")


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_circle_plays_its_rounds_on_hardhat_and_the_audit_is_clean(run: LocalRun, version: str) -> None:
    with hardhat(version) as chain:
        run.start(*HONEST, rounds=ROUNDS, options=OPTIONS, rpc=chain.url)
        run.wait_finished()
        assert [len(one.attestations) for one in run.history().rounds] == [len(HONEST)] * ROUNDS
        assert run.findings() == []
        run.network.close()
