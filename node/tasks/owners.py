"""Whose data are whose, where one folder holds those of several people or places and a demo deals them to seats."""

import heapq
from collections.abc import Mapping

from ledger.errors import SetupError


def deal_owners(sizes: Mapping[str, int], seats: int) -> list[list[str]]:
    """Each seat's owners, ascending: whole owners, the largest first to whoever has least. Alike on every machine.

    sizes: by owner, how much it has. Raises SetupError where there are fewer owners than seats.
    """
    if len(sizes) < seats:
        raise SetupError(
            f"the folder has {len(sizes)} owners' data, which do not go round {seats} seats: use fewer"
        )
    loads = [(0, seat) for seat in range(seats)]
    dealt: list[list[str]] = [[] for _ in range(seats)]
    for owner in sorted(sizes, key=lambda one: (-sizes[one], one)):
        load, seat = heapq.heappop(loads)
        dealt[seat].append(owner)
        heapq.heappush(loads, (load + sizes[owner], seat))
    return [sorted(owners) for owners in dealt]
