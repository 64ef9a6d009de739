"""What a circle is: what its contract and its manifest say once and for all, and where they are read."""

from typing import Any

from msgspec.structs import asdict

from ledger.circle.reputation import FULL
from node.watch.query import Query
from node.watch.source import Source
from node.watch.spelling import to_camel
from node.watch.view import View


def describe_circle(source: Source, _: Query) -> dict[str, Any]:
    """GET /api/circle. Shares 0..1, times Unix seconds, amounts in wei as text."""
    view, circle = source.view, source.circle
    manifest, terms = view.history.manifest, circle.terms
    return {
        "source": _describe_source(source, view),
        "program": "folkmoot",
        "chainId": circle.network.chain_id,
        "contract": circle.network.contract,
        "openedInBlock": source.first_block,
        "task": manifest.task,
        "taskDigest": "0x" + circle.task.hex(),
        "rule": manifest.rule,
        "ruleParameters": manifest.rule_parameters,
        "codec": manifest.codec,
        "degree": terms.degree,
        "lastRound": terms.last_round,
        "openedAtS": _find_opened_at(view),
        "floor": terms.reputation_floor / FULL,
        "terms": {
            "startSeats": terms.start_seats,
            "quorum": terms.quorum,
            "ejectAfter": terms.eject_after,
            "reputationShift": terms.reputation_shift,
            "attestWindowS": circle.attest_window_s,
            "bondWei": str(terms.bond),
            "disputeBondWei": str(terms.dispute_bond),
            "disputeWindowS": terms.dispute_window_s,
            "jurySeats": terms.jury_seats,
            "checkpointEvery": manifest.checkpoint_every,
            "parameters": manifest.state_size,
        },
        "privacy": None if manifest.privacy is None else to_camel(asdict(manifest.privacy)),
        "origin": None if manifest.origin is None else to_camel(asdict(manifest.origin)),
    }


def _describe_source(source: Source, view: View) -> dict[str, Any]:
    if source.bundle is None:
        url = source.circle.rpc.url
        return {"kind": "live", "says": f"read through {url}", "endpoint": url}
    name = source.bundle.path.name
    return {
        "kind": "bundle",
        "says": f"read from {name}, as it was at block {view.block}",
        "bundle": name,
        "root": source.bundle.name.text,
    }


def _find_opened_at(view: View) -> int | None:
    first = view.list_round(0)
    if not first:
        return None
    block = first[0].position[0]
    view.times.want([block], wait_s=1.0)
    return view.find_time(block)
