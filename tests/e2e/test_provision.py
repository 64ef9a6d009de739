"""From addresses to kits, as a coordinator goes, and what changes when it runs the command again."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.cli.main import main
from node.seat.invitations import Invitation
from node.seat.keys import address_of
from tests.support.network.local_run import WarmNetwork
from tests.support.seat_commands import Scene

TASK = """
import torch


class Trial:
    def __init__(self, samples: int = 20, seed: int = 0) -> None: ...

    def model(self) -> torch.nn.Module:
        return torch.nn.Linear(3, 2)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(20, 3), torch.arange(20) % 2
"""


@dataclass(frozen=True)
class Project:
    """A folder of a coordinator, and a chain."""

    scene: Scene
    file: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def kits(self) -> Path:
        return self.file.parent / "kits"

    def run(self, *options: str, status: int = 0) -> str:
        """What a run printed, or the sentence that it was refused with."""
        self.capsys.readouterr()
        ended = main(["provision", str(self.file), *options])
        said = self.capsys.readouterr()
        assert ended == status, said.err
        return str(said.out if status == 0 else said.err)

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def read_kits(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.kits)): path.read_bytes() for path in self.kits.rglob("*") if path.is_file()
        }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A chain, the coordinator's key and two members'."""
    with WarmNetwork(tmp_path_factory.mktemp("provision") / "run") as network:
        network.start_chain()
        made = Scene(network)
        made.add_keys("inviter", "north", "south")
        yield made


