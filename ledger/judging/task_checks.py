"""Whether this version can judge a circle's task at all: its codec, its screening rule, its privacy terms."""

from typing import Final

from ledger.circle.manifest import MalformedManifest, Manifest
from ledger.codec import CODECS, DELTA
from ledger.errors import UsageError
from ledger.rules import Rule, find_rule
from ledger.rules.balance import Balance

BALANCE_TOO_NEAR: Final = Balance().gamma_milli


def check_task(manifest: Manifest) -> None:
    """Raises MalformedManifest where this version has not the codec, the rule or a setting of the rule (R3.2), or
    where these do not go with the circle's privacy terms (R30.6).

    Whoever opens a circle asks this once: a peer, an auditor, the commands, a deployment.
    """
    if manifest.codec not in CODECS:
        raise MalformedManifest(f"codec {manifest.codec!r} is unknown, this program knows {CODECS}")
    try:
        rule = find_rule(manifest)
    except UsageError as error:
        raise MalformedManifest(f"the manifest's {error}") from error
    if manifest.privacy is not None:
        check_goes_with_privacy(manifest.rule, rule, manifest.codec)


def check_goes_with_privacy(name: str, rule: Rule, codec: str) -> None:
    """Raises MalformedManifest for a rule, with its name, or a codec that no circle with privacy terms has."""
    if not rule.is_replayable:
        raise MalformedManifest(
            f"a circle with privacy terms cannot have rule {name}: its verdicts are functions of private"
            " data, and no noise is in them"
        )
    if isinstance(rule, Balance) and rule.gamma_milli <= BALANCE_TOO_NEAR:
        raise MalformedManifest(
            f"a circle with privacy terms cannot have rule balance with gamma_milli {rule.gamma_milli}: noise alone"
            f" takes honest peers further apart, so it has to be above {BALANCE_TOO_NEAR}"
        )
    if codec == DELTA:
        raise MalformedManifest(
            "a circle with privacy terms cannot have codec delta: it sends the largest changes alone, and those are"
            " nearly all noise"
        )
