"""The circle's task, made and shown its data as a node would before it pays for a seat."""

from collections.abc import Callable
from typing import Any

from ledger.circle.manifest import Manifest
from ledger.errors import Foreseen
from node.doctor.findings import Notebook, split_sentence


def look_at_task(notebook: Notebook, open_task: Callable[[Manifest], Any], manifest: Manifest) -> None:
    """open_task: makes the `Task` that a manifest agrees on, of what was typed beside it."""
    try:
        task = open_task(manifest)
    except Foreseen as error:
        notebook.wrong("task", *split_sentence(error, "correct --task, --option or --data"))
        return
    notebook.ok("task", f"{task.spec} is made with the circle's options")
    try:
        task.check_own_data()
    except Foreseen as error:
        notebook.wrong("data", *split_sentence(error, "correct the data, or name others with --data"))
        return
    if task.looks_at_data:
        notebook.ok("data", f"{task.spec} reads it, and it fits")
