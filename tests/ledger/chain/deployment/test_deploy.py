"""A deployment on our chain and on Anvil: found again, finished after a cut, refused where it would mislead."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain.circle import Circle
from ledger.chain.contract.artifact import CodeMismatch, code_hash, load_circle_artifact
from ledger.chain.contract.code import check_made, contract_address
from ledger.chain.deployment.circle_file import CircleFile, open_circle
from ledger.chain.deployment.deploy import (
    Deployment,
    Intent,
    deploy_circle,
    find_deployed,
    find_known_court,
    finish_begun,
)
from ledger.chain.deployment.plan import DeploymentPlan, make_plan
from ledger.chain.deployment.preflight import Quote, check_chain, check_funds, measure_block_time_s, quote
from ledger.chain.deployment.terms import ChosenTerms
from ledger.chain.rpc.client import ChainUnreachable, Rpc
from ledger.chain.transactions.sender import NoFunds, Sender
from ledger.errors import SetupError, UsageError
from tests.support.chains.kinds import CHAINS, ChainProcess, anvil
from tests.support.histories.parts import manifest_of

WRITTEN = "ledger.chain.deployment.circle_file.CircleFile.write"


def plan_of(rounds: int = 9, quorum: int = 3) -> DeploymentPlan:
    terms = ChosenTerms(start_seats=4, quorum=quorum, commit_window_s=60, attest_window_s=60)
    return make_plan(manifest_of(rounds, 3), terms)


@dataclass
class Site:
    """A chain, an account on it and the place of the circle file."""

    chain: ChainProcess
    out: Path

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.chain.url)

    def sender(self, account: int = 0) -> Sender:
        return Sender(self.rpc, bytes.fromhex(self.chain.keys[account][2:]), self.chain.chain_id)

    def deploy(self, plan: DeploymentPlan, confirmations: int = 0) -> Deployment:
        return deploy_circle(self.sender(), plan, self.out, confirmations, find_known_court(self.rpc, self.out))

    def find(self, plan: DeploymentPlan, **options: Any) -> CircleFile | None:
        return find_deployed(self.rpc, self.chain.chain_id, plan, self.out, **options)

    def finish(self, plan: DeploymentPlan) -> Deployment | None:
        return finish_begun(self.rpc, self.chain.chain_id, plan, self.out)

    def sent(self) -> int:
        """How many transactions the account has sent."""
        return int(self.chain.rpc("eth_getTransactionCount", self.sender().address, "pending"), 16)

    def rewrite(self, **fields: Any) -> None:
        msgspec.structs.replace(CircleFile.read(self.out), **fields).write(self.out)


@pytest.fixture(params=list(CHAINS), scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[ChainProcess]:
    with CHAINS[request.param]() as process:
        yield process


@pytest.fixture
def site(running: ChainProcess, tmp_path: Path) -> Site:
    return Site(running, tmp_path / "circle.json")


def test_the_file_tells_what_lies_there_and_opens(site: Site) -> None:
    plan = plan_of()
    done = site.deploy(plan)
    file = CircleFile.read(site.out)
    assert file == done.file
    assert (file.task, file.terms) == (plan.task, plan.compute_terms(done.circle.court))
    court = site.chain.rpc("eth_getCode", done.circle.court, "latest")
    assert bytes.fromhex(court[2:]) == load_circle_artifact().court_code
    code = bytes.fromhex(site.chain.rpc("eth_getCode", file.contract, "latest")[2:])
    assert file.code_hash == code_hash(code)
    receipt = site.chain.rpc("eth_getTransactionReceipt", file.transaction)
    assert int(receipt["blockNumber"], 16) == file.block
    assert done.paid is not None
    assert done.paid.gas > int(receipt["gasUsed"], 16)
    assert open_circle(file).task.hex() == plan.task[2:]
    assert not Intent.path(site.out).exists()


def test_deploying_twice_finds_the_first_and_sends_nothing(site: Site) -> None:
    plan = plan_of()
    first = site.deploy(plan).file
    sent = site.sent()
    assert site.find(plan) == first
    assert site.sent() == sent


def test_nothing_is_found_where_there_is_no_file(site: Site) -> None:
    assert site.find(plan_of()) is None
    assert site.finish(plan_of()) is None


@pytest.mark.parametrize(("other", "what"), [(plan_of(rounds=5), "task"), (plan_of(quorum=4), "quorum")])
def test_another_task_or_term_for_the_same_file_is_refused(site: Site, other: DeploymentPlan, what: str) -> None:
    site.deploy(plan_of())
    with pytest.raises(UsageError, match=f"names a circle with another {what}.*choose another --out"):
        site.find(other)


def test_a_file_of_another_chain_is_refused(site: Site) -> None:
    site.deploy(plan_of())
    site.rewrite(chain_id=5)
    with pytest.raises(UsageError, match="names a circle on chain 5, this is 31337: choose another --out"):
        site.find(plan_of())


def test_a_circle_gone_with_its_chain_is_said_and_can_be_deployed_anew(site: Site) -> None:
    site.deploy(plan_of())
    site.rewrite(contract="0x" + "00" * 19 + "aa")
    with pytest.raises(SetupError, match=r"nothing is there \(was the chain reset\?\).*--anew"):
        site.find(plan_of())
    assert site.find(plan_of(), anew=True) is None


def test_a_standing_circle_is_not_replaced(site: Site) -> None:
    file = site.deploy(plan_of()).file
    assert site.find(plan_of(), anew=True) == file


def test_a_file_that_points_to_a_circle_of_other_terms_is_refused(site: Site) -> None:
    """Same code, same task: only the words behind the code tell the two apart."""
    lax = site.deploy(plan_of(quorum=2)).file
    site.deploy(plan_of())
    site.rewrite(contract=lax.contract)
    with pytest.raises(SetupError, match="has other terms than the circle file was written for"):
        open_circle(CircleFile.read(site.out))
    with pytest.raises(SetupError, match="has other terms"):
        site.find(plan_of())


# ------------------------------------------------------------------------------------------------ cut short


def cut(site: Site, plan: DeploymentPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy, and die before the circle file is written."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WRITTEN, killed)
        with pytest.raises(KeyboardInterrupt):
            site.deploy(plan)


def test_what_was_sent_and_not_written_down_is_found_and_not_sent_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of()
    cut(site, plan, monkeypatch)
    sent = site.sent()
    done = site.finish(plan)
    assert done is not None
    assert site.sent() == sent
    assert CircleFile.read(site.out) == done.file
    assert site.find(plan) == done.file
    assert not Intent.path(site.out).exists()


def test_it_is_found_behind_other_transactions_of_the_key(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nonce that was noted went to another program; ours came later."""
    plan = plan_of()
    site.sender().transfer(site.sender().address, 1)
    cut(site, plan, monkeypatch)
    note = msgspec.json.decode(Intent.path(site.out).read_bytes(), type=Intent)
    earlier = msgspec.structs.replace(note, nonce=note.nonce - 1)
    Intent.path(site.out).write_bytes(msgspec.json.encode(earlier))
    done = site.finish(plan)
    assert done is not None
    assert done.file.contract == contract_address(note.deployer, note.nonce + 1), "behind the court"


