"""`folkmoot chain`: a local test chain (py-evm) behind JSON-RPC."""

import argparse
from pathlib import Path

from node.cli.config import add_config
from node.cli.monitoring import add_metrics, parse_metrics
from node.cli.options import Subparsers
from node.operating.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("chain", help="run a local test chain", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("chain"), help="its folder (default: ./chain)")
    parser.add_argument("--host", default="127.0.0.1", help="listen here (default: loopback only)")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="let --host be an address that other machines reach; they cannot rewind the chain or move its clock",
    )
    parser.add_argument("--port", type=int, default=8545, help="0 takes a free one")
    parser.add_argument("--chain-id", type=int, default=1337)
    parser.add_argument(
        "--block-time",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="0 (default): a block when there is something in it",
    )
    parser.add_argument("--seed", type=int, help="of the randomness in blocks, for reproducible runs")
    add_config(parser)
    add_metrics(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from ledger.testchain.server.serve import ChainConfig, run_chain

    config = ChainConfig(
        data_dir=options.folder,
        host=options.host,
        port=options.port,
        chain_id=options.chain_id,
        block_time_s=options.block_time,
        seed=options.seed,
        allow_remote=options.allow_remote,
    )
    metrics_at, told = parse_metrics(options), list[str]()

    def ready(url: str) -> None:
        # The chain's own line comes first: programs read its address there.
        say(f"chain {options.chain_id} at {url}")
        for one in told:
            say(f"metrics at {one}/metrics, health at {one}/healthz")

    if metrics_at is None:
        run_chain(config, ready)
        return 0
    from node.metrics.chain_figures import ChainMonitor

    run_chain(config, ready, ChainMonitor(metrics_at, options.folder, options.block_time, told.append))
    return 0
