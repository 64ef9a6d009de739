"""Options that several commands share."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import UsageError
from node.operating.pairs import parse_pairs
from node.operating.printing import say_json

if TYPE_CHECKING:
    from ledger.chain.rpc.patience import EndpointPatience
    from ledger.privacy.terms import PrivacyTerms

RPC_VARIABLE = "FOLKMOOT_RPC"
_PATIENCE_MAX_S = 86_400
DEFAULT_RPC = "http://127.0.0.1:8545"
TASK_HELP = (
    "fashion-mnist, fashion-mnist-cnn, mnist, mnist-cnn, digits, breast-cancer, python-code, python-code-large,"
    " table, text, series, auto (fashion-mnist where it is installed, else digits) or FILE.py:CLASS"
)

Subparsers = Any  # argparse names this type only in private


def add_rpc(parser: argparse.ArgumentParser) -> None:
    """--rpc, no default: a circle file names one too; and --patience."""
    parser.add_argument(
        "--rpc",
        action="append",
        metavar="URL",
        help=f"JSON-RPC endpoint; again for more, where one fails (default {RPC_VARIABLE} in the environment, the "
        f"circle file's or {DEFAULT_RPC})",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="ask again for so long where endpoints answer nonsense or too late, and six times that where they ask "
        "to slow down (default 20)",
    )


def add_ipfs_api(parser: argparse.ArgumentParser) -> None:
    """--ipfs-api, for who fetches blobs."""
    parser.add_argument(
        "--ipfs-api",
        metavar="MULTIADDR",
        type=_check_ipfs_api,
        help="an IPFS daemon, asked by CID for what no gateway gives, as /ip4/127.0.0.1/tcp/5001",
    )


def _check_ipfs_api(text: str) -> str:
    """Raises UsageError, also where nothing will be asked of a daemon."""
    from ledger.fetch.daemon_address import parse_daemon_api

    parse_daemon_api(text)
    return text


def choose_rpc_urls(options: argparse.Namespace) -> list[str] | None:
    """The endpoints of --rpc, else those of the environment, where other users of this machine do not see them."""
    named: list[str] | None = options.rpc
    return named or os.environ.get(RPC_VARIABLE, "").split() or None


def parse_patience(options: argparse.Namespace) -> "EndpointPatience":
    """How long endpoints are borne with. Raises UsageError."""
    from ledger.chain.rpc.patience import EndpointPatience

    if not 0 <= options.patience <= _PATIENCE_MAX_S:
        raise UsageError(f"--patience is 0 to {_PATIENCE_MAX_S} seconds, not {options.patience:g}")
    return EndpointPatience.of(options.patience)


def add_frozen(parser: argparse.ArgumentParser) -> None:
    """--frozen."""
    parser.add_argument(
        "--frozen",
        type=Path,
        metavar="FILE",
        help="take what is frozen of the model from this safetensors file: the one that the circle was deployed"
        " --from-model, where its task does not load it itself",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device."""
    parser.add_argument(
        "--device",
        default="cpu",
        metavar="NAME",
        help="train and evaluate there: cpu (default), cuda, cuda:1, mps, or auto, the best that is here; screening"
        " and verdicts are integers on the CPU whatever it is",
    )


def add_key(parser: argparse.ArgumentParser, required: bool) -> None:
    """--keystore and --password-file."""
    parser.add_argument("--keystore", type=Path, required=required, help="encrypted key, see `folkmoot keys new`")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="first line: the key's password")


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def add_option(parser: argparse.ArgumentParser) -> None:
    """--option."""
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the task: a keyword of its constructor, or how it is trained: loss, class_weights, optimizer,"
        " schedule, epochs, batch_size, learning_rate, momentum, weight_decay, correction; repeatable",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="the file or folder that a peer trains on, where the task takes one; it stays on this machine",
    )


def parse_task_options(options: argparse.Namespace) -> dict[str, str]:
    """What --option says, as it was typed. Raises UsageError."""
    from node.tasks.options import parse_options

    return parse_options(options.option)


