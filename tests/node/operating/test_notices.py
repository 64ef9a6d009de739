"""What a node tells: a line in the log, an event, a sentence with a next step."""

import logging

import pytest

from node.operating.notices import Notice, Notices


def test_what_is_bad_is_a_warning_and_the_rest_is_not(caplog: pytest.LogCaptureFixture) -> None:
    told: list[dict[str, object]] = []
    notices = Notices(told.append)
    with caplog.at_level(logging.INFO, "node.operating.notices"):
        notices.tell(Notice("bad_word", "something is wrong", True, {"seat": 3}))
        notices.tell(Notice("good_word", "all is well", False))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "notice kind=bad_word says=something is wrong"),
        ("INFO", "notice kind=good_word says=all is well"),
    ]
    assert told[0] == {
        "event": "notice",
        "kind": "bad_word",
        "says": "something is wrong",
        "is_bad": True,
        "seat": 3,
    }
