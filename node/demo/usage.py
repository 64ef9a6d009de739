"""What running processes take of this machine, read from /proc (Linux; elsewhere nothing is told)."""

import os
from pathlib import Path


def read_pss_bytes(pid: int) -> int | None:
    """Proportional set size: shared pages are split among those who share them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def read_cpu_s(pid: int) -> float | None:
    """User and system CPU seconds of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
