"""The page's reader, written from the protocol a second time, against the vectors that all have in common."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
import zstandard
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.arithmetic.exact import decaying_square_q30, squared_distance, to_float, weighted_mean
from ledger.blobs.contents.records import Genesis, Update, encode_genesis, encode_update, state_digest
from ledger.blobs.unixfs import build_dag
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.logs import LogDecoder, MalformedLog, RawLog
from ledger.circle.draw import draw_neighbours
from ledger.circle.events import Event, Moved
from ledger.circle.history import CircleTerms, HistoryFault
from ledger.codec import CODECS, PLAIN, Blocks, MalformedFrame, decode, encode, quantise
from ledger.codec.frames import decompress
from tests.support import golden
from tests.support.circle_endpoint import log_of
from tests.support.histories import parts
from tests.support.histories.circles import NETWORK, author, genesis_state
from tests.support.histories.parts import manifest_of
from tests.support.histories.stories import Story
from tests.support.javascript import Engine, run_reader
from tests.support.specification.exact_digests import made_state

pytestmark = pytest.mark.rule("R4")

# Another engine does the work, at its own pace.
UNHURRIED = settings(deadline=None, max_examples=25)


@pytest.fixture(scope="module")
def reader() -> Iterator[Engine]:
    with run_reader() as engine:
        yield engine


FOLD = """
const small = new Set(["seat", "round", "dispute", "judge", "target", "stage", "answer", "outcome"]);
const kinds = Object.fromEntries(
  [...EVENTS].map(([name, fields]) => [name, new Map(fields.map((field) => [field.name, field.type]))]),
);
const read = (event, name) => {
  const [type, value] = [kinds[event.name].get(name) ?? "bytes32", event[name]];
  if (type === "address") return value.toLowerCase();
  if (type === "string") return value;
  if (type === "uint256[16]") return value.map(BigInt);
  if (type.startsWith("bytes")) return fromHex(value);
  return small.has(name) ? Number(value) : BigInt(value);
};
const wide = new Set(["bond", "dispute_bond", "dispute_window_s"]);
const number = (name, value) => (wide.has(name) ? BigInt(value) : Number(value));
const numbers = Object.entries(terms).map(([name, value]) => [name, number(name, value)]);
const circle = new Circle(Object.fromEntries(numbers), seats);
try {
  for (const event of events) {
    const names = Object.keys(event).filter((name) => name !== "name");
    circle.apply({ name: event.name, ...Object.fromEntries(names.map((name) => [name, read(event, name)])) });
  }
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  return { fault: error.message };
}
const reputations = [...circle.reputations].sort((one, other) => one[0] - other[0]);
return { hash: toHex(circle.hash), reputations, differences: circle.differences };
"""


def as_json(value: Any) -> Any:
    """Integers as text, as they may be large; bytes as hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    return str(int(value)) if isinstance(value, int) else value


def fold(reader: Engine, events: list[Event], terms: CircleTerms, seats: int = 256) -> Any:
    told = [
        {"name": type(event).__name__, **{one.name: as_json(getattr(event, one.name)) for one in fields(event)}}
        for event in events
    ]
    return reader.call(
        FOLD, terms={one.name: str(getattr(terms, one.name)) for one in fields(terms)}, events=told, seats=seats
    )


# ------------------------------------------------------------------------------------------------- the fold


def test_histories_end_in_the_running_hashes_once_written_down(reader: Engine) -> None:
    known = golden.load("history")["stories"]
    stories = {number: Story(int(number)) for number in known}
    found = {number: fold(reader, story.events, story.terms) for number, story in stories.items()}
    assert {number: one["hash"] for number, one in found.items()} == known


