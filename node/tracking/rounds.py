"""What a tracker is told of a node's round: figures that the node prints anyway."""

from collections import Counter
from collections.abc import Mapping
from typing import Any


def figures_of_round(event: Mapping[str, Any]) -> dict[str, float]:
    """Name → figure, of a `round` event: the task's own, and what the round cost and gave."""
    privacy = event.get("privacy") or {}
    verdicts = Counter(str(verdict) for verdict in event["verdicts"].values())
    return {
        **event["figures"],
        "round/reputation": event["reputation"],
        "round/seconds": event["seconds"],
        "round/bytes_sent": event["bytes_sent"],
        "round/gas": event["gas"],
        **{f"verdicts/{verdict}": count for verdict, count in sorted(verdicts.items())},
        **{f"cpu_s/{section}": seconds for section, seconds in event["cpu_s"].items()},
        **({"privacy/spent_epsilon": privacy["spent_epsilon"]} if "spent_epsilon" in privacy else {}),
    }