@pytest.fixture
def project(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project whose circle is deployed once for all tests here, by the command that `provision` prints."""
    shutil.copy(scene.key("inviter"), tmp_path / "inviter.json")
    (tmp_path / "own.py").write_text(TASK)
    members = "".join(
        f'[[members]]\nname = "{name}"\naddress = "{scene.addresses[name]}"\nhost = "127.0.0.1"\n'
        f"gossip-port = {port}\ngateway-port = {port + 1}\n"
        for name, port in (("north", 7001), ("south", 7003))
    )
    (tmp_path / "project.toml").write_text(
        f'name = "trial"\ntask = "own.py:Trial"\nrpc = ["{scene.network.rpc}"]\n'
        f'[invitations]\nkeystore = "inviter.json"\npassword-file = "{scene.network.password_file}"\n'
        f'[deploy]\nsamples = 20\nrounds = 2\ndegree = 1\n{members}[[members]]\nname = "court"\nrole = "auditor"\n'
    )
    found = Project(scene, tmp_path / "project.toml", capsys)
    deployed = scene.network.folder / "deployed"
    if not deployed.exists():
        command = next(line for line in found.run().splitlines() if line.startswith("  folkmoot deploy "))
        assert main(shlex.split(command)[1:]) == 0
        deployed.mkdir()
        for name in ("circle.json", "circle.genesis"):
            shutil.copy(tmp_path / name, deployed)
    for name in ("circle.json", "circle.genesis"):
        shutil.copy(deployed / name, tmp_path)
    return found


def test_each_member_gets_a_kit_that_is_right_and_holds_no_key(project: Project) -> None:
    said = project.run()
    assert "by invitation, 0 of 2 seats are taken" in said
    north = project.kits / "trial-north"
    invitation = Invitation.read(north / "invitation.json")
    assert invitation.peer == project.scene.addresses["north"]
    assert invitation.inviter == project.scene.addresses["inviter"]
    assert (north / "task" / "own.py").read_text() == TASK
    assert (north / "circle.genesis").read_bytes() == (project.file.parent / "circle.genesis").read_bytes()
    secret = project.scene.secret("inviter").hex()
    password = project.scene.network.password_file.read_text().strip()
    for name, data in project.read_kits().items():
        assert b"ciphertext" not in data, name
        assert secret.encode() not in data
        assert password.encode() not in data
    with tarfile.open(project.kits / "trial-court.tar") as archive:
        assert "trial-court/circle.json" in archive.getnames()


def test_run_again_it_changes_nothing_and_says_what_it_would_change(project: Project) -> None:
    project.run()
    before = project.read_kits()
    rows = json.loads(project.run("--json"))["kits"]
    assert {row["done"] for row in rows} == {"unchanged"}
    # With its invitations made, it needs no key.
    (project.file.parent / "inviter.json").unlink()
    project.run()
    assert project.read_kits() == before
    project.change("gossip-port = 7003", "gossip-port = 7005")
    said = project.run(status=3)
    assert "trial-south is there and would be another kit now (changed README.md" in said
    assert project.read_kits() == before
    said = project.run("--replace")
    assert "kit      trial-north: unchanged" in said
    assert "kit      trial-south: replaced: changed README.md" in said
    assert project.read_kits()["trial-south/invitation.json"] == before["trial-south/invitation.json"]


def test_an_invitation_that_holds_no_more_is_made_anew(project: Project) -> None:
    project.run()
    path = project.kits / "trial-north" / "invitation.json"
    text = path.read_text()
    path.write_text(text.replace('"nonce": "', '"nonce": "1'))
    # The page in the kit tells until which minute the invitation holds.
    wanted = r"trial-north is there and would be another kit now \(changed (README.md, )?SHA256SUMS, "
    assert re.search(wanted, project.run(status=3))
    project.run("--replace")
    assert path.read_text() not in (text, text.replace('"nonce": "', '"nonce": "1'))
    assert Invitation.read(path).peer == project.scene.addresses["north"]


@pytest.mark.parametrize(
    ("old", "new", "status", "said"),
    [
        ("own.py:Trial", "own.py:Other", 2, "the circle trains Trial: name its file in the project, FILE.py:Trial"),
        ('keystore = "inviter.json"', 'keystore = "none.json"', 3, "none.json cannot be read"),
        ("rounds = 2", "roundz = 2", 2, "deploy: there is no option 'roundz': is rounds meant?"),
        ("[deploy]", "[node]\nkestore = 1\n[deploy]", 2, "node: there is no option 'kestore': is keystore meant?"),
        ("[deploy]", '[node]\nconfirmations = "x"\n[deploy]', 2, "confirmations is a whole number, not 'x'"),
        ("[deploy]", 'expires = "never"\n[deploy]', 2, "invitations: expires 'never' is no time"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    project: Project, old: str, new: str, status: int, said: str
) -> None:
    project.change(old, new)
    told = project.run(status=status)
    assert said in told
    assert len(told.splitlines()) == 1
    assert not project.kits.exists()


def test_a_kits_check_says_what_is_missing_and_then_that_it_is_ready(project: Project) -> None:
    project.run()
    north = project.kits / "trial-north"
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}

    def check() -> "subprocess.CompletedProcess[str]":
        return subprocess.run([north / "check"], check=False, capture_output=True, text=True, env=environment)

    lacking = check()
    assert lacking.returncode == 1
    assert re.search("^wrong   key: ", lacking.stdout, re.MULTILINE)
    shutil.copy(project.scene.key("south"), north / "peer.json")
    shutil.copy(project.scene.network.password_file, north / "password")
    assert f"wrong   peer.json: another key than {address_of(project.scene.key('north'))}" in check().stdout
    shutil.copy(project.scene.key("north"), north / "peer.json")
    ready = check()
    assert (ready.returncode, ready.stdout.splitlines()[-1]) == (0, "ready"), ready.stdout + ready.stderr


SCHEMA = """{"version": 1, "target": "died", "columns": [
  {"name": "age", "type": "number", "low": 20, "high": 100}, {"name": "died", "type": "yes-no"}]}"""


def test_members_with_tables_of_their_own_get_kits_whose_check_reads_them(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = project.file.parent
    for name in ("circle.json", "circle.genesis"):
        (folder / name).unlink()
    (folder / "schema.json").write_text(SCHEMA)
    project.change('task = "own.py:Trial"', 'task = "table"')
    project.change("[deploy]", '[node]\ndata = "ours.csv"\n[deploy]\noption = ["schema=schema.json", "hidden=4"]')
    # Whoever runs it elsewhere gets a command for there.
    monkeypatch.chdir(tmp_path.parent)
    command = next(line for line in project.run().splitlines() if line.startswith("  folkmoot deploy "))
    assert f"--option schema={folder.name}/schema.json --option hidden=4" in command
    assert main(shlex.split(command)[1:]) == 0
    project.run()
    north = project.kits / "trial-north"
    shutil.copy(project.scene.key("north"), north / "peer.json")
    shutil.copy(project.scene.network.password_file, north / "password")
    ours = north / "ours.csv"
    for head, status in (("Age", 3), ("age", 0)):
        ours.write_text(
            f"{head},died\n" + "".join(f"{30 + row},{'yes' if row % 3 else 'no'}\n" for row in range(60))
        )
        project.capsys.readouterr()
        assert main(["doctor", "--config", str(north / "node.toml"), "--json"]) == status
        found = json.loads(project.capsys.readouterr().out)["findings"]
        wrong = [one["saw"] for one in found if one["level"] == "wrong"]
        assert len(wrong) == (status != 0)
        assert all("has no column age, which the schema names" in one for one in wrong)


def test_service_files_are_written_where_none_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", "--service-files", str(tmp_path / "new"), "--name", "ward"]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "Containerfile",
        "compose.yaml",
        "folkmoot-ward.service",
        "monitoring",
    }
    assert main(["provision", "--service-files", str(tmp_path / "new"), "--name", "ward"]) == 2
    assert "exists already: choose another folder" in capsys.readouterr().err
    assert main(["provision"]) == 2
    assert main(["provision", "--service-files", str(tmp_path), "--name", "../up"]) == 2
