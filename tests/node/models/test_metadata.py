"""What a model's file says of it, as text: written one way, and read from strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.models.metadata import NAMES, BadMetadata, ModelFacts, decode_facts, is_of_model
from tests.support.model_files import FACTS, facts_with

pytestmark = pytest.mark.rule("R31.3")


@pytest.mark.parametrize(
    "facts",
    [FACTS, facts_with(seat=255, seats=(255,)), facts_with(round=0, seats=(), exponents=(119,), frozen="ab" * 32)],
)
def test_what_is_written_is_read_again(facts: ModelFacts) -> None:
    assert decode_facts(facts.encode()) == facts


def test_names_ascend_and_are_those_of_the_norm() -> None:
    assert list(FACTS.encode()) == sorted(FACTS.encode()) == list(NAMES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("folkmoot", "model/2"),
        ("contract", "0x" + "1A" * 20),
        ("round", "03"),
        ("round", "-1"),
        ("round", "2097152"),
        ("round", "٣"),
        ("seat", "01"),
        ("seat", "256"),
        ("seat", ""),
        ("seats", "2,0"),
        ("seats", "0,0"),
        ("seats", "0,256"),
        ("seats", "0,"),
        ("exponents", "0,-0"),
        ("exponents", "120,0"),
        ("digest", "00"),
        ("chain_id", "0"),
        ("chain_id", "9007199254740992"),
        ("block_hash", "ab" * 32),
        ("task_name", "a b"),
        ("task_name", "x\n"),
    ],
)
def test_what_could_not_have_been_written_is_refused_and_named(name: str, text: str) -> None:
    with pytest.raises(BadMetadata, match=name):
        decode_facts(FACTS.encode() | {name: text})


def test_what_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(BadMetadata, match="no digest in it"):
        decode_facts({name: text for name, text in FACTS.encode().items() if name != "digest"})
    with pytest.raises(BadMetadata, match="'colour' is in it, which no model has"):
        decode_facts(FACTS.encode() | {"colour": "red"})
    with pytest.raises(BadMetadata, match="no folkmoot in it"):
        decode_facts({})
    assert is_of_model(FACTS.encode())
    assert not is_of_model({"format": "pt"})


@given(st.sampled_from(NAMES), st.text(max_size=80))
def test_any_text_is_refused_or_read_back_as_it_is(name: str, text: str) -> None:
    metadata, said = FACTS.encode() | {name: text}, ""
    try:
        assert decode_facts(metadata).encode() == metadata
    except BadMetadata as error:
        said = str(error)
    assert len(said) < 200
