"""Options that several commands share, and what the parser itself says."""

import json

import pytest
from eth_account import Account

from ledger.circle.manifest import CHECKPOINT_EVERY
from ledger.codec import SENT_SHARE
from ledger.errors import SetupError, UsageError
from node.cli.main import COMMANDS, main
from node.cli.options import parse_rule_parameters, print_json
from node.cli.terms import parse_wei
from node.seat.accounts import open_deployer_key


def test_rule_parameters_are_integers_by_name() -> None:
    assert parse_rule_parameters(["gamma_milli=300", "kappa_milli=-1"]) == {"gamma_milli": 300, "kappa_milli": -1}


@pytest.mark.parametrize("text", ["gamma", "gamma=", "gamma=1.5", "=x", "a=b=c"])
def test_what_is_no_parameter_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not NAME=INT"):
        parse_rule_parameters([text])


@pytest.mark.parametrize("chain_id", [1337, 31337])
def test_a_local_chain_is_paid_from_its_first_development_account(chain_id: int) -> None:
    account = Account.from_key(open_deployer_key(None, None, chain_id))
    assert account.address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize("chain_id", [1, 10, 11155111])
def test_on_any_other_chain_the_key_has_to_be_named(chain_id: int) -> None:
    with pytest.raises(SetupError, match="name the key that pays with --keystore"):
        open_deployer_key(None, None, chain_id)


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, 2], "b": None})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": [1, 2], "b": None}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"`folkmoot {name}`" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["demo", "node", "simulate"])
def test_the_usual_sent_share_is_the_codecs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split()).rpartition("--sent-share SHARE")[2].partition(" --")[0]
    assert said.endswith(f"(default {SENT_SHARE})")


def test_the_usual_distance_of_checkpoints_is_the_manifests(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["deploy", "--help"])
    assert f"goes on with so often (default {CHECKPOINT_EVERY})" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [[], ["vote"], ["node"], ["audit"], ["deploy", "--peers", "many"], ["keys"]])
def test_a_wrong_command_line_ends_with_2(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert "usage: folkmoot" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["status", "--circle", "circle.json"],
        ["audit", "circle.car"],
        ["deploy"],
        ["model", "export"],
        ["trace"],
        ["watch"],
    ],
)
def test_a_daemon_that_cannot_be_is_refused_also_where_none_would_be_asked(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--ipfs-api", "localhost:5001"]) == 2
    assert "'localhost:5001' is no daemon's multiaddr: write it like /ip4/" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("0", 0),
        ("1", 10**18),
        ("0.05", 5 * 10**16),
        ("123456789012.123456789012345678", 123456789012123456789012345678),
    ],
)
def test_coin_is_counted_exactly(text: str, wei: int) -> None:
    assert parse_wei(text, "--bond") == wei
