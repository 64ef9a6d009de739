"""The digest of what definitions compute: what leaves it as it is, and that nothing else does."""

import ast
import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.simulator import Scenario
from scripts.sweep.fingerprint import Fingerprint
from scripts.sweep.own_modules import Module, Place, Sources, bound
from scripts.sweep.sources import COMMON, code_digest, digest_of, reached, starts
from scripts.sweep.syntax import Syntax

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = {
    "ours/__init__.py": "",
    "ours/start.py": '''
"""Where it begins."""

import numpy as np

from ours.parts import figures
from ours.parts.kinds import Kind, Plain

LIMIT = 3
UNUSED = 4


def main(values: list[float], scale: int = 2) -> float:
    """Add up."""
    kept = [value for value in values if value < LIMIT]
    if not kept:
        raise ValueError("nothing is kept")
    return Kind(figures.mean(kept) * scale, colour="red").told(np.float32(1.5), of=Plain())


def unused() -> int:
    return UNUSED
''',
    "ours/parts/__init__.py": "",
    "ours/parts/figures.py": """
def mean(some):
    total = 0
    for one in some:
        total += one
    return total / len(some)
""",
    "ours/parts/kinds.py": '''
from dataclasses import dataclass


class Plain:
    pass


@dataclass(frozen=True)
class Kind:
    """A kind."""

    size: float
    """In metres."""
    colour: str = "blue"

    def told(self, factor, of):
        return self.size * factor, self.colour, of
''',
}
Edit = tuple[str, str, str]


@pytest.fixture
def digest(tmp_path: Path) -> Callable[..., str]:
    """Of a program: path → text."""

    def found(program: dict[str, str], start: str = "ours.start:main") -> str:
        shutil.rmtree(tmp_path / "ours", ignore_errors=True)
        for path, text in program.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        reached = Fingerprint(Syntax(Sources(tmp_path, ("ours",)), {}, ()))
        reached.reach(Place(*start.split(":")))
        return reached.digest()

    return found


def edited(*edits: Edit) -> dict[str, str]:
    """The program with some of its text changed, in one file or, for `*`, in all."""
    program = dict(PROGRAM)
    for name, old, new in edits:
        paths = [path for path in program if name in ("*", path) and re.search(old, program[path])]
        assert paths, old
        for path in paths:
            program[path] = re.sub(old, new, program[path])
    return program


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([("*", r'"""[\w .]+"""', '"""Other words."""')], id="docstrings"),
        pytest.param([("*", r"(\n +)(return)", r"\1# Thus.\1\2")], id="comments"),
        pytest.param([("*", r"values: list\[float\], scale: int", "values, scale: float")], id="annotations"),
        pytest.param([("*", r"LIMIT = 3", "LIMIT: int = 3")], id="annotation of a constant"),
        pytest.param([("*", r"\bKind\b", "Sort")], id="class renamed"),
        pytest.param([("*", r"\bmean\b", "average")], id="function renamed"),
        pytest.param([("*", r"\bLIMIT\b", "MOST")], id="constant renamed"),
        pytest.param([("*", r"\btotal\b", "summed")], id="local renamed"),
        pytest.param([("*", r"\bvalue\b", "x")], id="variable of a comprehension renamed"),
        pytest.param([("*", r"\bsome\b", "numbers")], id="parameter renamed"),
        pytest.param([("*", r"\bunused\b", "free"), ("*", "UNUSED = 4", "UNUSED = 5")], id="what is not reached"),
        pytest.param(
            [("*", r"from ours.parts import figures", "import ours.parts.figures as figures")], id="import as"
        ),
        pytest.param(
            [
                ("*", r"from ours.parts import figures", "from ours.parts.figures import mean as m"),
                ("*", r"figures\.mean", "m"),
            ],
            id="function imported",
        ),
        pytest.param(
            [("*", "import numpy as np", "from numpy import float32"), ("*", r"np\.float32", "float32")],
            id="import of a library",
        ),
        pytest.param([("*", r"import numpy as np", "import math\nimport numpy as np")], id="another import"),
    ],
)
def test_what_changes_nothing_leaves_the_digest(digest: Callable[..., str], edits: list[Edit]) -> None:
    assert digest(edited(*edits)) == digest(PROGRAM)


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([("*", "LIMIT = 3", "LIMIT = 3.0")], id="constant"),
        pytest.param([("*", r"scale: int = 2", "scale: int = 3")], id="default"),
        pytest.param([("*", r"\* scale", "+ scale")], id="operator"),
        pytest.param([("*", "value < LIMIT", "value <= LIMIT")], id="comparison"),
        pytest.param([("*", "len", "sum")], id="builtin"),
        pytest.param([("*", r"np\.float32", "np.float64")], id="library's function"),
        pytest.param([("*", "frozen=True", "frozen=False")], id="decorator's option"),
        pytest.param([("*", r"@dataclass\(frozen=True\)\n", "")], id="decorator"),
        pytest.param([("*", "nothing is kept", "nothing was kept")], id="sentence"),
        pytest.param([("*", "size: float", "size: int")], id="field's type"),
        pytest.param([("*", r"\bsize\b", "length")], id="field renamed"),
        pytest.param([("*", r"\btold\b", "said")], id="method renamed"),
        pytest.param([("*", r"\bof\b", "by")], id="parameter renamed that is given by name"),
        pytest.param([("*", r"factor, self\.colour", "self.colour, factor")], id="order of values"),
        pytest.param([("*", r"(    total = 0\n)(    for one in some:\n)", r"\2    \1")], id="order of statements"),
        pytest.param([("*", "class Kind:", "class Kind(Plain):")], id="base"),
        pytest.param([("*", r"if not kept", "if kept")], id="condition"),
        pytest.param([("*", r"\bvalue < LIMIT", "value < scale")], id="another variable"),
        pytest.param([("*", r"figures\.mean", "figures.main")], id="name of nothing"),
        pytest.param([("ours/parts/figures.py", r"^", "print(1)\n")], id="module that acts"),
        pytest.param([("ours/parts/kinds.py", r"class Plain", "import ours.parts.figures\n\n\nclass Plain"),
                      ("ours/parts/figures.py", r"^", "import random\nrandom.seed(1)\n")], id="import that acts"),
    ],
)  # fmt: skip
def test_what_may_change_anything_changes_the_digest(digest: Callable[..., str], edits: list[Edit]) -> None:
    assert digest(edited(*edits)) != digest(PROGRAM)


