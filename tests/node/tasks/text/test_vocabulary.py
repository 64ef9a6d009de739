"""Symbols come from public lists alone."""

import pytest

from ledger.errors import UsageError
from node.tasks.text.vocabulary import END, UNKNOWN, make_vocabulary, read_english_words


def test_words_are_known_in_any_case_and_whatever_their_apostrophe() -> None:
    vocabulary = make_vocabulary("word", 12, "the a of don't über and to in it he was be me")

    symbols = vocabulary.encode(["The über DON’T… Zanzibar 42!", "he?"])

    assert symbols.tolist() == [2, 6, 5, END, UNKNOWN, UNKNOWN, END, 11, END]


def test_a_vocabulary_does_not_depend_on_the_texts() -> None:
    vocabulary = make_vocabulary("word", 100, "")
    before = vocabulary.words

    vocabulary.encode(["Jarndyce versus Jarndyce"])

    assert vocabulary.words == before
    assert vocabulary.size == 102


def test_bytes_take_any_language() -> None:
    vocabulary = make_vocabulary("byte", 2000, "")

    assert vocabulary.size == 256
    assert bytes(vocabulary.encode(["日本", "é"]).tolist()).decode() == "日本\né\n"


def test_the_english_list_holds_words_that_are_told_apart_and_the_commonest_first() -> None:
    words = read_english_words()

    assert len(words) == len(set(words)) == 4000
    assert words[:5] == ("the", "of", "to", "and", "a")
    assert make_vocabulary("word", 4000, "").encode(list(words)).tolist()[::2] == list(range(2, 4002))


@pytest.mark.parametrize(
    ("unit", "words", "word_list", "said"),
    [
        ("letter", 100, "", "choose word or byte"),
        ("word", 5, "", "from 10 to 4000"),
        ("word", 4001, "", "from 10 to 4000"),
        ("word", 10, "one two", "at least 10"),
        ("word", 10, "one two three one", "'one' twice"),
        ("word", 10, "one two;three", "is no word"),
        ("word", 10, "one " + "x" * 41, "is no word"),
        ("byte", 10, "one", "unit=word"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(unit: str, words: int, word_list: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_vocabulary(unit, words, word_list)
