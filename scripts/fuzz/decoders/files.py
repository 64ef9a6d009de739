"""Files that people hand to each other, or keep for themselves: circle files, invitations, evidence, reports, logs."""

import argparse
import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from coincurve import PrivateKey

from ledger.audit.findings import Check, Finding, Report
from ledger.audit.kinds import Kind
from ledger.chain.deployment.circle_file import CircleFile
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.transactions.pending import Pending
from ledger.errors import SetupError, UsageError
from ledger.identity.network import Network
from ledger.identity.signing import address_of
from node.cli.audit_names import read_names
from node.cli.config_file import ConfigFile
from node.duties.evidence import Evidence, check_evidence, make_evidence
from node.gossip.messages import sign_announcement
from node.operating.checked_lines import write_line
from node.operating.round_log import SpentPrivacy, ToldRound, UnusableRounds, note_round, read_rounds
from node.provisioning.project import read_project
from node.seat.invitations import check_invitation, invite
from node.watch.kept_events import open_kept
from node.watch.packed_events import Unreadable, pack_events, unpack_events
from node.watch.report_reading import BadReport, decode_report, split_line
from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.decoders.decoder import Decoder, inside_zlib, through_file
from scripts.fuzz.trees import mutate_json, mutate_plain_msgpack
from tests.support.histories.circles import NETWORK
from tests.support.histories.parts import address, digest
from tests.support.histories.stories import Story

_KEY: Final = b"\7" * 32
_SIGNER: Final = address_of(PrivateKey(_KEY).public_key)
_OWN: Final = Network.of(NETWORK.chain_id, NETWORK.contract)


def make(folder: Path) -> Iterator[Decoder]:
    """Those of this module."""
    yield from _make_handed(folder)
    yield from _make_reports()
    yield from _make_tomls(folder)
    yield from _make_round_logs(folder)
    yield from _make_kept_events(folder)


def _make_handed(folder: Path) -> Iterator[Decoder]:
    circle_file = CircleFile(
        chain_id=31337,
        contract=NETWORK.contract,
        block=7,
        transaction="0x" + "ab" * 32,
        code_hash="0x" + "cd" * 32,
        task="0x" + "0c" * 32,
        terms={"start_seats": 3, "jury": "members"},
        rpc="http://127.0.0.1:8545",
    )
    path = folder / "handed.json"

    def sample(thing: Any) -> bytes:
        thing.write(path)
        return path.read_bytes()

    read = through_file(path, lambda one: CircleFile.read(one).read_rpc_urls())
    yield Decoder("circle file", (sample(circle_file),), read, (SetupError,), mutate_json)
    invitation = invite(_OWN, _KEY, _SIGNER, address(2), 1_900_000_000)

    def read_invitation(data: bytes) -> object:
        path.write_bytes(data)
        found = type(invitation).read(path)
        check_invitation(found, _OWN, address(2), 0.0)
        return found.call_arguments()

    yield Decoder("invitation", (sample(invitation),), read_invitation, (SetupError,), mutate_json)
    pair = [sign_announcement(_OWN, _KEY, _SIGNER, 3, digest("one", number)) for number in range(2)]
    evidence = make_evidence(_OWN, *pair)

    def read_evidence(data: bytes) -> object:
        path.write_bytes(data)
        found = Evidence.read(path)
        check_evidence(found, _OWN)
        return found.call_arguments()

    written = msgspec.json.encode(evidence)
    yield Decoder("evidence", (written,), read_evidence, (SetupError,), mutate_json)
    entries = b'{"chain_id":31337,"address":"%s","entries":[]}' % address(1).encode()
    pending = folder / "pending.json"
    yield Decoder(
        "pending transactions",
        (entries,),
        through_file(pending, lambda one: Pending(31337, address(1), one).list_open()),
        (SetupError,),
        mutate_json,
        0.5,
    )


def _make_reports() -> Iterator[Decoder]:
    report = Report(31337, NETWORK.contract, 9, rounds=3, seats=4)
    report.findings = [Finding(Check.VERDICTS, 2, 1, "seat 2 told otherwise", {"target": "3"}, Kind.FALSE_VERDICT)]
    told = {"format": 1, "made_at": "2026-01-01", "headline": "not clean: 1 finding", "names": {}}
    sample = msgspec.json.encode(msgspec.to_builtins(report) | told)
    yield Decoder("audit report", (sample,), decode_report, (BadReport,), mutate_json)
    lines = (b'{"progress":{"done":1,"of":3}}', b'{"report":%s}' % sample, b'{"note":"a"}')
    yield Decoder("audit line", lines, split_line, (BadReport,), mutate_json, 0.5)


