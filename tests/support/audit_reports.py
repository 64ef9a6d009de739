"""Reports of audits as they may be: of liars, and as large as a report can be."""

from ledger.audit.availability import Attendance, HolderAvailability
from ledger.audit.coin import CoinFlow, CoinLoss, CoinPayment
from ledger.audit.findings import Check, DisputeLine, MembershipChange, PrivacyLine, Report
from ledger.audit.kinds import Kind, Unit
from tests.support.histories.parts import address

IPV6 = "http://[2001:db8:85a3:8d3:1319:8a2e:370:7348]:8443/" + "a" * 200


def lied(report: Report, seat: int, rounds: range) -> None:
    for number in rounds:
        report.add(
            Check.VERDICTS,
            "it attested that it rejected seat 0; the rule gives accepted",
            Kind.FALSE_VERDICT,
            round_number=number,
            seat=seat,
            peer=address(seat),
            distance2=134743273,
        )


def liars(*seats: int) -> Report:
    report = Report(31337, "0x" + "11" * 20, 9, task="digits", rule="tether", rounds=60, seats=5)
    for seat in seats:
        report.count_of(Unit.VERDICTS, seat, address(seat), 35)
        lied(report, seat, range(26, 61))
    return report


def huge() -> Report:
    """As much of everything as a circle can have, and as long as it can be."""
    report = Report(2**53, "0x" + "11" * 20, 2**53, task="t" * 128, rule="nnm-trimmed-mean", rounds=10_000)
    report.seats, report.scope = 256, "all of it " * 20
    for seat in range(256):
        report.count_of(Unit.VERDICTS, seat, address(seat), 10**6)
        lied(report, seat, range(1, 1 + seat % 7))
        report.add(
            Check.BLOBS,
            "nobody serves the update",
            Kind.MISSING_UPDATE,
            round_number=10_000,
            seat=seat,
            peer=address(seat),
            **{f"at {IPV6}": "connection refused"},
        )
    report.membership = [
        MembershipChange(
            "quarantined", n, n % 256, address(n % 256), f"rejected by seats {list(range(99))}", n, "0x", n
        )
        for n in range(1, 3000)
    ]
    report.disputes = [
        DisputeLine(n, n, 1, 2, address(n % 9), "upheld", list(range(0, 256, 2)), [1], [], 0, True, n, "0x")
        for n in range(500)
    ]
    span = Attendance(1000, 990, 980, 970, 10, 20_000, 400, 3, 20_000, 7)
    report.spans = [(1000 * n + 1, 1000 * n + 1000) for n in range(10)]
    report.availability = [HolderAvailability(seat, 12, address(seat), (span,) * 10) for seat in range(256)]
    report.coin = CoinFlow(2**128, 2**128, 10**45, 10**44, 10**44, {address(n): 10**40 + n for n in range(300)}, 3)
    report.coin.losses = [
        CoinLoss(address(n), n % 256, 10**20 + n, 10**19, address(4), "its vote was wrong " * 9, n, n, n, "0x")
        for n in range(700)
    ]
    report.coin.payments = [CoinPayment(address(n), 10**30 + 1, n, "0x") for n in range(300)]
    report.privacy = [PrivacyLine(1, seat, 8000, 9, 1, 12, "1", 1, 1, 999, 5000) for seat in range(256)]
    report.notes = [IPV6, "a note " * 60]
    return report
