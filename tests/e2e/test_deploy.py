"""`folkmoot deploy` as a user meets it, with a keystore on a chain that is not local, and killed on the way."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ledger.chain.deployment.circle_file import CircleFile
from node.cli.main import main
from node.demo.nursery_server import PROGRAM
from node.seat.keys import write_key
from tests.support.chains.kinds import CHAINS, ChainProcess
from tests.support.warm_start import nursery

USAGE, SET_UP = 2, 3
SEPOLIA = 11155111
PASSWORD = "correct horse"
WAIT_S = 60.0
TASK = """
import torch
from torch import nn

class Small:
    def model(self):
        return nn.Linear(2, 2)
    def data(self, seat, seats):
        return torch.zeros(4, 2), torch.zeros(4, dtype=torch.long)
"""


@dataclass
class Founder:
    """A folder with a task, a key that has coin and its password; and the chain."""

    folder: Path
    chain: ChainProcess

    @property
    def out(self) -> Path:
        return self.folder / "circle.json"

    @property
    def keystore(self) -> Path:
        return self.folder / "founder.json"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def command(self, *options: object) -> list[str]:
        named = ("--keystore", self.keystore, "--password-file", self.password_file, "--confirmations", "0")
        task = ("--task", f"{self.folder / 'task.py'}:Small", "--peers", "2", "--degree", "1")
        return [
            str(part) for part in ("deploy", "--rpc", self.chain.url, "--out", self.out, *named, *task, *options)
        ]

    def sent(self, block: str = "latest") -> int:
        address = Account.from_key(self.chain.keys[0]).address
        return int(self.chain.rpc("eth_getTransactionCount", address, block), 16)


def founder_on(chain: ChainProcess, folder: Path) -> Founder:
    founder = Founder(folder, chain)
    (folder / "task.py").write_text(TASK)
    founder.password_file.touch(0o600)
    founder.password_file.write_text(PASSWORD + "\n")
    write_key(founder.keystore, bytes.fromhex(chain.keys[0][2:]), PASSWORD, 1 << 2)
    return founder


@pytest.fixture(params=list(CHAINS), scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[ChainProcess]:
    with CHAINS[request.param](chain_id=SEPOLIA) as process:
        yield process


@pytest.fixture
def founder(running: ChainProcess, tmp_path: Path) -> Founder:
    return founder_on(running, tmp_path)


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command, check its status and return what it printed; of an error its one sentence."""

    def run(command: list[str], status: int = 0) -> str:
        assert main(command) == status
        captured = capsys.readouterr()
        if status == 0:
            return captured.out
        lines = captured.err.splitlines()
        assert len(lines) == 1, captured.err
        return lines[0].removeprefix("folkmoot: ")

    return run


def test_a_keystore_pays_for_a_circle_on_a_chain_that_is_not_local(
    founder: Founder, says: Callable[..., str]
) -> None:
    said = says(founder.command("--chain-id", SEPOLIA))
    file = CircleFile.read(founder.out)
    assert file.chain_id == SEPOLIA
    assert f"circle   {file.contract} on chain {SEPOLIA}" in said
    assert " gwei = " in said
    assert (file.terms["bond"], file.terms["dispute_bond"]) == (10**17, 5 * 10**15), "anyone may join"
    assert "ETH, paid by" in said
    assert says(["status", "--circle", str(founder.out)]).startswith(f"circle {file.contract}: Small")


def test_run_again_it_says_what_is_there_and_sends_nothing(founder: Founder, says: Callable[..., str]) -> None:
    says(founder.command())
    before, sent = founder.out.read_bytes(), founder.sent()
    founder.keystore.unlink()  # nothing is signed, so no key is asked for
    said = says(founder.command())
    assert "there already" in said
    assert "has this task and these terms: nothing was sent" in said
    machine = json.loads(says(founder.command("--json")))
    assert (machine["sent"], machine["contract"]) == (False, CircleFile.read(founder.out).contract)
    assert (founder.out.read_bytes(), founder.sent()) == (before, sent)