def _make_tomls(folder: Path) -> Iterator[Decoder]:
    names = f'"{address(1)}" = "Anna"\n"{address(2)}" = "B & Co"\n'.encode()
    yield Decoder("names toml", (names,), through_file(folder / "names.toml", read_names), (UsageError,))
    as_json = msgspec.json.encode({address(1): "Anna", address(2): "Bo"})
    read = through_file(folder / "names.json", read_names)
    yield Decoder("names json", (as_json,), read, (UsageError,), mutate_json, 0.5)
    project = _PROJECT.encode()
    yield Decoder(
        "project", (project,), through_file(folder / "project.toml", read_project), (UsageError,), share=0.5
    )
    config = b'rpc = ["http://127.0.0.1:8545"]\nport = 4001\nshare = 0.5\nname = "a"\nis-new = true\n'
    read_config = through_file(folder / "config.toml", lambda path: ConfigFile.read(path).parse(_make_options()))
    yield Decoder("config", (config,), read_config, (UsageError,), share=0.5)


def _make_options() -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser()
    made = [
        parser.add_argument("--rpc", action="append"),
        parser.add_argument("--port", type=int),
        parser.add_argument("--share", type=float),
        parser.add_argument("--name"),
        parser.add_argument("--is-new", action="store_true"),
    ]
    return {one.option_strings[0].removeprefix("--"): one for one in made}


_PROJECT: Final = """name = "ward"
circle = "circle.json"
kits = "kits"
task = "digits"
rpc = ["http://127.0.0.1:8545"]
[[members]]
name = "anna"
address = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
host = "anna.example"
[[members]]
name = "eve"
role = "auditor"
"""


def _make_round_logs(folder: Path) -> Iterator[Decoder]:
    path = folder / "rounds"
    for number in range(1, 4):
        note_round(
            path,
            NETWORK.domain_separator,
            ToldRound(
                number, 2, 1.8e9, 2.5, 1000, 21000, 0.5, {"accuracy": 0.9, "loss": None}, {"train": 1.5},
                SpentPrivacy(1.0, 8.0, number, None), {"accuracy": "higher"},
            ),
        )  # fmt: skip
    sample = path.read_bytes()

    def change(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
        """A line says something else, and its checksum is right."""
        lines = data.split(b"\n")
        at = rng.randrange(1, len(lines) - 1)
        body = lines[at].rpartition(b" ")[0]
        found = mutate_json(rng, body, ()) if rng.random() < 0.8 else mutate_bytes(rng, body, [body])
        lines[at] = write_line(found.decode("utf-8", "replace")).rstrip(b"\n")
        return b"\n".join(lines)

    read = through_file(folder / "rounds.read", lambda one: read_rounds(one, NETWORK.domain_separator))
    yield Decoder("round log", (sample,), read, (UnusableRounds,), change)


def _make_kept_events(folder: Path) -> Iterator[Decoder]:
    story = Story(4, rounds=2)
    placed = [
        PlacedEvent((7 + at, 0), "0x" + digest("block", at).hex(), "0x" + digest("sent", at).hex(), event)
        for at, event in enumerate(story.events)
    ]
    packed = tuple(pack_events(placed[start : start + 6]) for start in range(0, 30, 6))
    yield Decoder("packed events", packed, unpack_events, (Unreadable,), inside_zlib(mutate_plain_msgpack))
    kept = open_kept(folder / "cache", _OWN)
    assert kept is not None
    list(kept.read(lambda _: True))
    for number in range(3):
        kept.put(number, placed[6 * number : 6 * number + 6])
    kept.close()
    (path,) = (folder / "cache").rglob("events")
    sample, head = path.read_bytes(), 48

    def change(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
        """A round holds something else, and all digests are right."""
        bodies, at = [], head
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "big")
            bodies.append(data[at + 36 : at + 36 + length])
            at += 36 + length
        place = rng.randrange(len(bodies))
        bodies[place] = (inside_zlib(mutate_plain_msgpack) if rng.random() < 0.8 else mutate_bytes)(
            rng, bodies[place], bodies
        )
        found, said = data[:head], hashlib.sha256(data[:head]).digest()
        for body in bodies:
            said = hashlib.sha256(said + body).digest()
            found += len(body).to_bytes(4, "big") + said + body
        return found

    def read(data: bytes) -> object:
        path.write_bytes(data)
        opened = open_kept(folder / "cache", _OWN)
        assert opened is not None, "nothing is kept any more"
        try:
            return sum(len(entries) for entries in opened.read(lambda _: True))
        finally:
            opened.close()

    yield Decoder("kept events", (sample,), read, (), change, 0.2)
