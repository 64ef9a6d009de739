"""A circle of real processes under a test: started through the command line, watched through events and chain."""

import contextlib
import io
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ledger.chain.circle import Circle
from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.circle.history import History, Round
from node.cli.main import main
from node.demo.launcher import LocalNetwork, PeerProcess
from node.learning.genesis import genesis_path
from tests.support.warm_start import nursery

T = TypeVar("T")
Event = dict[str, Any]
WAIT_S = 120.0
_POLL_S = 0.05
_TAIL_LINES = 8
_GATES = 8
_TASK = Path(__file__).with_name("paced_task.py")


@dataclass(frozen=True)
class Key:
    """A keystore and its address."""

    path: Path
    address: str


class WarmNetwork(LocalNetwork):
    """A network whose processes are forks of the test process's nursery."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, nursery=nursery())


class LocalRun:
    """One network of a test. Peers are named by their index; `seat` tells the seat one took."""

    def __init__(self, folder: Path) -> None:
        self.network = WarmNetwork(folder)
        self._dead_is_fine: set[int] = set()
        self._options: tuple[str, ...] = ()
        self._gates: Path | None = None
        self._circle: Circle | None = None

    # ---------------------------------------------------------------------------------------- starting

    def start(
        self,
        *peers: str,
        rounds: int,
        options: Sequence[str] = (),
        paced: bool = False,
        own_task: str | None = None,
        rpc: str | None = None,
        node_options: Sequence[str] = (),
    ) -> None:
        """Chain, circle and one peer for each attack named (`honest` for none), all running, seats in this order.

        Everyone judges everyone; unless own_task names another, the task is a small share of the digits. paced:
        rounds begin when `open_gates` says so. rpc: a chain that runs already. node_options: for every peer.
        """
        self.start_chain(rpc)
        self.found(*peers, rounds=rounds, options=options, paced=paced, own_task=own_task)
        self._options += tuple(node_options)
        for peer in self.network.peers:
            self.start_peer(peer.index, "--seat", str(peer.index))

    def start_chain(self, rpc: str | None = None) -> None:
        """A fresh chain, unless one runs already."""
        if rpc is None:
            self.network.start_chain(seed=1)
        else:
            self.network.folder.mkdir(parents=True, exist_ok=True)
            self.network.rpc = rpc

    def found(
        self,
        *peers: str,
        rounds: int,
        options: Sequence[str] = (),
        paced: bool = False,
        own_task: str | None = None,
    ) -> None:
        """The circle and its peers' folders and keys; nobody runs yet.

        paced: as of `start`; who waits at its gate longer than the others trains in full all the same.
        """
        if paced:
            own_task = self._paced_task()
        own = ("--task", own_task) if own_task else ()
        self._options = (*own, "--train-in-full") if paced else own
        task = own or ("--task", "digits", "--samples", "60")
        # In this process: it has torch imported already, and what it does is the command's work all the same.
        command = ["deploy", "--rpc", self.network.rpc, "--out", str(self.network.circle_file), *task]
        command += ["--peers", str(len(peers)), "--rounds", str(rounds), "--degree", str(max(1, len(peers) - 1))]
        assert main([*command, *options]) == 0
        for attack in peers[len(self.network.peers) :]:
            self.network.add_peer(attack)

    def found_next(self, *, rounds: int, options: Sequence[str]) -> Path:
        """End all peers and found another circle for them, on the same task; returns the file of the former one."""
        for peer in self.network.peers:
            self.kill(peer.index)
            peer.events_file.unlink()
        former = self.network.circle_file.rename(self.network.folder / "former.json")
        self._circle = None
        self.found(*(peer.attack for peer in self.network.peers), rounds=rounds, options=options)
        return former

    def adopt(self, file: Path) -> None:
        """End all peers; from now on the circle is the one that was founded with `--out file`."""
        for peer in self.network.peers:
            self.kill(peer.index)
            peer.events_file.unlink()
        genesis_path(file).rename(genesis_path(self.network.circle_file))
        file.rename(self.network.circle_file)
        self._circle = None

    def start_peer(self, index: int, *options: str) -> None:
        """Start a peer, or start it again."""
        self._dead_is_fine.discard(index)
        self.network.start_peer(self.network.peers[index], *self._options, *options)

    def add_peer(self, attack: str = "honest", *options: str) -> int:
        """Make, fund and start one more; returns its index."""
        index = self.network.add_peer(attack).index
        self.start_peer(index, *options)
        return index

    def add_key(self, name: str) -> Key:
        """Make and fund a key that is no node's."""
        path = self.network.folder / f"{name}.json"
        return Key(path, self.network.add_key(path))

    def key(self, index: int) -> Key:
        """A peer's."""
        peer = self.network.peers[index]
        return Key(peer.folder / "key.json", peer.address)

    def command(self, *arguments: str, key: Key | None = None) -> Any:
        """Run a command about this circle in this process; returns the object it printed. It must end well."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = main([*self._command(arguments, key), "--json"])
        assert status == 0, printed.getvalue()
        return json.loads(printed.getvalue())

    def refusal(self, *arguments: str, key: Key | None = None) -> str:
        """Run a command that must be refused; returns the sentence."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = main(self._command(arguments, key))
        lines = said.getvalue().splitlines()
        assert status in (2, 3), lines
        assert len(lines) == 1, lines
        return lines[0].removeprefix("folkmoot: ")

    def _command(self, arguments: Sequence[str], key: Key | None) -> list[str]:
        signed = ["--keystore", str(key.path), "--password-file", str(self.network.password_file)] if key else []
        return [*arguments, "--circle", str(self.network.circle_file), *signed]

    def open_gates(self, number: int, *indices: int) -> None:
        """Let these peers (default: every seat there may be) train for all rounds up to this one."""
        for seat in [self.seat(index) for index in indices] or range(_GATES):
            assert self._gates is not None
            gate = self._gates / str(seat)
            temporary = gate.with_suffix(".tmp")
            temporary.write_text(str(number))
            os.replace(temporary, gate)

    def wait_training(self, index: int) -> None:
        """Until a peer is inside train(), before its gate."""
        assert self._gates is not None
        inside = self._gates / f"{self.seat(index)}.waiting"
        self.wait_for(inside.exists, f"peer {index} to train")

    def open_all_gates(self) -> None:
        """Let nobody wait any more, so that all processes end at once when asked to."""
        if self._gates is not None:
            self.open_gates(10**6)

    def _paced_task(self) -> str:
        self._gates = self.network.folder / "gates"
        self._gates.mkdir()
        return f"{shutil.copy(_TASK, self.network.folder / 'task.py')}:PacedPoints"

    # ---------------------------------------------------------------------------------------- ending

    def kill(self, index: int) -> None:
        """SIGKILL a peer and wait until it is gone."""
        self.expect_death(index)
        process = self._process(index)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, index: int) -> int:
        """SIGTERM a peer, as a service manager does, and wait until it has ended; returns its status."""
        self.expect_death(index)
        self._process(index).send_signal(signal.SIGTERM)
        return self.wait_for_end(index)

    def expect_death(self, index: int) -> None:
        """From now on this peer's end is no failure of the test."""
        self._dead_is_fine.add(index)

    def wait_for_end(self, index: int) -> int:
        """Wait until a peer's process has ended; returns its status, negative for a signal."""
        self.expect_death(index)
        status: int = self.wait_for(self._process(index).poll, f"the end of peer {index}", is_set=True)
        return status

    def kill_chain(self) -> None:
        """SIGKILL the chain."""
        assert self.network.chain is not None
        self.network.chain.send_signal(signal.SIGKILL)
        self.network.chain.wait()

    def restart_chain(self) -> None:
        """The same data, the same port."""
        port = int(self.network.rpc.rpartition(":")[2])
        (self.network.folder / "chain.out").unlink()
        self.network.start_chain(port=port, seed=1)

    # ---------------------------------------------------------------------------------------- watching

    def wait_for(
        self, condition: Callable[[], T | None], what: str, timeout_s: float = WAIT_S, *, is_set: bool = False
    ) -> T:
        """Poll until the condition holds (is_set: until it is not None); else fail with the peers' last words."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value or (is_set and value is not None):
                return value
            dead = [peer for peer in self.network.peers if self._died(peer)]
            if dead or time.monotonic() > deadline:
                why = f"peer {dead[0].index} died" if dead else f"{timeout_s:.0f} s are over"
                raise AssertionError(f"no {what}: {why}\n{self._last_words()}")
            time.sleep(_POLL_S)

    def events(self, index: int, kind: str) -> list[Event]:
        """What a peer has reported, of one kind, over all its lives."""
        return [event for event in self.network.peers[index].read_events() if event["event"] == kind]

    def rounds(self, index: int) -> dict[int, Event]:
        """A peer's round events by number."""
        return {event["round"]: event for event in self.events(index, "round")}

    def seat(self, index: int) -> int:
        """The seat a peer took, waited for."""
        joined = self.wait_for(lambda: self.events(index, "joined"), f"seat of peer {index}")
        return int(joined[0]["seat"])

    def verdicts(self, index: int, number: int) -> dict[int, str]:
        """Seat → verdict word of one peer in one round, waited for."""
        event = self.wait_for(lambda: self.rounds(index).get(number), f"round {number} at peer {index}")
        return {int(seat): word for seat, word in event["verdicts"].items()}

    def wait_joined(self, index: int, times: int = 1) -> None:
        """Until a peer has started so many times."""
        self.wait_for(lambda: len(self.events(index, "joined")) >= times, f"start {times} of peer {index}")

    def wait_finished(self, *indices: int) -> None:
        """Until these peers (default: all) have seen the circle's end."""
        wanted = indices or range(len(self.network.peers))
        self.wait_for(lambda: all(self.events(index, "finished") for index in wanted), "end of the last round")

    @property
    def contract(self) -> str:
        """The circle's address."""
        return CircleFile.read(self.network.circle_file).contract

    def history(self) -> History:
        """What the chain says now."""
        if self._circle is None:
            self._circle = open_circle(CircleFile.read(self.network.circle_file))
        history = History(self._circle.terms)
        for placed in self._circle.fetch_events(0, self._circle.fetch_head()):
            history.apply(placed.event)
        return history

    def wait_committed(self, index: int, number: int) -> None:
        """Until a peer's commit of a round is on chain."""
        seat = self.seat(index)
        self.wait_for(lambda: seat in self._round(number).commits, f"commit {number} of peer {index}")

    def wait_round(self, number: int) -> None:
        """Until the chain has opened a round."""
        self.wait_for(lambda: len(self.history().rounds) >= number, f"round {number}")

    def log(self, index: int) -> str:
        """What a peer wrote to stderr."""
        return self.network.peers[index].log_file.read_text()

    def findings(self, *options: str) -> list[Event]:
        """What `folkmoot audit`, given RPC endpoint and contract address alone, finds."""
        found: list[Event] = self.network.audit(*options)["findings"]
        return found

    def _round(self, number: int) -> Round:
        rounds = self.history().rounds
        return rounds[number - 1] if len(rounds) >= number else Round(number, {})

    def _process(self, index: int) -> Any:
        process = self.network.peers[index].process
        assert process is not None
        return process

    def _died(self, peer: PeerProcess) -> bool:
        is_expected = peer.index in self._dead_is_fine
        return not is_expected and peer.process is not None and peer.process.poll() is not None

    def _last_words(self) -> str:
        logs = {f"peer {peer.index}": peer.log_file for peer in self.network.peers}
        logs["chain"] = self.network.folder / "chain.log"
        texts = []
        for name, path in logs.items():
            tail = path.read_text().splitlines()[-_TAIL_LINES:] if path.exists() else []
            texts.append("\n  ".join([f"{name}:", *tail]))
        return "\n".join(texts)
