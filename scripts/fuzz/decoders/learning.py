"""What a task is made of: tables and their schemas, series, texts, and models as files."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ledger.circle.manifest import Tensor
from ledger.errors import SetupError, UsageError
from ledger.untrusted.parsing import decode_json
from node.models.metadata import BadMetadata, decode_facts
from node.models.model_file import UnusableFile, encode_model_file, read_head, to_counts
from node.tasks.series.columns import parse_columns
from node.tasks.series.reading import read_series
from node.tasks.table.csv_file import read_csv
from node.tasks.table.encoding import encode_table
from node.tasks.table.parquet_file import read_parquet
from node.tasks.table.schema import parse_schema, parse_whole_schema
from node.tasks.text.reading import read_texts
from node.tasks.text.vocabulary import make_vocabulary, parse_word_list
from scripts.fuzz.decoders.decoder import Decoder, through_file, through_text
from scripts.fuzz.trees import mutate_json
from tests.support.model_files import FACTS

_LAYOUT: Final = (Tensor("a", (3, 4), 0), Tensor("b", (), -3))


def make(folder: Path) -> Iterator[Decoder]:
    """Those of this module."""
    yield from _make_tables(folder)
    yield from _make_series_and_texts(folder)
    yield from _make_models(folder)


def _make_tables(folder: Path) -> Iterator[Decoder]:
    schema = parse_whole_schema(_SCHEMA)

    def read_table(path: Path) -> object:
        return encode_table(read_csv(path, None, 10_000), schema)

    tables = (
        b"age,ward,smoker,died\n41,surgery,yes,no\n,medicine,,yes\n1e2,surgery,no,no\n",
        '"age";"ward";"smoker";"died"\r\n"41";"surgery";"1";"f"\r\n'.encode("utf-8-sig"),
        b"ward\tdied\tage\tsmoker\nmedicine\ty\t50.5\tn\n",
    )
    yield Decoder("table", tables, through_file(folder / "table.csv", read_table), (SetupError,), share=1.5)
    read = through_text(lambda text: parse_whole_schema(text).write())
    yield Decoder("schema", (_SCHEMA.encode(), _DRAFT.encode()), read, (UsageError,), mutate_json)
    again = through_text(lambda text: parse_schema(parse_schema(text).write()))
    yield Decoder("schema draft", (_DRAFT.encode(),), again, (UsageError,), mutate_json, 0.5)
    yield from _make_parquet(folder)


def _make_parquet(folder: Path) -> Iterator[Decoder]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return  # an extra
    path = folder / "sample.parquet"
    table = pyarrow.table({"age": [41.0, None], "ward": ["surgery", "medicine"], "smoker": [True, None]})
    samples = []
    for codec in ("none", "snappy", "zstd"):
        parquet.write_table(table, path, compression=codec)
        samples.append(path.read_bytes())
    read = through_file(folder / "table.parquet", lambda one: read_parquet(one, None))
    yield Decoder("parquet", tuple(samples), read, (SetupError,), share=0.3)


def _make_series_and_texts(folder: Path) -> Iterator[Decoder]:
    series = (
        b"time,riders,heat\n2024-05-01,3,1.5\n2024-05-02,4,\n2024-05-03T10:00,5,nan\n",
        b"time;heat;riders\n2024-05-02T01:00;1;2\n2024-05-01;3;4\n",
    )
    read = through_file(folder / "series.csv", lambda path: read_series(path, "time", ["riders", "heat"]))
    yield Decoder("series", series, read, (SetupError,))
    columns = (b"riders:0:25", b"riders:0:25:log,heat:-10.5:40")
    yield Decoder("columns", columns, through_text(parse_columns), (UsageError,), share=0.5)
    vocabulary = make_vocabulary("word", 400, "")

    def read_text(path: Path) -> object:
        return vocabulary.encode(read_texts([path]))

    texts = ("Nobody knows. Do they? “Yes…”".encode(), "It's Łódź.".encode("utf-16"), b"a" * 300)
    yield Decoder("text", texts, through_file(folder / "text.txt", read_text), (SetupError,))
    yield Decoder(
        "word list", (b"the of and\nto it's", "łódź ß".encode()), through_text(parse_word_list), (UsageError,)
    )


def _make_models(folder: Path) -> Iterator[Decoder]:
    sample = encode_model_file(FACTS, _LAYOUT, np.arange(-6, 7, dtype=np.int32))

    def read(path: Path) -> object:
        head = read_head(path)
        for tensor in head.tensors:
            to_counts(head.read_values(tensor).astype(np.float64), 0)
        return head.read_facts()

    def change(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
        """The head says something else, and is as long as it says."""
        length = int.from_bytes(data[:8], "little")
        head = mutate_json(rng, data[8 : 8 + length], ())
        return len(head).to_bytes(8, "little") + head + data[8 + length :]

    yield Decoder("model file", (sample,), through_file(folder / "model", read), (UnusableFile,), change)
    facts = msgspec.json.encode(FACTS.encode())

    def read_facts(data: bytes) -> object:
        try:
            found = decode_json(data, dict[str, str])
        except ValueError as error:
            raise BadMetadata(str(error)) from error
        return decode_facts(found)

    yield Decoder("model metadata", (facts,), read_facts, (BadMetadata,), mutate_json)


_SCHEMA: Final = """{"version": 1, "target": "died", "columns": [
  {"name": "age", "type": "number", "low": 18, "high": 100, "unit": "years"},
  {"name": "ward", "type": "category", "categories": ["surgery", "medicine"], "other": true},
  {"name": "smoker", "type": "yes-no"},
  {"name": "died", "type": "yes-no", "shares": [0.9, 0.1]}]}
"""
_DRAFT: Final = """{"version": 1, "target": "size", "columns": [
  {"name": "size", "type": "number", "low": null, "high": null, "scale": "log"},
  {"name": "kind", "type": "category", "categories": null},
  {"name": "old", "type": "yes-no", "yes": "ja", "no": "nein", "missing": false}]}
"""
