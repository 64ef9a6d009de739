"""What a person reads when something is wrong: a sentence with a next step, the exit status, no traceback."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.circle import Circle
from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import Sender
from ledger.identity.endpoints import parse_endpoint
from node.cli.main import main
from node.seat.accounts import open_deployer_key
from node.seat.keys import load_key
from tests.support.network.local_run import WarmNetwork
from tests.support.said import leave_out_beginning

USAGE, SET_UP = 2, 3
PASSWORD = "correct horse"
NOWHERE = "0x00000000000000000000000000000000000000aa"
Fails = Callable[..., str]
TASKS = """
import torch
from torch import nn

class Small:
    def model(self):
        return nn.Linear(2, 2)
    def data(self, seat, seats):
        return torch.zeros(4, 2), torch.zeros(4, dtype=torch.long)

class Other(Small):
    def model(self):
        return nn.Linear(3, 2)

class Rotten(Small):
    def data(self, seat, seats):
        return torch.full((4, 2), float("nan")), torch.zeros(4, dtype=torch.long)

class Broken(Small):
    def data(self, seat, seats):
        return open("/nowhere/at/all")

class Silent:
    pass
"""


@dataclass(frozen=True)
class Here:
    """A chain with one circle of two seats, a task file, a funded key and its password."""

    folder: Path
    rpc: str
    circle: Path
    tasks: Path
    keystore: Path
    password: Path
    address: str

    @property
    def contract(self) -> str:
        return str(json.loads(self.circle.read_text())["contract"])

    def changed_circle(self, folder: Path, **fields: Any) -> Path:
        path = folder / "changed.json"
        path.write_text(json.dumps(json.loads(self.circle.read_text()) | fields))
        return path

    def node(self, place: Path, **changes: object) -> list[str]:
        """A command that would work; changes: option (with _ for -) → another value."""
        options: dict[str, object] = {
            "circle": self.circle,
            "keystore": self.keystore,
            "password_file": self.password,
            "folder": place / "data",
            "task": f"{self.tasks}:Small",
        } | changes
        return [
            "node",
            *(part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))),
        ]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("errors")
    with WarmNetwork(folder / "run") as network:
        rpc = network.start_chain()
        tasks = folder / "tasks.py"
        tasks.write_text(TASKS)
        deploy = ["deploy", "--rpc", rpc, "--out", str(network.circle_file), "--task", f"{tasks}:Small"]
        assert main([*deploy, "--peers", "2", "--degree", "1"]) == 0
        network.password_file.touch(0o600)
        network.password_file.write_text(PASSWORD)
        peer = network.add_peer()
        yield Here(
            folder, rpc, network.circle_file, tasks, peer.folder / "key.json", network.password_file, peer.address
        )


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Fails:
    """Run a command and check that it ends as an expected error should. Returns the sentence."""

    def run(*command: object, status: int) -> str:
        found = main([str(part) for part in command])
        captured = capsys.readouterr()
        lines = captured.err.splitlines()
        assert found == status, captured.err
        assert len(lines) == 1, captured.err
        assert lines[0].startswith("folkmoot: ")
        assert leave_out_beginning(captured.out) == ""
        return lines[0].removeprefix("folkmoot: ")

    return run


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def dead_rpc() -> str:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"http://127.0.0.1:{gone.getsockname()[1]}"


# ------------------------------------------------------------------------------------------------ the chain


@pytest.mark.parametrize("command", ["deploy", "node", "audit", "status", "fund"])
def test_an_unreachable_chain_is_named_with_what_to_do(
    here: Here, fails: Fails, tmp_path: Path, dead_rpc: str, command: str
) -> None:
    commands: dict[str, list[object]] = {
        "deploy": ["deploy", "--task", f"{here.tasks}:Small", "--out", tmp_path / "circle.json", "--rpc", dead_rpc],
        "node": [*here.node(tmp_path, rpc=dead_rpc)],
        "audit": ["audit", "--contract", here.contract, "--rpc", dead_rpc],
        "status": ["status", "--circle", here.circle, "--rpc", dead_rpc],
        "fund": ["keys", "fund", here.address, "--rpc", dead_rpc],
    }
    said = fails(*commands[command], status=SET_UP)
    assert said.startswith(f"the chain at {dead_rpc} does not answer")
    assert said.endswith("start it (`folkmoot chain`) or correct --rpc")


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"{}", b"[]", b'{"result": "many"}', b'{"error": 7}', b"\xff"]
)
def test_an_endpoint_that_is_no_chain_is_a_sentence(here: Here, fails: Fails, body: bytes) -> None:
    with web_server(body) as url:
        said = fails("audit", "--contract", here.contract, "--rpc", url, status=SET_UP)
    assert url in said
    assert "--rpc" in said


def test_an_rpc_address_without_a_scheme_is_refused(here: Here, fails: Fails) -> None:
    said = fails("audit", "--contract", here.contract, "--rpc", "127.0.0.1:8545", status=SET_UP)
    assert said == "'127.0.0.1:8545' is no JSON-RPC address: give one such as http://127.0.0.1:8545"


def test_a_chain_of_another_id_is_refused(here: Here, fails: Fails, tmp_path: Path) -> None:
    changed = here.changed_circle(tmp_path, chain_id=5)
    for command in (here.node(tmp_path, circle=changed), ["status", "--circle", changed]):
        said = fails(*command, status=SET_UP)
        assert (
            said == f"the chain at {here.rpc} has id 1337, the circle lives on 5: correct --rpc or the circle file"
        )


def test_a_chain_port_in_use_is_named(fails: Fails, tmp_path: Path, taken_port: int) -> None:
    said = fails("chain", "--port", taken_port, "--folder", tmp_path / "chain", status=SET_UP)
    assert said == f"port {taken_port} on 127.0.0.1 is in use: stop the other program or choose --port"


# ------------------------------------------------------------------------------------------------ the contract


def test_an_address_without_code_is_refused(here: Here, fails: Fails, tmp_path: Path) -> None:
    changed = here.changed_circle(tmp_path, contract=NOWHERE)
    commands = (
        here.node(tmp_path, circle=changed),
        ["status", "--circle", changed],
        ["audit", "--contract", NOWHERE, "--rpc", here.rpc],
    )
    for command in commands:
        said = fails(*command, status=SET_UP)
        assert said.lower().startswith(f"there is no contract at {NOWHERE}")
        assert said.endswith("check the address and the chain behind --rpc")


def test_code_that_is_not_ours_is_refused_and_is_a_finding_of_an_audit(
    here: Here, fails: Fails, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Creation code that leaves four bytes of runtime code behind.
    foreign = bytes.fromhex("63600160025f526004601cf3")
    receipt = Sender(Rpc(here.rpc), open_deployer_key(None, None, 1337), 1337).create(foreign)
    changed = here.changed_circle(tmp_path, contract=receipt.contract)
    for command in (here.node(tmp_path, circle=changed), ["status", "--circle", changed]):
        said = fails(*command, status=SET_UP)
        assert "is not the circle contract of this version" in said
        assert "check the address" in said
    assert main(["audit", "--json", "--contract", str(receipt.contract), "--rpc", here.rpc]) == 1
    assert [found["check"] for found in json.loads(capsys.readouterr().out)["findings"]] == ["A1"]


def test_what_is_no_address_is_refused(here: Here, fails: Fails) -> None:
    said = fails("audit", "--contract", "0x123", "--rpc", here.rpc, status=SET_UP)
    assert said == "'0x123' is no contract address: give 0x and 40 hex digits"


# ------------------------------------------------------------------------------------------------ the circle file


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"chain_id": "x"}', "\0" * 100, "{}"])
def test_a_broken_circle_file_is_named(here: Here, fails: Fails, tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(text)
    for command in (
        here.node(tmp_path, circle=broken),
        ["status", "--circle", broken],
        ["audit", "--circle", broken],
    ):
        said = fails(*command, status=SET_UP)
        assert said.startswith(f"{broken} is no circle file")
        assert said.endswith("`folkmoot deploy` writes one")


def test_a_missing_circle_file_is_named(here: Here, fails: Fails, tmp_path: Path) -> None:
    said = fails(*here.node(tmp_path, circle=tmp_path / "none.json"), status=SET_UP)
    assert (
        said == f"{tmp_path / 'none.json'} cannot be read (No such file or directory): `folkmoot deploy` writes it"
    )


def test_a_circle_file_with_another_task_or_block_is_refused(here: Here, fails: Fails, tmp_path: Path) -> None:
    changed = here.changed_circle(tmp_path, task="0x" + "11" * 32)
    assert "has another task than the circle file says" in fails("status", "--circle", changed, status=SET_UP)
    changed = here.changed_circle(tmp_path, block=0)
    assert "ask for a new circle file" in fails(*here.node(tmp_path, circle=changed), status=SET_UP)


# ------------------------------------------------------------------------------------------------ the key


def test_a_wrong_password_is_a_sentence(here: Here, fails: Fails, tmp_path: Path) -> None:
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text("wrong")
    said = fails(*here.node(tmp_path, password_file=tmp_path / "password"), status=SET_UP)
    assert said.startswith(f"{here.keystore} does not open: wrong password")


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("keystore", None, "cannot be read (No such file or directory): `folkmoot keys new"),
        ("keystore", "no JSON", "is no keystore: `folkmoot keys new` makes one"),
        ("keystore", "{}", "does not open"),
        ("keystore", "[]", "is no keystore: `folkmoot keys new` makes one"),
        ("password_file", None, "cannot be read (No such file or directory): it should hold the key's password"),
        ("password_file", "", "is empty: its first line is the key's password"),
    ],
)
def test_a_missing_or_foreign_key_file_is_named(
    here: Here, fails: Fails, tmp_path: Path, option: str, text: str | None, expected: str
) -> None:
    path = tmp_path / "given"
    if text is not None:
        path.touch(0o600)
        path.write_text(text)
    said = fails(*here.node(tmp_path, **{option: path}), status=SET_UP)
    assert said.startswith(str(path))
    assert expected in said


def test_no_key_is_overwritten(here: Here, fails: Fails) -> None:
    before = here.keystore.read_bytes()
    said = fails("keys", "new", here.keystore, "--password-file", here.password, status=SET_UP)
    assert said == f"{here.keystore} exists already and keys are never overwritten: choose another name"
    assert here.keystore.read_bytes() == before


def test_an_empty_account_is_told_how_to_get_coin(
    here: Here, fails: Fails, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "new", str(tmp_path / "poor.json"), "--password-file", str(here.password)]) == 0
    address = capsys.readouterr().out.strip()
    said = fails(*here.node(tmp_path, keystore=tmp_path / "poor.json"), status=SET_UP)
    assert f"account {address} holds 0.000000 ETH" in said
    assert f"`folkmoot keys fund {address}`" in said


# ------------------------------------------------------------------------------------------------ ports


@pytest.mark.parametrize("service", ["gossip", "gateway"])
def test_a_port_in_use_names_the_option(
    here: Here, fails: Fails, tmp_path: Path, taken_port: int, service: str
) -> None:
    said = fails(*here.node(tmp_path, **{f"{service}_port": taken_port}), status=SET_UP)
    assert f"port {taken_port}" in said
    assert "127.0.0.1" in said
    assert "stop the other program or choose" in said
    assert said.endswith(f"--{service}-port")


# ------------------------------------------------------------------------------------------------ tasks and terms


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        (["--task", "chess"], USAGE, "no task is called 'chess'"),
        (["--task", "missing.py:Task"], USAGE, "there is no file missing.py"),
        (["--task", "{tasks}:Absent"], USAGE, "has no class 'Absent'"),
        (["--task", "{tasks}:Silent"], SET_UP, "has no method model()"),
        (["--rule", "trust"], USAGE, "rule 'trust' is unknown: choose one of"),
        (["--rule-parameter", "gate=1"], USAGE, "gate"),
        (["--rule-parameter", "gamma_milli=much"], USAGE, "'gamma_milli=much' is not NAME=INT"),
        (["--rule-parameter", "gate_milli=0"], USAGE, "gate_milli 0 is not in 1000.."),
        (["--degree", "0"], USAGE, "degree 0 is not in 1.."),
        (["--rounds", "0"], USAGE, "0 rounds are not in 1.."),
        (["--peers", "1"], USAGE, "2 to 256 peers, not 1"),
        (["--peers", "257"], USAGE, "2 to 256 peers, not 257"),
        (["--quorum", "1"], USAGE, "the quorum is 2 to"),
        (["--commit-window", "0"], USAGE, "a window is 1 second to 30 days"),
    ],
)
def test_terms_a_circle_cannot_have_are_refused(
    here: Here, fails: Fails, tmp_path: Path, options: list[str], status: int, expected: str
) -> None:
    named = [option.format(tasks=here.tasks) for option in options]
    out = tmp_path / "circle.json"
    said = fails("deploy", "--rpc", here.rpc, "--out", out, "--task", f"{here.tasks}:Small", *named, status=status)
    assert expected in said
    assert not out.exists()


def test_an_existing_circle_file_is_not_overwritten(here: Here, fails: Fails) -> None:
    before = here.circle.read_bytes()
    said = fails("deploy", "--rpc", here.rpc, "--out", here.circle, status=USAGE)
    assert said.startswith(f"{here.circle} names a circle with another task: ")
    assert "choose another --out" in said
    assert here.circle.read_bytes() == before


def test_an_out_file_without_a_folder_is_noticed_before_coin_is_spent(
    here: Here, fails: Fails, tmp_path: Path
) -> None:
    out = tmp_path / "missing" / "circle.json"
    said = fails("deploy", "--rpc", here.rpc, "--out", out, "--task", f"{here.tasks}:Small", status=USAGE)
    assert str(out.parent) in said
    assert "--out" in said


def test_a_data_folder_that_cannot_be_made_is_a_sentence(here: Here, fails: Fails, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = fails(*here.node(tmp_path, folder=tmp_path / "file" / "data"), status=SET_UP)
    assert str(tmp_path / "file") in said


def test_a_task_of_other_shapes_is_refused(here: Here, fails: Fails, tmp_path: Path) -> None:
    said = fails(*here.node(tmp_path, task=f"{here.tasks}:Other"), status=SET_UP)
    assert "weight is (2, 3) here and (2, 2) there" in said
    assert said.endswith("start the peer with the circle's own task file, its `shared` and `private` included")


@pytest.mark.parametrize("share", ["0.1", "2"])
def test_a_sent_share_where_the_circles_codec_sends_everything_is_refused(
    here: Here, fails: Fails, tmp_path: Path, share: str
) -> None:
    said = fails(*here.node(tmp_path, sent_share=share), status=USAGE)
    assert said == "a sent share is for codec 'delta' alone, not for 'int8-zstd': leave it out"
    assert not (tmp_path / "data").exists()


def test_a_users_own_task_must_be_named(here: Here, fails: Fails, tmp_path: Path) -> None:
    command = here.node(tmp_path)
    said = fails(*command[:-2], status=USAGE)
    assert said == "the circle trains Small, which is not built in: name its file with --task"


@pytest.mark.parametrize(
    ("option", "value", "expected"), [("attack", "bribe", "sign-flip"), ("fail_at", "soon", "exchange")]
)
def test_an_unknown_experiment_lists_the_known_ones(
    here: Here, fails: Fails, tmp_path: Path, option: str, value: str, expected: str
) -> None:
    said = fails(*here.node(tmp_path, **{option: value}), status=USAGE)
    assert repr(value) in said
    assert expected in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--peers", "1"], "2 to 256 peers, not 1"),
        (["--peers", "4", "--poisoners", "4"], "0 to 3 can be poisoners, not 4"),
        (["--attack", "bribe"], "no attack is called 'bribe'"),
        (["--rule", "trust"], "rule 'trust' is unknown"),
        (["--sent-share", "0.1"], "a sent share is for codec 'delta' alone"),
        (["--codec", "delta", "--sent-share", "2"], "sent share is 2: give a number above 0"),
    ],
)
def test_a_demo_that_cannot_be_is_refused_before_anything_starts(
    fails: Fails, tmp_path: Path, options: list[str], expected: str
) -> None:
    said = fails("demo", "--json", "--folder", tmp_path / "run", *options, status=USAGE)
    assert expected in said
    assert not (tmp_path / "run").exists()


def test_a_demo_passes_on_what_its_deployment_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["demo", "--json", "--folder", str(tmp_path / "run"), "--task", "chess"]
    assert main(command) == USAGE
    assert capsys.readouterr().err.splitlines()[-1].startswith("folkmoot: no task is called 'chess': choose")


def test_a_demo_wants_a_folder_of_its_own(fails: Fails, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    said = fails("demo", "--folder", tmp_path, status=USAGE)
    assert said == f"{tmp_path} is not empty: a run wants a folder of its own"


# ------------------------------------------------------------------------------------------------ in a seat


@pytest.mark.parametrize(("task", "expected"), [("Rotten", "not finite"), ("Broken", "data(")])
def test_bad_data_ends_a_peer_with_a_sentence(
    here: Here, tmp_path: Path, seated: None, capsys: pytest.CaptureFixture[str], task: str, expected: str
) -> None:
    assert main([*here.node(tmp_path, task=f"{here.tasks}:{task}"), "--json"]) == SET_UP
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("folkmoot: ")
    assert f"tasks.py:{task}" in lines[0]
    assert expected in lines[0]


@pytest.fixture(scope="module")
def seated(here: Here) -> None:
    """Both seats are taken, one of them by the funded key, so that round 1 is under way."""
    rpc, contract = Rpc(here.rpc), here.contract
    bond = Circle(rpc, contract).terms.bond
    for number, key in enumerate((load_key(here.keystore, PASSWORD), open_deployer_key(None, None, 1337)), 1):
        endpoint = parse_endpoint(f"wss://127.0.0.1:1 http://127.0.0.1:{number}")
        sender = Sender(rpc, key, 1337)
        sender.call(contract, "join", endpoint.text, sender.address, 0, 0, 0, 0, value_wei=bond)


@contextmanager
def web_server(body: bytes) -> Iterator[str]:
    """A server that says the same to everybody."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
