"""`folkmoot schema`: describe a table, so that hospitals with tables of their own can train on them together.

A schema is public: it stands in the circle's manifest. From a file alone names and types are drafted; ranges
and categories are left for a person to fill in with what is publicly known. With --fill and --epsilon what still
lacks is found in the file under differential privacy. --check says whether a file fits.
"""

import argparse
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.options import Subparsers, add_json, print_json
from node.operating.printing import caution, say
from node.operating.wording import format_count


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("schema", help="describe a table for the task `table`", description=__doc__)
    parser.add_argument("table", type=Path, metavar="FILE", help="CSV with a header, or Parquet")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--target", metavar="COLUMN", help="draft a schema to foretell this column")
    what.add_argument("--fill", type=Path, metavar="SCHEMA", help="find what it lacks in FILE, with --epsilon")
    what.add_argument("--check", type=Path, metavar="SCHEMA", help="say whether FILE fits it; nothing is written")
    parser.add_argument("--epsilon", metavar="NUMBER", help="for --fill: what it may give away of any one row")
    parser.add_argument("--out", type=Path, default=Path("schema.json"), help="the schema to write")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draft, fill in or check."""
    if (options.epsilon is not None) != (options.fill is not None):
        raise UsageError(
            "--fill and --epsilon go together: what a schema lacks is found under differential privacy"
        )
    if options.check is not None:
        return _check(options)
    found = _draft(options) if options.target is not None else _fill(options)
    if not options.out.parent.is_dir():
        raise UsageError(f"there is no folder {options.out.parent}: choose another --out")
    _write(options, found["schema"])
    if options.json:
        print_json({**found, "schema": str(options.out)})
    return 0


def _draft(options: argparse.Namespace) -> dict[str, Any]:
    from node.tasks.table.finding import draft_schema
    from node.tasks.table.reading import read_table

    draft = draft_schema(read_table(options.table), options.target)
    lacking = [column for column in draft.schema.columns if not column.is_complete]
    if not options.json:
        for column in draft.schema.columns:
            role = ", the target" if column.name == options.target else ""
            say(f"{column.type:9}{column.name}{role}")
        for name, why in draft.left_out.items():
            say(f"left out {name}: {why}")
        say(f"written  {options.out}: names and types only, told by looking at the file")
        if lacking:
            say(
                f"next     fill in {_list_wanted(lacking)}: what is publicly"
                " known of such columns anywhere, not what this file holds, as the schema is public"
            )
            say(f"or       folkmoot schema {options.table} --fill {options.out} --epsilon 1")
    return {
        "schema": draft.schema.write(),
        "lacking": [column.name for column in lacking],
        "left_out": draft.left_out,
    }


def _list_wanted(lacking: Sequence[Any]) -> str:
    """What columns lack, in words: how many, and each kind of lack once."""
    kinds = list(dict.fromkeys(column.wanted for column in lacking))
    return f"{' or '.join(kinds)} of {format_count(len(lacking), 'column')}"


def _fill(options: argparse.Namespace) -> dict[str, Any]:
    from node.tasks.table.private_filling import DELTA, fill_schema
    from node.tasks.table.reading import read_table

    try:
        epsilon = Decimal(options.epsilon)
    except InvalidOperation:
        raise UsageError(f"--epsilon {options.epsilon[:40]!r} is no number: give one such as 1") from None
    schema = _read_schema(options.fill)
    table = read_table(options.table, {column.name for column in schema.columns})
    filled = fill_schema(table, schema, epsilon)
    if filled.rank_error > 0.05 * len(table):
        caution(
            f"the ends of a range may be off by some {filled.rank_error:.0f} of {len(table)} rows: state more in"
            " the schema, or take a larger --epsilon"
        )
    spent = f"ε {epsilon}" + (f" and δ {DELTA}" if filled.has_categories else "")
    if not options.json:
        say(f"written  {options.out}: {filled.questions} questions asked of the file")
        say(f"spent    {spent} of every row in {options.table}, besides what training spends; each try does")
    return {
        "schema": filled.schema.write(),
        "questions": filled.questions,
        "epsilon": float(epsilon),
        "delta": float(DELTA) if filled.has_categories else 0.0,
    }


def _check(options: argparse.Namespace) -> int:
    from node.tasks.table.encoding import encode_table
    from node.tasks.table.reading import read_table
    from node.tasks.table.schema import parse_whole_schema

    schema = parse_whole_schema(_read_text(options.check))
    encoded = encode_table(read_table(options.table, {column.name for column in schema.columns}), schema)
    if options.json:
        print_json(
            {
                "rows": len(encoded.y),
                "inputs": schema.inputs,
                "without_target": encoded.without_target,
                "cut": encoded.cut,
            }
        )
        return 0
    say(f"fits     {options.table}: {len(encoded.y)} rows, {schema.inputs} inputs, target {schema.target}")
    if encoded.without_target:
        say(f"left out {encoded.without_target} rows without a value for {schema.target}")
    for name, found in encoded.cut.items():
        say(f"cut      {found} values of {name} that lie outside its range")
    return 0


def _read_schema(path: Path) -> Any:
    from node.tasks.table.schema import parse_schema

    return parse_schema(_read_text(path))


def _read_text(path: Path) -> bytes:
    from ledger.files import opened_regular
    from node.tasks.table.schema import MOST_BYTES

    try:
        with opened_regular(path) as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): give a schema's file") from error


def _write(options: argparse.Namespace, text: str) -> None:
    """Never over a schema that a person may have worked on, but for the one that is being filled in."""
    from ledger.files import PUBLIC, write_new, write_whole

    try:
        if options.fill is not None and options.fill == options.out:
            write_whole(options.out, text.encode(), mode=PUBLIC)
        else:
            write_new(options.out, text.encode(), mode=PUBLIC)
    except FileExistsError:
        raise UsageError(f"{options.out} is there already: choose another --out, or move it away") from None
    except OSError as error:
        raise SetupError(f"{options.out} cannot be written ({error.strerror}): choose another --out") from error
