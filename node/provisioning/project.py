"""The project file: whom a circle is for and what each of them is given. TOML, written by whoever coordinates."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from ledger.errors import UsageError
from ledger.files import opened_regular
from node.operating.wording import find_meant

PROJECT_MAX_BYTES: Final = 1 << 20
MEMBERS_MAX: Final = 256
_NAME: Final = re.compile("[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_HOST_MAX: Final = 200
_IMAGE: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")
_VARIABLE: Final = re.compile("[A-Z][A-Z0-9_]{0,63}")
# What the shell, the loader, Python, its libraries or this program goes by: a kit would empty it or bend it.
_TAKEN: Final = re.compile(
    "PATH|HOME|SHELL|IFS|ENV|BASH_ENV|PS4|(LD_|DYLD_|PYTHON|NUMBA_|OMP_)[A-Z0-9_]*|FOLKMOOT(_RPC|_LIFELINE)?"
)
_UNKNOWN: Final = re.compile("Object contains unknown field `(?P<name>[^`]{1,200})`(?: - at `(?P<place>[^`]+)`)?")
_ROLES: Final = ("peer", "auditor")

Value = str | int | float | bool | list[str]
"""Of an option of a command, as TOML has it."""


class Invitations(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """Who signs them, and for how long they hold."""

    keystore: Path
    """The inviter's, encrypted."""
    password_file: Path | None = None
    """First line: its password; typed where none is named."""
    expires: str = "30d"
    """From the day on which an invitation is made."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """One of those that get a kit."""

    name: str
    """Of its kit: small letters, digits and dashes."""
    role: str = "peer"
    """`peer` has a seat; `auditor` reads only."""
    address: str = ""
    """Of the key that the member's node uses."""
    cold: str = ""
    """Of the key that may give up the seat and change its keys; the same as `address` where it is empty."""
    host: str = ""
    """What others call: a name or an IP address."""
    listen: str = ""
    """The address of the machine itself that is listened on; every one, where it is empty."""
    gossip_port: int = 7001
    """Open to the other members."""
    gateway_port: int = 7002
    """The same."""
    rpc: tuple[str, ...] = ()
    """This member's own endpoints, in place of the project's."""
    node: dict[str, Value] = msgspec.field(default_factory=dict)
    """Further options of its `folkmoot node`."""


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """One file. Paths are seen from the folder that the file is in, unless they are absolute."""

    name: str
    """Of the circle among people; kits and services are called by it."""
    members: tuple[Member, ...]
    """Who gets a kit, in the order of the file."""
    circle: Path = Path("circle.json")
    """What `folkmoot deploy` writes."""
    kits: Path = Path("kits")
    """The folder to write them to."""
    rpc: tuple[str, ...] = ()
    """The chain's endpoints for all members; none where each names its own in FOLKMOOT_RPC."""
    task: str = ""
    """FILE.py:CLASS where it is not built in; or a built-in one's name, for `folkmoot deploy`."""
    task_files: tuple[Path, ...] = ()
    """What the task's file needs beside itself."""
    frozen: Path | None = None
    """A safetensors file with the frozen part of the model."""
    image: str = "folkmoot:latest"
    """The container image that the compose files name."""
    deploy: dict[str, Value] = msgspec.field(default_factory=dict)
    """Options of `folkmoot deploy`, for a circle that is still to be deployed."""
    node: dict[str, Value] = msgspec.field(default_factory=dict)
    """Options of every member's `folkmoot node`."""
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    """Variables that a member has to set, e.g. where its table lies: name → what to write there."""
    invitations: Invitations | None = None
    """None for a circle that anyone may join."""

    @property
    def peers(self) -> tuple[Member, ...]:
        """Those who are to have a seat."""
        return tuple(member for member in self.members if member.role == "peer")

    def endpoints_of(self, member: Member) -> tuple[str, ...]:
        """The chain's, for one member."""
        return member.rpc or self.rpc

    def options_of(self, member: Member) -> dict[str, Value]:
        """Further ones of its node: the project's, then its own."""
        return {**self.node, **member.node}


