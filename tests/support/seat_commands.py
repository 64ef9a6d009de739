"""A circle on a chain of its own, keys to act with, and commands that must end well or in one sentence."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.deployment.circle_file import CircleFile, open_circle
from ledger.chain.reading import read_history
from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import Sender
from ledger.circle.draw import seats_of
from ledger.circle.history import History
from ledger.circle.verdict_word import encode_verdicts
from node.cli.main import main
from node.demo.launcher import LocalNetwork
from node.seat.keys import load_key
from tests.support.said import leave_out_beginning

BOND = 10**18
Says = Callable[..., str]


@dataclass(frozen=True)
class Scene:
    """A circle whose members are keys without nodes."""

    network: LocalNetwork
    addresses: dict[str, str] = field(default_factory=dict)
    _senders: dict[str, Sender] = field(default_factory=dict)

    def add_keys(self, *names: str) -> None:
        for name in names:
            self.addresses[name] = self.network.add_key(self.key(name))

    def key(self, name: str) -> Path:
        return self.network.folder / f"{name}.json"

    def secret(self, name: str) -> bytes:
        return load_key(self.key(name), self.network.password_file.read_text().strip())

    def command(self, text: str, key: str | None = None) -> list[str]:
        signed = (
            ["--keystore", str(self.key(key)), "--password-file", str(self.network.password_file)] if key else []
        )
        return [*text.split(), "--circle", str(self.network.circle_file), *signed]

    def call(self, name: str, call: str, *arguments: object, value_wei: int = 0) -> None:
        file = CircleFile.read(self.network.circle_file)
        if name not in self._senders:
            self._senders[name] = Sender(Rpc(self.network.rpc), self.secret(name), file.chain_id)
        self._senders[name].call(file.contract, call, *arguments, value_wei=value_wei)

    def join(self, name: str, cold: str) -> None:
        endpoint = "wss://127.0.0.1:1 http://127.0.0.1:1"
        self.call(name, "join", endpoint, self.addresses[cold], 0, 0, 0, 0, value_wei=BOND)

    def history(self) -> History:
        file = CircleFile.read(self.network.circle_file)
        return read_history(open_circle(file), file.block).history

    def play(self, *names: str) -> None:
        """A round of these seats' keys, in order of their seats: all judge all and accept them."""
        number = self.history().number
        for name in names:
            self.call(name, "commit", number, number.to_bytes(16, "big") + name.encode().rjust(16))
        round_ = self.history().rounds[-1]
        assert round_.seed is not None
        for seat, name in zip(seats_of(round_.committed), names, strict=True):
            others = round_.committed & ~(1 << seat)
            neighbours = round_.find_neighbours(self.history().terms.degree)[seat]
            self.call(name, "attest", encode_verdicts(round_.seed, number, neighbours, others, others), b"\1" * 32)
        self.call(names[0], "settle", number)


@dataclass(frozen=True)
class Commands:
    """Run in this process."""

    scene: Scene
    capsys: pytest.CaptureFixture[str]

    def prints(self, text: str, key: str | None = None) -> str:
        """Run a command that must end well; returns what it printed."""
        self.capsys.readouterr()
        status = main(self.scene.command(text, key))
        said: Any = self.capsys.readouterr()
        assert (status, said.err) == (0, "")
        return str(said.out)

    def refused(self, text: str, key: str | None = None, status: int = 2) -> str:
        """Run a command that must end with one sentence; returns it."""
        self.capsys.readouterr()
        assert main(self.scene.command(text, key)) == status
        said = self.capsys.readouterr()
        assert leave_out_beginning(said.out) == ""
        lines = said.err.splitlines()
        assert len(lines) == 1
        return lines[0].removeprefix("folkmoot: ")
