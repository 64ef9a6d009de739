"""ethers, viem and web3.py do on our chain all that docs/chain-conformance.md does not name as left out."""

import pytest

from scripts.chains.clients.left import LEFT
from scripts.chains.clients.run import CLIENTS
from tests.support.chains.kinds import our_chain


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_finds_all_but_what_is_named_as_left(client: str) -> None:
    with our_chain() as chain:
        found = CLIENTS[client](chain)
    left = {one["name"]: one["said"] for one in found if not one["ok"]}
    print(f"{client}: {len(found) - len(left)} of {len(found)}")
    tried, expected = LEFT[client]
    assert {name: said for name, said in left.items() if name not in expected} == {}
    assert (len(found), list(left)) == (tried, expected)
