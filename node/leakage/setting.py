"""What is measured: made of a task and the peer's data alone, or of what it published in a circle."""

from dataclasses import replace

import numpy as np

from ledger.circle.manifest import Manifest
from ledger.codec import PLAIN, quantise
from ledger.privacy.accountant import Charge, compute_epsilon_milli, compute_rate
from ledger.privacy.terms import PrivacyTerms
from node.leakage.experiment import Setting
from node.leakage.own_steps import OwnSteps
from node.leakage.pool import make_pool
from node.leakage.stand_ins import Publishing
from node.learning.genesis import make_agreed_template
from node.learning.grid_ranges import choose_exponents
from node.learning.private.budget import UnchargedTraining
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task


def make_setting(
    task: Task, *, seat: int, seats: int, seed: int, codec: str, rounds: int, rng: np.random.Generator
) -> Setting:
    """As a circle would start with this task. Raises SetupError where the task or its data are at fault."""
    plain = Template.of(task, seed)
    genesis = plain.make_initial()
    pool = make_pool(task, task.data(seat, seats), rng)
    trainer = Trainer(task, plain.layout, seat=seat, seats=seats, seed=seed, template=plain)
    template = plain.in_units_of(choose_exponents(plain.layout, genesis, trainer.train(genesis, 1)))
    origin = quantise(template.make_initial(), template.layout.blocks, PLAIN).state
    return Setting(Publishing(task, template, codec, origin, seed), pool, rounds, seat, seats)


def make_own_setting(
    task: Task, manifest: Manifest, own: OwnSteps, *, seats: int, rng: np.random.Generator
) -> Setting:
    """As a circle is, with its bases. seats: what data() is told. Raises SetupError as `make_setting` does."""
    template = make_agreed_template(task, manifest)
    seed = int(manifest.task_options.get("seed", 0))
    pool = make_pool(task, task.data(own.seat, seats), rng)
    publishing = Publishing(task, template, manifest.codec, own.genesis, seed)
    terms = manifest.privacy
    setting = Setting(publishing, pool, len(own.steps), own.seat, seats, own.steps, terms)
    return setting if terms is None else with_privacy(setting, terms)


def compute_spent_epsilon(setting: Setting, terms: PrivacyTerms) -> float:
    """ε that each stand-in spends, whatever the budget is."""
    rate = compute_rate(terms.batch, count_stated(setting))
    charge = Charge(setting.rounds * terms.steps, rate, terms.sigma_value)
    return compute_epsilon_milli([charge], terms.delta_value) / 1000


def with_privacy(setting: Setting, terms: PrivacyTerms) -> Setting:
    """The same with privacy terms. Its stand-ins say once how many examples they have: see `count_stated`.

    What the peer published was made otherwise, and is not measured beside them; they go on from its bases all the
    same.
    """
    private = UnchargedTraining(terms, count_stated(setting))
    publishing = replace(setting.publishing, private=private)
    return replace(setting, publishing=publishing, terms=terms, is_published_alike=terms == setting.terms)


def count_stated(setting: Setting) -> int:
    """The examples that a stand-in has on average, and that its rate is said for."""
    return max(1, len(setting.pool) // 2)
