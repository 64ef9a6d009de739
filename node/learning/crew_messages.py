"""What a peer and the processes that train for it say to each other: a head in JSON and tensors in safetensors."""

import json
import socket
from collections.abc import Mapping
from typing import Any, Final

import torch
from safetensors.torch import load, save

_HEAD_MAX: Final = 1 << 22
_TENSORS_MAX: Final = 1 << 36
_PIECE: Final = 1 << 20


class Hung(Exception):
    """The other side has gone."""


def send_message(to: socket.socket, head: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
    """Send both. Raises Hung, OSError."""
    text = json.dumps(head).encode()
    raw = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    try:
        to.sendall(len(text).to_bytes(8, "big") + len(raw).to_bytes(8, "big") + text)
        to.sendall(raw)
    except BrokenPipeError as error:
        raise Hung from error


def receive_message(of: socket.socket) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Wait for both, as long as the socket's timeout allows. Raises Hung, TimeoutError, OSError."""
    sizes = _receive(of, 16)
    head_size, raw_size = int.from_bytes(sizes[:8], "big"), int.from_bytes(sizes[8:], "big")
    # [REJECT] sizes first
    if head_size > _HEAD_MAX or raw_size > _TENSORS_MAX:
        raise Hung
    head: dict[str, Any] = json.loads(_receive(of, head_size))
    return head, load(bytes(_receive(of, raw_size)))


def _receive(of: socket.socket, count: int) -> bytearray:
    found = bytearray()
    while len(found) < count:
        try:
            piece = of.recv(min(_PIECE, count - len(found)))
        except ConnectionResetError as error:
            raise Hung from error
        if not piece:
            raise Hung
        found += piece
    return found
