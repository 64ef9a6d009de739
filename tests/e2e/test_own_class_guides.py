"""The pages about a class of one's own: their files, commands and programs, run as they stand there."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from node.cli.main import main

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
SUBJECTS = ("attack", "partition", "rule", "topology")


def read_blocks(subject: str, language: str) -> list[str]:
    text = (GUIDES / f"own-{subject}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's own file, in the folder where everything runs."""
    path = tmp_path / f"own_{subject}.py"
    path.write_text(read_blocks(subject, "python")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_pages_commands_run_as_they_stand_there(
    subject: str, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(read_blocks(subject, "console"))
    commands = [line for line in text.splitlines() if line.startswith("$ folkmoot ")]
    assert any(example.name in command for command in commands)
    for command in commands:
        assert main(shlex.split(command)[2:]) == 0
        assert "| mean error |" in capsys.readouterr().out


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_pages_program_runs(
    subject: str, example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = [block for block in read_blocks(subject, "python") if f"from own_{subject} import" in block]
    assert len(programs) == 1
    assert example.is_file()
    exec(programs[0], {"__name__": "own_program"})
    monkeypatch.delitem(sys.modules, f"own_{subject}")
    assert re.fullmatch("[0-9a-f]{64}\n", capsys.readouterr().out)
