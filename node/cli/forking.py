"""What `folkmoot deploy --fork-from` founds a circle on: the model of a round of an earlier circle (R31)."""

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.options import add_ipfs_api, choose_rpc_urls, parse_patience
from node.cli.recomputing import (
    add_timeout,
    check_timeout,
    describe_base_lacking,
    describe_lacking,
)
from node.models.gateways import open_gateways
from node.opened_circle import OpenCircle, open_file

# What the earlier circle says of the task and of how it is learnt; its terms are the new founder's to choose.
_TAKEN_OVER = (
    "task",
    "skew",
    "samples",
    "seed",
    "rule",
    "rule_parameter",
    "codec",
    "rounds",
    "degree",
    "checkpoint_every",
)


def add_fork(parser: argparse.ArgumentParser) -> None:
    """--fork-from and what goes with it; after all options that a fork takes over where they are not given."""
    fork = parser.add_argument_group("going on from an earlier circle")
    fork.add_argument(
        "--fork-from",
        type=Path,
        metavar="CIRCLE",
        help="the circle file of an earlier circle: start from its model after its last settled round,"
        " recomputed from chain and blobs; what is not given of task, rule, codec, degree, rounds and privacy is as"
        " it was there",
    )
    which = fork.add_mutually_exclusive_group()
    which.add_argument("--after", type=int, metavar="ROUND", help="from its model after this round; 0: its genesis")
    which.add_argument(
        "--before",
        type=int,
        metavar="SEAT",
        help="from its model before this seat's first update could reach anybody, whoever held the seat then",
    )
    fork.add_argument(
        "--fork-rpc",
        action="append",
        metavar="URL",
        help="endpoint of the earlier circle's chain; repeatable (default: its file's, else --rpc)",
    )
    add_timeout(parser)
    add_ipfs_api(parser)
    usual = {name: parser.get_default(name) for name in _TAKEN_OVER}
    # So that what was given can be told from what was not.
    parser.set_defaults(usual=usual, **dict.fromkeys(_TAKEN_OVER))


@dataclass(frozen=True)
class Fork:
    """An earlier circle, and which of its rounds is gone on from."""

    opened: OpenCircle
    """The earlier circle, up to a block."""
    wanted: int
    """The round whose model is asked for; 0 for its genesis."""
    before: int | None
    """The seat whose influence is left behind, None where none was named."""

    @property
    def manifest(self) -> Any:
        """The earlier circle's."""
        return self.opened.history.manifest


def open_fork(options: argparse.Namespace) -> Fork | None:
    """Read the chain of --fork-from; None without. Raises UsageError, SetupError."""
    from ledger.chain.deployment.circle_file import CircleFile

    if options.fork_from is None:
        for name in ("after", "before", "fork_rpc"):
            if getattr(options, name) is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} goes with --fork-from: name the earlier circle's file"
                )
        return None
    check_timeout(options)
    if options.out.exists() and options.out.samefile(options.fork_from):
        raise UsageError(f"--out {options.out} is the earlier circle's file: choose another --out")
    file = CircleFile.read(options.fork_from)
    urls = options.fork_rpc or ([file.rpc] if file.rpc is not None else choose_rpc_urls(options))
    opened = open_file(file, urls, parse_patience(options))
    return Fork(opened, choose_round(options, opened.history), options.before)


def choose_round(options: argparse.Namespace, history: Any) -> int:
    """The round whose model --after or --before means, else the last settled one. Raises UsageError."""
    from ledger.judging.circle_model import find_first_commit, find_last_settled

    last = find_last_settled(history)
    if options.before is not None:
        first = find_first_commit(history, options.before)
        if first is None:
            raise UsageError(
                f"--before {options.before}: that seat published nothing in that circle: leave --before out"
            )
        return first - 1
    if options.after is None:
        return last
    if not 0 <= options.after <= last:
        raise UsageError(f"--after {options.after}: the rounds settled in that circle are 0..{last}")
    return int(options.after)


def take_over(options: argparse.Namespace, fork: Fork | None) -> None:
    """Set each option that was not given to what it was in the earlier circle, else to what it usually is.

    Raises UsageError where a task file has to be named.
    """
    found = dict(options.usual) | ({} if fork is None else _read_options(options, fork.manifest))
    for name, value in found.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def _read_options(options: argparse.Namespace, manifest: Any) -> dict[str, Any]:
    from node.tasks.built_in import BUILT_IN

    if options.task is None and manifest.task not in BUILT_IN:
        raise UsageError(
            f"the circle of --fork-from trains {manifest.task}, which is not built in: name its file with --task"
        )
    found = {"task": manifest.task, "codec": manifest.codec, "rounds": manifest.rounds, "degree": manifest.degree}
    found["checkpoint_every"] = manifest.checkpoint_every
    if options.rule is None:
        found["rule"] = manifest.rule
        found["rule_parameter"] = [f"{name}={value}" for name, value in sorted(manifest.rule_parameters.items())]
    agreed = manifest.task_options
    kinds = {"skew": float, "samples": int, "seed": int}
    return found | {name: kind(agreed[name]) for name, kind in kinds.items() if name in agreed}


