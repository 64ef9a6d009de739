"""Whatever a command ends with that was to be expected is one sentence and a status, never a traceback."""

import pytest

from ledger.chain.sender import NoReceipt, Reverted
from ledger.errors import PeerFault, SetupError, UsageError
from node.cli import status
from node.cli.main import main


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UsageError("no such thing"), 2),
        (SetupError("start it first"), 3),
        (PeerFault("the endpoint lies"), 3),
        (Reverted("join", "join: no free seat"), 3),
        (NoReceipt("`join` is in no block"), 3),
        (OSError(28, "No space left on device", "blobs"), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_expected_end_is_one_sentence_and_a_status(
    error: Exception, expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(status, "run", fail)
    assert main(["status"]) == expected
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("folkmoot: ")
