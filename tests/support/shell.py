"""Commands of the docs, run as they stand there."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

WAIT_S = 180.0


def run_to_its_end(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What it printed. It must succeed. folder: where it runs; of logs there, `terminal-*.log`, a failure tells."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    logs = "\n".join(f"{path.name}: {path.read_text()[-500:]}" for path in folder.glob("terminal-*.log"))
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}\n{logs}"
    return done.stdout
