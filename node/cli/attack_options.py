"""Options about peers that attack, which several commands share."""

import argparse

# Written out, as the attacks themselves take their time to import; a test compares.
ATTACK_HELP = (
    "sign-flip, label-flip, feature-noise, gaussian, alie, ipm, stall, fang-trim, fang-krum, min-max, min-sum, "
    "dissensus, ride, half-ride, slow-drift, tuned, camouflage, sleeper (sleeper:NAME wakes into NAME), backdoor, "
    "buffer, copier, lazy, withhold, equivocate, false-verdict, less-noise, uncharged, more-examples, "
    "repeated-noise, sparse-noise, sign-noise, borrowed-noise, hidden-step, oversize, malformed, or FILE.py:CLASS"
)


def add_attack(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    """--attack and its parameters. what: whom it is about."""
    parser.add_argument("--attack", default=default, metavar="NAME", help=f"{what}: {ATTACK_HELP}")
    parser.add_argument(
        "--attack-parameter",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="e.g. share=0.9 for ride, z=1.5 for alie; repeatable; docs/threat-model.md lists them",
    )
