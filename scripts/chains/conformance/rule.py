"""What explains a difference between two chains' answers."""

import re
from dataclasses import dataclass

OURS = "ours follows the specification"
CHOICE = "a choice"
MISSING = "not offered by ours"


@dataclass(frozen=True)
class Rule:
    """What explains some differences."""

    cases: str
    """A regular expression for a case's key."""
    lines: str
    """A regular expression for a difference as `answers.differences` prints it."""
    verdict: str
    """OURS, CHOICE or MISSING."""
    why: str
    """In a sentence or a few."""
    is_small: bool = False
    """A field more or less, or a number of an error: the answers count as the same all the same."""

    def covers(self, case: str, line: str) -> bool:
        """Whether this explains a case's difference."""
        return re.fullmatch(self.cases, case) is not None and re.fullmatch(self.lines, line) is not None


def rule_for(cases: str, verdict: str, why: str, lines: str = ".*") -> Rule:
    """A rule about cases, whatever their differences, or only for some lines."""
    return Rule(cases, lines, verdict, why)
