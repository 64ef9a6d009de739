"""`folkmoot provision`: one kit a member, from one project file; no key is ever in one."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.options import Subparsers, add_json, add_rpc, choose_rpc_urls, print_json
from node.operating.printing import caution, say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("provision", help="write a kit for each member of a circle", description=__doc__)
    parser.add_argument("project", type=Path, nargs="?", metavar="FILE", help="the project file, TOML")
    parser.add_argument(
        "--new-project", type=Path, metavar="FILE", help="write an example to fill in, with comments"
    )
    parser.add_argument(
        "--service-files",
        type=Path,
        metavar="FOLDER",
        help="write systemd unit, compose file and Containerfile for a node that got no kit",
    )
    parser.add_argument("--name", default="node", help="of the service, for --service-files (default node)")
    parser.add_argument("--replace", action="store_true", help="write kits anew that would be others now")
    add_rpc(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write kits, or say what has to be done before."""
    asked = [options.project, options.new_project, options.service_files]
    if sum(one is not None for one in asked) != 1:
        raise UsageError(
            "name a project file, or give --new-project FILE for one to fill in, or --service-files FOLDER"
        )
    if options.new_project is not None:
        return _write_example(options.new_project)
    if options.service_files is not None:
        return _write_service_files(options)
    from node.provisioning.project import read_project

    project = read_project(options.project)
    _check_tables(project)
    if not project.circle.exists():
        return _tell_how_to_deploy(options, project)
    return _provision(options, project)


def _write_example(path: Path) -> int:
    from ledger.files import PUBLIC, write_new
    from node.provisioning.templates import read_template

    try:
        write_new(path, read_template("project.toml").encode(), mode=PUBLIC)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already: choose another name") from error
    say(f"written  {path}: fill it in, then run `folkmoot provision {path}`")
    return 0


def _write_service_files(options: argparse.Namespace) -> int:
    from ledger.files import PUBLIC, write_new
    from node.provisioning.contents import make_service_files
    from node.provisioning.project import check_service_name

    check_service_name(options.name)
    files = make_service_files(options.name, "folkmoot:latest", 7001, 7002)
    options.service_files.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (options.service_files / name).exists():
            raise UsageError(f"{options.service_files / name} exists already: choose another folder")
    for name, data in files.items():
        (options.service_files / name).parent.mkdir(exist_ok=True)
        write_new(options.service_files / name, data, mode=PUBLIC)
        say(f"written  {options.service_files / name}")
    return 0


def _check_tables(project: Any) -> None:
    """The tables of options name options that there are. Raises UsageError."""
    from node.provisioning.deploying import check_options

    check_options("deploy", tuple(project.deploy), tuple(_list_options("deploy")))
    for options in (project.node, *(member.node for member in project.members)):
        check_options("node", tuple(options), tuple(_list_options("node")))


def _list_options(command: str) -> Mapping[str, argparse.Action]:
    """A command's options by their names."""
    from node.cli.config import ConfigurableParser, list_options
    from node.cli.main import load_command

    commands = argparse.ArgumentParser().add_subparsers(parser_class=ConfigurableParser)
    load_command(command).add_parser(commands)
    return list_options(commands.choices[command])


def _check_node_options(kit: Any) -> None:
    """What the kit's node.toml says is what a node takes. Raises UsageError."""
    from node.cli.config_file import ConfigFile

    if (data := kit.files.get("node.toml")) is not None:
        ConfigFile(Path(f"node.toml of the kit of {kit.member}"), data, 0).parse(_list_options("node"))


