"""What a cell's figures follow from, and its digest.

A cell follows from the simulator and all that this reaches, and from its rule, attack and task. So a change to one rule
leaves the cells of all others valid, and one to the audit, the chain client or a network node all cells. Of the lists of
rules, attacks and tasks nothing but the names in them counts. What else leaves a digest as it is: scripts/sweep/fingerprint.py.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from ledger.rules import RULES, rule_of
from node.attacks import ATTACKS, choose_attack
from node.simulator import Scenario, simulate
from node.tasks.built_in import _CLASSES as TASK_CLASSES
from node.tasks.built_in import find_built_in
from scripts.sweep.fingerprint import Fingerprint
from scripts.sweep.own_modules import Place, Sources
from scripts.sweep.syntax import Syntax

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("ledger", "node")
# Where the lists are of which a cell takes one.
LISTS: Final = (rule_of.__module__, choose_attack.__module__, find_built_in.__module__)


def _place(definition: Any) -> Place:
    return Place(definition.__module__, definition.__qualname__)


# What a simulation is started with, and on.
COMMON: Final = (_place(simulate), _place(Scenario))


def code_digest(scenario: Scenario) -> str:
    """That of all that a scenario computes."""
    return digest_of(scenario.rule, scenario.attack, scenario.task)


@cache
def digest_of(rule: str, attack: str, task: str, root: Path = ROOT) -> str:
    """The same by what a cell is of. root: where our packages lie."""
    return reached(rule, attack, task, root).digest()


def reached(rule: str, attack: str, task: str, root: Path = ROOT) -> Fingerprint:
    """All that it follows from."""
    found = _simulator(root).copy()
    for start in starts(rule, attack, task):
        found.reach(start)
    return found


def starts(rule: str, attack: str, task: str) -> tuple[Place, ...]:
    """The definitions that a rule, an attack and a task stand for."""
    attacker = choose_attack(attack)
    kinds = [RULES[rule], type(attacker), type(getattr(attacker, "inner", attacker))]
    # Loading the task would ask for its data, which who only writes the tables need not have. `auto` may be several.
    tasks = [task] if task in TASK_CLASSES else sorted(TASK_CLASSES)
    return (*map(_place, kinds), *map(_task, tasks))


@cache
def _simulator(root: Path) -> Fingerprint:
    """What all scenarios have in common."""
    choices = {_place(rule): name for name, rule in RULES.items()}
    choices |= {_place(type(choose_attack(name))): name for name in ATTACKS}
    choices |= {_task(name): name for name in TASK_CLASSES}
    found = Fingerprint(Syntax(Sources(root, PACKAGES), choices, LISTS))
    for start in COMMON:
        found.reach(start)
    return found


def _task(name: str) -> Place:
    module, _, kind = TASK_CLASSES[name].partition(":")
    return Place(module, kind)
