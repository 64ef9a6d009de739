"""What stands in kits: options that a node takes, a service that systemd takes, and every value in its place."""

import argparse
import dataclasses
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ledger.chain.deployment.circle_file import CircleFile
from ledger.errors import UsageError
from node.cli.config import ConfigurableParser
from node.cli.main import load_command
from node.provisioning.contents import Given, make_kit, make_service_files
from node.provisioning.kit import Kit
from node.provisioning.project import Member, Project
from node.provisioning.task_files import TaskFiles
from node.seat.invitations import Invitation

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "monitoring"
ADDRESS, CIRCLE = "0x5FbDB2315678afecb367f032d93F642f64180aa3", "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
NORTH = Member(name="north", address=ADDRESS, host="node.north.example", node={"seat": 0})
NORTH_WITH_DATA = msgspec.structs.replace(NORTH, node={"data": "ours.csv"})
INVITED = Invitation(
    chain_id=1, contract=CIRCLE, peer=ADDRESS, nonce="1", expiry_s=2_000_000_000, inviter=ADDRESS, signature="0x"
)
FILE = CircleFile(
    chain_id=1, contract=CIRCLE, block=1, transaction="0x", code_hash="0x", task="0x", terms={}, rpc=None
)
TASK = TaskFiles("own.py", "Own", {"task/own.py": b"class Own: ...\n"})


def make(member: Member = NORTH, invitation: Invitation | None = INVITED, **fields: Any) -> Kit:
    project = Project(name="trial", members=(member,), rpc=("http://chain.example:1/a'key",))
    given = Given(
        project=msgspec.structs.replace(project, **fields.pop("project", {})),
        file=FILE,
        circle_json=b"{}",
        genesis=b"\0",
        task_name="digits",
        task=None,
        takes_data=False,
        frozen=None,
    )
    return make_kit(dataclasses.replace(given, **fields), member, invitation, b"{}")


def text_of(kit: Kit, name: str) -> str:
    return kit.files[name].decode()


def test_a_node_is_told_all_that_it_needs() -> None:
    told = tomllib.loads(text_of(make(), "node.toml"))
    assert told == {
        "circle": "circle.json",
        "keystore": "peer.json",
        "password-file": "password",
        "folder": "data",
        "rpc": ["http://chain.example:1/a'key"],
        "invitation": "invitation.json",
        "host": "0.0.0.0",
        "advertise": "node.north.example",
        "gossip-port": 7001,
        "gateway-port": 7002,
        "wait-for-chain": 86400,
        "seat": 0,
    }
    frozen = make(task=TASK, frozen=b"\1", project={"frozen": Path("/far/weights.safetensors"), "rpc": ()})
    more = tomllib.loads(text_of(frozen, "node.toml"))
    assert (more["task"], more["frozen"]) == ("task/own.py:Own", "weights.safetensors")
    assert "rpc" not in more
    assert {"task/own.py", "weights.safetensors"} <= set(frozen.files)


def test_a_member_is_asked_for_what_its_node_trains_on_where_the_task_takes_it() -> None:
    asked, named = make(takes_data=True), make(NORTH_WITH_DATA, takes_data=True)
    assert '\n# data = "PATH"' in text_of(asked, "node.toml")
    assert "the line `data`" in text_of(asked, "README.md")
    assert tomllib.loads(text_of(asked, "node.toml").replace("# data", "data"))["data"] == "PATH"
    assert tomllib.loads(text_of(named, "node.toml"))["data"] == "ours.csv"
    for kit in (named, make()):
        assert "# data" not in text_of(kit, "node.toml")
        assert "the line `data`" not in text_of(kit, "README.md")


