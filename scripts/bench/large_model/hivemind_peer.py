"""One peer of hivemind: train as `training.py` says, average all parameters with the others, tell of it, again.

Run by the Python of an environment that has hivemind. Its first line says where other peers reach it; each further
line is a finished round. Averaging is hivemind's own all-reduce in one group of all peers.
"""

import argparse
import json
import sys
from typing import Any

import torch

from scripts.bench.large_model.training import Large

TIMEOUT_S = 300.0


def say(fields: dict[str, Any]) -> None:
    """A line of JSON."""
    print(json.dumps(fields), flush=True)


def main() -> None:
    """Run to the last round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--peers", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--skew", type=float, required=True)
    parser.add_argument("--compression", choices=("float32", "float16"), required=True)
    parser.add_argument("--first", nargs="*", default=[], help="where the first peer is reached")
    options = parser.parse_args()
    import hivemind  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    torch.manual_seed(0)
    task = Large(skew=options.skew, seed=0, samples=options.samples)
    model, data = task.model(), task.data(options.index, options.peers)
    dht = hivemind.DHT(initial_peers=options.first, host_maddrs=["/ip4/127.0.0.1/tcp/0"], start=True)
    averager = hivemind.averaging.DecentralizedAverager(
        [parameter.detach().clone() for parameter in model.parameters()],
        dht,
        prefix="large_model",
        target_group_size=options.peers,
        min_group_size=options.peers,
        compression={
            "float32": hivemind.compression.NoCompression,
            "float16": hivemind.compression.Float16Compression,
        }[options.compression](),
        start=True,
    )
    say({"addresses": [str(address) for address in dht.get_visible_maddrs()]})
    sys.stdin.readline()  # all peers are there
    for number in range(1, options.rounds + 1):
        task.train(model, data, round=number, seed=100 * number + options.index)
        with averager.get_tensors() as tensors, torch.no_grad():
            for tensor, parameter in zip(tensors, model.parameters(), strict=True):
                tensor.copy_(parameter)
        if averager.step(timeout=TIMEOUT_S) is None:
            raise RuntimeError(f"round {number}: no group of {options.peers} was found in {TIMEOUT_S:.0f} s")
        with averager.get_tensors() as tensors, torch.no_grad():
            for tensor, parameter in zip(tensors, model.parameters(), strict=True):
                parameter.copy_(tensor)
        say({"round": number, **task.evaluate(model)})
    sys.stdin.readline()  # the others may still want of it
    averager.shutdown()
    dht.shutdown()


if __name__ == "__main__":
    main()
