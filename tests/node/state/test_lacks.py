"""What a peer lacks is told once, and asked for again after a pause."""

from node.operating.notices import Notice
from node.state.lacks import AGAIN_S, Lacks


def test_a_lack_is_told_once_until_it_is_over() -> None:
    now, told = [0.0], list[Notice]()
    lacks = Lacks(told.append, lambda: now[0])
    assert lacks.is_due("base")
    lacks.note_here("base")
    assert told == []
    for at in (0.0, AGAIN_S, 2 * AGAIN_S):
        now[0] = at
        assert lacks.is_due("base")
        lacks.note_lacking("base", "nobody serves it", "the peer waits")
        assert not lacks.is_due("base")
    assert [notice.says for notice in told] == ["nobody serves it; the peer waits, and asks again"]
    assert told[0].is_bad
    assert lacks.is_due("update"), "each by itself"
    lacks.note_here("base")
    assert [notice.kind for notice in told] == ["lacking", "had"]
    assert lacks.is_due("base")
