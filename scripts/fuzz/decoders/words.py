"""Short texts and small messages: names, numbers, terms, options, and what gossip's frames hold."""

from collections.abc import Iterator
from pathlib import Path

from coincurve import PrivateKey

from ledger.errors import Foreseen, UsageError
from ledger.identity.display_names import NotAName, check_name, find_name, spell_name
from ledger.identity.signing import address_of
from ledger.privacy.decimals import BadDecimal, format_decimal, read_decimal
from ledger.privacy.planning import parse_privacy_terms
from ledger.privacy.terms import BadPrivacyTerms
from ledger.untrusted.text import make_printable
from node.attacks.settings import parse_attack_parameters, parse_seats
from node.gossip.messages import (
    Announcement,
    BadMessage,
    Challenge,
    DialBack,
    DialledBack,
    Have,
    Hello,
    Message,
    Pull,
    PullAnswer,
    check_signature,
    decode,
    encode,
    join_frame,
    sign_announcement,
)
from node.metrics.server import parse_listening
from node.tasks.options import parse_options
from scripts.fuzz.decoders.decoder import Decoder, through_text
from scripts.fuzz.trees import mutate_plain_msgpack
from tests.support.histories.circles import NETWORK
from tests.support.histories.parts import digest

_KEY = b"\7" * 32


def make(_: Path) -> Iterator[Decoder]:
    """Those of this module."""
    yield Decoder("gossip frame", _make_frames(), _read_frame, (BadMessage, Foreseen), mutate_plain_msgpack, 3)
    names = tuple(text.encode() for text in ("Łódź 3", "Anna & Co.", "東京", "a'b-c_d", "мир"))

    def read_name(text: str) -> object:
        make_printable(text)
        find_name(text)
        check_name(text)
        return find_name(spell_name(text))

    yield Decoder("name", names, through_text(read_name), (NotAName,), share=2)
    spelled = tuple(spell_name(name.decode()).encode() for name in names)
    yield Decoder("spelled name", spelled, through_text(find_name), ())
    numbers = (b"1.25", b"1e-5", b"0.001", b"123456789012", b"0.00000001")
    read_number = through_text(lambda text: format_decimal(read_decimal(text, "it")))
    yield Decoder("decimal", numbers, read_number, (BadDecimal,))
    terms = (b"epsilon=8", b"epsilon=2.5,delta=1e-6,clip=1,sigma=1.2,batch=16,steps=20,lr=0.1")
    yield Decoder(
        "privacy terms", terms, through_text(lambda text: parse_privacy_terms(text, 10, 100)), (BadPrivacyTerms,),
        share=0.02,
    )  # fmt: skip
    options = (b"batch_size=16\nwords=a b", b"a=1", b"columns=riders:0:25")
    yield Decoder(
        "options", options, through_text(lambda text: parse_options(text.split("\n"))), (UsageError,), share=0.5
    )
    listening = (b"9464", b"127.0.0.1:9464", b"[::1]:0", b"host.example:65535")
    yield Decoder("listening", listening, through_text(parse_listening), (UsageError,), share=0.5)
    attack, seats = (b"factor=3\nboost=1e3", b"share=0.9"), (b"1,2,3", b"0")
    read_attack = through_text(lambda text: parse_attack_parameters(text.split("\n")))
    yield Decoder("attack settings", attack, read_attack, (UsageError,), share=0.3)
    yield Decoder("seats", seats, through_text(parse_seats), (UsageError,), share=0.3)


def _make_frames() -> tuple[bytes, ...]:
    author = address_of(PrivateKey(_KEY).public_key)
    announced = [sign_announcement(NETWORK, _KEY, author, 3, digest(number)) for number in range(3)]
    messages: list[Message] = [
        Challenge(1, NETWORK.domain_separator, bytes(32)),
        Hello(bytes(20), bytes(65)),
        announced[0],
        Have(3, bytes(32)),
        Pull(3, [bytes(20), b"\1" * 20], [bytes(20)]),
        PullAnswer(3, announced, [bytes(32)]),
        DialBack(bytes(32)),
        DialledBack(bytes(32), True, False),
    ]
    frames = [join_frame([encode(one)]) for one in messages]
    return (
        *frames,
        join_frame(map(encode, messages)),
        join_frame([encode(Have(3, digest(n))) for n in range(200)]),
    )


def _read_frame(data: bytes) -> object:
    found = decode(data)
    for message in found:
        if isinstance(message, Announcement):
            check_signature(NETWORK, message)
    return len(found)
