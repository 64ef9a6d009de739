"""What is wrong with a node's options by themselves is said before anything else is looked at."""

from pathlib import Path

import pytest

from node.cli.main import main

WRONG = [
    (["--name", "a\u202eb"], "--name 'a\\u202eb' would be shown to nobody"),
    (["--name", "x" * 200], "--name 'xxx"),
    (["--max-fee", "much"], "--max-fee"),
    (["--dispute-budget", "-1"], "--dispute-budget"),
    (["--fail-at", "1:nowhere"], "'1:nowhere' is not ROUND:STEP"),
    (["--option", "epochs"], "epochs"),
    (["--confirmations", "-1"], "--confirmations is 0 to 1000 blocks"),
    (["--processes", "2", "--attack", "sign-flip"], "--processes is for honest peers"),
    (["--watch-share", "nan"], "--watch-share is 0 to 1"),
    (["--wait-for-chain", "-1"], "--wait-for-chain is 0 to"),
    (["--web", "70000"], "--web 70000 is no port"),
]


@pytest.mark.parametrize("command", ["node", "doctor"])
@pytest.mark.parametrize(("typed", "said"), WRONG)
def test_it_is_refused_at_the_start(
    typed: list[str], said: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # There is neither a circle's file nor a key: who looked at them first would say that.
    nowhere = ["--circle", str(tmp_path / "c"), "--keystore", str(tmp_path / "k"), "--folder", str(tmp_path / "f")]
    assert main([command, *nowhere, *typed]) == 2
    told = capsys.readouterr().err
    assert told.startswith("folkmoot: ")
    assert said in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