@pytest.mark.parametrize("seats", [256, 6])
def test_it_folds_what_the_other_implementation_folds_to_the_same_hash_and_reputations(
    reader: Engine, seats: int
) -> None:
    with patch("ledger.circle.fold.state.MAX_SEATS", seats):
        for number in range(30):
            story = Story(number, rounds=4)
            history = parts.fold(story.terms, story.events)
            found = fold(reader, story.events, story.terms, seats)
            assert found["hash"] == history.hash.hex()
            assert dict(map(tuple, found["reputations"])) == history.reputations
            assert found["differences"] == []


@UNHURRIED
@given(st.integers(0, 40), st.data())
def test_a_history_with_an_event_left_out_is_refused_by_both_or_ends_alike(
    reader: Engine, number: int, data: st.DataObject
) -> None:
    story = Story(number)
    gone = data.draw(st.integers(0, len(story.events) - 1))
    events = story.events[:gone] + story.events[gone + 1 :]
    found = fold(reader, events, story.terms)
    try:
        history = parts.fold(story.terms, events)
    except HistoryFault:
        assert "fault" in found
    else:
        assert found["hash"] == history.hash.hex()


LOG = """
try { return decodeLog(topics.map(fromHex), fromHex(data)).endpoint; }
catch (error) { if (!(error instanceof Fault)) throw error; return { fault: error.message }; }
"""


def test_a_log_with_something_behind_its_text_is_refused_by_both(reader: Engine) -> None:
    moved = Moved(3, "wss://peer.example:4001 http://peer.example:4002")
    told, decoder = log_of(moved, 9), LogDecoder(load_circle_artifact())
    assert reader.call(LOG, topics=told["topics"], data=told["data"]) == moved.endpoint
    for data in (told["data"][:-2] + "01", told["data"][:-2]):
        assert "fault" in reader.call(LOG, topics=told["topics"], data=data)
        with pytest.raises(MalformedLog):
            decoder.decode(msgspec.convert({**told, "data": data}, RawLog))


def test_a_reputation_that_does_not_follow_is_told_with_round_and_seat(reader: Engine) -> None:
    story = Story(0)
    place = next(at for at, event in enumerate(story.events) if type(event).__name__ == "Settled")
    settled: Any = story.events[place]
    words = (settled.reputations[0] ^ 1, *settled.reputations[1:])
    events = [*story.events[:place], type(settled)(settled.round, settled.attested, words)]
    seat, recomputed = 0, settled.reputations[0] & 0xFFFF
    found = fold(reader, events, story.terms)["differences"]
    assert found == [{"round": 1, "seat": seat, "reported": recomputed ^ 1, "recomputed": recomputed}]


@pytest.mark.rule("R13")
def test_settlements_are_the_ones_once_written_down(reader: Engine) -> None:
    judged = {j: [s for s in range(20) if s != j and (s * 7 + j) % 3] for j in range(20) if j % 5}
    said = {
        str(j): [sum(1 << s for s in seats), sum(1 << s for s in seats if (j * s) % 4 != 1)]
        for j, seats in judged.items()
    }
    known = golden.load("reputation")
    found = reader.call(
        """
        const before = new Map(Array.from({ length: 20 }, (_, seat) => [seat, (seat * 9973 + 101) % 65536]));
        const attested = new Map(Object.entries(said).map(([judge, [judged, accepted]]) =>
          [Number(judge), { judged: BigInt(judged), accepted: BigInt(accepted) }]));
        const committed = Array.from({ length: 19 }, (_, seat) => seat);
        const how = { able: (1n << 20n) - 1n, missed: 0n, shift: 3, floor: 16384 };
        const after = settle(before, committed, attested, how);
        const words = packReputations(after).map((word) => "0x" + word.toString(16));
        return [Array.from({ length: 20 }, (_, seat) => after.get(seat)), words];
        """,
        said=said,
    )
    assert found == [known["after"], known["words"]]


