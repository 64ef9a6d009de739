"""A network of its own for what is measured, so that its loopback carries nothing else and its bytes can be counted."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ledger.errors import SetupError
from node.demo.usage import read_cpu_s
from scripts.running import tell

_ROOT = Path(__file__).parents[3]


def run_isolated(*arguments: str) -> list[dict[str, Any]]:
    """Run this package's command in a network namespace, and give the JSON that it prints. Raises SetupError."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        raise SetupError("bytes are counted in a network namespace: install util-linux (unshare) and iproute2 (ip)")
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    command += [sys.executable, "-m", "scripts.bench.large_model", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=_ROOT, text=True, check=False)
    if done.returncode:
        raise SetupError(
            f"{' '.join(arguments)}: it ended with {done.returncode}; what it said stands above (a network namespace"
            " wants root, or a system that lets its users make them)"
        )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def read_loopback_bytes() -> int:
    """What this network's loopback has carried: each byte once, headers included."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[8])
    raise SetupError("this network has no loopback: run the whole bench, which makes one")


def read_network_cpu_s() -> float:
    """CPU seconds so far of all processes that live in this network, this one left out."""
    own, seconds = os.readlink("/proc/self/ns/net"), 0.0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (
                folder.name.isdecimal()
                and int(folder.name) != os.getpid()
                and os.readlink(folder / "ns/net") == own
            ):
                seconds += read_cpu_s(int(folder.name)) or 0.0
    return seconds


def ready_hivemind(version: str) -> str:
    """The Python of an environment with hivemind, made under .cache where there is none. Raises SetupError."""
    folder = _ROOT / ".cache" / f"hivemind-{version}"
    python, mark = folder / "bin" / "python", folder / "installed"
    if not mark.exists():
        import torch

        tell(f"installing hivemind {version} into {folder.relative_to(_ROOT)}")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = [f"hivemind=={version}", f"torch=={torch.__version__.partition('+')[0]}"]
        done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=False)
        if done.returncode:
            raise SetupError(
                f"hivemind {version} cannot be installed here: see what pip said, or leave --hivemind out"
            )
        mark.touch()
    return str(python)


def make_environment() -> dict[str, str]:
    """One thread a process: the peers share this machine's cores."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": str(_ROOT)}