def test_a_module_split_in_two_and_moved_keeps_the_digest(digest: Callable[..., str]) -> None:
    split = dict(PROGRAM)
    plain, kind = split.pop("ours/parts/kinds.py").split("@dataclass")
    split["ours/plain.py"] = plain.replace("from dataclasses import dataclass", "")
    split["ours/sorts/kind.py"] = f"import dataclasses as d\n\n\n@d.dataclass{kind}"
    split["ours/sorts/__init__.py"] = ""
    split["ours/start.py"] = split["ours/start.py"].replace(
        "from ours.parts.kinds import Kind, Plain",
        "from ours import plain\nfrom ours.plain import Plain\nfrom ours.sorts.kind import Kind",
    )
    assert digest(split) == digest(PROGRAM)


def test_a_definition_moved_to_the_module_that_names_it_keeps_the_digest(digest: Callable[..., str]) -> None:
    mean = PROGRAM["ours/parts/figures.py"]
    moved = edited(
        ("ours/start.py", r"LIMIT = 3", mean + "\n\nLIMIT = 3"), ("ours/start.py", r"figures\.mean", "mean")
    )
    assert digest(moved) == digest(PROGRAM)


def test_a_definition_handed_on_by_its_package_keeps_the_digest(digest: Callable[..., str]) -> None:
    handed = edited(("*", "from ours.parts.kinds import Kind, Plain", "from ours.parts import Kind, Plain"))
    handed["ours/parts/__init__.py"] = "from ours.parts.kinds import Kind, Plain\n\n__all__ = ['Kind', 'Plain']\n"
    assert digest(handed) == digest(PROGRAM)


def test_a_package_s_own_name_goes_before_that_of_a_module_in_it(digest: Callable[..., str]) -> None:
    program = {
        "ours/start.py": "from ours.tools import tools\n\n\ndef main():\n    return tools()\n",
        "ours/tools/__init__.py": "from ours.tools.tools import value\n\n\ndef tools():\n    return value\n",
        "ours/tools/tools.py": "value = 1\nother = 2\n",
    }
    changed = program | {"ours/tools/tools.py": "value = 3\nother = 2\n"}
    unchanged = program | {"ours/tools/tools.py": "value = 1\nother = 3\n"}
    assert digest(changed) != digest(program) == digest(unchanged)


