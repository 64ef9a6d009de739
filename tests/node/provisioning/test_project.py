"""A project file is read whole or refused in a sentence that says where it is wrong."""

import os
from pathlib import Path

import pytest

from ledger.errors import UsageError
from node.provisioning.project import PROJECT_MAX_BYTES, Project, read_project
from node.provisioning.templates import read_template

NORTH, SOUTH = "0x5FbDB2315678afecb367f032d93F642f64180aa3", "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
MEMBERS = f"""
[[members]]
name = "north"
address = "{NORTH}"
host = "node.north.example"

[[members]]
name = "south"
address = "{SOUTH.lower()}"
host = "2001:db8::7"
"""


def read(folder: Path, text: str) -> Project:
    path = folder / "project.toml"
    path.write_text(text)
    return read_project(path)


def refuse(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as refusal:
        read(folder, text)
    return str(refusal.value).removeprefix(str(folder / "project.toml"))


def test_paths_are_seen_from_the_files_folder_and_addresses_are_checksummed(tmp_path: Path) -> None:
    text = f'name = "trial"\ntask = "own/task.py:Mine"\n[invitations]\nkeystore = "key.json"\n{MEMBERS}'
    project = read(tmp_path, text)
    assert (project.circle, project.kits) == (tmp_path / "circle.json", tmp_path / "kits")
    assert project.task == f"{tmp_path}/own/task.py:Mine"
    assert project.invitations is not None
    assert project.invitations.keystore == tmp_path / "key.json"
    assert [member.address for member in project.members] == [NORTH, SOUTH]


def test_a_members_own_endpoints_and_options_count_more_than_the_projects(tmp_path: Path) -> None:
    text = 'name = "trial"\nrpc = ["http://all.example:1"]\n[node]\nconfirmations = 2\nseat = 1\n' + MEMBERS
    project = read(tmp_path, text + 'rpc = ["http://south.example:1"]\n[members.node]\nconfirmations = 3\n')
    north, south = project.members
    assert project.endpoints_of(north) == ("http://all.example:1",)
    assert project.endpoints_of(south) == ("http://south.example:1",)
    assert project.options_of(north) == {"confirmations": 2, "seat": 1}
    assert project.options_of(south) == {"confirmations": 3, "seat": 1}


def test_the_example_says_what_is_still_to_be_filled_in(tmp_path: Path) -> None:
    said = refuse(tmp_path, read_template("project.toml"))
    assert said == (
        ": member north has no address: have it run `folkmoot keys new peer.json` and send you the line that prints"
    )
    addresses = iter((NORTH, SOUTH, "0x" + "33" * 20))
    lines = read_template("project.toml").splitlines()
    filled = [f'address = "{next(addresses)}"' if line.startswith('address = ""') else line for line in lines]
    project = read(tmp_path, "\n".join(filled))
    assert [member.name for member in project.peers] == ["north", "south", "east"]
    assert [member.role for member in project.members][3:] == ["auditor"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "trial"', 'name = "../up"'), ": name '../up' names folders and services: give small letters"),
        (('name = "south"', 'name = "north"'), ": two members have the name north: give each its own"),
        ((SOUTH.lower(), NORTH), f": two members have the address {NORTH}: give each its own"),
        ((NORTH, NORTH.replace("F", "f", 1)), "is mistyped (its capitals do not fit): copy it again"),
        ((NORTH, "0x1234"), ": member north: address '0x1234' is no address: give 0x and 40 hex digits"),
        ((NORTH, "0x" + "0" * 40), ": member north: address is zero, which is nobody's"),
        (("node.north.example", "http://north"), ": member north: host 'http://north' is no host that others can"),
        (("node.north.example", "0.0.0.0"), ": member north: host 0.0.0.0 names no machine"),
        (("node.north.example", "2001:db8::7"), ": two members have the place 2001:db8::7:7001"),
        (('host = "node', 'gossip-port = 7002\nhost = "node'), "gossip-port and gateway-port are both 7002"),
        (('host = "node', 'gateway-port = 0\nhost = "node'), ": member north: port 0 is not in 1..65535"),
        (('host = "node', 'gateway-port = 70020\nhost = "node'), ": member north: port 70020 is not in 1..65535"),
        (('host = "node', 'gateway-prot = 7002\nhost = "node'), "`$.members[0]`: is gateway-port meant?"),
        (('name = "trial"', 'name = "trial"\nkit = "x"'), "unknown field `kit`: is kits meant?"),
        (
            ('name = "trial"', 'name = "trial"\n[invitations]\nkeystore = "k"\nzzz = 1'),
            ": what may stand there is keystore, password-file, expires",
        ),
        (('host = "node', 'role = "king"\nhost = "node'), ": member north: role 'king' is none of peer, auditor"),
        (('host = "node', 'role = "auditor"\nhost = "node'), "an auditor reads only, and needs neither address"),
        (('name = "trial"', 'name = "trial"\nkey = 1'), " is no project file: Object contains unknown field `key`"),
        (('name = "trial"', "name = trial"), " is no project file: "),
        (('name = "trial"', 'name = "trial"\n[environment]\n"a b" = ""'), ": environment: 'a b' is no variable"),
        (
            ('name = "trial"', 'name = "trial"\n[environment]\nPATH = ""'),
            ": environment: PATH has a meaning of its own",
        ),
        (
            ('name = "trial"', 'name = "trial"\n[environment]\nLD_PRELOAD = ""'),
            ": environment: LD_PRELOAD has a meaning",
        ),
        (
            ('name = "trial"', 'name = "trial"\n[environment]\nFOLKMOOT_RPC = ""'),
            "FOLKMOOT_RPC has a meaning of its own",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert said in refuse(tmp_path, ('name = "trial"\n' + MEMBERS).replace(*change))


def test_a_file_that_is_too_large_or_missing_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    assert "bytes: it is no project file" in refuse(tmp_path, "#" * (PROJECT_MAX_BYTES + 1))
    with pytest.raises(UsageError, match=r"`folkmoot provision --new-project .*none.toml` writes an example"):
        read_project(tmp_path / "none.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UsageError, match=r"cannot be read \(it is a pipe or a device, no file\)"):
        read_project(tmp_path / "pipe.toml")


@pytest.mark.parametrize(
    "field",
    [
        'circle = "a\\u0000b"',
        'image = "own:1\\nprivileged"',
        'rpc = ["http://chain.example\\r"]',
        '[environment]\nTABLE = """where it lies\ntouch stolen"""',
        '[node]\n"adver\\ntise" = "x"',
    ],
)
def test_no_text_begins_a_line_of_its_own_in_a_kits_files(tmp_path: Path, field: str) -> None:
    assert "has a line break or another invisible character" in refuse(
        tmp_path, f'name = "trial"\n{field}\n{MEMBERS}'
    )


def test_an_image_that_is_none_is_refused_and_an_editors_mark_is_not_seen(tmp_path: Path) -> None:
    assert "is no container image" in refuse(tmp_path, f'name = "trial"\nimage = "own: [1]"\n{MEMBERS}')
    assert read(tmp_path, f'\ufeffname = "trial"\n{MEMBERS}').name == "trial"


def test_a_variable_of_a_members_own_may_be_called_almost_anything(tmp_path: Path) -> None:
    names = ["HOSPITAL_TABLE", "FOLKMOOT_MNIST", "PATHOLOGY", "LDL_TABLE", "ENVOY"]
    project = read(
        tmp_path, 'name = "trial"\n[environment]\n' + "".join(f'{one} = "where"\n' for one in names) + MEMBERS
    )
    assert list(project.environment) == names
