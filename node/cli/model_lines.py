"""What `folkmoot model` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from node.cli.recomputing import describe_base_lacking
from node.models.metadata import MARK, is_remainder, show
from node.operating.figures import NONE, format_figure
from node.operating.merit import find_directions
from node.operating.wording import format_count


def describe_export(facts: Any, written: Mapping[str, Any]) -> list[str]:
    """A line each. facts: ModelFacts. written: file, bytes, sha256 and asked_round."""
    lines = [f"model    {facts.whose}, of {facts.contract} on chain {facts.chain_id}"]
    if written["asked_round"] != facts.round:
        nobody = "nobody whose base counts attested" if facts.seat is None else f"seat {facts.seat} did not attest"
        lines.append(
            f"asked    round {written['asked_round']}, which {nobody}: the model is that of round {facts.round}"
        )
    if facts.seat is None and facts.round:
        lines.append(f"bases    the lower median of those of {len(facts.seats)} seats: {format_list(facts.seats)}")
    if facts.frozen:
        lines.append("frozen   its frozen part is not in it: members load that from a file of their own")
    return [
        *lines,
        f"digest   {facts.digest.hex()}",
        f"lineage  {facts.lineage.hex()}",
        f"written  {written['file']}, {written['bytes']} bytes, SHA-256 {written['sha256']}",
    ]


def format_list(seats: Any) -> str:
    """Numbers with commas between."""
    return ", ".join(map(str, seats))


def describe_verification(
    path: Path, metadata: Mapping[str, str], where: Mapping[str, Any], found: Any
) -> list[str]:
    """A line each. where: contract and chain_id. found: Verification."""
    of = f"of {where['contract']} on chain {where['chain_id']}"
    if found.is_clean:
        facts = found.model
        same = "those that `folkmoot model export` writes"
        return [
            f"verified {path} is {facts.whose}, {of}",
            f"block    {facts.block}, {facts.block_hash}",
            f"digest   {facts.digest.hex()}",
            f"lineage  {facts.lineage.hex()}",
            f"bytes    {same if found.is_same_file else f'not {same}, though values and metadata are'}",
        ]
    lines = []
    if is_remainder(metadata):
        # Nothing of it can be a model's, so its lines are not held against one's.
        return [*_describe_remainder(path, metadata, of, found), *(f"tensor   {one}" for one in found.layout)]
    if MARK not in metadata:
        lines.append(f"unnamed  {path} says nothing of a circle: `folkmoot model export` did not write it")
    lines += _describe_what_it_is(path, of, found)
    lines += [f"tensor   {one}" for one in found.layout]
    for name in found.off_grid:
        lines.append(f"tensor   {name} has values that no model of this circle can have")
    if found.model is None:
        lines += [f"tensor   {one.name}: {_describe_tensor(one)}" for one in found.tensors]
    lines += [f"metadata {_describe_line(one)}" for one in found.metadata if MARK in metadata]
    return lines


def _describe_remainder(path: Path, metadata: Mapping[str, str], of: str, found: Any) -> list[str]:
    whose = "a model of another circle" if found.claimed is None else found.claimed.whose
    told = [f"none     {path} says to be what `folkmoot trace --without` left of {whose}: no model {of}"]
    if found.model is not None:
        told.append(f"values   are those of {found.model.whose}: nothing was taken out of that")
    seat = metadata.get("without", "")
    if found.claimed is None or found.layout or not (seat.isascii() and seat.isdigit()):
        return told
    base = "" if found.claimed.seat is None else f" --seat {found.claimed.seat}"
    again = f"folkmoot trace --round {found.claimed.round}{base} --without {int(seat[:4])} --out FILE"
    return [*told, f"to check `{again}` writes the same bytes, or it is something else"]


def _describe_what_it_is(path: Path, of: str, found: Any) -> list[str]:
    claimed, model, search = found.claimed, found.model, found.search
    says = "names no model that this circle has" if claimed is None else f"says to be {claimed.whose}"
    if found.layout:
        return [f"none     {path} is no model {of}: its tensors are others"]
    if model is not None and model == claimed:
        return [f"altered  {path} has the values of {model.whose}, {of}, and its metadata are not that model's"]
    if model is not None:
        return [f"another  {path} {says}, and has the values of {model.whose}, {of}"]
    told = [f"none     {path} {says}, and has the values of no model {of}"]
    if search is not None:
        unseen = f"; {format_count(search.unseen, 'base')} could not be, for lack of blobs" if search.unseen else ""
        told.append(f"searched all models of {format_count(search.rounds, 'round')} were recomputed{unseen}")
    return told


def _describe_tensor(one: Any) -> str:
    relative = "" if one.relative is None else f", {one.relative:.3g} of its length"
    lost = f", {one.not_finite} not finite" if one.not_finite else ""
    return (
        f"{one.differing} of {format_count(one.values, 'value')} differ, by {one.largest:.3g} at most,"
        f" {one.norm:.3g} together{relative}{lost}"
    )


def _describe_line(one: Any) -> str:
    if one.says is None:
        return f"lacks {one.name}, which is {show(one.should)}"
    if one.should is None:
        return f"has {show(one.name)}, which no model has"
    return f"says {one.name} {show(one.says)}, and it is {show(one.should)}"


def make_verification_fields(found: Any) -> dict[str, Any]:
    """For --json."""
    return {
        "verified": found.is_clean,
        "model": found.model and found.model.encode(),
        "claimed": found.claimed and found.claimed.encode(),
        "metadata": [asdict(one) for one in found.metadata],
        "layout": list(found.layout),
        "tensors": [asdict(one) for one in found.tensors],
        "off_grid": list(found.off_grid),
        "same_bytes": found.is_same_file,
        "searched_rounds": None if found.search is None else found.search.rounds,
        "unseen_bases": None if found.search is None else found.search.unseen,
    }


def describe_evaluated(rows: Sequence[Any], number: int, history: Any, told: Mapping[str, str]) -> list[str]:
    """A table: the file, the circle's model, the seats' bases.

    rows: Evaluated. told: what the task says of its figures' directions.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    ways = find_directions(names, told)
    first = [_name_row(row, number) for row in rows]
    width = max(map(len, first))
    widths = [max(len(name), 8) for name in names]
    head = "  ".join(name.rjust(width_) for name, width_ in zip(names, widths, strict=True))
    lines = [f"{'model'.ljust(width)}  {head}"]
    for name, row in zip(first, rows, strict=True):
        cells = [
            format_figure(row.figures.get(one)).rjust(width_) for one, width_ in zip(names, widths, strict=True)
        ]
        lines.append(f"{name.ljust(width)}  {'  '.join(cells)}")
    lacking = {describe_base_lacking(history, row.lacking) for row in rows if row.lacking is not None}
    better = ", ".join(f"{name} {way}" for name, way in ways.items())
    return [*lines, *([f"better: {better}"] if better else []), *sorted(lacking)]