def test_two_names_that_trade_places_change_the_digest(digest: Callable[..., str]) -> None:
    program = {"ours/start.py": "A = 1\nB = 2\n\n\ndef main(a, b):\n    return a - b, A - B\n"}
    for old, new in (("a - b", "b - a"), ("A - B", "B - A"), ("A - B", "A - A"), ("a - b", "a - A")):
        assert digest({"ours/start.py": program["ours/start.py"].replace(old, new)}) != digest(program)


@pytest.mark.parametrize("way", ["globals()['LIMIT']", "eval('LIMIT')", "vars()['scale']", "type(kept).__doc__"])
def test_where_anything_may_be_found_by_name_all_bytes_count(digest: Callable[..., str], way: str) -> None:
    searching = edited(("*", "if not kept", f"if not {way}"))
    commented = {path: text + "# more\n" * (path == "ours/parts/figures.py") for path, text in searching.items()}
    assert digest(commented) != digest(searching)


def test_where_code_asks_for_names_they_count(digest: Callable[..., str]) -> None:
    asking = edited(("*", "if not kept", "if Kind.__name__ == 'Kind'"))
    assert digest({path: re.sub(r"\bPlain\b", "Bare", text) for path, text in asking.items()}) != digest(asking)
    told = edited(("*", "if not kept", "if f'{Kind.__name__}'"))
    assert digest({path: re.sub(r"\bPlain\b", "Bare", text) for path, text in told.items()}) == digest(told)


def test_a_parameter_that_a_string_may_name_keeps_its_name(digest: Callable[..., str]) -> None:
    given = edited(("*", r"mean\(kept\)", "mean(**{'some': kept})"))
    renamed = {path: re.sub(r"(?<!')\bsome\b", "numbers", text) for path, text in given.items()}
    assert digest(renamed) != digest(given)


def test_what_the_annotation_of_a_field_names_in_a_string_counts(digest: Callable[..., str]) -> None:
    quoted = edited(
        ("*", "colour: str", "parts: list['Plain'] | None = None\n    colour: str"),
        ("*", r", of=Plain\(\)", ", of=1"),
    )
    other = {
        path: text.replace("class Plain:\n    pass", "class Plain:\n    size = 2") for path, text in quoted.items()
    }
    assert digest(other) != digest(quoted)


def test_constants_that_are_drawn_from_one_another_count_in_their_order(digest: Callable[..., str]) -> None:
    made = "import numpy as np\n\nDRAWN = np.random.default_rng(0)\n{}\n{}\n\n\ndef main():\n    return A, B\n"
    one, other = "A = DRAWN.random()", "B = DRAWN.random()"
    assert digest({"ours/start.py": made.format(one, other)}) != digest({"ours/start.py": made.format(other, one)})


# ---------------------------------------------------------------------------------------------- today's tree