def cut_between(site: Site, plan: DeploymentPlan, monkeypatch: pytest.MonkeyPatch, *, is_noted: bool) -> None:
    """Deploy, and die when the court is there: before that is noted, or after."""
    create = Sender.create

    def killed(sender: Sender, data: bytes, *rest: Any) -> Any:
        if data != plan.court_data:
            raise KeyboardInterrupt
        receipt = create(sender, data, *rest)
        if not is_noted:
            raise KeyboardInterrupt
        return receipt

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            site.deploy(plan)


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_court_that_was_sent_is_found_and_paid_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_noted: bool
) -> None:
    plan, sent = plan_of(), site.sent()
    cut_between(site, plan, monkeypatch, is_noted=is_noted)
    court = contract_address(site.sender().address, sent)
    assert site.finish(plan) is None
    assert find_known_court(site.rpc, site.out) == court
    done = site.deploy(plan)
    assert (done.circle.court, site.sent()) == (court, sent + 2)
    assert not Intent.path(site.out).exists()


def test_who_cannot_pay_for_the_circle_any_more_keeps_the_court(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, create = plan_of(), Sender.create

    def poor(sender: Sender, data: bytes, *rest: Any) -> Any:
        if data != plan.court_data:
            raise NoFunds("gone")
        return create(sender, data, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "create", poor)
        with pytest.raises(NoFunds):
            site.deploy(plan)
    sent = site.sent()
    assert site.finish(plan) is None
    site.deploy(plan)
    assert site.sent() == sent + 1


def test_the_court_of_an_earlier_circle_serves_another(site: Site, tmp_path: Path) -> None:
    first = site.deploy(plan_of())
    assert find_known_court(site.rpc, site.out, first.circle.court.lower()) == first.circle.court
    second, sent = Site(site.chain, tmp_path / "second.json"), site.sent()
    done = deploy_circle(second.sender(), plan_of(), second.out, 0, first.circle.court)
    assert (done.circle.court, site.sent()) == (first.circle.court, sent + 1)
    assert second.find(plan_of(), court=first.circle.court) == done.file
    with pytest.raises(UsageError, match="names a circle with another court"):
        second.find(plan_of(), court=first.circle.network.contract)


@pytest.mark.rule("R3")
def test_what_is_no_court_of_this_version_is_refused(site: Site) -> None:
    circle = site.deploy(plan_of()).circle
    for address in (circle.network.contract, "0x" + "11" * 20):
        with pytest.raises(CodeMismatch, match=r"is not the court of this version.*name another --court"):
            find_known_court(site.rpc, site.out, address)
    with pytest.raises(UsageError, match="the court 'mine' is no address"):
        find_known_court(site.rpc, site.out, "mine")


def test_a_circle_that_runs_other_code_than_the_courts_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own code is right to the byte: who deployed it wrote another court's address behind that."""
    address = site.deploy(plan_of()).circle.network.contract
    code = site.rpc.fetch_data
    offset = len(load_circle_artifact().runtime) // 2 - 1 + load_circle_artifact().immutables["COURT"]

    def told(rpc: Rpc, method: str, *parameters: Any) -> bytes:
        found = code(method, *parameters)
        if parameters[0] != address:
            return found
        return found[: offset + 12] + bytes.fromhex(site.sender().address[2:]) + found[offset + 32 :]

    Circle(site.rpc, address)
    monkeypatch.setattr(Rpc, "fetch_data", told)
    with pytest.raises(CodeMismatch, match="runs other code than the court of this version"):
        Circle(site.rpc, address)


def test_a_deployment_that_was_never_sent_is_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise ChainUnreachable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "create", lost)
        with pytest.raises(ChainUnreachable):
            site.deploy(plan_of())
    assert Intent.path(site.out).exists()
    assert site.finish(plan_of()) is None
    assert site.deploy(plan_of()).file == CircleFile.read(site.out)


