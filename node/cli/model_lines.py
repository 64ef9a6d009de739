"""What `folkmoot model` prints."""

from collections.abc import Mapping
from typing import Any


def describe_export(facts: Any, written: Mapping[str, Any]) -> list[str]:
    """A line each. facts: ModelFacts. written: file, bytes, sha256 and asked_round."""
    lines = [f"model    {facts.whose}, of {facts.contract} on chain {facts.chain_id}"]
    if written["asked_round"] != facts.round:
        nobody = "nobody whose base counts" if facts.seat is None else f"seat {facts.seat} not"
        lines.append(
            f"asked    round {written['asked_round']}, which {nobody} attested: the model is that of round"
            f" {facts.round}"
        )
    if facts.seat is None and facts.round:
        lines.append(f"bases    the lower median of those of {len(facts.seats)} seats: {format_list(facts.seats)}")
    if facts.frozen:
        lines.append("frozen   its frozen part is not in it: members load that from a file of their own")
    return [
        *lines,
        f"digest   {facts.digest.hex()}",
        f"lineage  {facts.lineage.hex()}",
        f"written  {written['file']}, {written['bytes']} bytes, SHA-256 {written['sha256']}",
    ]


def format_list(seats: Any) -> str:
    """Numbers with commas between."""
    return ", ".join(map(str, seats))