@pytest.mark.parametrize("other", [("--rounds", "3"), ("--quorum", "2", "--peers", "3"), ("--commit-window", "61")])
def test_other_terms_for_the_same_file_are_refused(
    founder: Founder, says: Callable[..., str], other: tuple[str, ...]
) -> None:
    says(founder.command())
    sent = founder.sent()
    said = says(founder.command(*other), USAGE)
    assert said.startswith(f"{founder.out} names a circle with another ")
    assert said.endswith("or choose another --out for a new one")
    assert founder.sent() == sent


def test_a_wrong_chain_is_noticed_before_anything_is_sent(founder: Founder, says: Callable[..., str]) -> None:
    said = says(founder.command("--chain-id", "1"), USAGE)
    assert said == f"the chain at {founder.chain.url} has id {SEPOLIA}, not 1: correct --rpc or --chain-id"
    assert not founder.out.exists()


def test_without_a_key_a_foreign_chain_is_refused(founder: Founder, says: Callable[..., str]) -> None:
    command = founder.command()
    place = command.index("--keystore")
    said = says(command[:place] + command[place + 4 :], SET_UP)
    assert said == f"chain {SEPOLIA} is no local test chain: name the key that pays with --keystore"


def test_a_wrong_password_is_a_sentence_and_leaves_nothing_begun(
    founder: Founder, says: Callable[..., str]
) -> None:
    founder.password_file.write_text("guess\n")
    said = says(founder.command(), SET_UP)
    assert said == f"{founder.keystore} does not open: wrong password, or a damaged file"
    assert [path.name for path in founder.folder.glob("circle*")] == []


def test_a_password_others_can_read_is_refused(founder: Founder, says: Callable[..., str]) -> None:
    founder.password_file.chmod(0o644)
    said = says(founder.command(), SET_UP)
    assert said.endswith(f"run `chmod 600 {founder.password_file}`")


def test_an_account_without_coin_is_told_what_it_needs(founder: Founder, says: Callable[..., str]) -> None:
    founder.keystore.unlink()
    write_key(founder.keystore, bytes(Account.create().key), PASSWORD, 1 << 2)
    said = says(founder.command(), SET_UP)
    assert "holds 0 ETH and the deployment needs up to " in said
    assert "fund it" in said


def test_a_file_of_a_chain_that_was_reset_can_be_replaced(founder: Founder, says: Callable[..., str]) -> None:
    says(founder.command())
    gone = json.loads(founder.out.read_text()) | {"contract": "0x" + "00" * 19 + "aa"}
    founder.out.write_text(json.dumps(gone))
    assert "deploy it again with --anew" in says(founder.command(), SET_UP)
    says(founder.command("--anew"))
    assert CircleFile.read(founder.out).contract != gone["contract"]


def test_an_estimate_needs_no_key_and_sends_nothing(founder: Founder, says: Callable[..., str]) -> None:
    sent = founder.sent()
    said = says(founder.command("--estimate", "--peers", "256", "--gas-price", "2.5"))
    assert "2.5 gwei" in said
    assert "all 256 peers" in said
    machine = json.loads(says(founder.command("--estimate", "--json", "--rounds", "7", "--gas-price", "2")))
    assert machine["deploy_wei"] == machine["deploy_gas"] * 2 * 10**9
    assert machine["peer_wei"] == (machine["join_gas"] + 7 * machine["peer_round_gas"]) * 2 * 10**9
    assert founder.sent() == sent
    assert not founder.out.exists()


@pytest.mark.parametrize("amount", ["-1", "much", "1e999999", "0.0000000000000000001", "NaN", "1" * 50, "1e999"])
def test_an_amount_that_is_none_is_refused(founder: Founder, says: Callable[..., str], amount: str) -> None:
    assert "is no amount of coin: give one such as 0.05" in says(founder.command(f"--bond={amount}"), USAGE)


