"""A peer's budget of privacy: a round is charged before it is trained, and not trained where that is too much."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from ledger.errors import SetupError
from ledger.privacy.accountant import RATE_ONE, Charge, compute_rate, find_steps_covering
from ledger.privacy.planning import describe_full_rate
from ledger.privacy.statement import PrivacyStatement, find_rounds_within, make_statement
from ledger.privacy.terms import PrivacyTerms
from node.learning.private.charges import ChargeFile, ChargeKind
from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import Randomness, SystemRandomness

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spending:
    """Where a peer's budget stands."""

    spent_milli: int
    """Epsilon spent so far, in thousandths, rounded up."""
    budget_milli: int
    """The most that it may be."""
    rounds_charged: int
    """Rounds charged so far."""
    rounds_left: int | None
    """How many more the budget holds; None before the first charge, as a round's cost is not known then."""

    def to_fields(self) -> dict[str, Any]:
        """Plain values for JSON; epsilon as a number."""
        return {
            "spent_epsilon": self.spent_milli / 1000,
            "budget_epsilon": self.budget_milli / 1000,
            "rounds_charged": self.rounds_charged,
            "rounds_left": self.rounds_left,
        }


class PrivacyBudget:
    """One peer's, in one circle. It hands out each round's private training."""

    def __init__(
        self,
        terms: PrivacyTerms,
        file: ChargeFile,
        budget_milli: int | None = None,
        after_charging: Callable[[int], None] = lambda _: None,
        make_randomness: Callable[[], Randomness] = SystemRandomness,
        earlier: Sequence[Charge] = (),
    ) -> None:
        """budget_milli: what the peer holds itself to, None: the circle's. after_charging: told of the round.

        earlier: what was spent on the same data in other circles. As many rounds of this one as cost no less, at
        every order of the accountant, are charged for it.
        """
        self._terms, self._file = terms, file
        most = terms.epsilon_milli
        self.budget_milli: Final = most if budget_milli is None else min(budget_milli, most)
        """The most that the peer may spend, ε in thousandths: its own or the circle's, whichever is less."""
        self._after_charging, self._make_randomness = after_charging, make_randomness
        self._earlier, self._examples = earlier, 0
        # Whether what is to be published next holds training that was charged.
        self._has_trained = True

    @property
    def has_trained(self) -> bool:
        """Whether what is to be published next holds training that was charged."""
        return self._has_trained

    @property
    def rounds_charged(self) -> int:
        """So far."""
        return len(self._file.charged)

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        """Charge a round, on the disk when this returns, and give its means; None where the budget lacks it.

        examples: how many the peer has. More or fewer than at its first charge change nothing in its cost:
        each is taken with the rate that the peer said then. Raises OSError, and then nothing is to be trained.
        """
        self._examples = examples
        kind = self._find_kind()
        if self._file.kind is None and (meant := describe_full_rate(self._terms, examples)) is not None:
            _log.warning("privacy batch above the examples batch=%d reason=%s", self._terms.batch, meant)
        self._take_over(kind)
        if self.rounds_charged >= self._count_rounds(kind):
            _log.info("privacy budget spent round=%d charged=%d", round_number, self.rounds_charged)
            self._has_trained = False
            return None
        self._file.charge(round_number, kind)
        self._has_trained = True
        self._after_charging(round_number)
        return Privacy(make_mechanism(self._terms, kind, examples), self._make_randomness())

    def make_statement(self, rounds_said: int | None) -> PrivacyStatement:
        """What the next update says. rounds_said: what the peer's last one said; None where that is not known.

        One that holds no training leaves out what was charged and never published: it was charged for nothing.
        """
        kind, rounds = self._find_kind(), self.rounds_charged
        if not self._has_trained and rounds_said is not None:
            rounds = min(rounds, rounds_said)
        charged = min(1, rounds) if rounds_said is None else rounds - rounds_said
        if not self._has_trained:
            charged = 0
        return make_statement(self._terms, rounds, charged, examples=kind.examples, rate=kind.rate)

    def compute_spending(self) -> Spending:
        """Where it stands."""
        return compute_spending(self._terms, self._file, self.budget_milli)

    def _take_over(self, kind: ChargeKind) -> None:
        """Charge what was spent in other circles and is not charged yet. Raises SetupError for too much."""
        if not self._earlier:
            return
        steps = find_steps_covering(self._earlier, kind.rate, kind.sigma_value)
        lacking = -(-steps // self._terms.steps) - self._file.earlier
        within = self._count_rounds(kind)
        if lacking > 0 and self.rounds_charged + lacking > within:
            raise SetupError(
                f"what was spent on these data before is as much as {self.rounds_charged + lacking} rounds of this"
                f" circle, and the budget here holds {within}: this peer has nothing left to train with"
            )
        if lacking > 0:
            self._file.add_earlier(lacking, kind)
            _log.info("privacy spent in other circles charged rounds=%d", lacking)

    def _find_kind(self) -> ChargeKind:
        return self._file.kind or ChargeKind(
            self._examples, compute_rate(self._terms.batch, self._examples), self._terms.sigma
        )

    def _count_rounds(self, kind: ChargeKind) -> int:
        return find_rounds_within(self._terms, kind.rate, budget_milli=self.budget_milli)


class UnchargedTraining:
    """Private rounds of which nothing is published: to try a task out before a circle is founded."""

    def __init__(self, terms: PrivacyTerms, stated: int | None = None) -> None:
        """stated: for how many examples the rate holds, as a peer says it once; None for as many as there are."""
        self._terms, self._stated = terms, stated

    def begin(self, round_number: int, examples: int) -> Privacy:  # noqa: ARG002
        """The means of a round."""
        stated = self._stated or examples
        kind = ChargeKind(stated, compute_rate(self._terms.batch, stated), self._terms.sigma)
        return Privacy(make_mechanism(self._terms, kind, examples), SystemRandomness())


def compute_spending(terms: PrivacyTerms, file: ChargeFile, budget_milli: int) -> Spending:
    """Where the budget of a folder stands."""
    kind, rounds = file.kind, len(file.charged)
    if kind is None:
        return Spending(0, budget_milli, 0, None)
    spent = make_statement(terms, rounds, 0, examples=kind.examples, rate=kind.rate).epsilon_milli
    left = find_rounds_within(terms, kind.rate, budget_milli=budget_milli) - rounds
    return Spending(spent, budget_milli, rounds, max(0, left))


def make_mechanism(terms: PrivacyTerms, kind: ChargeKind, examples: int) -> Mechanism:
    """A round's mechanism in numbers. examples: how many the peer has now."""
    return Mechanism(
        steps=terms.steps,
        batch=terms.batch,
        rate=Fraction(kind.rate, RATE_ONE),
        clip=float(terms.clip),
        sigma=float(terms.sigma),
        learning_rate=float(terms.lr),
        examples=examples,
    )
