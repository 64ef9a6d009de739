"""Whether this version can judge a circle's task at all: its codec and its screening rule."""

from ledger.circle.manifest import MalformedManifest, Manifest
from ledger.codec import CODECS
from ledger.errors import UsageError
from ledger.rules import find_rule


def check_task(manifest: Manifest) -> None:
    """Raises MalformedManifest where the codec, the rule or a setting of the rule is none this version has (R3.2).

    Whoever opens a circle asks this once: a peer, an auditor, the commands, a deployment.
    """
    if manifest.codec not in CODECS:
        raise MalformedManifest(f"codec {manifest.codec!r} is unknown, this program knows {CODECS}")
    try:
        find_rule(manifest)
    except UsageError as error:
        raise MalformedManifest(f"the manifest's {error}") from error
