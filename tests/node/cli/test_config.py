"""A file of options says what typing them says, for every option that there is; what it cannot mean is refused."""

import argparse
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from ledger.errors import UsageError
from node.cli.config import ConfigurableParser, is_repeatable, list_options
from node.cli.config_file import FILE_MAX_BYTES, PATHS_IN_TEXTS
from node.cli.main import load_command, main

WITH_CONFIG: Final = ("node", "chain")
NEEDED: Final = {"node": ["--keystore=peer.json", "--folder=data"], "chain": list[str]()}


def make_parser(command: str) -> ConfigurableParser:
    commands = argparse.ArgumentParser(prog="folkmoot").add_subparsers(parser_class=ConfigurableParser)
    load_command(command).add_parser(commands)
    parser: ConfigurableParser = commands.choices[command]
    return parser


def parse(command: str, *typed: str) -> dict[str, Any]:
    found = vars(make_parser(command).parse_args(typed))
    return {name: value for name, value in found.items() if name not in ("config", "cautions")}


def choose_sample(option: argparse.Action) -> tuple[list[str], str]:
    """A value that is no default: as it is typed, without the option's name, and as TOML has it."""
    if option.nargs == 0:
        return [], "true"
    if option.choices:
        last = list(option.choices)[-1]
        return [str(last)], f'"{last}"' if isinstance(last, str) else str(last)
    if option.type is float:
        return ["0.25"], "0.25"
    if option.type in (None, str, Path):
        return ["some/thing"], '"some/thing"'
    return ["7"], "7"


def list_all() -> list[tuple[str, str]]:
    return [(command, name) for command in WITH_CONFIG for name in list_options(make_parser(command))]


