"""Names that seats give themselves: what is shown, what is not, and which are taken for one another."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity.display_names import (
    NAME_MAX,
    NotAName,
    check_name,
    find_name,
    list_scripts,
    make_skeleton,
    spell_name,
    tidy_name,
)
from ledger.identity.endpoints import ENDPOINT_MAX_BYTES, MalformedEndpoint, find_seat_name, parse_endpoint
from ledger.identity.look_alikes import LOOK_ALIKES
from tests.support import golden

pytestmark = pytest.mark.rule("R16.2")

ADDRESSES = "wss://a:1 http://b:2"
GOOD = [
    "Klinik Nord",
    "Hôpital Saint-Louis",
    "St. Mary's",
    "A & B",
    "Peer 3",
    "ЗАО Сименс",
    "Νοσοκομείο",
    "東京大学病院",
    "キヤノン",
    "한국병원",
    "नमस्ते",
    "โรงพยาบาล",
    "שיבא",
    "مستشفى",
    "Tower 東京",
    "Seattle Grace",
    "Seat of Wisdom",
    "Oxford",
]
BAD = {
    "": "0 characters",
    "x" * (NAME_MAX + 1): "33 characters",
    "x" * 10_000: "10000 characters",
    "<script>alert(1)</script>": "U+003C",
    '"': "U+0022",
    "a (clean)": "U+0028",
    "[bold]x": "U+005B",
    "\x1b[31mred": "U+001B",
    "two\nlines": "U+000A",
    "a\u202eb": "U+202E",
    "a\u2066b": "U+2066",
    "a\u200bb": "U+200B",
    "a\u200db": "U+200D",
    "a\ufe0fb": "U+FE0F",
    "a\u115fb": "U+115F",
    "a\ue000b": "U+E000",
    "a\u0338b": "U+0338",
    "a\u20ddb": "U+20DD",
    "a\u01c3": "U+01C3",
    "ᚠᚢ": "no script that names are written in",
    "🏥 Nord": "U+1F3E5",
    "a\u00a0b": "forms that stand for others",
    "ﬁne": "forms that stand for others",
    "Ｋlinik": "forms that stand for others",
    "Ju\u0308rgen": "forms that stand for others",
    "12": "no letter",
    "-a": "begins with neither",
    " a": "spaces",
    "a ": "spaces",
    "a  b": "spaces",
    "a -\u0301": "stands on no letter",
    "x\u0302\u0303\u0304": "marks in a row",
    "Кlinik": "one word has letters of several scripts: Cyrillic, Latin",
    "東京Tower": "one word has letters of several scripts: Han, Latin",
    "שיבא 3": "from right to left",
    "שיבא Sheba": "from right to left",
    "0xdeadbeef": "an address",
    "peer 0x12": "an address",
    "0х12": "an address",
    "seat 3": "a seat's number",
    "Seat3": "a seat's number",
    "SEAT-03": "a seat's number",
    "seats 1": "a seat's number",
    "seat l": "a seat's number",
    "seat II": "a seat's number",
    "séat 3": "a seat's number",
    "the 3 seats": "a seat's number",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_written_on_chain_and_read_again(name: str) -> None:
    endpoint = parse_endpoint(ADDRESSES).named(name)
    assert endpoint.text.isascii()
    assert endpoint.text.count(" ") == 2
    assert parse_endpoint(endpoint.text).name == name
    assert endpoint.addresses == ADDRESSES
    assert endpoint.named(None).text == ADDRESSES


@pytest.mark.parametrize("name", list(BAD))
def test_what_could_deceive_is_no_name_and_the_reason_is_told(name: str) -> None:
    with pytest.raises(NotAName) as refused:
        spell_name(name)
    assert BAD[name] in str(refused.value)


@pytest.mark.parametrize(
    "spelled", ["%41", "a%20", "%FF", "%C3", "%ED%A0%80", "a%E2%80%AEb", "%3Cb%3E", "seat%203", "%1B%5B31m", "%7E"]
)
def test_a_seat_whose_name_is_none_is_reached_all_the_same(spelled: str) -> None:
    endpoint = parse_endpoint(f"{ADDRESSES} name={spelled}")
    assert endpoint.name is None
    assert endpoint.text == f"{ADDRESSES} name={spelled}"
    assert endpoint == parse_endpoint(ADDRESSES)


def test_an_endpoint_with_its_name_fits_the_contract_or_is_refused() -> None:
    long = parse_endpoint(f"wss://{'.'.join(['h' * 55] * 3)}:1 http://b:2")
    assert len(long.named("x" * NAME_MAX).text) <= ENDPOINT_MAX_BYTES
    with pytest.raises(MalformedEndpoint, match="name are"):
        long.named("東" * NAME_MAX)


def test_what_a_person_typed_is_tidied_before_it_is_checked() -> None:
    assert tidy_name("  St. Mary’s \u00a0 Ju\u0308rgen ") == "St. Mary's Jürgen"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Klinik Nord", "klinik-nord"),
        ("Klinik", "Kl1nik"),
        ("Coop", "Соор"),
        ("coco", "сосо"),
        ("Oslo", "0slo"),
        ("modern", "modem"),
        ("Muller", "Müller"),
        ("ΑΒΟ", "аво"),
        ("Ward", "VVard"),
    ],
)
def test_names_that_look_alike_are_the_same_to_compare(one: str, other: str) -> None:
    assert make_skeleton(one) == make_skeleton(other)


def test_names_that_do_not_look_alike_differ() -> None:
    assert len({make_skeleton(name) for name in GOOD}) == len(GOOD)


def test_scripts_whose_letters_could_deceive_or_turn_a_line_around_are_told() -> None:
    assert list_scripts("сосо") == ["Cyrillic"]
    assert list_scripts("שיבא") == ["Hebrew"]
    assert list_scripts("Klinik 東京") == []


@given(st.text(max_size=NAME_MAX + 2) | st.text(alphabet="aäж東ש\u0301\u200b 0x-", max_size=12))
def test_whatever_is_shown_is_printable_on_one_line_and_has_no_direction_marks(name: str) -> None:
    with suppress(NotAName):
        spelled = spell_name(name)
        assert find_name(spelled) == name
        assert name.isprintable()
        assert not {unicodedata.category(one) for one in name} & {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
            "Me",
            "So",
        }
        assert not set(name) & set('"()[]<>“”;:,@#/\\')


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=300))
def test_any_third_part_gives_a_name_none_or_no_endpoint(text: str) -> None:
    name = find_seat_name(f"{ADDRESSES} {text}")
    if name is not None:
        check_name(name)


def test_the_table_of_look_alikes_leads_to_ascii_and_no_further() -> None:
    assert len(LOOK_ALIKES) > 130
    for letter, seen in LOOK_ALIKES.items():
        assert str(seen).isascii()
        assert str(seen).isalnum()
        assert chr(letter).casefold() == chr(letter)
        assert unicodedata.normalize("NFKC", chr(letter)) == chr(letter)


def test_golden_names() -> None:
    golden.expect(
        "display_names",
        {
            "named": [
                {
                    "name": name,
                    "endpoint": parse_endpoint(ADDRESSES).named(name).text,
                    "skeleton": make_skeleton(name),
                    "scripts": list_scripts(name),
                }
                for name in GOOD
            ],
            "refused": list(BAD),
        },
    )
