"""What an audit checked, under the articles of three laws that readers of a statement look for. Pure.

Nothing is said that no check carries, nothing of a law is quoted, and whether a duty is met is nowhere said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from ledger.audit.findings import Check, Report
from ledger.audit.privacy_statement import list_checked

NO_ADVICE: Final = (
    "This is no legal advice. It puts what an audit checked under the articles that readers of these laws look for."
    " Whether a law applies, and whether a duty is met, it does not say."
)
NO_TERMS: Final = (
    "That anything bounds what the published states tell of the data: the circle has no privacy terms, and the"
    " states are there for everybody to read."
)
UNSAID_OF_ANY: Final = (
    "That data were collected or used lawfully, or that anybody consented.",
    "That anything is anonymous in the sense of a law, or says nothing of a person.",
    "That noise was random: the check finds a step that is too small to hold its noise, and cannot see where noise"
    " came from.",
)
"""What the audit does not say, whatever the law."""
_FACTS: Final = {
    Check.CODE: "The code at the contract's address is that of this version's circle contract.",
    Check.HISTORY: (
        "The events that were read (who joined and left, what was published, judged and disputed) are all that the"
        " contract noted, unaltered and in order."
    ),
    Check.BLOBS: (
        "Every update committed on chain that was looked at is to be had, unless its round is final; each that was"
        " had is unaltered, by its author, and a state of the circle's model."
    ),
    Check.DRAWS: "The seed of each draw, of who judges whom and who sits on a jury, is what its block gives.",
    Check.VERDICTS: (
        "Each recomputed verdict, to take an update in or to reject it, is what the circle's rule gives."
    ),
    Check.RECORDS: (
        "What a judge noted, and the state from which a peer went on, are what the published updates give, where"
        " they were recomputed."
    ),
    Check.REPUTATIONS: "Every reputation follows from the verdicts.",
    Check.FAULTS: (
        "Nobody was convicted of two updates for one round; no dispute about a verdict, a record or a base was"
        " upheld, but for such that recomputing contradicts. (Looked at: proofs and disputes that were brought.)"
    ),
    Check.COPIES: (
        "No update that was looked at repeats an earlier one of another author, but for peers that all but stand"
        " still."
    ),
    Check.VOTES: "Every vote on a dispute that was recomputed is what recomputing gives. (Looked at: votes.)",
}


@dataclass(frozen=True)
class Article:
    """A place in a law, and what bears on it."""

    number: str
    """As one cites it."""
    title: str
    """Its heading."""
    checks: tuple[Check, ...]
    """Those that bear on it."""
    private: tuple[str, ...]
    """Points of `list_checked` that do, where the circle has privacy terms."""
    unsaid: tuple[str, ...]
    """What the audit does not say of it."""


@dataclass(frozen=True)
class Law:
    """A law and where its readers look."""

    title: str
    """With its number."""
    articles: tuple[Article, ...]
    """In their order."""
    unsaid: tuple[str, ...]
    """What the audit does not say of the law as a whole, besides UNSAID_OF_ANY."""


_ON_JUDGING: Final = (
    Check.DRAWS,
    Check.VERDICTS,
    Check.RECORDS,
    Check.REPUTATIONS,
    Check.FAULTS,
    Check.COPIES,
    Check.VOTES,
)
"""That members were drawn, judged and settled as the circle's rule has it."""
_GDPR: Final = Law(
    "GDPR, Regulation (EU) 2016/679",
    (
        Article(
            "Art. 5(1)(c)",
            "data minimisation",
            (Check.BLOBS,),
            ("terms", "arithmetic", "continuity"),
            (
                "That the data that members train on are adequate, relevant and no more than necessary: no check"
                " sees them.",
                "That a state tells nothing of single records: a model's values can.",
            ),
        ),
        Article(
            "Art. 5(1)(f)",
            "integrity and confidentiality",
            (Check.HISTORY, Check.BLOBS, Check.RECORDS),
            ("arithmetic", "continuity"),
            ("That data, keys and what was not published are safe on a member's own machine.",),
        ),
        Article(
            "Art. 25",
            "data protection by design and by default",
            (Check.CODE,),
            ("terms", "arithmetic", "continuity", "bases"),
            (
                "That the terms are appropriate to the risk, or that ε is small enough: that is for the"
                " controller.",
                "That a member did nothing else with the same data.",
            ),
        ),
        Article(
            "Art. 32",
            "security of processing",
            (Check.CODE, Check.HISTORY, *_ON_JUDGING),
            (),
            (
                "That anything is encrypted or pseudonymised.",
                "That a member's machine, staff or backups are secure, or that updates will be to be had later on.",
                "That a verdict that the rule gives found every attack.",
            ),
        ),
        Article(
            "Art. 35",
            "data protection impact assessment",
            (),
            ("terms", "arithmetic", "continuity", "bases"),
            (
                "That an assessment is needed, or that this is one: these are facts that one may use.",
                "Anything of necessity, proportion, or risks other than what published states tell.",
            ),
        ),
    ),
    (
        "That a ground of Art. 6 or 9 holds, or that anything is no personal data (recital 26).",
        "Who is controller or processor; that rights of access, objection or erasure can be exercised. What is on"
        " chain stays there.",
    ),
)
_AI_ACT: Final = Law(
    "EU AI Act, Regulation (EU) 2024/1689",
    (
        Article(
            "Art. 10",
            "data and data governance",
            (),
            ("continuity",),
            (
                "Anything of the data themselves: no check sees them.",
                "That they are relevant, representative, free of errors or complete, or were examined for bias. How"
                " many examples a seat has is its own word.",
                "That a peer trained on the data it says, or trained at all.",
            ),
        ),
        Article(
            "Art. 12",
            "record-keeping",
            (Check.CODE, Check.HISTORY, Check.BLOBS, Check.VERDICTS, Check.RECORDS, Check.REPUTATIONS),
            (),
            (
                "That the use of the finished model is logged: these are records of its training.",
                "That updates are kept for as long as a law asks: members may delete those of final rounds. Events"
                " on chain stay.",
            ),
        ),
        Article(
            "Art. 15",
            "accuracy, robustness and cybersecurity",
            _ON_JUDGING,
            ("arithmetic", "continuity"),
            (
                "How accurate the model is: no check measures it.",
                "That the model is robust, fair, or free of poison or a backdoor: that an update was screened as"
                " the rule has it does not mean that the rule found every attack.",
            ),
        ),
    ),
    ("That the model is, or is part of, a high-risk AI system, or who its provider is.",),
)
_HIPAA: Final = Law(
    "HIPAA, 45 CFR Part 164",
    (
        Article(
            "§164.312(b)",
            "audit controls",
            (Check.CODE, Check.HISTORY, Check.BLOBS, Check.VERDICTS, Check.RECORDS),
            (),
            (
                "That activity in systems that hold protected health information is recorded: these are records of"
                " what was published and judged in the circle.",
            ),
        ),
        Article(
            "§164.312(c)",
            "integrity",
            (Check.HISTORY, Check.BLOBS, Check.RECORDS, Check.REPUTATIONS),
            (),
            (
                "That health information on a member's own machine was not altered or destroyed: what was checked"
                " is what the circle published.",
            ),
        ),
        Article(
            "§164.514",
            "de-identification",
            (),
            (),
            (
                "**That anything is de-identified. It is not claimed**, neither by expert determination nor by safe"
                " harbor, with privacy terms or without.",
            ),
        ),
    ),
    (
        "That a use or disclosure is permitted or authorised, or that a member is a covered entity"
        " or a business associate.",
        "Anything of the other safeguards of the Security Rule.",
    ),
)
LAWS: Final[Mapping[str, Law]] = MappingProxyType({"gdpr": _GDPR, "ai-act": _AI_ACT, "hipaa": _HIPAA})
"""By what `--statement` takes."""