def test_one_whose_nonce_went_to_another_transaction_is_forgotten(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(sender: Sender, *_: object) -> None:
        sender.transfer(sender.address, 1)
        raise ChainUnreachable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "create", other)
        with pytest.raises(ChainUnreachable):
            site.deploy(plan_of())
    assert site.finish(plan_of()) is None


def test_a_cut_deployment_is_not_finished_with_other_terms(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(site, plan_of(), monkeypatch)
    with pytest.raises(UsageError, match=r"circle\.json\.pending tells of another deployment.*or remove that file"):
        site.finish(plan_of(quorum=2))
    assert site.finish(plan_of()) is not None


@pytest.mark.parametrize("text", ["", "{", "{}", "\0" * 99])
def test_a_damaged_note_is_named(site: Site, text: str) -> None:
    Intent.path(site.out).write_text(text)
    with pytest.raises(SetupError, match="is no note of a deployment under way"):
        site.finish(plan_of())


@pytest.mark.parametrize("start", CHAINS.values(), ids=CHAINS)
def test_one_that_waits_for_a_block_is_waited_for(
    start: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent, killed, started again while it is in no block; the block comes while it looks."""
    with start(block_time_s=3600.0) as chain:
        site, plan = Site(chain, tmp_path / "circle.json"), plan_of()
        raw: list[bytes] = []

        def killed(sender: Sender, data: bytes, *_: object) -> None:
            raw.append(data)
            send_creation(chain, sender, data)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Sender, "create", killed)
            with pytest.raises(KeyboardInterrupt):
                site.deploy(plan)
        assert (site.sent(), raw) == (1, [plan.court_data])
        looks = iter(range(10**6))

        def mine_at_the_third_look(_: float) -> None:
            if next(looks) == 2:
                chain.rpc("evm_mine")

        monkeypatch.setattr("ledger.chain.deployment.deploy.time.sleep", mine_at_the_third_look)
        assert site.finish(plan) is None
        assert site.sent() == 1
        assert find_known_court(site.rpc, site.out) == contract_address(site.sender().address, 0)


def send_creation(chain: ChainProcess, sender: Sender, data: bytes) -> str:
    """As a sender does it, without waiting for the block."""
    from eth_account import Account

    fields = {"type": 2, "chainId": chain.chain_id, "nonce": 0, "value": 0, "data": data, "gas": 15_000_000}
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    signed = Account.from_key(chain.keys[0]).sign_transaction(fields | fees)
    return str(chain.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def test_the_file_is_written_when_blocks_lie_on_top(
    running: ChainProcess, tmp_path: Path, monkeypatch: Any
) -> None:
    site, mined = Site(running, tmp_path / "circle.json"), []

    def mine(_: float) -> None:
        mined.append(running.rpc("evm_mine"))
        assert not site.out.exists()

    with monkeypatch.context() as patch:
        patch.setattr("ledger.chain.deployment.deploy.time.sleep", mine)
        done = site.deploy(plan_of(), confirmations=3)
    assert len(mined) >= 3
    assert site.rpc.fetch_number("eth_blockNumber") >= done.file.block + 3


# ------------------------------------------------------------------------------------------------ before paying


def test_the_quote_is_what_it_costs(site: Site) -> None:
    """Of both transactions, though the second one cannot be estimated before the first is in a block."""
    quoted = quote(site.rpc, site.sender().address, plan_of())
    done = site.deploy(plan_of())
    assert done.paid is not None
    assert done.paid.gas <= quoted.gas <= done.paid.gas * 1.02
    assert quoted.cost_wei <= quoted.most_wei
    alone = quote(site.rpc, site.sender().address, plan_of(), done.circle.court)
    assert alone.gas < quoted.gas - 2_000_000


def test_what_the_contract_would_refuse_is_a_sentence_before_anything_is_sent(site: Site) -> None:
    plan = plan_of()
    wrong = replace(plan, terms=plan.terms | {"quorum": 5})
    for court in (None, site.deploy(plan).circle.court):
        sent = site.sent()
        with pytest.raises(SetupError, match="the quorum is 2 to as many as --peers: choose another --quorum"):
            quote(site.rpc, site.sender().address, wrong, court)
        assert site.sent() == sent


def test_an_account_without_coin_is_told_what_it_needs(site: Site) -> None:
    poor = "0x" + "00" * 18 + "beef"
    with pytest.raises(NoFunds, match=r"holds 0 ETH and the deployment needs up to 0\.0024 ETH: fund it"):
        check_funds(site.rpc, poor, Quote(1_000_000, 10**9, 2 * 10**9))
    check_funds(site.rpc, poor, Quote(1_000_000, 0, 0))


def test_another_chain_than_expected_is_refused(site: Site) -> None:
    assert check_chain(site.rpc, 31337) == check_chain(site.rpc, None) == 31337
    with pytest.raises(UsageError, match="has id 31337, not 11155111: correct --rpc or --chain-id"):
        check_chain(site.rpc, 11155111)


def test_a_chain_that_makes_blocks_as_they_are_needed_has_no_block_time(site: Site) -> None:
    for _ in range(5):
        site.chain.rpc("evm_increaseTime", 12)
        site.chain.rpc("evm_mine")
    assert measure_block_time_s(site.rpc) is None


@pytest.mark.parametrize("start", CHAINS.values(), ids=CHAINS)
def test_the_block_time_of_other_chains_is_measured(start: Callable[..., Any]) -> None:
    with start(block_time_s=3600.0) as chain:
        assert measure_block_time_s(Rpc(chain.url)) is None, "too young"
        for seconds in (12, 12, 24, 12, 12):
            chain.rpc("evm_increaseTime", seconds)
            chain.rpc("evm_mine")
        assert measure_block_time_s(Rpc(chain.url)) == pytest.approx(12, abs=1)


@pytest.mark.parametrize("fork", ["paris", "shanghai"])
def test_an_evm_that_is_too_old_is_said_to_be(fork: str) -> None:
    with anvil(hardfork=fork) as chain, pytest.raises(SetupError, match="it needs the Cancun instructions"):
        check_chain(Rpc(chain.url), None)


def test_a_chain_without_a_base_fee_costs_the_tip(tmp_path: Path) -> None:
    with anvil(chain_id=2018, extra=("--base-fee", "0")) as chain:
        site = Site(chain, tmp_path / "circle.json")
        quoted = quote(site.rpc, site.sender().address, plan_of())
        assert quoted.price_wei == quoted.cap_wei == int(chain.rpc("eth_maxPriorityFeePerGas"), 16)
        paid = site.deploy(plan_of()).paid
        assert paid is not None
        assert paid.cost_wei == paid.gas * quoted.price_wei


def planted(chain: ChainProcess, done: Deployment) -> bytes:
    """Creation code that leaves a circle's code and first event behind, and a number of its own in the storage."""
    logs = chain.rpc("eth_getLogs", {"address": done.circle.network.contract, "fromBlock": "0x0"})
    topics, data = [bytes.fromhex(topic[2:]) for topic in logs[0]["topics"]], bytes.fromhex(logs[0]["data"][2:])
    code, start = done.circle.code, 0x80

    def push(number: int) -> bytes:
        return b"\x62" + number.to_bytes(3, "big")

    def copied(place: int, length: int) -> bytes:
        return push(length) + push(place) + b"\x5f\x39"

    program = b"\x60\x01\x60\x11\x55" + copied(start, len(data))
    program += b"\x7f" + topics[1] + b"\x7f" + topics[0] + push(len(data)) + b"\x5f\xa2"
    program += copied(start + len(data), len(code)) + push(len(code)) + b"\x5f\xf3"
    return program.ljust(start, b"\0") + data + code


@pytest.mark.rule("R3")
def test_a_circle_that_began_with_another_ones_storage_is_refused(site: Site) -> None:
    """The code alone would not tell."""
    done = site.deploy(plan_of())
    receipt = site.sender().create(planted(site.chain, done))
    assert receipt.contract is not None
    circle = Circle(site.rpc, receipt.contract, site.chain.chain_id)
    assert circle.code == done.circle.code
    for read in (circle.fetch_events_to_head, lambda first: circle.fetch_events(first, circle.fetch_head())):
        with pytest.raises(CodeMismatch, match="was not made by this version's creation code"):
            read(0)
    assert done.circle.fetch_events_to_head(0)


def test_a_transaction_that_made_something_else_makes_no_circle(site: Site) -> None:
    done = site.deploy(plan_of())
    court = site.sender().create(plan_of().court_data)
    for transaction in (court.transaction, site.sender().transfer(site.sender().address, 1).transaction):
        with pytest.raises(CodeMismatch, match="was not made by"):
            check_made(site.rpc, done.file.contract, transaction)
    check_made(site.rpc, done.file.contract, done.file.transaction)
    with pytest.raises(CodeMismatch, match="was not made by"):
        check_made(site.rpc, done.circle.court, done.file.transaction)
