"""What `folkmoot deploy --from-model` founds a circle on: the weights of a file."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import UsageError


def add_from_model(parser: argparse.ArgumentParser) -> None:
    """--from-model."""
    parser.add_argument(
        "--from-model",
        type=Path,
        metavar="FILE",
        help="start from the weights in this safetensors file: what the task shares of them is the circle's"
        " genesis, what it has frozen is named by its digest, and each member's node takes it from the same file"
        " (--frozen)",
    )


def check_from_model(options: argparse.Namespace) -> None:
    """Raises UsageError where two beginnings are named."""
    if options.from_model is not None and options.fork_from is not None:
        raise UsageError("--from-model and --fork-from are two beginnings: choose one of them")


@dataclass(frozen=True)
class FoundedOn:
    """A file that a circle starts from, and what became of it."""

    beginning: Any
    """The `Beginning`."""
    genesis: str
    """Digest of the genesis blob, hex."""
    frozen: str
    """Digest of the frozen part, hex; empty where there is none."""
    coarseness: float
    """How far the genesis is from the file's values, over their length."""

    def as_fields(self) -> dict[str, Any]:
        """For --json."""
        one = self.beginning
        return {
            "file": str(one.path),
            "shared": list(one.template.parts.shared),
            "frozen": list(one.frozen),
            "frozen_digest": self.frozen,
            "left_out": list(one.left),
            "converted": list(one.converted),
            "genesis": self.genesis,
            "coarseness": self.coarseness,
        }

    def describe(self) -> list[str]:
        """A line each."""
        one = self.beginning
        lines = [
            f"from     {one.path}: the weights of {len(one.template.parts.shared)} tensors",
            f"genesis  {self.genesis}: eight bits a value, {self.coarseness:.2%} of their length off",
        ]
        if one.frozen:
            lines.append(
                f"frozen   {len(one.frozen)} tensors out of the same file, digest {self.frozen}: each member starts"
                f" with `folkmoot node --frozen {one.path.name} …`"
            )
        lines += [f"as float {told}" for told in one.converted]
        if one.left:
            lines.append(
                f"left out {', '.join(one.left)}: each peer keeps its own, and starts as the task makes it"
            )
        return lines
