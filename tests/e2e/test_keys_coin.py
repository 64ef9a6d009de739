"""`folkmoot keys send` and `keys balance` on the local chain: what moves, what it costs, and what is refused."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import NoReceipt, Sender
from node.cli.main import main
from node.demo.launcher import LocalNetwork
from node.seat.keys import load_key, new_key
from tests.support.chains.fault_proxy import FaultProxy, fault_proxy
from tests.support.chains.senders import PACE
from tests.support.network.local_run import WarmNetwork

ETHER = 10**18


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    with WarmNetwork(tmp_path_factory.mktemp("coin") / "run") as running:
        running.start_chain()
        yield running


class Wallet:
    """Keys on a chain, and commands about them."""

    def __init__(self, network: LocalNetwork, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._network, self._capsys = network, capsys
        self.rpc = ""
        """The endpoint that commands ask; the chain's own where it is empty."""
        self.rich, self.poor = folder / "rich.json", folder / "poor.json"
        self.rich_address = network.add_key(self.rich)
        self.poor_address = new_key(self.poor, network.password_file.read_text().strip(), 1 << 2)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Status, stdout and stderr of `folkmoot keys …`."""
        self._capsys.readouterr()
        status = main(["keys", *arguments, "--rpc", self.rpc or self._network.rpc])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def send(self, *arguments: str, key: Path | None = None) -> tuple[int, str, str]:
        """The same of `keys send FROM …`."""
        password = ["--password-file", str(self._network.password_file)]
        return self.run("send", str(key or self.rich), *arguments, *password)

    def balance(self, address: str) -> int:
        """In wei."""
        return Rpc(self._network.rpc).fetch_number("eth_getBalance", address, "latest")

    def secret(self, key: Path) -> bytes:
        """A key's own."""
        return load_key(key, self._network.password_file.read_text().strip())


