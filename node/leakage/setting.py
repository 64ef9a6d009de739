"""What is measured, made of a task and the peer's data alone."""

from dataclasses import replace

import numpy as np

from ledger.codec import PLAIN, quantise
from ledger.privacy.terms import PrivacyTerms
from node.leakage.experiment import Setting
from node.leakage.pool import make_pool
from node.leakage.stand_ins import Publishing
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
    return Setting(Publishing(task, template, codec, origin, seed), pool, rounds)


def with_privacy(setting: Setting, terms: PrivacyTerms) -> Setting:
    """The same with privacy terms. Its stand-ins say once how many examples they have: see `count_stated`."""
    private = UnchargedTraining(terms, count_stated(setting))
    return replace(setting, publishing=replace(setting.publishing, private=private))


def count_stated(setting: Setting) -> int:
    """The examples that a stand-in has on average, and that its rate is said for."""
    return max(1, len(setting.pool) // 2)