def _name_row(row: Any, number: int) -> str:
    if row.round is None:
        return str(row.name)
    return f"{row.name}, round {row.round}" if row.seat is None or row.round != number else str(row.name)


def make_evaluated_fields(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """For --json."""
    return [
        {
            "name": row.name,
            "seat": row.seat,
            "round": row.round,
            "figures": dict(row.figures),
            "lacking": row.lacking and str(row.lacking),
        }
        for row in rows
    ]


def describe_difference(first: Path, second: Path, found: Any) -> list[str]:
    """A line each. found: FileDifference."""
    if found.is_none:
        return [f"the same {first} and {second}, in values and metadata"]
    lines = [f"tensor   only {first} has {show(name)}" for name in found.only_first]
    lines += [f"tensor   only {second} has {show(name)}" for name in found.only_second]
    for name, one, other in found.reshaped:
        lines.append(f"tensor   {name} is {list(one)} and {list(other)}")
    for tensor in found.tensors:
        told = _describe_tensor(tensor) if tensor.differing else "the same"
        lines.append(f"tensor   {tensor.name}: {told}")
    for line in found.metadata:
        pair = [NONE if text is None else show(text) for text in (line.says, line.should)]
        lines.append(f"metadata {show(line.name)}: {pair[0]} and {pair[1]}")
    return lines


def make_difference_fields(found: Any) -> dict[str, Any]:
    """For --json."""
    return {
        "same": found.is_none,
        "tensors": [asdict(one) for one in found.tensors],
        "reshaped": [
            {"name": name, "first": list(one), "second": list(other)} for name, one, other in found.reshaped
        ],
        "only_first": list(found.only_first),
        "only_second": list(found.only_second),
        "metadata": [{"name": line.name, "first": line.says, "second": line.should} for line in found.metadata],
    }