def read_project(path: Path) -> Project:
    """Read, check, and see all paths from the file's folder. Raises UsageError."""
    try:
        with opened_regular(path) as file:
            raw = file.read(PROJECT_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): `folkmoot provision --new-project {path}` writes an example"
        ) from error
    if len(raw) > PROJECT_MAX_BYTES:
        raise UsageError(f"{path} has more than {PROJECT_MAX_BYTES} bytes: it is no project file")
    try:
        # Some editors begin a file with a mark of their own.
        raw = raw.removeprefix(codecs.BOM_UTF8)
        project = msgspec.toml.decode(raw, type=Project, dec_hook=lambda kind, value: kind(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no project file: {error}{_guess_meant(str(error))}") from error
    return _in_folder(_check(project, path), path.absolute().parent)


def _in_folder(project: Project, folder: Path) -> Project:
    file, colon, class_name = project.task.rpartition(":")
    invitations = project.invitations
    if invitations is not None:
        password = invitations.password_file
        invitations = msgspec.structs.replace(
            invitations,
            keystore=folder / invitations.keystore,
            password_file=password and folder / password,
        )
    return msgspec.structs.replace(
        project,
        circle=folder / project.circle,
        kits=folder / project.kits,
        task=f"{folder / file}:{class_name}" if colon else project.task,
        task_files=tuple(folder / one for one in project.task_files),
        frozen=project.frozen and folder / project.frozen,
        invitations=invitations,
    )


def _guess_meant(said: str) -> str:
    """The nearest name that may stand there, for a field that there is none of; empty for other mistakes."""
    found = _UNKNOWN.match(said)
    if found is None:
        return ""
    place = found["place"] or ""
    table = Member if place.startswith("$.members") else Invitations if place == "$.invitations" else Project
    names = [field.encode_name for field in msgspec.structs.fields(table)]
    meant = find_meant(found["name"], names)
    return f": is {meant} meant?" if meant else f": what may stand there is {', '.join(names)}"


def _check(project: Project, path: Path) -> Project:
    """The same with checksummed addresses. Raises UsageError."""
    for text in _list_texts(msgspec.to_builtins(project, enc_hook=str)):
        # A line break would begin a line of its own in node.env, which is run, or in compose.yaml.
        if not text.isprintable():
            raise UsageError(f"{path}: {text[:60]!r} has a line break or another invisible character: take it out")
    _check_name(path, "name ", project.name)
    if not _IMAGE.fullmatch(project.image):
        raise UsageError(f"{path}: image {project.image[:60]!r} is no container image: give e.g. folkmoot:latest")
    if not project.peers:
        raise UsageError(f"{path} names no member with the role `peer`: nobody would have a seat")
    if len(project.members) > MEMBERS_MAX:
        raise UsageError(
            f"{path} names {len(project.members)} members, and a circle has at most {MEMBERS_MAX} seats"
        )
    for variable in project.environment:
        if not _VARIABLE.fullmatch(variable):
            raise UsageError(f"{path}: environment: {variable[:60]!r} is no variable: give capitals, digits and _")
        if _TAKEN.fullmatch(variable):
            raise UsageError(
                f"{path}: environment: {variable} has a meaning of its own for a kit's programs: choose another"
            )
    members = tuple(_check_member(path, project, member) for member in project.members)
    for what in ("name", "address"):
        _check_once(path, what, [getattr(member, what) for member in members if getattr(member, what)])
    _check_once(
        path,
        "place",
        [f"{one.host}:{port}" for one in project.peers for port in (one.gossip_port, one.gateway_port)],
    )
    return msgspec.structs.replace(project, members=members)


def _check_member(path: Path, project: Project, member: Member) -> Member:
    _check_name(path, "members: name ", member.name)
    where = f"{path}: member {member.name}"
    if member.role not in _ROLES:
        raise UsageError(f"{where}: role {member.role[:20]!r} is none of {', '.join(_ROLES)}")
    if member.role == "auditor":
        if member.address or member.host:
            raise UsageError(f"{where}: an auditor reads only, and needs neither address nor host")
        return member
    if not member.address:
        raise UsageError(
            f"{where} has no address: have it run `folkmoot keys new peer.json` and send you the line that prints"
        )
    address = _check_address(where, "address", member.address)
    cold = _check_address(where, "cold", member.cold) if member.cold else ""
    # Before the host, which is tried together with them.
    for port in (member.gossip_port, member.gateway_port):
        if not 1 <= port <= 65535:
            raise UsageError(f"{where}: port {port} is not in 1..65535")
    _check_host(where, member)
    if any(not url for url in project.endpoints_of(member)):
        raise UsageError(f"{where}: an endpoint in rpc is empty")
    return msgspec.structs.replace(member, address=address, cold=cold)


def _list_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *_list_texts(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _list_texts(one)


def check_service_name(name: str) -> None:
    """Raises UsageError."""
    _check_name("--name", "", name)


def _check_name(where: Path | str, what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{where}: {what}{name[:40]!r} names folders and services: give small letters, digits and dashes, at "
            "most 40"
        )


def _check_address(where: str, what: str, text: str) -> str:
    if not is_hex_address(text) or not text.lower().startswith("0x"):
        raise UsageError(f"{where}: {what} {text[:60]!r} is no address: give 0x and 40 hex digits")
    digits = text[2:]
    # Capitals are the address's check digits; who writes them all alike has none.
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(text):
        raise UsageError(f"{where}: {what} {text} is mistyped (its capitals do not fit): copy it again")
    if int(digits, 16) == 0:
        raise UsageError(f"{where}: {what} is zero, which is nobody's")
    return str(to_checksum_address(text))


def _check_host(where: str, member: Member) -> None:
    from ledger.identity.endpoints import Endpoint, MalformedEndpoint

    try:
        if len(member.host) > _HOST_MAX:
            raise MalformedEndpoint("too long")
        Endpoint.at(member.host, member.gossip_port, member.gateway_port)
    except MalformedEndpoint as error:
        raise UsageError(
            f"{where}: host {member.host[:80]!r} is no host that others can call: give a name, or an IPv4 or IPv6 "
            "address without brackets"
        ) from error
    if member.host in ("0.0.0.0", "::"):  # noqa: S104
        raise UsageError(f"{where}: host {member.host} names no machine: give what others are to call")
    if member.gossip_port == member.gateway_port:
        raise UsageError(f"{where}: gossip-port and gateway-port are both {member.gossip_port}: choose two")


def _check_once(path: Path, what: str, values: list[str]) -> None:
    seen: dict[str, None] = {}
    for value in values:
        if value in seen:
            raise UsageError(f"{path}: two members have the {what} {value}: give each its own")
        seen[value] = None