@pytest.fixture
def wallet(network: LocalNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Wallet:
    return Wallet(network, tmp_path, capsys)


def test_coin_goes_to_a_key_and_what_it_costs_is_told(wallet: Wallet) -> None:
    before = wallet.balance(wallet.rich_address)
    status, out, err = wallet.send(str(wallet.poor), "0.25", "--json")
    told: dict[str, Any] = json.loads(out)
    assert (status, err) == (0, "")
    assert (told["from"], told["to"], told["value_wei"]) == (wallet.rich_address, wallet.poor_address, ETHER // 4)
    assert told["cost_wei"] == told["gas"] * told["gas_price_wei"] > 0
    assert wallet.balance(wallet.poor_address) == ETHER // 4
    assert told["left_wei"] == wallet.balance(wallet.rich_address) == before - ETHER // 4 - told["cost_wei"]

    status, out, _ = wallet.send(wallet.poor_address, "0.5")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["sent", "cost", "left", "block"]
    assert f"sent   0.5 ETH to {wallet.poor_address}" in out


def test_all_of_it_leaves_no_more_than_what_gas_might_have_cost(wallet: Wallet) -> None:
    status, out, _ = wallet.send(wallet.poor_address, "--all", "--json")
    told = json.loads(out)
    assert status == 0
    assert told["value_wei"] + told["cost_wei"] + told["left_wei"] == 10 * ETHER
    assert 0 <= told["left_wei"] < ETHER // 1000
    assert wallet.balance(wallet.poor_address) == told["value_wei"]


def test_balances_are_told_of_keystores_and_addresses(wallet: Wallet) -> None:
    status, out, _ = wallet.run("balance", str(wallet.rich), wallet.poor_address)
    assert status == 0
    assert out.splitlines() == [f"{wallet.rich_address}  10 ETH  {wallet.rich}", f"{wallet.poor_address}  0 ETH"]
    _, out, _ = wallet.run("balance", str(wallet.rich), "--json")
    (row,) = json.loads(out)["balances"]
    assert row == {"account": str(wallet.rich), "address": wallet.rich_address, "balance_wei": 10 * ETHER}


def test_what_would_go_wrong_is_refused_in_a_sentence_and_nothing_is_sent(wallet: Wallet) -> None:
    sender = Sender(Rpc(wallet._network.rpc), wallet.secret(wallet.rich), 1337)
    contract = sender.create(bytes.fromhex("600160005360016000f3")).contract
    before = wallet.balance(wallet.rich_address)
    wrong = wallet.poor_address[:2] + wallet.poor_address[2:].swapcase()
    for arguments, key, status, says in [
        ((wrong, "1"), None, 2, "has a wrong checksum"),
        (("0x1234", "1"), None, 2, "no address and no keystore"),
        (("no-such-file.json", "1"), None, 2, "no address and no keystore"),
        (("0x" + "00" * 20, "1"), None, 2, "belongs to nobody"),
        ((wallet.rich_address, "1"), None, 2, "is the account that pays"),
        ((wallet.poor_address,), None, 2, "how much?"),
        ((wallet.poor_address, "1", "--all"), None, 2, "how much?"),
        ((wallet.poor_address, "0"), None, 2, "nothing to send"),
        ((wallet.poor_address, "much"), None, 2, "is no amount of coin"),
        ((wallet.poor_address, "1", "--max-fee", "0.000001"), None, 3, "more than --max-fee allows"),
        ((wallet.poor_address, "10"), None, 3, "send at most 9.9"),
        ((str(contract), "1"), None, 3, "is a contract"),
        ((wallet.rich_address, "1"), wallet.poor, 3, "holds nothing on this chain"),
        ((wallet.rich_address, "--all"), wallet.poor, 3, "holds nothing on this chain"),
    ]:
        found, out, err = wallet.send(*arguments, key=key)
        assert (found, out, len(err.splitlines())) == (status, "", 1), err
        assert says in err
    assert wallet.balance(wallet.rich_address) == before
    # Without a checksum there is none to be wrong.
    assert wallet.send(wallet.poor_address.lower(), "1")[0] == 0


class Typing(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_on_a_chain_that_is_no_test_chain_somebody_is_asked_first(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.keys_coin.LOCAL_CHAIN_IDS", ())
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    status, out, err = wallet.send(wallet.poor_address, "1")
    assert (status, out) == (2, "")
    assert "nobody can be asked here: add --yes" in err
    for answer in ("n\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", Typing(answer))
        status, out, err = wallet.send(wallet.poor_address, "1")
        assert (status, out) == (2, "")
        assert f"send 1 ETH from {wallet.rich_address} to {wallet.poor_address} on chain 1337, for gas of" in err
        assert "nothing was sent" in err
    assert wallet.balance(wallet.poor_address) == 0
    monkeypatch.setattr("sys.stdin", Typing("y\n"))
    assert wallet.send(wallet.poor_address, "1")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert wallet.send(wallet.poor_address, "1", "--yes")[0] == 0
    assert wallet.balance(wallet.poor_address) == 2 * ETHER


class Thief(FaultProxy):
    """Takes every transaction, and says that it did not as its nonce is used."""

    def _forward(self, body: bytes) -> bytes:
        answer = super()._forward(body)
        request = json.loads(body)
        if request["method"] != "eth_sendRawTransaction":
            return answer
        error = {"code": -32000, "message": "nonce too low"}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()


def test_an_endpoint_that_hides_a_transfer_does_not_get_a_second_one(wallet: Wallet, network: LocalNetwork) -> None:
    thief = Thief(network.rpc)
    try:
        wallet.rpc = thief.url
        status, out, err = wallet.send(wallet.poor_address, "1")
    finally:
        thief.close()
    assert (status, out) == (3, "")
    assert "is not sent under another one" in err
    assert "look at `folkmoot keys balance` before you send again" in err
    assert (len(thief.sent), wallet.balance(wallet.poor_address)) == (1, ETHER)


def test_what_was_sent_is_told_where_the_chain_or_the_disk_fails_afterwards(
    wallet: Wallet, network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost(FaultProxy):
        """Gone once it has told of the block."""

        def answer(self, body: bytes) -> tuple[int, bytes | None]:
            told = super().answer(body)
            self.is_down = self.is_down or (b"TransactionReceipt" in body and b'"status"' in (told[1] or b""))
            return told

    lost = Lost(network.rpc)
    try:
        wallet.rpc = lost.url
        status, out, _ = wallet.send(wallet.poor_address, "1", "--patience", "0")
    finally:
        lost.close()
    assert status == 0
    assert f"sent   1 ETH to {wallet.poor_address}" in out
    assert "unknown, as the chain does not answer" in out

    wallet.rpc = ""
    with monkeypatch.context() as patched, Path("/dev/full").open("w") as full:
        patched.setattr("sys.stdout", full)
        status, _, err = wallet.send(wallet.poor_address, "1")
        with contextlib.suppress(OSError):
            full.close()
    assert status == 3
    assert "1 ETH were sent in transaction 0x" in err
    assert "do not send it again" in err
    assert wallet.balance(wallet.poor_address) == 2 * ETHER


def test_a_chain_that_falls_silent_after_the_transfer_says_that_it_may_have_come(
    wallet: Wallet, network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.transactions.sender.DeliveryPace", lambda: PACE)
    with fault_proxy(network.rpc) as proxy:
        wallet.rpc = proxy.url
        proxy.answers["eth_getTransactionReceipt"] = 7
        status, out, err = wallet.send(wallet.poor_address, "1", "--patience", "0")
    assert (status, out) == (3, "")
    assert "it may still come: look at `folkmoot keys balance`" in err
    assert wallet.balance(wallet.poor_address) == ETHER


def test_nothing_more_is_sent_while_a_transfer_waits_for_its_block(wallet: Wallet, network: LocalNetwork) -> None:
    chain, sender = Rpc(network.rpc), Sender(Rpc(network.rpc), wallet.secret(wallet.rich), 1337)
    chain.request("evm_setAutomine", [False], answers.accept_anything)
    try:
        with pytest.raises(NoReceipt):
            sender.transfer(wallet.poor_address, 7, timeout_s=0.0)
        status, out, err = wallet.send(wallet.poor_address, "1")
    finally:
        chain.request("evm_setAutomine", [True], answers.accept_anything)
        chain.request("evm_mine", [], answers.accept_anything)
    assert (status, out) == (3, "")
    assert f"1 transactions of {wallet.rich_address} are in no block yet" in err
    assert wallet.balance(wallet.poor_address) == 7
    assert wallet.send(wallet.poor_address, "1")[0] == 0


@pytest.mark.parametrize("ether", ["nan", "inf", "-1", "0", "1e400"])
def test_test_coin_is_an_amount(wallet: Wallet, ether: str) -> None:
    status, out, err = wallet.run("fund", wallet.poor_address, f"--ether={ether}")
    assert (status, out) == (2, "")
    assert "--ether is above 0" in err
