"""`folkmoot audit --follow`: audits a circle again whenever a round has settled, until it is over or Ctrl-C."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.errors import PeerFault, SetupError, UsageError
from node.operating.wording import format_count

if TYPE_CHECKING:
    from ledger.audit.findings import Finding, Report
    from ledger.chain.rpc.patience import EndpointPatience

_POLL_S: Final = 3.0
_PAUSE_S: Final = 30.0


def add_follow(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--follow",
        action="store_true",
        help="go on as rounds settle, saying what is found as it comes, until the circle is over or Ctrl-C;"
        " then comes the report",
    )


def check_follow(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go with it."""
    if options.follow and (options.sample is not None or options.bundle is not None or options.save is not None):
        raise UsageError(
            "--follow audits all rounds of a circle that is under way: give it without --sample or a bundle"
        )


@contextmanager
def remembering(cache: Path | None) -> Iterator[Path]:
    """The folder where rounds are remembered from one audit to the next: the one named, or one for now."""
    if cache is not None:
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="folkmoot-") as folder:
        yield Path(folder)


class Settlements:
    """Says when there is a new settled round."""

    def __init__(
        self, count_settled: Callable[[], tuple[int, bool]], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """count_settled: how many rounds are settled now, and whether the circle is over."""
        self._count, self._sleep = count_settled, sleep
        self._seen, _ = count_settled()

    def pause(self) -> None:
        """Give whoever does not answer time; the next wait is over at once where anything was settled meanwhile."""
        self._seen = -1
        self._sleep(_PAUSE_S)

    def wait(self) -> bool:
        """Until another round is settled; False where no other will be. Ctrl-C ends it."""
        while True:
            settled, is_over = self._count()
            if settled > self._seen:
                self._seen = settled
                return True
            if is_over:
                return False
            self._sleep(_POLL_S)


def follow(
    audit: "Callable[[], Report]",
    settlements: Settlements,
    tell: "Callable[[Finding], None]",
    note: Callable[[str], None],
) -> "Report":
    """Audit, tell what is new, wait, and so on. Returns the last whole audit's report.

    Ctrl-C ends it; KeyboardInterrupt where the first audit is not over then.
    """
    report = audit()
    told: dict[str, Finding] = {}
    try:
        while True:
            found = {repr(finding): finding for finding in report.findings}
            # A reorganisation takes back what happened, and what nobody served may be served again.
            for finding in (told[one] for one in told if one not in found):
                note(f"audit: not found any more, {describe_finding(finding)}")
            for finding in (found[one] for one in found if one not in told):
                tell(finding)
            told = found
            note(f"audit: {describe_state(report)}; waiting for the next round to settle")
            try:
                if not settlements.wait():
                    return report
                report = audit()
            except (SetupError, PeerFault) as error:
                # Endpoints come back, and those that answer nonsense too; who does not want to wait has Ctrl-C,
                # and loses nothing.
                note(f"{error}; what was audited before is kept, and it is tried again")
                settlements.pause()
    except KeyboardInterrupt:
        return report


def describe_state(report: "Report") -> str:
    """How far it is, in a few words."""
    found = "nothing found" if report.clean else f"{format_count(len(report.findings), 'finding')} so far"
    return f"up to block {report.head}, round {report.rounds}: {found}"


def describe_finding(finding: "Finding") -> str:
    """One finding in one line."""
    place = [f"round {finding.round}"] if finding.round is not None else []
    place += [f"seat {finding.seat}"] if finding.seat is not None else []
    return f"{' '.join([finding.check.value, *place])}: {finding.fact}"


def make_settlements(
    rpc_urls: Sequence[str], address: str, first_block: int, patience: "EndpointPatience"
) -> Settlements:
    """Of a circle on a chain. Raises like `Circle`."""
    from ledger.chain.circle import Circle
    from ledger.chain.rpc.failover import connect
    from ledger.circle.history import Phase

    circle = Circle(connect(rpc_urls, patience=patience), address, since=first_block)

    def count_settled() -> tuple[int, bool]:
        state = circle.fetch_state(circle.rpc.fetch_number("eth_blockNumber"))
        is_over = state.phase == Phase.FINISHED
        return state.round if is_over else max(state.round - 1, 0), is_over

    return Settlements(count_settled)
