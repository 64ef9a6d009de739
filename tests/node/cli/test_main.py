"""Whatever a command ends with is one sentence and a status, never a traceback; and status 1 means findings."""

import argparse
from typing import Any

import pytest

from ledger.audit.findings import Check, Report
from ledger.chain.rpc.client import BadAnswer, ChainUnreachable, RpcFault
from ledger.chain.transactions.sender import NoReceipt, Reverted
from ledger.circle.history import HistoryFault
from ledger.errors import PeerFault, SetupError, UsageError
from node.cli import audit_lines, status_lines
from node.cli import main as main_module
from node.cli.main import COMMANDS, main

HOSTILE = "\x1b[2J\x1b]0;owned\x07gone\r\nfolkmoot: a line that the program never said"
EXPECTED: list[tuple[Exception, int]] = [
    (UsageError("no such thing"), 2),
    (SetupError("start it first"), 3),
    (PeerFault("the endpoint lies"), 3),
    (HistoryFault("a round was left out"), 3),
    (ChainUnreachable("no answer"), 3),
    (RpcFault("http://chain", "eth_call", -1, HOSTILE, None), 3),
    (BadAnswer("http://chain", "eth_call", HOSTILE), 3),
    (Reverted("join", "join: no free seat"), 3),
    (Reverted("join", HOSTILE), 3),
    (NoReceipt("`join` is in no block"), 3),
    (OSError(28, "No space left on device", "blobs"), 3),
    (ExceptionGroup("parallel", [KeyError("x"), ExceptionGroup("inner", [SetupError("start it first")])]), 3),
    (ExceptionGroup("parallel", [UsageError("no such thing")]), 2),
]
UNEXPECTED: list[Exception] = [
    KeyError("missing"),
    OverflowError("cannot fit 'int' into an index-sized integer"),
    ValueError(HOSTILE),
    AssertionError(),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    StopIteration(),
    ExceptionGroup("parallel", [ZeroDivisionError("division by zero")]),
]
COMMAND_LINES = {
    "status": ["status"],
    "audit": ["audit", "--contract", "0x" + "11" * 20],
    "deploy": ["deploy"],
    "keys": ["keys", "show", "key.json"],
    "seat": ["seat", "show", "0"],
    "report": ["report", "file", "--keystore", "key.json"],
    "node": ["node", "--keystore", "key.json", "--folder", "data"],
    "doctor": ["doctor"],
    "dispute": ["dispute", "1", "0", "1", "--keystore", "key.json"],
    "disputes": ["disputes", "--open"],
    "invite": ["invite", "0x" + "11" * 20, "--keystore", "key.json"],
    "schema": ["schema", "t.csv", "--target", "died"],
    "provision": ["provision", "project.toml"],
    "chain": ["chain"],
    "privacy": ["privacy", "plan"],
    "leakage": ["leakage"],
    "model": ["model", "export"],
    "trace": ["trace"],
    "watch": ["watch"],
    "demo": ["demo"],
    "simulate": ["simulate"],
}


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make every command end with an error, whatever it is asked for."""

    def arrange(error: BaseException) -> None:
        def fail(_: argparse.Namespace) -> int:
            raise error

        parse = argparse.ArgumentParser.parse_args

        def parsed(self: argparse.ArgumentParser, *arguments: Any, **options: Any) -> argparse.Namespace:
            found: argparse.Namespace = parse(self, *arguments, **options)
            found.run = fail
            return found

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)

    return arrange


def test_every_command_is_in_the_table() -> None:
    assert COMMAND_LINES.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMAND_LINES)
@pytest.mark.parametrize(
    ("error", "expected"),
    [*EXPECTED, *((error, 3) for error in UNEXPECTED)],
    ids=lambda value: type(value).__name__,
)
def test_any_end_of_any_command_is_one_clean_sentence_and_a_status(
    error: Exception, expected: int, command: str, ends_with: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(error)
    assert main(COMMAND_LINES[command]) == expected
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("folkmoot: ")
    assert err.removesuffix("\n").isprintable()


def test_a_fault_of_the_program_says_that_it_is_one_and_what_to_do(
    ends_with: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ends_with(KeyError("missing"))
    assert main(["--log", "debug", "status"]) == 3
    assert "this is a fault of the program (KeyError: 'missing')" in capsys.readouterr().err
    assert "Traceback" in caplog.text
    caplog.clear()
    assert main(["status"]) == 3
    assert "Traceback" not in caplog.text


def test_interrupted_is_neither_findings_nor_a_fault(ends_with: Any) -> None:
    ends_with(KeyboardInterrupt())
    assert main(["status"]) == main_module.INTERRUPTED == 130


@pytest.mark.parametrize("machine", [True, False])
@pytest.mark.parametrize("has_findings", [True, False])
def test_an_audit_ends_with_1_for_findings_and_nothing_else(
    has_findings: bool, machine: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(1, "0x" + "11" * 20, 7)
    if has_findings:
        report.add(Check.VERDICTS, HOSTILE, round_number=1, seat=0, gateway=HOSTILE)
    report.notes.append(HOSTILE)

    async def audited(*_: Any, **__: Any) -> Report:
        return report

    monkeypatch.setattr("ledger.audit.run.audit", audited)
    command = ["audit", "--contract", report.contract, *(["--json"] if machine else [])]
    assert main(command) == int(has_findings)
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert "\nfolkmoot: a line" not in said

    async def crashed(*_: Any, **__: Any) -> Report:
        raise OverflowError("cannot fit 'int' into an index-sized integer")

    monkeypatch.setattr("ledger.audit.run.audit", crashed)
    assert main(command) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_the_table_of_a_status_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "seat": 0,
        "peer": HOSTILE,
        "reputation": 0.5,
        "state": HOSTILE,
        "attested": False,
        "committed": True,
        "last_round": None,
        "endpoint": HOSTILE,
        "name": HOSTILE,
        "name_marks": [HOSTILE],
        "quarantined": False,
        "suspended_until": None,
        "convictions": 0,
        "late": False,
        "dozing": False,
        "notices": [{"says": HOSTILE}],
    }
    status_lines.print_status(
        {
            "contract": HOSTILE,
            "task": HOSTILE,
            "rule": HOSTILE,
            "round": 1,
            "last_round": 2,
            "phase": HOSTILE,
            "seconds_left": None,
            "seats": [row],
            "open_disputes": [{"dispute": 0, "judge": 0, "stage": HOSTILE}],
        }
    )
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))
    assert audit_lines.print_report is not None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["status", "--cricle", "circle.json"], "--circle"),
        (["watch", "--allow-hosts=here"], "--allow-host"),
        (["keys", "send", "key.json", "0x" + "11" * 20, "1", "--pasword-file", "password"], "--password-file"),
        # What only begins as an option does is none, and what has another name now is told by it.
        (["status", "--data", "node"], "--folder"),
        (["status", "--circ", "circle.json"], "--circle"),
        (["simulate", "--learning", "epochs=2"], "--option"),
        (["keys", "fund", "key.json", "--ethe", "1"], "--ether"),
    ],
)
def test_a_mistyped_option_is_refused_with_the_one_that_is_nearest(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f": is {meant} meant?\n")


def test_of_an_option_that_is_like_none_nothing_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--zzzzzz"])
    assert capsys.readouterr().err.endswith("unrecognized arguments: --zzzzzz\n")