@pytest.mark.rule("R10")
def test_verdict_words_say_what_they_once_said(reader: Engine) -> None:
    known = golden.load("verdicts")
    found = [
        reader.call("const s = splitVerdicts(BigInt(w)); return [s.round, s.judged, s.accepted]", w=word)
        for word in known["words"]
    ]
    assert found == [[1, 0, 0], [7, 0b111111, 0b111111], [(1 << 21) - 1, 0b10010, 0b10000]]


@pytest.mark.rule("R11")
def test_neighbours_and_juries_are_the_ones_once_drawn(reader: Engine) -> None:
    for known in golden.load("topology"):
        found = reader.call(
            "return Object.fromEntries(drawNeighbours(fromHex(seed), BigInt(committed), degree))",
            seed=known["seed"], committed=str(known["committed"]), degree=known["degree"],
        )  # fmt: skip
        assert found == known["neighbours"]


@UNHURRIED
@given(st.binary(min_size=32, max_size=32), st.integers(0, (1 << 40) - 1), st.integers(1, 20))
@pytest.mark.rule("R11")
def test_neighbours_are_the_same_of_any_seed_and_any_seats(
    reader: Engine, seed: bytes, committed: int, degree: int
) -> None:
    committed |= 3
    found = reader.call(
        "return [...drawNeighbours(fromHex(seed), BigInt(committed), degree)]",
        seed=seed.hex(), committed=str(committed), degree=degree,
    )  # fmt: skip
    assert {seat: tuple(others) for seat, others in found} == draw_neighbours(seed, committed, degree)


@pytest.mark.rule("R3.2")
@pytest.mark.parametrize("name", ["manifest", "manifest_origin", "manifest_private"])
def test_manifests_once_written_down_are_read(reader: Engine, name: str) -> None:
    known = golden.load(name)
    found = reader.call(
        "const bytes = encodeText(text); return [toHex(sha256(bytes)), decodeManifest(bytes)]",
        text=known["encoded"],
    )
    assert found[0] == known["digest"]
    assert found[1]["sizes"] == [10, 7840, 1]
    assert (found[1]["rule"], found[1]["degree"], found[1]["rounds"]) == ("balance", 4, 20)


# --------------------------------------------------------------------------------------------------- states


DECODE = """
const [previous, origin] = [last, genesis].map((state) => state && Int32Array.from(state));
return toHex(digestState(decodeState(fromHex(payload), codec, blockEnds(sizes), previous, origin)));
"""


