"""A line is taken only as it was written."""

from node.operating.checked_lines import read_line, write_line


def test_the_words_come_back() -> None:
    line = write_line("3 0xab silent")
    assert line.count(b"\n") == 1
    assert read_line(line.removesuffix(b"\n")) == ["3", "0xab", "silent"]


def test_a_line_that_was_cut_or_changed_is_none() -> None:
    line = write_line("3 0xab silent").removesuffix(b"\n")
    cut = [line[:length] for length in range(len(line))]
    changed = [bytes((*line[:at], line[at] ^ 1, *line[at + 1 :])) for at in range(len(line))]
    assert [read_line(one) for one in cut + changed] == [None] * (2 * len(line))
