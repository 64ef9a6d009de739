"""One of the processes that train for a peer, as torchrun starts it: it trains as told, until that ends."""

import contextlib
import hashlib
import os
import select
import socket
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed

from ledger.circle.manifest import Tensor
from ledger.errors import SetupError, UsageError
from node.learning.across import own_rank
from node.learning.crew import BASE, CORRECTION, PRIVATE
from node.learning.crew_messages import Hung, receive_message, send_message
from node.learning.devices import choose_device
from node.learning.layout import Layout
from node.learning.training import Trainer, use_one_thread
from node.tasks.interface import load_task

_TOGETHER: Final = timedelta(minutes=30)
"""How long one waits for another within a step."""


def main(path: str) -> int:
    """path: the peer's socket. Ends when the peer lets go of it."""
    use_one_thread()
    with contextlib.redirect_stdout(sys.stderr), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        try:
            peer.connect(path)
        except OSError:
            return 0  # the peer has ended meanwhile
        threading.Thread(target=_end_with, args=(peer,), name="peer", daemon=True).start()
        with contextlib.suppress(Hung, BrokenPipeError):
            send_message(peer, {"rank": int(os.environ["RANK"])}, {})
            _serve(peer)
    return 0


def _end_with(peer: socket.socket) -> None:
    """End at once when the peer is gone, also in the midst of a step that waits for others."""
    watch = select.poll()
    watch.register(peer, select.POLLRDHUP if hasattr(select, "POLLRDHUP") else select.POLLHUP)
    watch.poll()
    os._exit(0)


def _serve(peer: socket.socket) -> None:
    asked, _ = receive_message(peer)
    trainer: Trainer | None = None
    while True:
        head, tensors = receive_message(peer)
        try:
            trainer = trainer or _make_trainer(asked)
            before = {name.removeprefix(PRIVATE): one for name, one in tensors.items() if name.startswith(PRIVATE)}
            correction = tensors[CORRECTION].numpy() if CORRECTION in tensors else None
            trained, private = trainer.train_from(
                tensors[BASE].numpy(), before, head["round"], correction=correction
            )
        except (SetupError, UsageError) as error:
            send_message(peer, {"fault": str(error)}, {})
            return
        told = {"digest": hashlib.sha256(trained.data).hexdigest()}
        found = {}
        if own_rank() == 0:
            found = {BASE: torch.from_numpy(trained), **{PRIVATE + name: one for name, one in private.items()}}
        send_message(peer, told, found)


def _make_trainer(asked: dict[str, Any]) -> Trainer:
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = choose_device(asked["device"])
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=f"file://{asked['group']}",
        rank=rank,
        world_size=count,
        timeout=_TOGETHER,
    )
    task = load_task(
        asked["spec"],
        **asked["made_with"],
        options=asked["options"],
        data=None if asked["data"] is None else Path(asked["data"]),
    )
    if asked["frozen"] is not None:
        task = replace(task, frozen_values=_open_frozen(Path(asked["frozen"])))
    layout = Layout.from_tensors(
        [Tensor(name, tuple(shape), exponent) for name, shape, exponent in asked["layout"]]
    )
    return Trainer(
        replace(task, device=device),
        layout,
        seat=asked["seat"],
        seats=asked["seats"],
        seed=asked["seed"],
        rounds=asked["rounds"],
    )


def _open_frozen(path: Path) -> Any:
    from node.models.weights import open_frozen

    return open_frozen(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
