"""Whether a task makes the same model in every process: it is made once more in a fresh one, and compared.

What a set's order, a clock or an unseeded generator decides differs from process to process, and peers that start
from other frozen tensors, or with other names, can do nothing together.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError
from node.learning.frozen import digest_tensor
from node.learning.template import Template
from node.learning.training import use_one_thread
from node.operating.printing import complain, say, say_json
from node.tasks.interface import Task, load_task
from node.tasks.options import COMMON, DATA, split_options

_LIMIT_S: Final = 300.0
_SEEDS: Final = ("1", "2")
_ANSWER: Final = "made"

# A tensor's part, dtype and shape, and its digest, by its name. Private ones have none: their values may differ.
MadeModel = Mapping[str, Mapping[str, str]]


def check_made_alike(task: Task, template: Template, common: Mapping[str, Any], data: Path | None = None) -> None:
    """Compare a model with one made in a fresh process, under another hash seed.

    common: the skew, seed and samples that the task was made with. data: what it was told to train on. Raises
    SetupError naming the first tensor that differs.
    """
    made_with = {**common, **task.options} | ({} if data is None else {DATA: str(data)})
    here, there = describe_made(template), _make_elsewhere(task.spec, made_with)
    for name in sorted(here.keys() | there.keys()):
        if name not in here or name not in there:
            raise SetupError(
                f"{task.spec}: model() gives {name} in one process and not in another: make the same layers in the"
                " same order each time (a set of strings has another order in every process)"
            )
        one, other = here[name], there[name]
        if one == other:
            continue
        if one["kind"] != other["kind"]:
            raise SetupError(
                f"{task.spec}: model() gives {name} as {one['kind']} in one process and as {other['kind']} in"
                " another: make the same layers each time"
            )
        raise SetupError(
            f"{task.spec}: model() gives {name} other first values in every process: draw them from torch's"
            " generator alone, and in one order (a set of strings has another one in every process)"
        )


def describe_made(template: Template) -> MadeModel:
    """What a model is made of."""
    state, parts = template.model.state_dict(), template.parts
    return {
        name: {
            "kind": f"{part} {state[name].dtype} {tuple(state[name].shape)}",
            "digest": "" if part == "private" else digest_tensor(name, state[name]).hex(),
        }
        for part, names in (("shared", parts.shared), ("private", parts.private), ("frozen", parts.frozen))
        for name in names
    }


def _make_elsewhere(spec: str, made_with: Mapping[str, Any]) -> MadeModel:
    own = os.environ.get("PYTHONHASHSEED")
    # It imports what this process would: nothing more (-P: not the folder it is started in), nothing less.
    places = [str(Path(place or ".").resolve()) for place in sys.path]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": next(seed for seed in _SEEDS if seed != own),
        "PYTHONPATH": os.pathsep.join(places),
    }
    command = [
        sys.executable,
        "-P",
        "-m",
        "node.learning.second_making",
        json.dumps({"spec": spec, "made_with": made_with}),
    ]
    try:
        # The program itself, from an argument list, never through a shell.
        done = subprocess.run(  # noqa: S603
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            f"{spec}: model() was not done after {_LIMIT_S:.0f} s in a second process: make it wait for nothing"
        ) from error
    lines = done.stderr.strip().splitlines()
    if done.returncode != 0:
        said = lines[-1].removeprefix("folkmoot: ") if lines else f"exit status {done.returncode}"
        raise SetupError(f"{spec}: model() works in one process and not in a second one: {said}")
    # What is registered to run at the process's end may print after it.
    answer = next(line for line in reversed(done.stdout.splitlines()) if line.startswith(f'{{"{_ANSWER}": '))
    found: MadeModel = json.loads(answer)[_ANSWER]
    return found


def main(argument: str) -> int:
    """In the second process: make the model and print what it is made of, as an object under `_ANSWER`."""
    asked = json.loads(argument)
    made_with = asked["made_with"]
    data = made_with.pop(DATA, None)
    try:
        # What a task's own code prints must not be taken for the answer.
        with contextlib.redirect_stdout(sys.stderr):
            use_one_thread()  # as its peers do; some first values, e.g. orthogonal ones, depend on it
            task = load_task(
                asked["spec"],
                **{name: made_with[name] for name in COMMON},
                options=split_options(made_with),
                data=None if data is None else Path(data),
            )
            found = describe_made(Template.of(task, made_with["seed"]))
    except SetupError as error:
        complain(str(error))
        return 3
    say()
    say_json({_ANSWER: found})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
