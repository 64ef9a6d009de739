"""Poison made of the honest states' own statistics, so that it hides among them."""

from statistics import NormalDist

import numpy as np

from node.attacks.attack import Colluder
from node.attacks.geometry import Numbers, dot, reach_along, squared_distances, unit
from node.attacks.view import PeerView, Vector


def compute_deviation(view: PeerView) -> Vector:
    """The honest states' standard deviation in each coordinate (population), (d,), float32."""
    found: Vector = view.states.std(axis=0, dtype=np.float64).astype(np.float32)
    return found


class Alie(Colluder):
    """A little is enough: shift every coordinate by as much as honest peers still differ, μ − z · σ.

    μ, σ: the honest states' mean and standard deviation, coordinate by coordinate. z: standard deviations; 0 takes
    the largest that enough honest peers lie beyond, z = sup { z : Φ(z) < (n − m − s) / (n − m) } with
    s = ⌊n/2 + 1⌋ − m supporters needed, of n peers m poisoners; that is 0 in circles with few poisoners.
    Source: Baruch, Baruch and Goldberg 2019, arXiv:1902.06156, algorithm 3 and equation 4 of section 3.2. There μ
    and σ come of the poisoners' own honest training, here of the honest states where those are known.
    """

    name = "alie"
    summary = "shifts every coordinate by what honest peers still differ (a little is enough)"

    def __init__(self, z: float = 0.0, jitter: float = 0.01) -> None:
        super().__init__(jitter)
        self.z = z

    def plan(self, view: PeerView) -> Vector:
        z = self.z or largest_z(view.peers, view.poisoners)
        return view.centre - np.float32(z) * compute_deviation(view)


def largest_z(peers: int, poisoners: int) -> float:
    """z_max of ALIE; 0 where the poisoners cannot win any majority, or hold one already."""
    honest = peers - poisoners
    supporters = peers // 2 + 1 - poisoners
    if honest <= 0 or not 0 < honest - supporters < honest:
        return 0.0
    return max(0.0, NormalDist().inv_cdf((honest - supporters) / honest))


class InnerProduct(Colluder):
    """Make the inner product of the average step and the true one negative: b̄ − ε · (mean honest step).

    b̄ is the mean base. ε above honest / poisoners turns a plain average round; a small one passes a screen.
    Source: Xie, Koyejo and Gupta 2020 (IPM, UAI 2019), arXiv:1903.03936, section 4: v = −ε · mean of the honest.
    """

    name = "ipm"
    summary = "publishes the mean honest step reversed and short (inner product manipulation)"

    def __init__(self, epsilon: float = 0.5, jitter: float = 0.01) -> None:
        super().__init__(jitter)
        self.epsilon = epsilon

    def plan(self, view: PeerView) -> Vector:
        return view.centre - np.float32(1.0 + self.epsilon) * view.step


class Stall(Colluder):
    """Publish the mean of the models that honest peers began their round with, b̄: nobody is nearer to them.

    Where half of a judge's neighbours stand still, the others' honest steps look far. The inner-product attack with
    ε = 0. Source: design of this project, against rules that measure by a median distance.
    """

    name = "stall"
    summary = "publishes the mean model that honest peers began with, so that who trains looks far off"

    def plan(self, view: PeerView) -> Vector:
        return view.centre - view.step


class MinMax(Colluder):
    """Go from the honest mean as far as no further from any honest state than two of them are from each other.

    μ + γ · p with the largest γ such that max_i ‖μ + γp − x_i‖ ≤ max_ij ‖x_i − x_j‖. perturbation: p is 0:
    −step/‖step‖ (inverse unit vector), 1: −σ (inverse standard deviation), 2: −sign(step). γ is solved for exactly,
    where the source searches for it by halving.
    Source: Shejwalkar and Houmansadr 2021, NDSS, "Manipulating the Byzantine", equation 8 and section IV-C.
    """

    name = "min-max"
    summary = "goes as far from the honest mean as two honest states are apart at most"

    def __init__(self, perturbation: float = 1, jitter: float = 0.01) -> None:
        super().__init__(jitter)
        if perturbation not in (0, 1, 2):
            raise ValueError("perturbation is 0 (unit vector), 1 (standard deviation) or 2 (sign)")
        self.perturbation = int(perturbation)

    def plan(self, view: PeerView) -> Vector:
        push = self._push(view)
        return view.centre + np.float32(self._gamma(view, push, squared_distances(view.states))) * push

    def _push(self, view: PeerView) -> Vector:
        if self.perturbation == 1:
            return -compute_deviation(view)
        return -unit(view.step) if self.perturbation == 0 else -np.sign(view.step)

    def _gamma(self, view: PeerView, push: Vector, distances2: Numbers) -> float:
        radius = float(distances2.max()) ** 0.5
        return float(reach_along(view.centre, push, view.states, [radius] * len(view.states)).min())


class MinSum(MinMax):
    """As min-max, but bounded by sums: Σ_i ‖μ + γp − x_i‖² ≤ max_i Σ_j ‖x_i − x_j‖².

    As μ is the mean, the left side is Σ_i ‖μ − x_i‖² + n γ² ‖p‖².
    Source: Shejwalkar and Houmansadr 2021, NDSS, equation 9.
    """

    name = "min-sum"
    summary = "goes as far from all honest states together as the outermost honest state lies"

    def _gamma(self, view: PeerView, push: Vector, distances2: Numbers) -> float:  # noqa: ARG002
        steepness = dot(push, push)
        around_mean = float(distances2.sum()) / (2 * len(distances2))
        room = float(distances2.sum(axis=1).max()) - around_mean
        return 0.0 if steepness == 0 else max(0.0, room / (len(distances2) * steepness)) ** 0.5


class Dissensus(Colluder):
    """Hold one honest peer where it is, or push it away from the others, so that they never agree.

    x_v − ε · Σ_k (x_k − x_v) / f for the victim v, over the other honest peers k, with f poisoners, all weights
    alike. ε = 1 cancels what the honest neighbours' averaging would do to the victim; more drives it off. The
    source sends each victim a message of its own; here an update is public and one for all, so every poisoner takes
    another victim, and other ones each round.
    Source: He, Karimireddy and Jaggi 2022, arXiv:2202.01545, equation 3 (dissensus attack).
    """

    name = "dissensus"
    summary = "pushes one honest peer away from all others, so that they never agree"
    is_personal = True

    def __init__(self, epsilon: float = 1.5, jitter: float = 0.01) -> None:
        super().__init__(jitter)
        self.epsilon = epsilon

    def plan(self, view: PeerView) -> Vector:
        others = len(view.targets) - 1
        victim = view.states[(view.rank + view.round) % len(view.targets)]
        away = np.float32((others + 1) / view.poisoners) * (view.centre - victim)
        poison: Vector = victim - np.float32(self.epsilon) * away
        return poison
