"""`folkmoot audit`: which rounds it is told to recompute, and what it says of them."""

import argparse

import pytest

from ledger.errors import UsageError
from node.cli.audit import _parse_laws, _parse_scope
from node.cli.main import main


def options(
    first: int | None = None,
    sample: int | None = None,
    seed: int | None = None,
    seed_block: int | None = None,
    since: int | None = None,
    save: str | None = None,
) -> argparse.Namespace:
    return argparse.Namespace(
        first=first, sample=sample, seed=seed, seed_block=seed_block, since=since, save=save, bundle=None
    )


def test_without_options_everything_that_can_be_disputed_is_recomputed() -> None:
    scope = _parse_scope(options())
    assert (scope.first, scope.sample) == (None, None)
    named = _parse_scope(options(5, 20, 7))
    assert (named.first, named.sample, named.seed) == (5, 20, 7)
    assert _parse_scope(options(sample=20, seed_block=9)).seed_block == 9
    assert _parse_scope(options(since=9)).since == 9


def test_a_sample_is_another_one_each_time_unless_its_seed_is_given() -> None:
    assert _parse_scope(options(sample=3)).seed != _parse_scope(options(sample=3)).seed


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (options(0), "counted from 1"),
        (options(sample=0), "above 0"),
        (options(seed=4), "give both"),
        (options(sample=1, seed=-1), "give both"),
        (options(since=-1), "no block"),
        (options(since=4, first=1), "give one"),
        (options(since=4, save="a.car"), "--from"),
        (options(seed_block=4), "give both"),
        (options(sample=1, seed_block=-1), "give both"),
        (options(sample=1, seed=4, seed_block=4), "give one"),
    ],
)
def test_what_names_no_rounds_is_refused(wrong: argparse.Namespace, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _parse_scope(wrong)


def test_a_statement_names_laws_once_each_or_none() -> None:
    assert _parse_laws(None) is None
    assert _parse_laws("") == []
    assert _parse_laws("hipaa,gdpr,hipaa") == ["hipaa", "gdpr"]


@pytest.mark.parametrize("laws", ["ccpa", "gdpr,", "GDPR", "gdpr ai-act"])
def test_another_law_is_a_sentence_before_anything_is_read(laws: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--contract", "0x" + "11" * 20, "--statement", laws]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "is none of gdpr, ai-act, hipaa: choose some of them" in err