def _tell_how_to_deploy(options: argparse.Namespace, project: Any) -> int:
    import msgspec

    from node.provisioning.deploying import format_command, make_deploy_arguments, place_deploy_paths
    from node.seat.keys import address_of

    folder = options.project.absolute().parent
    paths = [name for name, option in _list_options("deploy").items() if option.type is Path]
    deploy = place_deploy_paths(project.deploy, folder, paths, _find_option_files(project))
    project = msgspec.structs.replace(project, deploy=deploy)
    inviter = None if project.invitations is None else address_of(project.invitations.keystore)
    command = format_command(make_deploy_arguments(project, inviter), Path.cwd())
    if options.json:
        print_json({"circle": None, "deploy": command, "peers": [one.address for one in project.peers], "kits": []})
        return 0
    say(f"project  {project.name}: {len(project.peers)} seats, and nothing is amiss with the file")
    say(f"next     {_seen_from_here(project.circle)} is not there yet: look at this command, run it, and then")
    say("         run the same as now again:")
    say(f"  {command}")
    return 0


def _find_option_files(project: Any) -> tuple[str, ...]:
    """The options of the project's task that name a file of the founder's. Raises UsageError."""
    from node.provisioning.task_files import read_task_files
    from node.tasks.built_in import BUILT_IN, OWN_DATA, find_built_in

    if project.task and project.task not in BUILT_IN:
        return read_task_files(project.task, project.task_files).option_files
    if project.task not in OWN_DATA:
        return ()
    return tuple(getattr(find_built_in(project.task), "option_files", ()))


def _seen_from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _provision(options: argparse.Namespace, project: Any) -> int:
    from node.provisioning.contents import make_kit, name_folder
    from node.provisioning.kit import place

    opened = _open(options, project)
    given = _gather(project, opened)
    invite = _Inviting(project, opened)
    # All are made before the first is written.
    kits = [(member, make_kit(given, member, *invite.find(member))) for member in project.members]
    for _, kit in kits:
        _check_node_options(kit)
    seats = {member.name: opened.history.seat_of(member.address) for member in project.peers}
    rows = []
    if not options.json:
        say(f"circle   {given.file.contract} on chain {given.file.chain_id}: {invite.describe()}")
        if given.task is not None:
            say(f"task     {given.task.name}:{given.task.class_name}, sha256 {given.task.sha256}")
        if given.genesis is None:
            caution(
                f"no first weights lie beside {project.circle.name}: kits are without, and nodes ask each other"
            )
    for member, kit in kits:
        folder = name_folder(project, member)
        done, digest, archive = place(kit, project.kits, folder, replace=options.replace)
        rows.append({"member": member.name, "done": done, "archive": str(archive), "sha256": digest})
        if not options.json:
            seat = seats.get(member.name)
            say(f"kit      {folder}: {done}{'' if seat is None else f'; it has seat {seat}'}")
            say(f"         {archive.name} sha256 {digest}")
    if options.json:
        print_json({"circle": given.file.contract, "deploy": None, "kits": rows})
        return 0
    say(f"next     send each member its .tar out of {_seen_from_here(project.kits)}, and tell it the sha256 by")
    say("         another way; each puts its peer.json and password in, runs ./check, and starts its node")
    return 0


def _open(options: argparse.Namespace, project: Any) -> Any:
    from node.cli.opened import open_named

    options.rpc = choose_rpc_urls(options) or list(project.rpc) or None
    options.circle = project.circle
    return open_named(options)


def _gather(project: Any, opened: Any) -> Any:
    from node.provisioning.contents import Given
    from node.provisioning.first_weights import read_first_weights
    from node.provisioning.task_files import read_task_files
    from node.tasks.built_in import BUILT_IN, OWN_DATA

    manifest = opened.history.manifest
    task = None
    if manifest.task in BUILT_IN:
        if project.task not in ("", "auto", manifest.task):
            raise UsageError(f"the circle trains {manifest.task}, and the project's task is {project.task}")
    else:
        if project.task.rpartition(":")[2] != manifest.task or ":" not in project.task:
            raise UsageError(
                f"the circle trains {manifest.task}: name its file in the project, FILE.py:{manifest.task}"
            )
        task = read_task_files(project.task, project.task_files)
    if project.frozen is not None and not manifest.frozen:
        raise UsageError("the project names a file in `frozen`, and this circle's model has no frozen part")
    if (peers := len(project.peers)) < opened.circle.terms.start_seats:
        caution(f"round 1 begins with {opened.circle.terms.start_seats} seats, and {peers} members are to have one")
    return Given(
        project=project,
        file=opened.file,
        circle_json=project.circle.read_bytes(),
        genesis=read_first_weights(project.circle, manifest),
        task_name=manifest.task,
        task=task,
        takes_data=manifest.task in OWN_DATA if task is None else task.takes_data,
        frozen=_read_frozen(project.frozen),
    )


