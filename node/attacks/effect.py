"""What an attack is after, told from outside: nothing that is simulated depends on it."""

from node.attacks.attack import Attack, BoundedPoisoner
from node.attacks.buffer import Buffer
from node.attacks.own_attack import OwnAttack
from node.attacks.sleeper import Sleeper


def spoils_models(attack: Attack) -> bool:
    """Whether it makes others' models worse by what it publishes, so that a run without a rule shows what it does.

    Who lies about others, serves nothing, rests, or spares its noise does not. One of a user's own may.
    """
    if isinstance(attack, Sleeper):
        return spoils_models(attack.inner)
    return attack.poisons_data or isinstance(attack, BoundedPoisoner | Buffer | OwnAttack)