def add_task(parser: argparse.ArgumentParser) -> None:
    """--task, its options and data, and how a built-in task's data are split."""
    parser.add_argument("--task", default="auto", help=TASK_HELP)
    parser.add_argument(
        "--skew", type=float, default=0.2, help="0: peers see all labels alike; 1: each its own ones"
    )
    parser.add_argument("--samples", type=int, default=1000, help="examples a peer")
    parser.add_argument("--seed", type=int, default=0, help="of initial state, data split and training")
    add_option(parser)
    add_data(parser)


def add_rule(parser: argparse.ArgumentParser) -> None:
    """--rule and its parameters."""
    parser.add_argument(
        "--rule",
        default="tether",
        help="tether; balance, ubar, scclip, cs-plus, krum, multi-krum, trimmed-mean, nnm-trimmed-mean, median; "
        "none: accept all and see the damage; or FILE.py:CLASS, in a simulation or on a chain of this machine",
    )
    parser.add_argument(
        "--rule-parameter", action="append", default=[], metavar="NAME=INT", help="e.g. gamma_milli=300; repeatable"
    )


def add_rule_file(parser: argparse.ArgumentParser) -> None:
    """--rule-file; the program's start lends what it names to the process."""
    parser.add_argument(
        "--rule-file",
        type=Path,
        metavar="FILE",
        help="where a circle's rule is of no release but of its founder's own file: that file",
    )


def add_codec(parser: argparse.ArgumentParser) -> None:
    """--codec."""
    parser.add_argument(
        "--codec",
        default="int8-zstd",
        help="how updates travel: int8-zstd (whole), delta (what changed; far smaller), or int8",
    )


def add_privacy(parser: argparse.ArgumentParser) -> None:
    """--privacy."""
    parser.add_argument(
        "--privacy",
        metavar="NAME=VALUE,…",
        help="train with differential privacy: epsilon=8 and, where chosen, delta, sigma, clip, batch, lr, steps; "
        "see `folkmoot privacy plan`",
    )


def parse_privacy(
    text: str | None, rounds: int, samples: int, option: str = "--privacy", *, is_for_all: bool = True
) -> "PrivacyTerms | None":
    """The terms of --privacy, or of an option like it; None without. is_for_all: as for `parse_privacy_terms`.

    Raises UsageError.
    """
    from ledger.privacy.planning import parse_privacy_terms

    if text is None:
        return None
    try:
        return parse_privacy_terms(text, rounds, samples, is_for_all=is_for_all)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def add_sent_share(parser: argparse.ArgumentParser) -> None:
    """--sent-share, no default: only one codec leaves the choice."""
    # The default is written out, as the codec takes its time to import; a test compares.
    parser.add_argument(
        "--sent-share",
        type=float,
        metavar="SHARE",
        help="under codec delta: of its values that an update sends, above 0, at most 1; more bytes, more accuracy"
        " (default 0.03)",
    )


def parse_rule_parameters(texts: list[str]) -> dict[str, int]:
    """NAME=INT pairs. Raises UsageError."""
    return parse_pairs(texts, str, "=", int, "--rule-parameter {} is not NAME=INT, e.g. gamma_milli=300")


def parse_address(text: str, option: str) -> str:
    """The address that was typed, or that a keystore names. Raises UsageError, also for a wrong checksum.

    An address in small or in capital letters alone has none.
    """
    from eth_utils.address import is_hex_address, to_checksum_address

    from node.seat.keys import address_of

    if not text.startswith("0x") and Path(text).exists():
        return address_of(Path(text))
    if not text.startswith("0x") or not is_hex_address(text):
        raise UsageError(
            f"{option} {text[:60]!r} is no address and no keystore that is there: give 0x and 40 hex digits, or a"
            " keystore's file"
        )
    found, digits = str(to_checksum_address(text)), text[2:]
    if text != found and digits not in (digits.lower(), digits.upper()):
        raise UsageError(
            f"{option} {text} has a wrong checksum: a letter or digit of it is wrong, so copy it once more"
        )
    return found


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    say_json(value)
