"""The file of a bundle: what is written is read back; what was cut off, altered or is foreign is refused."""

import io
import os
from pathlib import Path

import pytest

from ledger.audit.bundle.car_file import BLOCK_BYTES_MAX, CarFile, encode_header, encode_section, write_car
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName, parse_name
from ledger.blobs.cid import DAG_PB, RAW, Cid

pytestmark = pytest.mark.rule("R32.1")

BLOCKS = [
    (BlockName.of(DAG_JSON, b"{}"), b"{}"),
    (BlockName.of(RAW, b""), b""),
    (BlockName.of(DAG_PB, b"\x0a\x00"), b"\x0a\x00"),
    (BlockName.of(RAW, bytes(200)), bytes(200)),
]


def write(path: Path, roots: int = 1) -> bytes:
    file = io.BytesIO()
    write_car(file, [name for name, _ in BLOCKS[:roots]], BLOCKS)
    path.write_bytes(file.getvalue())
    return file.getvalue()


@pytest.mark.parametrize("roots", [1, 2, 4])
def test_blocks_and_roots_come_back_as_they_were_written(tmp_path: Path, roots: int) -> None:
    write(tmp_path / "b.car", roots)
    with CarFile(tmp_path / "b.car") as car:
        assert car.roots == tuple(name for name, _ in BLOCKS[:roots])
        assert [(name, car.read(name)) for name in car] == BLOCKS


def test_as_many_roots_as_there_may_be_are_read_back(tmp_path: Path) -> None:
    """From 24 on CBOR writes the length of a list otherwise."""
    many = [BlockName.of(RAW, bytes([number])) for number in range(65)]
    blocks = [(name, bytes([number])) for number, name in enumerate(many)]
    for count in (23, 24, 65):
        (tmp_path / "b.car").write_bytes(
            encode_header(many[:count]) + b"".join(encode_section(*one) for one in blocks)
        )
        with CarFile(tmp_path / "b.car") as car:
            assert car.roots == tuple(many[:count])


def test_names_are_those_that_ipfs_gives() -> None:
    assert BlockName.of(RAW, b"FM").text == Cid(RAW, BlockName.of(RAW, b"FM").digest).text
    assert parse_name(BlockName.of(DAG_JSON, b"{}").text) == BlockName.of(DAG_JSON, b"{}")
    assert BlockName.of(DAG_JSON, b"{}").text == "baguqeeraiqjw7i2vwntyuekgvulpp2det2kpwt6cd7tx5ayqybqpmhfk76fa"


@pytest.mark.parametrize("text", ["", "b", "z1", "bafkq", "BAGUQEERA", "b" + "a" * 100, "bé"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadBundle, match="CID"):
        parse_name(text)


def test_a_file_cut_off_anywhere_but_between_blocks_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "b.car")
    sizes = [len(encode_header([BLOCKS[0][0]]))]
    for block in BLOCKS:
        sizes.append(sizes[-1] + len(encode_section(*block)))
    for end in range(0, len(whole), 7):
        if end in sizes[1:]:
            continue
        (tmp_path / "b.car").write_bytes(whole[:end])
        with pytest.raises(BadBundle, match=r"no bundle|cut off|lacks|altered"):
            CarFile(tmp_path / "b.car")


def test_a_file_with_any_byte_of_it_altered_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "b.car")
    for at in range(0, len(whole)):
        altered = bytearray(whole)
        altered[at] ^= 0x20
        (tmp_path / "b.car").write_bytes(altered)
        with pytest.raises(BadBundle, match=r"no bundle|cut off|lacks|altered"):
            CarFile(tmp_path / "b.car")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04 a zip file that is no bundle at all",
        b"\xff" * 64,
        b"\x00",
        encode_header([BLOCKS[0][0]]),
        encode_header([BLOCKS[0][0]]) + b"\xff\xff\xff\x7f",
        encode_header([BLOCKS[0][0]]) + encode_section(BlockName.of(RAW, b"x"), b"x"),
    ],
)
def test_a_foreign_file_is_refused_in_a_sentence_that_names_it(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "b.car").write_bytes(raw)
    with pytest.raises(BadBundle, match=r"b\.car"):
        CarFile(tmp_path / "b.car")


@pytest.mark.parametrize("raw", [b"{}", b'{"contract":"0x' + b"12" * 100 + b'"}\n'])
def test_a_circle_file_in_the_place_of_a_bundle_is_told_where_it_goes(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "circle.json").write_bytes(raw)
    with pytest.raises(BadBundle, match=r"is JSON and no bundle: a circle file goes with --circle"):
        CarFile(tmp_path / "circle.json")


def test_a_block_larger_than_any_may_be_is_refused_before_it_is_read(tmp_path: Path) -> None:
    block = bytes(BLOCK_BYTES_MAX + 1)
    name = BlockName.of(RAW, block)
    (tmp_path / "b.car").write_bytes(encode_header([name]) + encode_section(name, block))
    with pytest.raises(BadBundle, match="bytes at byte"):
        CarFile(tmp_path / "b.car")


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="cannot be read"):
        CarFile(tmp_path / "none.car")


def test_a_pipe_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.car")
    with pytest.raises(BadBundle, match="no file"):
        CarFile(tmp_path / "b.car")