@pytest.mark.parametrize(("command", "name"), list_all())
def test_every_option_may_stand_in_the_file(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    option = list_options(make_parser(command))[name]
    typed, written = choose_sample(option)
    file = Path("options.toml")
    file.write_text(f"{name} = {f'[{written}, {written}]' if is_repeatable(option) else written}\n")
    given = [f"--{name}", *typed] * (2 if is_repeatable(option) else 1)
    others = [one for one in NEEDED[command] if not one.startswith(f"--{name}=")]
    assert parse(command, *others, "--config", str(file)) == parse(command, *others, *given)


@pytest.mark.parametrize(("command", "name"), list_all())
def test_every_option_refuses_what_is_of_another_kind(command: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text(f"# first\n\n{name} = {{a = 1}}\n")
    with pytest.raises(UsageError, match=re.escape(f"{file}, line 3: {name} ")):
        parse(command, *NEEDED[command], "--config", str(file))


def test_what_is_typed_counts_more_also_where_it_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text('gossip-port = 7001\nrpc = ["http://a:1", "http://b:1"]\nseat = 3\narchive = true\n')
    needed = (*NEEDED["node"], "--config", str(file))
    for typed in (
        ("--gossip-port", "0", "--rpc", "http://c:1", *needed),
        (*needed, "--gossip-port=0", "--rpc=http://c:1"),
    ):
        found = parse("node", *typed)
        assert (found["gossip_port"], found["rpc"]) == (0, ["http://c:1"])
        assert (found["seat"], found["archive"], found["gateway_port"]) == (3, True, 0)


def test_what_is_needed_may_stand_in_the_file_and_is_missed_where_it_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "options.toml"
    file.write_text('keystore = "peer.json"\n')
    with pytest.raises(SystemExit) as ended:
        parse("node", "--config", str(file))
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("the following arguments are required: --folder\n")
    assert parse("node", "--config", str(file), "--folder", "d")["keystore"] == tmp_path / "peer.json"


def test_paths_are_seen_from_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text(
        'keystore = "a/peer.json"\nfolder = "/far/data"\ntask = "task/own.py:Own"\ncold = "cold.json"\n'
        'privacy-after = ["one.json", "/two.json"]\nipfs-api = "/ip4/127.0.0.1/tcp/5001"\n'
    )
    found = parse("node", "--config", str(file))
    assert (found["keystore"], found["folder"]) == (tmp_path / "a/peer.json", Path("/far/data"))
    assert (found["task"], found["cold"]) == (f"{tmp_path}/task/own.py:Own", f"{tmp_path}/cold.json")
    assert found["privacy_after"] == [tmp_path / "one.json", Path("/two.json")]
    assert found["ipfs_api"] == "/ip4/127.0.0.1/tcp/5001"
    file.write_text(f'task = "digits"\ncold = "0x{"11" * 20}"\n')
    found = parse("node", *NEEDED["node"], "--config", str(file))
    assert (found["task"], found["cold"]) == ("digits", f"0x{'11' * 20}")


def test_texts_that_may_name_a_file_are_known() -> None:
    """Whoever adds such an option: its pattern goes into PATHS_IN_TEXTS."""
    texts = {
        name: option for name, option in list_options(make_parser("node")).items() if option.type in (None, str)
    }
    named = {
        name
        for name, option in texts.items()
        if option.nargs != 0 and re.search(r"FILE|keystore", option.help or "")
    }
    assert named == PATHS_IN_TEXTS.keys()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gossip_port = 1", "line 1: 'gossip_port' is no option: is gossip-port meant?"),
        ("\n'Gosip-Port' = 1", "line 2: 'Gosip-Port' is no option: is gossip-port meant?"),
        ("zzzz = 1", "line 1: 'zzzz' is no option: `--help` lists them"),
        ("[rpc]\nurl = 'http://a'", "line 1: rpc is a text in quotes, not a table"),
        ("rpc.url = 'http://a'", "line 1: rpc is a text in quotes, not a table"),
        ("rpc = [['http://a']]", "line 1: rpc is a text in quotes, not a list"),
        ("host = ['a']", "line 1: host is a text in quotes, not a list"),
        ("host = 1", "line 1: host is a text in quotes, not 1"),
        ("folder = 1979-05-27", "line 1: folder is a text in quotes, not 1979-05-27"),
        ("seat = 1.5", "line 1: seat is a whole number, not 1.5"),
        ("seat = true", "line 1: seat is a whole number, not true"),
        ("seat = '1'", "line 1: seat is a whole number, not '1'"),
        ("watch-share = 'much'", "line 1: watch-share is a number, not 'much'"),
        ("archive = 1", "line 1: archive is true or false, not 1"),
        ("archive = 'yes'", "line 1: archive is true or false, not 'yes'"),
        ("config = 'other.toml'", "line 1: 'config' is no option"),
        ("password = 'geheim'", "line 1: no secret stands in this file"),
        ("seat = 1\nseat = 2", "is no TOML: Cannot overwrite a value"),
        ("seat 1", "is no TOML: Expected '=' after a key in a key/value pair (at line 1, column 6)"),
        ("a = " + "[" * 5000, "is no TOML"),
        ("a = '" + "x" * FILE_MAX_BYTES + "'", f"has more than {FILE_MAX_BYTES} bytes"),
        ("name = '\udcff'", "is no TOML: 'utf-8' codec can't decode"),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_with_its_place(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "options.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    assert main(["node", "--config", str(file)]) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert str(file) in err
    assert (err.count("\n"), "geheim" in err) == (1, False)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node", "--config", str(tmp_path)]) == 2
    assert main(["node", "--config", str(tmp_path / "none.toml")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("Is a directory: name a file that can be read")
    assert second.endswith("No such file or directory: name a file that can be read")


def test_amounts_may_be_numbers_and_keep_their_digits(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text("max-fee = 0.000000000100000000000000001\ndispute-budget = 2\n")
    found = parse("node", *NEEDED["node"], "--config", str(file))
    assert (found["max_fee"], found["dispute_budget"]) == ("0.000000000100000000000000001", "2")


@pytest.mark.parametrize(
    ("mode", "text", "is_told"),
    [
        (0o644, 'rpc = "http://127.0.0.1:8545"', False),
        (0o644, 'rpc = ["http://127.0.0.1:8545", "https://chain.example/v2/0123456789abcdef"]', True),
        (0o640, 'rpc-ws = "wss://user:word@chain.example"', True),
        (0o600, 'rpc = "https://chain.example/v2/0123456789abcdef"', False),
    ],
)
def test_a_secret_that_others_can_read_is_told(
    mode: int, text: str, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "options.toml"
    file.write_text(f'{text}\ncircle = "none.json"\nkeystore = "peer.json"\nfolder = "data"\n')
    os.chmod(file, mode)
    assert main(["node", "--config", str(file)]) == 3
    err = capsys.readouterr().err
    assert (f"chmod 600 {file}" in err) == is_told
    assert "0123456789abcdef" not in err


@pytest.mark.parametrize("command", WITH_CONFIG)
def test_the_example_has_every_option_and_no_line_of_it_is_wrong(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "options.toml"
    assert main([command, "--write-config", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"{file} written" in said
    assert ("fill in keystore, folder" in said) == (command == "node")
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert tomllib.loads(text) == {}
    assert ("# sent-share = 0.03\n" in text) == (command == "node")
    options = list_options(make_parser(command))
    whole = re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
    assert list(tomllib.loads(whole)) == list(options)
    file.write_text(whole)
    found = parse(command, "--config", str(file))
    usual = parse(command, *NEEDED[command])
    for name, option in options.items():
        if option.default not in (None, []) and not isinstance(option.default, Path):
            assert found[option.dest] == usual[option.dest], name
    assert main([command, "--write-config", str(file)]) == 3


def test_what_was_typed_stands_in_the_example_and_means_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()
    typed = [
        *NEEDED["node"],
        "--seat",
        "3",
        "--rpc",
        "http://a:1",
        "--rpc",
        "http://b:1",
        "--archive",
        "--name",
        'a "b"\\\x7fü',
    ]
    assert main(["node", *typed, "--write-config", "etc/options.toml"]) == 0
    found, usual = parse("node", "--config", "etc/options.toml"), parse("node", *typed)
    assert {
        name: os.path.normpath(value) if isinstance(value, Path) else value for name, value in found.items()
    } == {name: str(value) if isinstance(value, Path) else value for name, value in usual.items()}


def test_a_file_says_nothing_that_cannot_be_typed_and_an_editors_mark_is_not_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "node.toml"
    path.write_text('folder = "a\\u0000b"\n')
    assert main(["node", "--config", str(path)]) == 2
    assert "folder has a zero byte" in capsys.readouterr().err
    path.write_text('\ufeffseat = "many"\n')
    assert main(["node", "--config", str(path)]) == 2
    assert "line 1: seat is a whole number" in capsys.readouterr().err


def test_an_address_that_is_none_is_refused_in_a_sentence_without_its_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "doctor.toml"
    path.write_text('rpc = ["http://user:secret@[::1"]\n')
    path.chmod(0o644)
    assert main(["doctor", "--config", str(path), "--limit", "5"]) == 3
    said = capsys.readouterr()
    assert "is no JSON-RPC address" in said.out
    assert "fault of the program" not in said.err
    assert "secret" not in said.out + said.err
