"""What stands on a chain or is proved against it: manifests, endpoints, logs, calls and proofs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import rlp
from eth_abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.audit.equivocation_proofs import decode_proof
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.contract.revert_reasons import decode_revert_reason, explain_revert
from ledger.chain.logs import LogDecoder, RawLog
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.proofs.headers import decode_header, encode_header
from ledger.chain.proofs.items import BadProof, decode_item
from ledger.chain.proofs.receipts import find_proved_logs, find_proved_transaction
from ledger.chain.proofs.tries import Trie, check_path
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.circle.events import Event
from ledger.circle.history import CircleTerms, History, HistoryFault
from ledger.circle.manifest import MalformedManifest, Origin, Tensor, decode_manifest
from ledger.circle.verdict_word import decode_verdicts
from ledger.identity.endpoints import (
    Endpoint,
    MalformedEndpoint,
    find_endpoint,
    find_seat_name,
    parse_endpoint,
    show_addresses,
)
from ledger.identity.signing import BadSignature, encode_compact, recover, sign
from ledger.judging.task_checks import check_task
from ledger.untrusted.parsing import decode_json
from node.watch.packed_events import Unreadable, pack_events, unpack_events
from scripts.fuzz.decoders.decoder import Decoder, inside_zlib, through_text
from scripts.fuzz.trees import mutate_json, mutate_plain_msgpack
from tests.support.circle_endpoint import drawn_seed, log_of
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import address, manifest_of
from tests.support.histories.stories import Story
from tests.support.privacy import TERMS
from tests.support.sample_bundle import CONTRACT, make_evidence, make_header

_KEY: Final = keccak(b"whoever signs")
_NO_HISTORY: Final = (HistoryFault, MalformedManifest)


def make(_: Path) -> Iterator[Decoder]:
    """Those of this module."""
    yield from _make_manifests()
    yield from _make_endpoints()
    yield from _make_logs()
    yield from _make_calls()
    yield from _make_proofs()


def _make_manifests() -> Iterator[Decoder]:
    origin = Origin(chain_id=1, contract="0x" + "1a" * 20, round=3)
    options: dict[str, Any] = {"seed": 3, "skew": 0.5, "samples": 10, "words": "a b c"}
    manifests = (
        manifest_of(5),
        manifest_of(5, rule="tether", rule_parameters={}, privacy=TERMS),
        manifest_of(9, origin=origin, task_options=options, frozen="0c" * 32, frozen_marks="0c0c"),
        manifest_of(3, layout=(Tensor("a", (), 3), Tensor("b", (3, 1, 5), -20), Tensor("c", (0,), 0))),
    )

    def read(data: bytes) -> object:
        found = decode_manifest(data)
        check_task(found)
        return found.state_size, found.encode()

    yield Decoder("manifest", tuple(one.encode() for one in manifests), read, (MalformedManifest,), mutate_json, 2)
    texts = (b'{"a":[1,2.5e3,"\\u00e9",null,true],"b":{"c":[]}}', b"[[[[1]]]]", manifests[1].encode())
    yield Decoder("json", texts, decode_json, (ValueError,), mutate_json)


def _make_endpoints() -> Iterator[Decoder]:
    texts = (
        "wss://peer.example:4001 http://peer.example:8080",
        "wss://[2001:db8::1]:4001 https://[2001:db8::1]:8080",
        Endpoint.at("127.0.0.1", 1, 2).named("Łódź 3").text,
        Endpoint.at("host-7", 4001, 8080).named("Anna & Co.").text,
    )

    def read(text: str) -> object:
        show_addresses(text)
        find_endpoint(text)
        find_seat_name(text)
        endpoint = parse_endpoint(text)
        return endpoint.text, endpoint.name, str(endpoint.gossip)

    samples = tuple(text.encode() for text in texts)
    yield Decoder("endpoint", samples, through_text(read), (MalformedEndpoint,), share=2)


def _make_logs() -> Iterator[Decoder]:
    decoder, circle = LogDecoder(load_circle_artifact()), Circle(seats=3, rounds=2, degree=2, seed_of=drawn_seed)
    logs = msgspec.json.encode([log_of(event, 7 + at) for at, event in enumerate(circle.events)])

    def read_logs(data: bytes) -> object:
        raw = answers.parse_shape(decode_json(data), list[RawLog])
        return _fold(circle.terms, (decoder.decode_placed(one).event for one in raw))

    yield Decoder("event log", (logs,), read_logs, (*_NO_HISTORY, Nonsense, ValueError), mutate_json, 0.3)
    for number in range(3):
        yield from _make_story(number)
    word = (5 << 64 | 3 << 42 | 7).to_bytes(32, "big")
    yield Decoder("verdict word", (word,), _read_word, (), share=0.3)


def _make_story(number: int) -> Iterator[Decoder]:
    """A history with all that may happen in one; and each of its events after those before it."""
    story = Story(number, rounds=2)
    placed = [PlacedEvent((at, 0), "0x" + "ab" * 32, "0x" + "cd" * 32, one) for at, one in enumerate(story.events)]
    change, refuses = inside_zlib(mutate_plain_msgpack), (*_NO_HISTORY, Unreadable)

    def read(data: bytes) -> object:
        return _fold(story.terms, (entry.event for entry in unpack_events(data)))

    yield Decoder(f"history {number}", (pack_events(placed),), read, refuses, change, 0.15)

    def read_one(data: bytes) -> object:
        last = unpack_events(data)
        before = story.events[: last[0].position[0]] if last else []
        return _fold(story.terms, [*before, *(entry.event for entry in last)])

    samples = tuple(pack_events([one]) for one in placed[:60])
    yield Decoder(f"event {number}", samples, read_one, refuses, change, 0.4)


def _fold(terms: CircleTerms, told: Iterable[Event]) -> object:
    history = History(terms)
    for event in told:
        history.apply(event)
    return history.hash, history.compute_reputations(history.rounds[-1]) if history.rounds else ()


def _read_word(data: bytes) -> object:
    return decode_verdicts(int.from_bytes(data[:32], "big"), (1, 2, 3))


def _make_calls() -> Iterator[Decoder]:
    types = load_circle_artifact().find_types("function", "report_equivocation")
    selector = keccak(f"report_equivocation({','.join(types)})".encode())[:4]
    one, two = (encode_compact(sign(_KEY, keccak(bytes([number])))) for number in (1, 2))
    words = [
        address(1),
        3,
        bytes(32),
        *(
            half.to_bytes(32, "big") if kind == "bytes32" else half
            for half, kind in zip(one, types[3:5], strict=True)
        ),
    ]
    words += [
        b"\1" * 32,
        *(
            half.to_bytes(32, "big") if kind == "bytes32" else half
            for half, kind in zip(two, types[6:8], strict=True)
        ),
    ]
    call = selector + abi_encode(types, words)
    yield Decoder("equivocation call", (call,), lambda data: decode_proof(data, NETWORK), (), share=0.5)
    reverts = tuple(
        ("0x08c379a0" + abi_encode(["string"], [text]).hex()).encode()
        for text in ("rounds: not open", "court: too late", "é")
    )

    def read_reason(text: str) -> object:
        found = decode_revert_reason(text)
        return None if found is None else explain_revert(found)

    yield Decoder("revert reason", reverts, through_text(read_reason), (), share=0.5)
    signature = sign(_KEY, keccak(b"message"))
    yield Decoder(
        "signature", (signature,), lambda data: recover(keccak(b"message"), data), (BadSignature,), share=0.5
    )


def _make_proofs() -> Iterator[Decoder]:
    evidence = make_evidence()
    header = bytes.fromhex((make_header(7).rlp or "")[2:])
    yield Decoder("block header", (header,), decode_header, (BadProof,))
    yield Decoder("rlp", (header, rlp.encode([[b"a", []], b"", b"x" * 80])), decode_item, (BadProof,))
    fields = dict.fromkeys(("parentHash", "sha3Uncles", "stateRoot", "hash", "mixHash"), "0x" + "00" * 32)
    told = msgspec.json.encode(
        fields | {"number": "0x7", "gasLimit": "0x1", "extraData": "0x", "miner": "0x" + "0" * 40}
    )

    def read_told(data: bytes) -> object:
        found = decode_json(data, dict[str, Any])
        return encode_header(found, bytes(32))

    yield Decoder("block told", (told,), read_told, (ValueError,), mutate_json, 0.5)
    receipt = next(iter(evidence.receipts.values()))
    transaction = next(iter(evidence.transactions.values()))
    state = evidence.state
    assert state is not None
    shown = [(rlp.encode(0), receipt.proof), (rlp.encode(0), transaction.proof or [])]
    shown.append((keccak(CONTRACT), state.account))
    shown += [(keccak(slot.slot.to_bytes(32, "big")), slot.proof) for slot in state.storage[:4]]
    proofs = [(key, [bytes.fromhex(node[2:]) for node in proof]) for key, proof in shown]
    trie = Trie({keccak(bytes([number])): rlp.encode([number, b"x" * 40]) for number in range(60)})
    proofs.append((keccak(b"\7"), list(trie.show(keccak(b"\7")))))
    samples = tuple(msgspec.msgpack.encode([key, *nodes]) for key, nodes in proofs)

    def read_proof(data: bytes) -> object:
        """The root is whatever the first node hashes to, so that it leads on."""
        try:
            key, first, *rest = msgspec.msgpack.decode(data, type=list[bytes])
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadProof(str(error)) from error
        root = keccak(first)
        found = check_path(root, key, [first, *rest])
        number = int.from_bytes(key[:2], "big")
        for read in (find_proved_logs, find_proved_transaction):
            try:
                read(root, number, [first, *rest])
            except BadProof:
                continue
        return found

    yield Decoder("trie proof", samples, read_proof, (BadProof,), mutate_plain_msgpack, 1.5)
