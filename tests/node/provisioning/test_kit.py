"""Kits are the same bytes at every making, hold no key, and are never overwritten unasked."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from ledger.errors import SetupError, UsageError
from node.provisioning.kit import Kit, add_sums, pack, place
from node.seat.keys import new_key

FILES = {
    "circle.json": b"{}\n",
    "task/own.py": b"class Own: ...\n",
    "check": b"#!/bin/sh\n",
    "node.toml": b"a = 1\n",
}


def make(**changed: bytes) -> Kit:
    return add_sums(Kit("north", {**FILES, **changed}, frozenset({"check"})))


def test_an_archive_has_the_same_bytes_in_any_order_and_at_any_time(tmp_path: Path) -> None:
    kit = make()
    turned = Kit("north", dict(reversed(list(kit.files.items()))), kit.programs)
    assert pack(kit, "trial-north") == pack(turned, "trial-north")
    archive = tmp_path / "kit.tar"
    archive.write_bytes(pack(kit, "trial-north"))
    with tarfile.open(archive) as opened:
        assert {entry.name: entry.mode for entry in opened} == {
            f"trial-north/{name}": 0o755 if name == "check" else 0o644 for name in kit.files
        }
        assert {entry.mtime for entry in opened} == {0}


def test_its_sums_are_those_of_what_a_member_is_not_to_change(tmp_path: Path) -> None:
    place(make(), tmp_path, "trial-north", replace=False)
    folder = tmp_path / "trial-north"
    checked = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    (folder / "node.toml").write_text("a = 2\n")
    assert subprocess.run(checked, cwd=folder, check=False).returncode == 0
    (folder / "task/own.py").write_text("class Other: ...\n")
    changed = subprocess.run(checked, cwd=folder, check=False, capture_output=True, text=True)
    assert changed.returncode == 1
    assert "task/own.py: FAILED" in changed.stdout


def test_a_second_run_changes_nothing_and_another_kit_is_written_only_when_asked(tmp_path: Path) -> None:
    first = place(make(), tmp_path, "trial-north", replace=False)
    assert first[0] == "written, 5 files"
    (tmp_path / "trial-north" / "notes.txt").write_text("mine\n")
    assert place(make(), tmp_path, "trial-north", replace=False) == ("unchanged", *first[1:])
    other = add_sums(Kit("north", {"circle.json": b"[]\n", "names.toml": b"", "check": FILES["check"]}))
    says = r"would be another kit now \(changed SHA256SUMS, circle.json; new names.toml; gone task/own.py\)"
    with pytest.raises(SetupError, match=says):
        place(other, tmp_path, "trial-north", replace=False)
    assert (tmp_path / "trial-north" / "circle.json").read_bytes() == b"{}\n"
    done, digest, archive = place(other, tmp_path, "trial-north", replace=True)
    assert done.startswith("replaced: changed SHA256SUMS, circle.json")
    assert digest != first[1]
    assert archive.read_bytes() == pack(other, "trial-north")
    assert not (tmp_path / "trial-north" / "task" / "own.py").exists()
    assert (tmp_path / "trial-north" / "notes.txt").read_text() == "mine\n"


def test_a_kit_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    broken = Kit("north", {"circle.json": b"{}", "circle.json/below": b""})
    with pytest.raises(FileExistsError):
        place(broken, tmp_path, "trial-north", replace=False)
    assert list(tmp_path.iterdir()) == []


def test_sums_that_name_files_elsewhere_have_nothing_removed_there(tmp_path: Path) -> None:
    place(make(), tmp_path / "kits", "trial-north", replace=False)
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("kept")
    with (tmp_path / "kits/trial-north/SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../../precious\n{'0' * 64}  {elsewhere}\n")
    place(make(check=b"#!/bin/sh\nexit 1\n"), tmp_path / "kits", "trial-north", replace=True)
    assert elsewhere.read_text() == "kept"


def test_no_key_gets_into_a_kit(tmp_path: Path) -> None:
    new_key(tmp_path / "key.json", "password", cost=1 << 4)
    secrets = {
        "keystore": (tmp_path / "key.json").read_bytes(),
        "bare": b"0x" + b"ab" * 32 + b"\n",
        "pem": b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n",
    }
    for name, data in secrets.items():
        with pytest.raises(UsageError, match=f"{name} of the kit of north looks like a key"):
            make(**{name: data}).check()
    make().check()
