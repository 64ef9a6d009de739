"""A pool dealt to all seats, each seeing its share in its own way."""

from collections.abc import Callable

import numpy as np
import torch

from ledger.errors import UsageError
from node.partitions.interface import Partition, Pool
from node.partitions.own_partition import check_deal

Pair = tuple[torch.Tensor, torch.Tensor]
# How many times as many examples as all seats are to have a pool has, where there are as many: a strong skew asks
# for more of some labels than an even draw holds.
POOL_FACTOR = 2


def deal_pool(
    partition: Partition,
    called: str,
    pool: Pool,
    *,
    seats: int,
    samples: int,
    generate: Callable[..., np.random.Generator],
) -> list[Pair]:
    """Each seat's examples.

    called: what the partition is called. samples: how many a seat is to have, in the mean. generate: a stream of
    random numbers for each purpose and numbers that it is asked for. Raises UsageError or SetupError where it
    cannot be dealt so.
    """
    try:
        shares = check_deal(partition.deal(pool, seats, samples, generate("partition")), len(pool), seats)
        dealt = []
        for seat, share in enumerate(shares):
            rows = torch.from_numpy(share)
            seen = partition.see(pool.x[rows], seat, seats, generate("what a seat sees", seat))
            dealt.append((seen, pool.y[rows]))
    except ValueError as error:
        raise UsageError(f"partition {called}: {error}") from error
    return dealt
