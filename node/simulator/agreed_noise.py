"""What a simulated circle's rules and attackers are told of its noise, as a real one's terms and updates say it."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ledger.arithmetic.exact import GridState
from ledger.circle.manifest import Tensor
from ledger.judging.noise_floor import find_noise_floor
from node.simulator.privacy_spending import find_charged_rounds
from node.simulator.scenario import Scenario


def find_noise_variance(scenario: Scenario) -> Fraction | None:
    """s², of the noise in each value of a published step (R30.5); None without privacy."""
    if not scenario.privacy:
        return None
    steps, batch, clip, sigma, rate = (
        Fraction(scenario.privacy[name]) for name in ("steps", "batch", "clip", "sigma", "lr")
    )
    return steps * (rate * sigma * clip / batch) ** 2


class AgreedNoise:
    """The noise that each step must hold."""

    def __init__(self, scenario: Scenario, layout: Sequence[Tensor]) -> None:
        self._scenario, self._layout = scenario, layout
        self._variance = find_noise_variance(scenario)
        self._charged_rounds = find_charged_rounds(scenario)

    def find_floors(self, number: int, states: Mapping[int, GridState]) -> dict[int, int] | None:
        """Seat → the least squared length of its step, see ScreeningInput; None without privacy.

        number: the round. states: seat → public state.
        """
        if (variance := self._variance) is None:
            return None
        return {
            seat: find_noise_floor(state, self._layout, variance) if self._is_charged(number, seat) else 0
            for seat, state in states.items()
        }

    def _is_charged(self, number: int, seat: int) -> bool:
        within = self._charged_rounds.get(seat)
        return within is None or number - self._scenario.late.get(seat, 1) < within
