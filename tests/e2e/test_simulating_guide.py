"""The commands and the program of docs/guides/simulating.md, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "simulating.md"
WAIT_S = 200.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> str:
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_guides_commands_print_tables_and_write_what_it_says(tmp_path: Path) -> None:
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) == 4
    for command in commands:
        assert re.match(r"\| rule \| .*mean error \|", run(["bash", "-c", command], tmp_path))
    written = {path.name for path in (tmp_path / "runs" / "ride").iterdir()}
    assert written == {"rounds.csv", "runs.csv", "means.csv", "summary.json", "table.md", "rounds.png"}


def test_the_guides_program_runs(tmp_path: Path) -> None:
    (program,) = blocks("python")
    printed = run([sys.executable, "-c", program], tmp_path).splitlines()
    assert len(printed) == 1 + 3 * 8 + (2 + 3 + 2)
