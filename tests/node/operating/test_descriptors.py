"""What a limit on open files leaves for connections from outside."""

import resource

import pytest

from ledger.errors import SetupError
from node.operating.descriptors import NEEDED, ConnectionShares, raise_limit, share_connections


def test_strangers_get_a_share_and_never_all() -> None:
    assert share_connections(1024) == share_connections(1 << 20) == ConnectionShares(gateway=256, gossip=64)
    for limit in range(NEEDED, 1025):
        shares = share_connections(limit)
        assert shares.gateway >= 64
        assert limit - shares.gateway - shares.gossip >= 320


def test_too_small_a_limit_is_refused_with_what_to_do() -> None:
    with pytest.raises(SetupError, match="may have 256 files open and a node needs 512: run `ulimit -n 512` first"):
        share_connections(256)


@pytest.mark.parametrize(
    ("soft", "hard", "asked"),
    [
        (1024, 1 << 20, 4096),
        (1024, 2048, 2048),
        (256, resource.RLIM_INFINITY, 4096),
        (8192, 8192, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_a_low_limit_is_raised_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, asked: int | None
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    assert raise_limit() == (asked or (4096 if soft == resource.RLIM_INFINITY else soft))
    assert set_to == ([] if asked is None else [(asked, hard)])