def _read_frozen(path: Path | None) -> bytes | None:
    from ledger.files import opened_regular
    from node.provisioning.kit import KIT_MAX_BYTES

    if path is None:
        return None
    with opened_regular(path) as file:
        data = file.read(KIT_MAX_BYTES + 1)
    if len(data) > KIT_MAX_BYTES:
        raise UsageError(
            f"{path} has more than {KIT_MAX_BYTES >> 20} MiB: leave `frozen` out, send the file by another way, "
            "and have each member name it in its node.toml"
        )
    return data


class _Inviting:
    """Invitations of one project: those that are there, and new ones where they are needed."""

    def __init__(self, project: Any, opened: Any) -> None:
        from ledger.chain.deployment.terms import Admission

        self._project, self._opened = project, opened
        self._key: bytes | None = None
        self._is_open = opened.circle.immutables["ADMISSION"] == Admission.OPEN
        if self._is_open and project.invitations is not None:
            raise UsageError(
                "this circle is open to whoever posts its bond: leave `invitations` out of the project"
            )

    def describe(self) -> str:
        """Who may join, and how many have."""
        seats, start = len(self._opened.history.seats), self._opened.circle.terms.start_seats
        who = "anyone may join" if self._is_open else "by invitation"
        return f"{who}, {seats} of {start} seats are taken"

    def find(self, member: Any) -> tuple[Any, bytes]:
        """The member's invitation and its bytes; (None, b"") where it needs none. Raises UsageError, SetupError."""
        from node.seat.invitations import Invitation

        if self._is_open or member.role != "peer":
            return None, b""
        path = self._project.kits / f"{self._project.name}-{member.name}" / "invitation.json"
        found = Invitation.read(path) if path.exists() else None
        if self._opened.history.seat_of(member.address) is not None:
            return (found, path.read_bytes()) if found is not None else (None, b"")
        if found is not None and self._is_good(found, member.address):
            return found, path.read_bytes()
        return self._sign(member.address)

    def _is_good(self, invitation: Any, address: str) -> bool:
        from node.cli.invite import check_may_invite
        from node.seat.invitations import check_invitation

        try:
            check_invitation(invitation, self._opened.circle.network, address, time.time())
            check_may_invite(self._opened, invitation.inviter)
        except SetupError:
            return False
        return True

    def _sign(self, address: str) -> tuple[Any, bytes]:
        from ledger.chain.deployment.circle_file import format_json
        from node.cli.invite import check_may_invite, parse_expiry
        from node.seat.accounts import open_secret_key
        from node.seat.invitations import check_invitation, invite
        from node.seat.keys import address_of

        wanted = self._project.invitations
        if wanted is None:
            raise UsageError(
                "this circle takes only who is invited: give the project a table [invitations] with a keystore"
            )
        inviter = address_of(wanted.keystore)
        check_may_invite(self._opened, inviter)
        now_s = int(time.time())
        expiry_s = now_s + parse_expiry(wanted.expires, "invitations: expires")
        if self._key is None:
            self._key = open_secret_key(wanted.keystore, wanted.password_file)
        invitation = invite(self._opened.circle.network, self._key, inviter, address, expiry_s)
        check_invitation(invitation, self._opened.circle.network, address, now_s)
        return invitation, format_json(invitation)