@dataclass(frozen=True)
class Forked:
    """What a circle starts from, and how it was come to."""

    fork: Fork
    """From where."""
    model: Any
    """The `CircleModel`."""
    digest: str
    """Of the genesis blob, 64 hex digits."""
    reached: dict[int, int]
    """Of --before: other seat → the round after which its base followed from the seat's updates."""

    @property
    def origin(self) -> Any:
        """As the new manifest names it."""
        from ledger.circle.manifest import Origin

        file = self.fork.opened.file
        return Origin(chain_id=file.chain_id, contract=file.contract.lower(), round=self.model.round)

    def as_fields(self) -> dict[str, Any]:
        """For --json."""
        file, fork = self.fork.opened.file, self.fork
        return {
            "contract": file.contract,
            "chain_id": file.chain_id,
            "block": fork.opened.block,
            "round": self.model.round,
            "genesis": self.digest,
            "bases_of": list(self.model.seats),
            "before": fork.before,
            "reached_after": {str(seat): number for seat, number in self.reached.items()},
            "earlier_privacy": fork.manifest.privacy is not None,
        }

    def describe(self) -> list[str]:
        """The report, a line each."""
        file, fork, number = self.fork.opened.file, self.fork, self.model.round
        lines = [
            f"from     {file.contract} on chain {file.chain_id}, as of block {fork.opened.block}: "
            + (f"its model after round {number}" if number else "its genesis"),
            *self._explain_round(),
        ]
        if number:
            seats = self.model.seats
            lines.append(f"bases    the lower median of those of {len(seats)} seats: {_list(seats)}")
        lines.append(f"genesis  {self.digest}")
        if fork.before is not None:
            lines.append(
                f"left     seat {fork.before}, first update in round {fork.wanted + 1}; {self._describe_reach()}"
            )
        if fork.manifest.privacy is not None:
            lines.append(
                "privacy  what was spent in that circle on the same data counts on: start each node with"
                " `folkmoot node --privacy-after FILE`, FILE that circle's"
            )
        return lines

    def _explain_round(self) -> list[str]:
        fork, number = self.fork, self.model.round
        if fork.before is not None and not fork.wanted:
            return [f"         seat {fork.before} published in round 1, and before that there is the genesis alone"]
        if number == fork.wanted:
            return []
        return [f"         no seat in good standing attested in the rounds after that, up to {fork.wanted}"]

    def _describe_reach(self) -> str:
        if not self.reached:
            return "nobody accepted one that it could mix"
        rounds = sorted(set(self.reached.values()))
        told = [
            f"{_list([seat for seat, when in self.reached.items() if when == number])} after round {number}"
            for number in rounds
        ]
        return "those who accepted it, or who accepted them: " + "; ".join(told)


def _list(seats: Any) -> str:
    return ", ".join(map(str, seats))


def recompute_fork(fork: Fork, timeout_s: float, ipfs_api: str | None = None) -> Forked:
    """Fetch what the model follows from and recompute it. Raises SetupError where any of it is not to be had."""
    from ledger.fetch.fetcher import Unavailable
    from ledger.judging.circle_model import digest_model, find_reached
    from node.duties.circle_model import BaseLacking, recompute_model

    history, network = fork.opened.history, fork.opened.circle.network.domain_separator

    async def recompute() -> Any:
        async with open_gateways(history, timeout_s, ipfs_api) as fetch:
            return await recompute_model(history, network, fork.wanted, fetch)

    try:
        model = asyncio.run(recompute())
    except BaseLacking as error:
        raise SetupError(
            f"{describe_base_lacking(history, error)}: try again when more members are up, or choose another round"
            " with --after; nothing was deployed"
        ) from error
    except Unavailable as error:
        raise SetupError(
            f"nobody gives that circle's genesis ({describe_lacking(error)}): try again when more members are up;"
            " nothing was deployed"
        ) from error
    reached = {} if fork.before is None else find_reached(history, fork.before)
    return Forked(fork, model, digest_model(model.blob).hex(), reached)