CELL: dict[str, Any] = {"rule": "tether", "attack": "ride", "task": "fashion-mnist"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of our packages and scripts."""
    for name in ("ledger", "node", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_modules_moved_and_renamed_with_what_is_in_them_keep_a_cell_s_digest(tree: Path) -> None:
    moves = {
        "ledger.rules.tether": "ledger.gate",
        "ledger.judging.screening": "ledger.decisions.of_judges",
        "ledger.arithmetic.sketch": "ledger.numbers.sketches",
        "node.tasks.fashion_mnist": "node.datasets.clothes",
        "node.attacks.riding": "node.riders",
        "node.simulator.engine": "node.simulator.motor",
    }
    names = {
        "Tether": "Gate",
        "FashionMnist": "Clothes",
        "Screened": "Decided",
        "twice_the_median": "double_median",
    }
    for old, new in moves.items():
        before, after = (tree / f"{name.replace('.', '/')}.py" for name in (old, new))
        after.parent.mkdir(exist_ok=True)
        (after.parent / "__init__.py").touch()
        before.rename(after)
    for path in tree.rglob("*.py"):
        text = path.read_text().replace(
            "from node.tasks import fashion_mnist", "from node.datasets import clothes as fashion_mnist"
        )
        for old, new in (moves | names).items():
            text = re.sub(rf"\b{re.escape(old)}\b", new, text)
        # Without comments and docstrings, and all on other lines.
        path.write_text(ast.unparse(Undocumented().visit(ast.parse(text))))
    asked = "import sys; from scripts.sweep.sources import digest_of; print(digest_of(*sys.argv[1:]))"
    paths = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", asked, *CELL.values()],
        cwd=tree, env=os.environ | paths, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == code_digest(Scenario(**CELL))


class Undocumented(ast.NodeTransformer):
    """Leaves out docstrings, also those of attributes, and annotations of parameters."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def test_a_change_to_one_rule_leaves_the_cells_of_others_valid(tree: Path) -> None:
    """`ride` names TETHER itself."""
    others = [{"attack": "stall"}, {"rule": "balance"}, {"rule": "balance", "attack": "stall"}]
    cells = [
        CELL,
        *(CELL | changes for changes in others),
        {"rule": "none", "attack": "sleeper:ipm", "task": "digits"},
    ]
    before = [digest_of(*cell.values()) for cell in cells]
    path = tree / "ledger" / "rules" / "tether.py"
    path.write_text(path.read_text().replace("least <= value <= most", "least < value <= most"))
    after = [digest_of(*cell.values(), tree) for cell in cells]
    assert [now == then for now, then in zip(after, before, strict=True)] == [False, False, False, True, True]


def test_another_rule_attack_or_task_leaves_all_cells_valid(tree: Path) -> None:
    before = digest_of(*CELL.values())
    for name, old, new in (
        ("ledger/rules/__init__.py", '"balance": Balance,', '"balance": Balance, "another": Balance,'),
        ("node/attacks/__init__.py", "    SignFlip,\n", "    SignFlip,\n    Leashed,\n"),
        (
            "node/tasks/built_in.py",
            '    "digits": "node',
            '    "another": "node.tasks.digits:Digits",\n    "digits": "node',
        ),
    ):
        text = (tree / name).read_text()
        assert old in text
        (tree / name).write_text(text.replace(old, new))
    assert digest_of(*CELL.values(), tree) == before


@pytest.mark.parametrize(
    "name",
    [
        "ledger.rules.tether",
        "ledger.judging.screening",
        "node.simulator.simulation",
        "node.attacks.riding",
    ],
)
def test_every_number_and_operator_behind_a_cell_counts(name: str) -> None:
    """Those in definitions that the cell reaches; all others are left out, and there must be few."""
    whole = reached(*CELL.values())
    module = whole.syntax.sources.modules[name]
    assert module is not None
    names = {place.name for place in whole.places if place.module == name}
    before, tried = whole.digest(), 0
    tree = ast.parse(module.source)
    for statement in tree.body:
        if names & set(bound(statement)):
            for what in changes_in(statement):
                after = digest_with(whole, replace(module, source=ast.unparse(tree).encode()))
                assert after != before, what
                tried += 1
    assert tried >= 10


def digest_with(whole: Fingerprint, module: Module) -> str:
    """The digest of the cell with another source in place of a module's."""
    syntax = copy.copy(whole.syntax)
    syntax.sources = copy.copy(syntax.sources)
    syntax.sources.modules = syntax.sources.modules | {module.name: module}
    syntax.written = {place: text for place, text in syntax.written.items() if place.module != module.name}
    found = Fingerprint(syntax)
    for start in (*COMMON, *starts(*CELL.values())):
        found.reach(start)
    return found.digest()


def changes_in(statement: ast.stmt) -> Iterator[str]:
    """Make one number larger, or one operator another, in one place after the other, and say where."""
    nodes = list(ast.walk(statement))
    said = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    types = {part for one in said if one is not None for part in ast.walk(one)}
    change: tuple[str, object, object]
    for node in nodes:
        match node:
            case _ if node in types:
                continue
            case ast.Constant(value=int() | float() as value):
                change = ("value", value, not value if isinstance(value, bool) else value + 1)
            case ast.BinOp(op=op) | ast.AugAssign(op=op):
                change = ("op", op, ast.Sub() if isinstance(op, ast.Add) else ast.Add())
            case ast.Compare(ops=[op, *more]):
                change = ("ops", [op, *more], [ast.Lt() if isinstance(op, ast.LtE) else ast.LtE(), *more])
            case ast.BoolOp(op=op):
                change = ("op", op, ast.And() if isinstance(op, ast.Or) else ast.Or())
            case _:
                continue
        name, old, new = change
        setattr(node, name, new)
        yield ast.unparse(node)
        setattr(node, name, old)