@dataclass(frozen=True)
class CheckedFact:
    """A fact of an article and how its check went."""

    check: str
    """The audit's check."""
    fact: str
    """What holds where there is no finding."""
    looked_at: int
    """So many things."""
    findings: int
    """So many times it is not so."""


def list_facts(report: Report, article: Article) -> list[CheckedFact]:
    """Those that bear on an article, each with its check's number."""
    facts = [
        CheckedFact(
            check.value,
            _FACTS[check],
            report.examined.get(check, 0),
            sum(finding.check == check for finding in report.findings),
        )
        for check in article.checks
    ]
    if report.privacy_terms is not None:
        facts += [
            CheckedFact(point.check, point.fact, point.looked_at, point.findings)
            for point in list_checked(report)
            if point.point in article.private
        ]
    return facts


def list_unsaid(report: Report, article: Article) -> list[str]:
    """What the audit does not say of an article."""
    is_read = bool(report.examined.get(Check.HISTORY))
    is_unbound = is_read and report.privacy_terms is None and "arithmetic" in article.private
    return [*([NO_TERMS] if is_unbound else []), *article.unsaid]


def make_law_fields(report: Report, names: Sequence[str]) -> dict[str, Any]:
    """For machines, beside the fields of the privacy statement. names: of LAWS."""
    return {"no_legal_advice": NO_ADVICE, "laws": [_make_law(report, name, LAWS[name]) for name in names]}


def _make_law(report: Report, name: str, law: Law) -> dict[str, Any]:
    return {
        "law": name,
        "title": law.title,
        "articles": [
            {
                "article": article.number,
                "title": article.title,
                "facts": [asdict(fact) for fact in list_facts(report, article)],
                "does_not_say": list_unsaid(report, article),
            }
            for article in law.articles
        ],
        "does_not_say": [*UNSAID_OF_ANY, *law.unsaid],
    }
