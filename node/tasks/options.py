"""A task's options: the keywords of its constructor, and how it is trained, as somebody typed or agreed on them.

In a circle they stand in the manifest, which a founder wrote whom nobody need trust. So an option is a number or a
text of bounded size, goes to a keyword that the class has, in that keyword's own type, and is never a path: what a
task reads of a peer's machine is named by that peer alone, with `--data`.
"""

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path, PurePath
from typing import Any, Final

from ledger.errors import UsageError
from ledger.files import opened_regular
from node.tasks.training_choices import NAMES, BadChoice, check_choice

OptionValue = int | float | str
Options = Mapping[str, OptionValue]

# They have options of their own on the command line, and stand in every manifest.
COMMON: Final = ("skew", "seed", "samples")
DATA: Final = "data"
MOST_OPTIONS: Final = 64
LONGEST_TEXT: Final = 8192
MOST_SAMPLES: Final = 10**9
_LARGEST: Final = 1 << 53
_SHOWN: Final = 60


@dataclass(frozen=True)
class SettledOptions:
    """What a task is made with, checked."""

    keywords: Mapping[str, Any]
    """Of its constructor, in their own types; the common ones and `data` among them, as far as it takes them."""
    attributes: Mapping[str, Any]
    """To set on the object: how it is trained."""
    options: Options
    """All of the options but the common ones, as a manifest holds them."""


def split_options(made_with: Options) -> Options:
    """What of a manifest's `task_options` are options in the sense of this module."""
    return {name: value for name, value in made_with.items() if name not in COMMON}


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, as they were typed. Raises UsageError for what is none, and for a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--option {text[:_SHOWN]!r} is not NAME=VALUE, e.g. batch_size=16")
        if name in found:
            raise UsageError(f"--option {name} is given twice: give it once")
        found[name] = value
    return found


def join_options(made_with: Options, own: Mapping[str, str]) -> Options:
    """A circle's options with those that one peer typed for itself. Raises UsageError where they contradict."""
    agreed = split_options(made_with)
    for name, text in own.items():
        if name in agreed and not _is_same(agreed[name], text):
            raise UsageError(
                f"--option {name}={text[:_SHOWN]}: the circle agreed on {name}={str(agreed[name])[:_SHOWN]}, and"
                " all its peers have it so: leave the option out"
            )
    return {**own, **agreed}


def _is_same(agreed: OptionValue, text: str) -> bool:
    if isinstance(agreed, str):
        return agreed == text
    truths = {"true": 1, "yes": 1, "on": 1, "false": 0, "no": 0, "off": 0}
    return truths.get(text.lower(), _guess(text)) == agreed


def settle_options(
    spec: str,
    task_class: Callable[..., Any],
    common: Mapping[str, Any],
    given: Options,
    data: Path | None,
    *,
    is_trained_by_default: bool,
    typed: Collection[str] = (),
) -> SettledOptions:
    """Give each option its place and type.

    given: numbers and texts; a text may spell a number, as somebody typed it. data: what a peer trains on. typed:
    the names of those that the founder typed just now; of them, the ones that the class lists in its attribute
    `option_files` name a file of the founder's, which is read, and its text takes the path's place. Raises
    UsageError for what the class does not take.
    """
    taken = inspect.signature(task_class).parameters
    named = {name: one for name, one in taken.items() if one.kind in _NAMED}
    takes_all = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    if len(given) > MOST_OPTIONS:
        raise UsageError(f"{len(given)} options for a task: give at most {MOST_OPTIONS}")
    keywords: dict[str, Any] = {name: value for name, value in common.items() if takes_all or name in named}
    if not 0 < common.get("samples", 1) <= MOST_SAMPLES:
        raise UsageError(f"{common['samples']} samples a peer are not in 1..10^9: give another number")
    attributes: dict[str, Any] = {}
    options: dict[str, OptionValue] = {}
    hints = _read_hints(task_class)
    for name, value in given.items():
        _check_plain(spec, name, value)
        if name in COMMON or name == DATA:
            raise UsageError(f"--option {name} has an option of its own: give --{name}")
        if name in typed and name in getattr(task_class, "option_files", ()):
            value = _read_file(name, str(value))  # noqa: PLW2901
        is_choice = is_trained_by_default and name in NAMES
        if name in named or (takes_all and not is_choice):
            keywords[name] = _convert(spec, name, value, _kind_of(named.get(name), hints))
            options[name] = _to_plain(keywords[name], value)
        elif is_choice:
            attributes[name] = _choose(name, _guess(value))
            options[name] = value if name == "class_weights" else attributes[name]
        else:
            raise UsageError(_refuse(spec, name, named, is_trained_by_default))
    if DATA in named or takes_all:
        if data is not None:
            keywords[DATA] = data
    elif data is not None:
        raise UsageError(f"{spec} takes no --data: it finds its data by itself")
    _check_complete(spec, named, keywords)
    return SettledOptions(keywords, attributes, options)


_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _check_plain(spec: str, name: str, value: Any) -> None:
    if not name.isidentifier() or len(name) > LONGEST_TEXT:
        raise UsageError(f"{name[:_SHOWN]!r} is no name of an option")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{spec}: option {name} is a {type(value).__name__}: give a number or a text")
    if isinstance(value, str) and len(value.encode()) > LONGEST_TEXT:
        raise UsageError(f"{spec}: option {name} has {len(value)} characters: give at most {LONGEST_TEXT} bytes")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise UsageError(f"{spec}: option {name} is no whole number within ±2^53: give another one")
    if isinstance(value, float) and not isfinite(value):
        raise UsageError(f"{spec}: option {name} is {value}: give a finite number")


