"""Each thing that a node needs, broken in turn: the doctor names it, says what to do, and ends in time."""

import asyncio
import json
import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.files import FolderLock
from node.cli.main import main
from node.doctor import machine, stores
from node.doctor.daemon import look_at_daemon
from node.doctor.endpoints import Seen, ask_all, tell_clock, tell_endpoints, tell_websocket
from node.doctor.findings import Finding, Level, Notebook, examine, is_sound
from node.doctor.keys import look_at_key
from node.doctor.machine import fits, look_at_machine, look_at_program, parse_requirement
from node.doctor.ports import look_at_ports
from node.doctor.stores import find_holder, look_at_data, look_at_folder
from node.operating.disk import DiskRoom
from node.operating.listening import Listening
from node.seat.keys import new_key
from tests.support.daemons.ill_daemon import IllDaemon, forbidden, ill_daemon

CHEAP = 1 << 12


def levels(notebook: Notebook) -> dict[str, str]:
    return {one.check: one.level.value for one in notebook.findings}


def said(notebook: Notebook, check: str) -> str:
    return " ".join(f"{one.saw} {one.do}" for one in notebook.findings if one.check == check)


def test_what_a_peer_trains_on_is_looked_for(tmp_path: Path) -> None:
    notebook = Notebook()
    look_at_data(notebook, None)
    assert not notebook.findings
    look_at_data(notebook, tmp_path / "patients.csv")
    assert "--data" in said(notebook, "data")
    look_at_data(found := Notebook(), tmp_path)
    assert levels(found) == {"data": "ok"}


def test_what_hangs_and_what_fails_are_findings_and_the_rest_is_told() -> None:
    stuck = threading.Event()

    def hang(notebook: Notebook) -> None:
        notebook.ok("before", "well so far")
        stuck.wait(60)

    def fail(_: Notebook) -> None:
        raise KeyError("missing")

    began = time.monotonic()
    found = examine({"a": hang, "b": fail, "c": lambda notebook: notebook.ok("c", "fine")}, 0.3)
    assert time.monotonic() - began < 5
    stuck.set()
    assert [(one.check, one.level) for one in found] == [
        ("before", Level.OK),
        ("a", Level.WRONG),
        ("b", Level.WRONG),
        ("c", Level.OK),
    ]
    assert "not done within 0.3 s" in found[1].saw
    assert "KeyError" in found[2].saw
    assert not is_sound(found)
    assert is_sound([found[0]])


def test_whatever_is_shown_is_one_printable_line() -> None:
    notebook = Notebook()
    notebook.warn("endpoint", "it said \x1b[2J\r\nfolkmoot: all is well", "x" * 10_000)
    (one,) = notebook.findings
    assert one.saw.isprintable()
    assert len(one.do) <= 400


# ------------------------------------------------------------------------------------------------ the machine