def test_among_invited_peers_nothing_is_pledged_unless_it_is_asked_for(
    founder: Founder, says: Callable[..., str]
) -> None:
    says(founder.command("--admission", "inviter", "--inviter", "0x" + "ab" * 20))
    terms = CircleFile.read(founder.out).terms
    assert (terms["bond"], terms["dispute_bond"]) == (0, 0)


def test_terms_that_trap_are_refused_or_told(founder: Founder, capsys: pytest.CaptureFixture[str]) -> None:
    sent = founder.sent()
    assert main(founder.command("--unbonding", "60")) == USAGE
    assert "unbonding takes 8 dispute windows or more" in capsys.readouterr().err
    assert founder.sent() == sent
    assert main(founder.command("--bond", "0", "--estimate")) == 0
    assert "caution: anyone may join and pledges nothing" in capsys.readouterr().err


def test_the_court_of_an_earlier_circle_is_used_again(founder: Founder, says: Callable[..., str]) -> None:
    says(founder.command())
    first, sent = CircleFile.read(founder.out), founder.sent()
    second = founder.folder / "second.json"
    both = json.loads(says(founder.command("--estimate", "--json")))["deploy_gas"]
    court = ("--court", first.terms["court"])
    assert json.loads(says(founder.command("--estimate", "--json", *court)))["deploy_gas"] < both
    says(founder.command("--out", second, "--rounds", "3", *court))
    assert CircleFile.read(second).terms["court"] == first.terms["court"]
    assert founder.sent() == sent + 1
    assert "is not the court of this version" in says(
        founder.command("--out", founder.folder / "third.json", "--court", first.contract), SET_UP
    )


def test_foreign_code_behind_the_file_is_refused_by_all(founder: Founder, says: Callable[..., str]) -> None:
    says(founder.command())
    lax = founder.folder / "lax.json"
    says(founder.command("--peers", "3", "--out", lax))
    pinned = json.loads(founder.out.read_text()) | {"contract": json.loads(lax.read_text())["contract"]}
    founder.out.write_text(json.dumps(pinned))
    node = ["node", "--keystore", str(founder.keystore), "--password-file", str(founder.password_file)]
    for command in (
        ["status", "--circle", str(founder.out)],
        ["audit", "--circle", str(founder.out)],
        [*node, "--circle", str(founder.out), "--folder", str(founder.folder / "data")],
    ):
        assert "the circle file was written for: ask for a new one" in says(command, SET_UP)


@pytest.mark.parametrize("name", list(CHAINS))
def test_killed_between_sending_and_writing_nothing_is_lost_or_paid_twice(
    name: str, tmp_path: Path, says: Callable[..., str]
) -> None:
    with CHAINS[name](chain_id=SEPOLIA, block_time_s=3600.0) as chain:
        founder = founder_on(chain, tmp_path)
        # First when the court is sent, then when the circle is, which goes on from that court.
        for sent in (1, 2):
            killed_when_sent(founder, sent)
            assert not founder.out.exists()
            chain.rpc("evm_mine")
        founder.keystore.unlink()  # what was sent is found without the key
        assert ": sent before, " in says(founder.command())
        assert founder.sent("pending") == 2
        assert sorted(path.name for path in tmp_path.glob("circle*")) == ["circle.genesis", "circle.json"]
        assert "there already" in says(founder.command())


def killed_when_sent(founder: Founder, count: int) -> None:
    """Run the deployment in a process of its own and kill it once so many transactions are sent."""
    with (founder.folder / "said").open("w+b") as said:
        process = nursery().start([PROGRAM, *founder.command()], stdout=said, stderr=said, env=os.environ)
        try:
            wait_for(lambda: founder.sent("pending") == count or process.poll() is not None)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        assert founder.sent("pending") == count, said.read()


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