def _read_hints(task_class: Callable[..., Any]) -> Mapping[str, Any]:
    """The constructor's annotations; those that cannot be resolved are left out."""
    try:
        parameters = inspect.signature(task_class, eval_str=True).parameters.values()
    except Exception:  # an annotation may name anything at all
        return {}
    return {one.name: one.annotation for one in parameters if one.annotation is not inspect.Parameter.empty}


def _kind_of(parameter: inspect.Parameter | None, hints: Mapping[str, Any]) -> tuple[Any, ...]:
    """Which types a keyword takes; none: nobody says."""
    if parameter is None:
        return ()
    hint = hints.get(parameter.name, parameter.annotation)
    if hint is inspect.Parameter.empty or isinstance(hint, str):
        default = parameter.default
        return () if default is inspect.Parameter.empty or default is None else (type(default),)
    parts = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return tuple(one for one in parts if one is not type(None))


def _convert(spec: str, name: str, value: OptionValue, kinds: tuple[Any, ...]) -> Any:
    """An option in the type its keyword has. Raises UsageError."""
    if any(inspect.isclass(kind) and issubclass(kind, PurePath) for kind in kinds):
        raise UsageError(
            f"{spec}: {name} is a path, and no option names a file: let the task take it as `data`, given by --data"
        )
    words = [word for kind in kinds if typing.get_origin(kind) is typing.Literal for word in typing.get_args(kind)]
    if words:
        if (found := next((word for word in words if str(word) == str(value)), None)) is None:
            raise UsageError(f"{spec}: option {name} is {value!r:.60}: choose {', '.join(map(str, words))}")
        return found
    known = [kind for kind in kinds if kind in (bool, int, float, str)]
    if not known:
        return _guess(value)
    for kind in sorted(known, key=list(_READERS).index):
        try:
            return _READERS[kind](value)
        except ValueError:
            continue
    wanted = " or ".join(_WORDS[kind] for kind in known)
    raise UsageError(f"{spec}: option {name} is {value!r:.60}: give {wanted}")


def _read_truth(value: OptionValue) -> bool:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    if (found := words.get(str(value).lower())) is None:
        raise ValueError(value)
    return found


def _read_whole(value: OptionValue) -> int:
    if isinstance(value, str):
        if len(value) > _SHOWN:
            raise ValueError(value)
        number = int(value)
    else:
        number = int(value)
        if number != value:
            raise ValueError(value)
    if abs(number) > _LARGEST:
        raise ValueError(value)
    return number


def _read_real(value: OptionValue) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(value)
    return number


# In the order in which they are tried.
_READERS: Final[dict[Any, Callable[[OptionValue], Any]]] = {
    bool: _read_truth,
    int: _read_whole,
    float: _read_real,
    str: str,
}
_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _guess(value: OptionValue) -> OptionValue:
    """A text as the number that it spells, if any."""
    if isinstance(value, str):
        for read in (_read_whole, _read_real):
            try:
                return read(value)
            except ValueError:
                continue
    return value


def _to_plain(converted: Any, given: OptionValue) -> OptionValue:
    if isinstance(converted, bool):
        return int(converted)
    return converted if isinstance(converted, int | float | str) else given


def _choose(name: str, value: OptionValue) -> Any:
    try:
        return check_choice(name, value)
    except BadChoice as error:
        raise UsageError(f"option {error}") from error


def _read_file(name: str, path: str) -> str:
    try:
        with opened_regular(Path(path)) as stream:
            held = stream.read(LONGEST_TEXT + 1)
        text = held.decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"--option {name}={path[:_SHOWN]}: the file cannot be read as text ({error})") from error
    if len(held) > LONGEST_TEXT:
        raise UsageError(
            f"--option {name}={path[:_SHOWN]}: the file is above {LONGEST_TEXT} bytes, the most that goes"
        )
    return text


def _refuse(spec: str, name: str, named: Mapping[str, Any], is_trained_by_default: bool) -> str:
    known = [one for one in named if one not in (*COMMON, DATA)]
    known += [one for one in NAMES if is_trained_by_default and one not in known]
    near = get_close_matches(name, known, 1)
    if near:
        return f"{spec} has no option {name[:_SHOWN]!r}: did you mean {near[0]}?"
    if not known:
        own = " and trains by itself" if not is_trained_by_default else ""
        return f"{spec} has no option {name[:_SHOWN]!r}: its constructor takes none{own}"
    return f"{spec} has no option {name[:_SHOWN]!r}: it has {', '.join(known)}"


def _check_complete(spec: str, named: Mapping[str, inspect.Parameter], keywords: Mapping[str, Any]) -> None:
    lacking = [
        name for name, one in named.items() if one.default is inspect.Parameter.empty and name not in keywords
    ]
    if DATA in lacking:
        raise UsageError(f"{spec} wants data: name the file or folder that this peer trains on, --data PATH")
    if lacking:
        raise UsageError(f"{spec} wants --option {lacking[0]}=VALUE: give it")