@pytest.mark.parametrize(
    ("version", "bounds", "is_fit"),
    [
        ("2.6.0", "<3,>=2.6", True),
        ("2.5.9", "<3,>=2.6", False),
        ("3.0", "<3,>=2.6", False),
        ("2", ">=2.0", True),
        ("2.13.0+cpu", "<3,>=2.6", True),
        ("0.12.1b1", "<0.13,>=0.12.1b1", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_held_against_their_bounds(version: str, bounds: str, is_fit: bool) -> None:
    assert fits(version, bounds) == is_fit


def test_requirements_are_read_as_metadata_has_them() -> None:
    assert parse_requirement("aiohttp<4,>=3.12") == ("aiohttp", "<4,>=3.12", "")
    assert parse_requirement("eth-hash[pycryptodome]<1,>=0.7") == ("eth-hash", "<1,>=0.7", "")
    assert parse_requirement("numba<1,>=0.61; extra == 'fast'")[2] == "extra == 'fast'"


def test_packages_that_are_missing_or_too_old_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook()
    look_at_program(notebook)
    assert levels(notebook) == {"python": "ok", "packages": "ok"}
    wanted = ["numpy>=99", "no-such-package>=1", "numba>=99; extra == 'fast'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: wanted)
    notebook = Notebook()
    look_at_program(notebook)
    assert levels(notebook)["packages"] == "wrong"
    assert "no-such-package is missing" in said(notebook, "packages")
    assert "numpy" in said(notebook, "packages")
    assert "numba" not in said(notebook, "packages")
    monkeypatch.setattr(machine, "_PYTHON", (99, 0))
    notebook = Notebook()
    look_at_program(notebook)
    assert levels(notebook)["python"] == "wrong"


def test_little_memory_and_few_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  8000000 kB\nMemAvailable:   204800 kB\n")
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    notebook = Notebook()
    look_at_machine(notebook, meminfo)
    assert levels(notebook) == {"cores": "ok", "memory": "warning", "open files": "wrong"}
    assert "200 MiB" in said(notebook, "memory")
    assert "ulimit -n" in said(notebook, "open files")
    look_at_machine(notebook := Notebook(), tmp_path / "none")
    assert levels(notebook)["memory"] == "warning"


# ------------------------------------------------------------------------------------------------- the folder


def look(folder: Path | None) -> Notebook:
    look_at_folder(notebook := Notebook(), folder)
    return notebook


def test_a_folder_that_is_well_and_one_that_is_not_there_yet(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert levels(look(folder)) == {"folder": "ok", "disk": "ok"}
    assert not folder.exists(), "nothing is made"
    folder.mkdir(mode=0o700)
    assert levels(look(folder)) == {"folder": "ok", "lock": "ok", "files": "ok", "disk": "ok"}
    assert list(folder.iterdir()) == []
    assert levels(look(None)) == {"folder": "warning"}


def test_a_folder_with_each_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert "chmod 700" in said(look(folder), "folder")
    folder.chmod(0o700)
    (folder / "blobs" / "partial").mkdir(parents=True)
    (folder / "blobs" / "partial" / ".half.1234").write_bytes(b"x")
    assert "1 half-written" in said(look(folder), "files")
    (folder / "state.bin.damaged").write_bytes(b"x")
    assert levels(look(folder))["files"] == "warning"
    assert "state.bin.damaged" in said(look(folder), "files")
    (tmp_path / "file").write_bytes(b"")
    assert levels(look(tmp_path / "file")) == {"folder": "wrong"}
    monkeypatch.setattr("os.access", lambda path, _: path != folder)
    assert levels(look(folder))["folder"] == "wrong"
    monkeypatch.setattr("os.access", lambda path, _: "damaged" not in str(path))
    assert "chown" in said(look(folder), "files")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert levels(look(tmp_path / "none" / "data"))["folder"] == "wrong"


def test_a_full_disk_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = DiskRoom(1 << 20, 1 << 40, 10**6)
    for found, word in ((room, "1 MiB"), (replace(room, free_bytes=1 << 39, free_inodes=2), "2 files")):
        monkeypatch.setattr(stores, "measure_room", lambda _, found=found: found)
        notebook = look(tmp_path)
        assert levels(notebook)["disk"] == "wrong"
        assert word in said(notebook, "disk")


@pytest.mark.parametrize("has_locks", [True, False])
def test_a_process_that_holds_the_folder_is_named_and_not_disturbed(
    has_locks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_locks:
        monkeypatch.setattr(stores, "_LOCKS", tmp_path / "none")
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    lock = FolderLock(folder, "another node")
    assert find_holder(folder) == f"process {os.getpid()}"
    notebook = look(folder)
    assert levels(notebook)["lock"] == "warning"
    assert str(os.getpid()) in said(notebook, "lock")
    lock.release()
    if has_locks:
        assert find_holder(folder) is None
    FolderLock(folder, "another node").release()


# --------------------------------------------------------------------------------------------- key and ports


def test_a_key_with_each_fault(tmp_path: Path) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    address = new_key(keystore, "right", CHEAP)
    password.write_text("right\n")
    password.chmod(0o600)

    def seen(path: Path | None, file: Path | None) -> Notebook:
        look_at_key(notebook := Notebook(), path, file)
        return notebook

    well = seen(keystore, password)
    assert levels(well) == {"password": "ok", "key": "ok"}
    assert address in said(well, "key")
    assert levels(seen(None, None)) == {"key": "warning"}
    assert levels(seen(keystore, None)) == {"key": "warning"}
    assert levels(seen(tmp_path / "none", password)) == {"key": "wrong"}
    password.write_text("other\n")
    assert "wrong password" in said(seen(keystore, password), "key")
    assert "other" not in said(seen(keystore, password), "key").replace("another", "")
    password.write_text("right\n")
    keystore.chmod(0o644)
    assert [one.level for one in seen(keystore, password).findings] == [Level.WARNING, Level.OK, Level.OK]
    keystore.chmod(0o600)
    password.chmod(0o644)
    assert levels(seen(keystore, password)) == {"password": "wrong"}
    assert said(seen(keystore, password), "password").endswith(
        f"by others on this machine run `chmod 600 {password}`"
    )
    (tmp_path / "no.json").write_text("[]")
    assert levels(seen(tmp_path / "no.json", password)) == {"key": "wrong"}


def test_ports_with_each_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        listening = Listening("127.0.0.1", None, taken, 0)
        look_at_ports(notebook := Notebook(), listening, ("127.0.0.1", taken), tmp_path)
        assert levels(notebook) == {
            "advertise": "warning",
            "gossip port": "wrong",
            "gateway port": "ok",
            "metrics port": "wrong",
        }
        tmp_path.chmod(0o700)
        lock = FolderLock(tmp_path, "another node")
        look_at_ports(notebook := Notebook(), listening, None, tmp_path)
        assert levels(notebook)["gossip port"] == "ok", "it is this node's"
        lock.release()
    look_at_ports(notebook := Notebook(), Listening("0.0.0.0", None, 70_000, 0), None, None)
    assert levels(notebook) == {"advertise": "wrong", "gossip port": "wrong", "gateway port": "warning"}
    look_at_ports(notebook := Notebook(), Listening("0.0.0.0", "node.example", taken, taken), None, None)
    assert levels(notebook) == {"advertise": "ok", "gossip port": "ok", "gateway port": "ok"}
    look_at_ports(notebook := Notebook(), Listening("192.0.2.1", "node.example", taken, 0), None, None)
    assert levels(notebook)["gossip port"] == "wrong"


# -------------------------------------------------------------------------------------------------- the chain


def endpoint(**fields: object) -> Seen:
    return replace(Seen(None, "http://a", 100, 1_000_000, 1_000_005.0), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "chain_id", "level"),
    [
        (endpoint(), 1, "ok"),
        (endpoint(at_s=1_000_700.0), 1, "wrong"),
        (endpoint(at_s=1_000_700.0), 1337, "ok"),
        (endpoint(at_s=999_960.0), 1337, "wrong"),
        (endpoint(at_s=999_980.0), 1, "ok"),
    ],
)
def test_the_clock_is_held_against_the_newest_block(seen: Seen, chain_id: int, level: str) -> None:
    tell_clock(notebook := Notebook(), seen, chain_id)
    assert levels(notebook) == {"clock": level}


def test_endpoints_are_told_one_by_one() -> None:
    dead = endpoint(trouble="the chain at http://b does not answer")
    fit = tell_endpoints(notebook := Notebook(), [dead, endpoint()], 1)
    assert [one.level.value for one in notebook.findings] == ["warning", "ok", "warning"]
    assert [one.head for one in fit] == [100]
    assert tell_endpoints(notebook := Notebook(), [dead], 1) == []
    assert levels(notebook) == {"endpoint": "wrong"}
    assert notebook.findings[0].do == "start it, or correct --rpc"
    seen = ask_all(["http://127.0.0.1:9", "nowhere"], None, None, 0)
    tell_endpoints(notebook := Notebook(), seen, 1)
    assert [(one.saw, one.do) for one in notebook.findings] == [
        (
            "the chain at http://127.0.0.1:9 does not answer (ConnectionError)",
            "start it (`folkmoot chain`) or correct --rpc",
        ),
        ("'nowhere' is no JSON-RPC address", "give one such as http://127.0.0.1:8545"),
    ]
    behind = endpoint(shown="http://c", head=50)
    fit = tell_endpoints(notebook := Notebook(), [behind, endpoint()], 1)
    assert [one.head for one in fit] == [100, 50]
    assert [one.level.value for one in notebook.findings] == ["warning", "ok", "ok"]
    assert tell_endpoints(notebook := Notebook(), [endpoint()], 1337)
    assert levels(notebook) == {"endpoint": "ok"}, "a local chain has one"
    lacking = endpoint(remarks=[(Level.WRONG, "no logs", "use another")])
    tell_endpoints(notebook := Notebook(), [lacking], 1337)
    assert [one.level.value for one in notebook.findings] == ["ok", "wrong"]


def test_with_everything_dead_it_is_done_in_time_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOLKMOOT_RPC", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = ["doctor", "--json", "--limit", "8", "--circle", str(tmp_path / "none.json"), "--rpc", url]
        command += ["--keystore", str(tmp_path / "none"), "--folder", str(tmp_path / "data")]
        command += ["--ipfs-api", f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}"]
        began = time.monotonic()
        assert main(command) == 3
        assert time.monotonic() - began < 60
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    found = {one["check"]: one for one in told["findings"]}
    for check in ("circle file", "endpoint", "key", "ipfs daemon"):
        assert found[check]["level"] == "wrong"
        assert found[check]["do"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("wrong", [["--limit", "0"], ["--limit", "nan"], ["--rounds", "-1"], ["--metrics", "x"]])
def test_options_that_mean_nothing_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *wrong]) == 2
    assert capsys.readouterr().err.startswith("folkmoot: ")


def test_a_key_in_the_path_of_a_websocket_is_not_shown() -> None:
    notebook = Notebook()
    tell_websocket(notebook, "ws://127.0.0.1:1/v3/0123456789abcdef")
    (one,) = notebook.findings
    assert "ws://127.0.0.1:1/…" in one.saw
    assert "0123456789abcdef" not in one.saw


def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    assert find_holder(tmp_path) is None


def tell_daemon(daemon: IllDaemon) -> Finding:
    """What is said of a daemon."""

    async def look() -> Finding:
        async with ill_daemon(daemon):
            notebook = Notebook()
            await asyncio.to_thread(look_at_daemon, notebook, daemon.api)
            (one,) = notebook.findings
            return one

    return asyncio.run(look())


def test_a_daemon_is_told_with_its_version_speed_and_room() -> None:
    daemon = IllDaemon()
    told = tell_daemon(daemon)
    assert (told.level.value, "version 0.42.0" in told.saw, "ms" in told.saw) == ("warning", True, True)
    assert "StorageMax" in told.do, "it uses 95 of 100 bytes"
    daemon.used_bytes = 50
    assert tell_daemon(daemon).level.value == "ok"


def test_a_server_that_is_no_daemon_is_wrong() -> None:
    daemon = IllDaemon()
    daemon.ill["all"] = forbidden
    assert tell_daemon(daemon).level.value == "wrong"
    notebook = Notebook()
    look_at_daemon(notebook, "nonsense")
    assert [one.level.value for one in notebook.findings] == ["wrong"]
