"""Screening rules of a user's own: for the simulator, and for circles on one machine."""

from collections.abc import Mapping

from ledger.rules import RULES, Rule, rule_of
from node.own_code.class_files import names_a_file
from node.own_code.own_objects import find_own
from node.own_code.parameters import make_with
from node.own_rules.checked_rule import CheckedRule

__all__ = ["CheckedRule", "choose_rule"]


def choose_rule(asked: object, parameters: Mapping[str, int] | None = None) -> Rule:
    """The rule asked for: by name, as FILE.py:CLASS, as a class or an object.

    parameters: of its constructor. Raises UsageError for an unknown name, parameter or value, and SetupError for a
    class of one's own that does not do.
    """
    given = dict(parameters or {})
    if isinstance(asked, str) and not names_a_file(asked):
        return rule_of(asked, given)
    for name, kind in RULES.items():
        if asked is kind:
            made: Rule = make_with(kind, f"rule {name}", given)
            return made
    if type(asked) in RULES.values() and not given:
        return asked  # type: ignore[return-value]  # of a class that ships
    return CheckedRule(find_own(asked, "rule", given, methods=("screen",), known=", ".join(RULES)))
