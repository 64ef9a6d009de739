"""The court's code: it runs as the circle's own, on the same storage, and does nothing by itself."""

from pathlib import Path
from typing import Any

import pytest

from ledger.chain.contract.artifact import load_circle_artifact
from tests.support.contract.compiler import require_vyper
from tests.support.contract.copied import Deploy, after_a_round
from tests.support.contract.harness import DIGEST, NOBODY, decode_result
from tests.support.contract.machines import BareMachine, Ran
from tests.support.contract.terms import ContractTerms, manifest_bytes
from tests.support.contract.trials import CHALLENGER, CLAIM, JUDGE, answer, jury_of, raise_claim, resolve

pytestmark = pytest.mark.rule("R3")

ROOT = Path(__file__).resolve().parents[2]
COURT_CALLS = {
    "restart": (JUDGE,),
    "dispute": CLAIM,
    "summon": (0,),
    "vote": (0, 1 << 18 | 1 << 2),
    "appeal": (0, 1 << 18 | 1 << 2),
    "resolve": (0,),
}


def layout_of(contract: str) -> dict[str, Any]:
    """Name → slot and type of all that a contract keeps, from the compiler."""
    require_vyper()
    from vyper.cli.vyper_compile import compile_files

    ((_, out),) = compile_files([ROOT / "contracts" / f"{contract}.vy"], ["layout"], paths=[str(ROOT)]).items()
    return flat(out["layout"]["storage_layout"])


def flat(layout: dict[str, Any]) -> dict[str, Any]:
    """The same without the modules it is declared in."""
    found: dict[str, Any] = {}
    for name, entry in layout.items():
        found |= {name: entry} if "slot" in entry else flat(entry)
    return found


def test_court_and_circle_lay_their_storage_out_alike() -> None:
    circle, court = layout_of("Circle"), layout_of("Court")
    assert court
    assert {name: entry for name, entry in circle.items() if name != "$.nonreentrant_key"} == court


def deploy_with(court: bytes | None) -> Ran:
    """A circle with this court's code, or a court without code."""
    machine, artifact = BareMachine(), load_circle_artifact()
    address = machine.accounts[5]
    if court is not None:
        machine.set_code(address, court)
    terms = ContractTerms(court=address)
    creation = artifact.encode_creation((manifest_bytes(terms), terms.words))
    return machine.run(machine.accounts[0], None, creation)


def test_a_circle_takes_no_other_code_for_its_court() -> None:
    runtime = bytes.fromhex(load_circle_artifact().court_runtime[2:])
    assert deploy_with(runtime).reason is None
    for other in (None, b"", runtime[:-1] + bytes([runtime[-1] ^ 1]), runtime + b"\0", b"\x60\0\x60\0\xfd"):
        assert deploy_with(other).reason == "circle: court is not this version's"


def test_the_courts_code_is_the_same_wherever_it_is_deployed(deploy: Deploy) -> None:
    circle = deploy()
    runtime = bytes.fromhex(circle.artifact.court_runtime[2:])
    assert circle.machine.code(circle.court) == runtime
    assert len(runtime) <= 24576


@pytest.mark.parametrize("name", COURT_CALLS)
def test_a_direct_call_to_the_courts_own_address_does_nothing(deploy: Deploy, name: str) -> None:
    circle = after_a_round(deploy, start_seats=5, quorum=2, last_round=9, bond=1000, dispute_bond=100)
    raise_claim(circle)
    data = circle.artifact.encode_call(name, *COURT_CALLS[name])
    for sender in (circle.peers[JUDGE], circle.peers[2], circle.colds[JUDGE], circle.peers[CHALLENGER]):
        for value in (0, circle.price(name)):
            ran = circle.machine.run(sender, circle.court, data, value)
            assert ran.reason is not None
            assert not ran.logs
    assert circle.machine.balance(circle.court) == 0
    circle.check()


def test_a_direct_call_that_is_none_is_refused_and_coin_with_it(deploy: Deploy) -> None:
    circle = deploy()
    for data in (b"", b"\1\2\3\4", circle.artifact.encode_call("join", "a", NOBODY, 0, 0, 0, 0)):
        assert circle.machine.run(circle.peers[0], circle.court, data, 1).reason is not None
    assert circle.machine.balance(circle.court) == 0


def test_what_the_court_emits_and_is_paid_is_the_circles(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, quorum=2, last_round=9, bond=1000, dispute_bond=100)
    # The harness looks at the address of each log, and at the circle's coin.
    number = raise_claim(circle, 1, JUDGE, 1, DIGEST)
    answer(circle, number, upholds=jury_of(circle, number))
    resolve(circle, number)
    answer(circle, number, upholds=range(1, 4))
    resolve(circle, number)
    assert circle.machine.balance(circle.court) == 0


def test_a_call_passes_on_what_the_courts_code_returns_and_why_it_reverts(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, quorum=2, last_round=9, bond=1000, dispute_bond=100)
    for number, target in enumerate((1, 2, 3)):
        data = circle.artifact.encode_call("dispute", 1, JUDGE, target, DIGEST)
        sender = circle.peers[CHALLENGER]
        ran = circle.machine.run(sender, circle.address, data, 100)
        assert decode_result(circle.artifact, "dispute", ran.output) == (number,)
        circle.follow(ran, (sender, "dispute", 1, JUDGE, target, DIGEST))
    assert circle.refusal(CHALLENGER, "dispute", 1, JUDGE, 3, DIGEST) == "dispute: already disputed"
