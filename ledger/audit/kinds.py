"""What kinds of finding there are, in a word each, and what to say of many of one kind (R22)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What a finding is of. The values stand in reports for machines, and stay."""

    FOREIGN_CODE = "foreign code"
    FOREIGN_HISTORY = "foreign history"
    FOREIGN_MANIFEST = "foreign manifest"
    MISSING_GENESIS = "missing genesis"
    INVALID_GENESIS = "invalid genesis"
    MISSING_UPDATE = "missing update"
    LOST_FRAME = "lost frame"
    INVALID_UPDATE = "invalid update"
    WRONG_DRAW = "wrong draw"
    FALSE_VERDICT = "false verdict"
    NOT_SHOWN = "updates not shown"
    CHECKPOINT_NOT_SHOWN = "checkpoint not shown"
    NO_STATE = "no state to judge from"
    WRONG_RECORD = "wrong record"
    WRONG_BASE = "wrong base"
    WRONG_REPUTATION = "wrong reputation"
    EQUIVOCATION = "equivocation"
    CONVICTION = "conviction"
    COPY = "copy"
    WRONG_VOTE = "wrong vote"
    CONTRADICTION = "contradicted statement"
    LITTLE_NOISE = "little noise"
    NOISELESS_PART = "noiseless part"
    UNSPREAD_NOISE = "unspread noise"
    REPEATED_NOISE = "repeated noise"
    NOISE_TWICE = "noise twice in a step"
    UNCHARGED_STEP = "uncharged step"

    @property
    def words(self) -> "KindWords":
        """What to say of findings of this kind."""
        return _WORDS[self]


class Unit(StrEnum):
    """What is counted of a seat, to say how many of how many."""

    UPDATES = "updates"
    """Those that were looked for."""
    VERDICTS = "verdicts"
    """Those that were recomputed."""
    ATTESTATIONS = "attestations"
    """Those that were gone through."""
    RECORDS = "records"
    """Those that were recomputed."""
    BASES = "bases"
    """Those that were compared with what updates name."""
    VOTES = "votes"
    """On disputes that were recomputed."""
    STATEMENTS = "privacy statements"
    """Those that were read."""
    CHECKPOINTS = "checkpoints"
    DRAWS = "draws"
    REPUTATIONS = "reputations"
    EQUIVOCATIONS = "equivocations"
    DISPUTES = "disputes"


@dataclass(frozen=True)
class KindWords:
    """What to say of findings of one kind."""

    unit: Unit | None
    """What each of them is about; None where there can be but one."""
    says: str
    """What is so, after `3 of 60 updates`; a sentence by itself where there is no unit."""
    fault: str
    """Whose it is."""
    is_blamed: bool = True
    """Whether the seat that it is about did it; of what nobody can tell, it may not have."""
    noun: str = ""
    """What the unit is called here, in the plural, where that is something else."""

    def name_unit(self, number: int) -> str:
        """Of so many. Where there is a unit."""
        assert self.unit is not None
        plural = self.noun or self.unit.value
        return plural.removesuffix("s") if number == 1 else plural


WITHOUT_BLOBS: Final = frozenset(
    {
        Kind.MISSING_GENESIS,
        Kind.MISSING_UPDATE,
        Kind.LOST_FRAME,
        Kind.NOT_SHOWN,
        Kind.CHECKPOINT_NOT_SHOWN,
        Kind.NO_STATE,
    }
)
"""Of these there is nothing to show: they rest on somebody's word that a blob was not to be had."""

_NOBODY: Final = "nobody can tell (its author withheld it, or nobody keeps it any more)"
_CHAIN: Final = "the contract or the endpoint: report it"
_WORDS: Final[Mapping[Kind, KindWords]] = MappingProxyType(
    {
        Kind.FOREIGN_CODE: KindWords(
            None,
            "the code at the address is not this version's circle contract",
            "whoever named the address; or it is another version's",
            False,
        ),
        Kind.FOREIGN_HISTORY: KindWords(
            None, "the events that were read are not the contract's", "the endpoint: ask another", False
        ),
        Kind.FOREIGN_MANIFEST: KindWords(
            None, "the circle's manifest is none of this version", "whoever deployed the circle", False
        ),
        Kind.MISSING_GENESIS: KindWords(None, "nobody serves the genesis state", "nobody can tell", False),
        Kind.INVALID_GENESIS: KindWords(None, "the genesis state is invalid", "whoever deployed the circle", False),
        Kind.MISSING_UPDATE: KindWords(Unit.UPDATES, "served by nobody", _NOBODY, False),
        Kind.LOST_FRAME: KindWords(Unit.UPDATES, "not decoded, as what they hang on is lost", _NOBODY, False),
        Kind.INVALID_UPDATE: KindWords(Unit.UPDATES, "invalid", "the author"),
        Kind.WRONG_DRAW: KindWords(Unit.DRAWS, "with another seed than the block gives", _CHAIN, False),
        Kind.FALSE_VERDICT: KindWords(Unit.VERDICTS, "false", "the judge"),
        Kind.NOT_SHOWN: KindWords(Unit.ATTESTATIONS, "without the updates they were made from", "the judge"),
        Kind.CHECKPOINT_NOT_SHOWN: KindWords(Unit.CHECKPOINTS, "not shown", "the judge"),
        Kind.NO_STATE: KindWords(Unit.ATTESTATIONS, "without a state to judge from", "the judge"),
        Kind.WRONG_RECORD: KindWords(Unit.RECORDS, "not what the blobs give", "the judge"),
        Kind.WRONG_BASE: KindWords(Unit.BASES, "not what the round before gives", "the author"),
        Kind.WRONG_REPUTATION: KindWords(Unit.REPUTATIONS, "not what the verdicts give", _CHAIN, False),
        Kind.EQUIVOCATION: KindWords(Unit.EQUIVOCATIONS, "proved on chain", "the seat's peer"),
        Kind.CONVICTION: KindWords(Unit.DISPUTES, "upheld against it on chain", "the judge"),
        Kind.COPY: KindWords(
            Unit.UPDATES,
            "the same as another author's before",
            "the later author, as a rule; two may have agreed on it",
        ),
        Kind.WRONG_VOTE: KindWords(Unit.VOTES, "not what recomputing gives", "the juror"),
        Kind.CONTRADICTION: KindWords(Unit.STATEMENTS, "not following from the one before", "the author"),
        Kind.LITTLE_NOISE: KindWords(
            Unit.STATEMENTS, "with a step smaller than the noise it must hold", "the author", noun="updates"
        ),
        Kind.NOISELESS_PART: KindWords(
            Unit.STATEMENTS,
            "with a part of the step smaller than the noise it must hold",
            "the author",
            noun="updates",
        ),
        Kind.REPEATED_NOISE: KindWords(
            Unit.STATEMENTS, "with noise that lies in earlier steps, not drawn anew", "the author", noun="updates"
        ),
        Kind.UNSPREAD_NOISE: KindWords(
            Unit.STATEMENTS, "with a step not spread as the noise must spread it", "the author", noun="updates"
        ),
        Kind.NOISE_TWICE: KindWords(
            Unit.STATEMENTS, "with the same noise in several parts of the step", "the author", noun="updates"
        ),
        Kind.UNCHARGED_STEP: KindWords(
            Unit.STATEMENTS, "not charged, and with another state than the base", "the author", noun="updates"
        ),
    }
)