@pytest.mark.parametrize(
    ("host", "listen", "listens"),
    [
        ("north.example", "", "0.0.0.0"),
        ("2001:db8::1", "", "::"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("localhost", "", "localhost"),
        ("north.example", "10.0.0.7", "10.0.0.7"),
    ],
)
def test_a_node_listens_where_the_others_come_from(host: str, listen: str, listens: str) -> None:
    member = msgspec.structs.replace(NORTH, host=host, listen=listen)
    assert tomllib.loads(text_of(make(member), "node.toml"))["host"] == listens


def test_what_a_member_needs_not_is_not_in_its_kit() -> None:
    open_circle, auditor = make(invitation=None), make(Member(name="court", role="auditor"), None)
    assert "invitation.json" not in open_circle.files
    assert "invitation" not in tomllib.loads(text_of(open_circle, "node.toml"))
    assert set(auditor.files) == {"circle.json", "names.toml", "check", "node.env", "README.md", "SHA256SUMS"}
    assert "peer.json" not in text_of(auditor, "check")


def test_every_value_is_in_its_place() -> None:
    kits = [make(), make(task=TASK), make(Member(name="court", role="auditor"), None), make(invitation=None)]
    for kit in kits:
        for name, data in kit.files.items():
            assert not re.search(rb"@[A-Z_]+@|^@(if|end)", data, re.MULTILINE), name
    variables = make(project={"environment": {"TABLE": "the path of your table"}, "rpc": ()})
    assert "# the path of your table\nTABLE=\n" in text_of(variables, "node.env")
    assert "for variable in TABLE FOLKMOOT_RPC; do" in text_of(variables, "check")
    reads = make(
        Member(name="court", role="auditor"), None, project={"environment": {"TABLE": "a path"}, "rpc": ()}
    )
    assert "for variable in FOLKMOOT_RPC; do" in text_of(reads, "check")


def test_the_check_is_a_script_that_a_plain_shell_takes() -> None:
    for kit in (make(), make(Member(name="court", role="auditor"), None), make(project={"rpc": ()})):
        subprocess.run(["sh", "-n"], input=kit.files["check"], check=True)


def test_the_compose_file_runs_a_node_closed_and_asks_whether_it_lives() -> None:
    kit = make(project={"image": "ours:7"})
    compose = yaml.safe_load(text_of(kit, "compose.yaml"))
    node = compose["services"]["node"]
    assert (node["image"], node["env_file"]) == ("ours:7", ["node.env"])
    assert node["ports"] == ["7001:7001", "7002:7002"]
    assert node["volumes"] == [".:/kit:ro", "./data:/kit/data"]
    assert (node["read_only"], node["cap_drop"]) == (True, ["ALL"])
    assert node["security_opt"] == ["no-new-privileges:true"]
    assert node["restart"] == "on-failure:10"
    assert node["command"][-2:] == ["--metrics", "0.0.0.0:9464"]
    asks, program = node["healthcheck"]["test"][:3], node["healthcheck"]["test"][3]
    assert asks == ["CMD", "python", "-c"]
    assert "http://127.0.0.1:9464/livez" in program
    compile(program, "healthcheck", "exec")
    options = argparse.ArgumentParser().add_subparsers(parser_class=ConfigurableParser)
    load_command("node").add_parser(options)
    assert {"--metrics", "--config"} <= set(options.choices["node"]._option_string_actions)


def test_figures_beside_a_container_are_asked_for_where_it_serves_them() -> None:
    kit = make()
    services = yaml.safe_load(text_of(kit, "compose.yaml"))["services"]
    watchers = {name: one for name, one in services.items() if name != "node"}
    assert set(watchers) == {"prometheus", "grafana"}
    for one in watchers.values():
        assert one["profiles"] == ["monitoring"]
        assert one["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", ()))
        named = [volume.split(":")[0].removeprefix("./") for volume in one["volumes"] if volume.startswith("./")]
        assert all(name in kit.files or any(file.startswith(f"{name}/") for file in kit.files) for name in named)
    asked = yaml.safe_load(text_of(kit, "monitoring/prometheus.yml"))
    assert asked["scrape_configs"][0]["static_configs"] == [{"targets": ["node:9464"]}]
    assert all(f"monitoring/{name}" in kit.files for name in asked["rule_files"])
    source = yaml.safe_load(text_of(kit, "monitoring/datasource.yml"))["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    boards = yaml.safe_load(text_of(kit, "monitoring/dashboards.yml"))["providers"][0]["options"]["path"]
    assert any(f":{boards}/" in volume for volume in services["grafana"]["volumes"])
    for name in ("grafana.json", "alerts.yml"):
        assert (GUIDE / name).read_bytes() == kit.files[f"monitoring/{name}"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    data = make_service_files("trial", "folkmoot", 7001, 7002)["folkmoot-trial.service"]
    program = "ExecStart=/bin/true "
    unit = tmp_path / "folkmoot-trial.service"
    unit.write_bytes(data.replace(b"ExecStart=/opt/folkmoot/bin/folkmoot ", program.encode()))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], check=False, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert rated.returncode == 0, rated.stdout


@pytest.mark.parametrize("name", ["circle.json", "node.toml", "check", "SHA256SUMS", "peer.json", "password"])
def test_no_frozen_file_takes_the_place_of_another(name: str) -> None:
    with pytest.raises(UsageError, match="has another place in a kit"):
        make(project={"frozen": Path(name)}, frozen=b"frozen")


@pytest.mark.parametrize("name", ["x" * 150, "two\nlines", "back\\slash"])
def test_names_that_no_archive_or_list_of_sums_has_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="give it another name"):
        make(task=TaskFiles("own.py", "Own", {**TASK.files, f"task/{name}": b""}))
