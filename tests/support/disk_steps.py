"""What a piece of code does to the disk, step by step, and a disk that fails at a step of choice."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Step = tuple[str, str, int]
"""What was done, to which name, and how many bytes the file had then (0 for a folder)."""


class DiskSteps:
    """Records every sync, rename, link and removal. fail_at: the number of the step that fails, from 0."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.steps: list[Step] = []
        self.fail_at: int | None = None
        self._names: dict[str, Callable[..., Any]] = {"fsync": os.fsync, "replace": os.replace, "link": os.link}
        patch.setattr(os, "fsync", self._step("fsync", lambda handle: Path(f"/proc/self/fd/{handle}").resolve()))
        patch.setattr(os, "replace", self._step("replace", lambda _, target: Path(target)))
        patch.setattr(os, "link", self._step("link", lambda _, target: Path(target)))

    @property
    def kinds(self) -> list[str]:
        """The steps without sizes: `fsync state.bin.tmp`, `replace state.bin`, `fsync FOLDER`."""
        return [f"{kind} {name}" for kind, name, _ in self.steps]

    def _step(self, kind: str, named: Callable[..., Path]) -> Callable[..., Any]:
        real = self._names[kind]

        def step(*arguments: Any, **options: Any) -> Any:
            path = named(*arguments)
            if self.fail_at is not None and len(self.steps) >= self.fail_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            self.steps.append((kind, path.name, path.stat().st_size if path.is_file() else 0))
            return real(*arguments, **options)

        return step