@pytest.mark.rule("R9")
def test_frames_once_written_down_are_decoded(reader: Engine) -> None:
    whole, blocks, delta = (golden.load(name) for name in ("codec", "codec_blocks", "codec_delta"))

    def decoded(payload: str, codec: str, sizes: list[int], last: Any = None, genesis: Any = None) -> Any:
        return reader.call(DECODE, payload=payload, codec=codec, sizes=sizes, last=last, genesis=genesis)

    def digest(state: list[int]) -> str:
        return state_digest(np.array(state, np.int32)).hex()

    assert decoded(whole["small_payload"], "int8", [8]) == digest(whole["small_state"])
    assert decoded(whole["tiny_payload"], "int8", [3]) == digest(whole["tiny_state"])
    assert decoded(whole["zstd_frame"], "int8-zstd", [5000]) == whole["zstd_state"]
    assert decoded(blocks["zstd_frame"], "int8-zstd", blocks["sizes"]) == blocks["zstd_state"]
    assert decoded(blocks["dense_frame"], "delta", blocks["sizes"]) == blocks["dense_state"]
    last = [0, 5, -70_000, 1 << 20, 3, 3, 3, 3]
    halves = [value // 2 for value in last]
    assert decoded(delta["small_delta"], "delta", [8], last) == digest(delta["small_delta_state"])
    assert decoded(delta["small_key"], "delta", [8], None, halves) == digest(delta["small_key_state"])
    state = [place * 37 % 5001 for place in range(9000)]
    assert decoded(delta["sparse_frame"], "delta", [9000], state) == delta["sparse_state"]
    assert decoded(delta["dense_frame"], "delta", [9000], None, [0] * 9000) == delta["dense_state"]


@pytest.mark.rule("R9")
@pytest.mark.parametrize("codec", CODECS)
@UNHURRIED
@given(st.integers(0, 1000), st.data())
def test_any_frame_decodes_to_the_same_state_and_a_spoilt_one_is_refused_by_both(
    reader: Engine, codec: str, number: int, data: st.DataObject
) -> None:
    draws = np.random.default_rng(number)
    sizes = (*(int(size) for size in draws.integers(0, 5000, 3)), 1)
    last = draws.integers(-5000, 5000, sum(sizes)).astype(np.int32)
    vector = ((last + draws.laplace(size=len(last)) * 2.0 ** draws.integers(0, 16)) / 65536).astype(np.float32)
    previous = last if codec == "delta" and number % 2 else None
    payload = bytearray(encode(vector, codec, Blocks(sizes), previous, last // 2, last).payload)
    spoilt = data.draw(st.integers(0, 2))
    for _ in range(spoilt):
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        wanted = state_digest(decode(bytes(payload), codec, Blocks(sizes), previous, last // 2)).hex()
    except MalformedFrame:
        wanted = "refused"
    found = reader.call(
        f"try {{ {DECODE} }} catch (error) {{ if (!(error instanceof Fault)) throw error; return 'refused'; }}",
        payload=payload.hex(), codec=codec, sizes=list(sizes),
        last=None if previous is None else last.tolist(), genesis=(last // 2).tolist(),
    )  # fmt: skip
    assert found == wanted


UNPACK = """
return frames.map(([frame, size]) => {
  try {
    return toHex(decompress(fromHex(frame), size));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return "refused";
  }
});
"""


def unpack(frame: bytes, size: int) -> str:
    try:
        return decompress(frame, size).hex()
    except MalformedFrame:
        return "refused"


@pytest.mark.rule("R9.6")
@UNHURRIED
@given(st.integers(0, 10**6), st.sampled_from([1, 3, 9, 19]))
def test_a_zstd_frame_spoilt_anywhere_is_taken_alike_or_by_neither(reader: Engine, number: int, level: int) -> None:
    """With a fast library that takes more than the RFC allows on the one side, and none on the other."""
    draws = np.random.default_rng(number)
    size = int(draws.integers(1, 3000))
    plain = {
        0: np.clip(draws.laplace(size=size) * 15, -127, 127).astype(np.int8).tobytes(),
        1: draws.integers(0, 4, size // 9 + 1).astype(np.uint8).tobytes() * 9,
        2: np.minimum(draws.geometric(0.1, size) - 1, 255).astype(np.uint8).tobytes(),
        3: b"".join([draws.bytes(9), bytes(5), b"again and again"][one] for one in draws.integers(0, 3, size // 9)),
    }[number % 4]
    frame = zstandard.ZstdCompressor(level=level).compress(plain)
    frames = [frame]
    for _ in range(20):
        spoilt = bytearray(frame)
        spoilt[draws.integers(5, len(frame))] ^= 1 << draws.integers(0, 8)
        frames.append(bytes(spoilt))
    found = reader.call(UNPACK, frames=[[one.hex(), len(plain)] for one in frames])
    assert found == [unpack(one, len(plain)) for one in frames]


@pytest.mark.rule("R9.6")
@pytest.mark.parametrize("has_checksum", [False, True])
def test_what_a_writer_of_frames_makes_is_taken_but_with_a_checksum(reader: Engine, has_checksum: bool) -> None:
    plain = np.clip(np.random.default_rng(1).laplace(size=300_000) * 15, -127, 127).astype(np.int8).tobytes()
    for level in (1, 3, 9):
        frame = zstandard.ZstdCompressor(level=level, write_checksum=has_checksum).compress(plain)
        found = reader.call(UNPACK, frames=[[frame.hex(), len(plain)]])
        assert found == ["refused" if has_checksum else plain.hex()]


# ------------------------------------------------------------------------------------------------- verdicts


@pytest.mark.rule("R12.1")
def test_balance_gives_what_was_once_written_down(reader: Engine) -> None:
    known = golden.load("exact")
    own, far = made_state("own", 23), made_state("far", 23)
    near = [np.clip(own + made_state(f"near {number}", 20), -(127 << 17), 127 << 17) for number in range(3)]
    found = reader.call(
        """
        const [own, ...others] = states.map((one) => Int32Array.from(one));
        const neighbours = new Map([0, 1, 2, 5].map((seat, place) => [seat, others[place]]));
        const rule = { gamma_milli: 300, kappa_milli: 500, alpha_q15: 12345 };
        const outcome = screenBalance(rule, own, neighbours, new Set([0, 1, 5]), 4, 10);
        return {
          squared_norm: squaredDistance(own, null).toString(),
          squared_distance: squaredDistance(own, others[0]).toString(),
          decaying_square: [0, 7, 14, 21, 28].map((step) => Number(balanceFactor(300, 500, step, 30))),
          balance_accepts: [...outcome.accepted].filter(([, isAccepted]) => isAccepted).map(([seat]) => seat),
          balance_next_base: toHex(digestState(outcome.nextBase)),
        };
        """,
        states=[state.tolist() for state in (own, far, *near)],
    )
    assert found == {name: str(known[name]) if name.startswith("squared") else known[name] for name in found}


SCREEN = """
const store = new BlockStore();
for (const [digest, blob] of Object.entries(blobs)) {
  store.put({ codec: RAW, digest: fromHex(digest) }, fromHex(blob));
}
const manifest = { ...decodeManifest(encodeText(text)), genesis: fromHex(genesis) };
const round = {
  number: 1,
  commits: new Map(commits.map(([digest], seat) => [seat, fromHex(digest)])),
  authors: new Map(commits.map(([, peer], seat) => [seat, { peer, tenure: 1, begun: 0 }])),
  neighbours: new Map([[0, [5, 2, 1, 4, 3]]]),
  attestations: new Map([[0, { judged: BigInt(judged), accepted: 0n, record: new Uint8Array(32) }]]),
};
const states = new States({ manifest, rounds: [round] }, fromHex(network), store);
const found = screenJudge(states, round, 0, new Set([0, 1, 2, 3, 4, 5]));
const record = found.encodeRecord(new Uint8Array(0));
return {
  record: toHex(record),
  record_digest: toHex(sha256(record)),
  next_base: toHex(found.nextBase),
  next_memory: toHex(NO_MEMORY),
};
"""


def published(seat: int, *, scale: float) -> bytes:
    """An update: the genesis, so many times as far out."""
    vector = to_float(genesis_state()) * np.float32(scale)
    payload = quantise(vector, Blocks((len(vector),)), PLAIN).payload
    base = parts.digest("base", seat)
    return encode_update(Update(NETWORK.domain_separator, 1, author(seat), base, PLAIN, payload, b"", None))


@pytest.mark.rule("R14")
def test_records_are_the_ones_once_written_down(reader: Engine) -> None:
    """A judge's, with a neighbour accepted, one rejected, one not to be had, and two that are invalid."""
    vector = to_float(genesis_state())
    genesis = encode_genesis(Genesis(PLAIN, quantise(vector, Blocks((len(vector),)), PLAIN).payload))
    root = build_dag(genesis).root.hex()
    updates = [published(0, scale=1), published(1, scale=1.05), published(2, scale=-1), published(4, scale=1)[:-1]]
    near, far, spoilt, own = (build_dag(updates[place]).root for place in (1, 2, 3, 0))
    digests = [own, near, far, parts.digest("lost", 3), spoilt, parts.digest("lost", 5)]
    blobs = {build_dag(update).root.hex(): update.hex() for update in updates}
    # Bytes that make no blob lie at a digest too.
    blobs |= {digests[5].hex(): "000102", root: genesis.hex()}
    found = reader.call(
        SCREEN,
        blobs=blobs,
        commits=[[one.hex(), "0x" + author(seat).hex()] for seat, one in enumerate(digests)],
        text=manifest_of(9, codec=PLAIN).encode().decode(),
        genesis=root,
        network=NETWORK.domain_separator.hex(),
        judged=str(0b110110),
    )
    assert found == golden.load("screening")["balance"]


@pytest.mark.rule("R12.1")
@UNHURRIED
@given(st.integers(1, 10**6), st.integers(0, 10**5), st.integers(0, 2000), st.integers(0, 2000))
def test_balances_factor_is_the_same_for_any_parameters(
    reader: Engine, gamma: int, kappa: int, step: int, more: int
) -> None:
    rounds = step + 1 + more
    found = reader.call("return balanceFactor(g, k, t, n).toString()", g=gamma, k=kappa, t=step, n=rounds)
    assert int(found) == decaying_square_q30(gamma, kappa, step, rounds)


@pytest.mark.rule("R12.1")
@UNHURRIED
@given(st.integers(0, 1000), st.integers(0, 20), st.integers(0, 32768))
def test_distances_and_mixtures_are_the_same_for_any_states(
    reader: Engine, number: int, others: int, alpha: int
) -> None:
    draws = np.random.default_rng(number)
    own, *states = draws.integers(-127 << 17, 127 << 17, (1 + others, 40)).astype(np.int32)
    found = reader.call(
        """
        const state = Int32Array.from(own);
        const neighbours = new Map(states.map((one, seat) => [seat, Int32Array.from(one)]));
        const rule = { gamma_milli: 1000000, kappa_milli: 0, alpha_q15: alpha };
        const outcome = screenBalance(rule, state, neighbours, new Set(neighbours.keys()), 1, 1);
        const distances = states.map((_, seat) => outcome.figures.get(seat).get("distance2").toString());
        return [Array.from(outcome.nextBase), distances];
        """,
        own=own.tolist(), states=[state.tolist() for state in states], alpha=alpha,
    )  # fmt: skip
    assert found[0] == weighted_mean(own, states, alpha).tolist()
    assert list(map(int, found[1])) == [squared_distance(own, state) for state in states]


@pytest.mark.rule("R12.1")
def test_sums_of_long_states_are_exact(reader: Engine) -> None:
    left, right = made_state("left", 24), made_state("right", 24)
    found = reader.call(
        "return squaredDistance(Int32Array.from(left), Int32Array.from(right)).toString()",
        left=left.tolist(), right=right.tolist(),
    )  # fmt: skip
    assert int(found) == squared_distance(left, right)


# ----------------------------------------------------------------------------------------------- signatures


@pytest.mark.rule("R2")
@pytest.mark.parametrize("kind", ["announcement", "hello", "invitation"])
def test_signatures_once_written_down_are_their_signers(reader: Engine, kind: str) -> None:
    known = golden.load("signing")
    recover = "return recoverSigner(fromHex(hash), fromHex(signature))"
    found = reader.call(recover, hash=known[kind]["hash"], signature=known[kind]["signature"])
    assert found == known["peer"].lower()
    other = keccak(bytes.fromhex(known[kind]["hash"])).hex()
    attempt = f"try {{ {recover} }} catch (error) {{ if (!(error instanceof Fault)) throw error; return 'none' }}"
    assert reader.call(attempt, hash=other, signature=known[kind]["signature"]) != known["peer"].lower()


@pytest.mark.rule("R2")
def test_networks_are_named_as_they_were_once(reader: Engine) -> None:
    found = reader.call("return toHex(nameNetwork(id, contract))", id=NETWORK.chain_id, contract=NETWORK.contract)
    assert found == NETWORK.domain_separator.hex()
