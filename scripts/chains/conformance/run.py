"""All cases, put to a chain; and how two chains' answers differ."""

from typing import Any

from scripts.chains.conformance import (
    calling,
    further,
    polling,
    reading,
    searching,
    sending,
    simulating,
    transport,
)
from scripts.chains.conformance.answers import differences, normalised
from scripts.chains.conformance.case import Case
from scripts.chains.conformance.scene import BLOCK_TIME_S, CHAIN_ID, Scene
from tests.support.chains.kinds import anvil, our_chain

# Whatever changes the chain comes after what reads it.
CASES: list[Case] = [
    *reading.CASES,
    *searching.CASES,
    *calling.CASES,
    *simulating.CASES,
    *further.READING,
    *transport.BEFORE,
    *further.SENDING,
    *sending.CASES,
    *transport.AFTER,
    *polling.CASES,
]


def answers(scene: Scene) -> dict[str, Any]:
    """Every case's normalised answer, by the case's key."""
    return {case.key: normalised(case.ask(scene), scene.blocks) for case in CASES}


def compare() -> dict[str, list[str]]:
    """Run every case against both chains. Returns per case where the answers differ; an empty list: they agree."""
    with our_chain(block_time_s=BLOCK_TIME_S, chain_id=CHAIN_ID) as ours:
        mine = answers(Scene(ours))
    with anvil(BLOCK_TIME_S, CHAIN_ID, extra=["--disable-default-create2-deployer"]) as other:
        theirs = answers(Scene(other))
    return {key: differences(mine[key], theirs[key]) for key in mine}
