"""What stands in the kits of one project's members."""

import shlex
from dataclasses import dataclass

from ledger.chain.deployment.circle_file import CircleFile
from ledger.errors import UsageError
from node.operating.figures import dump_toml
from node.operating.host_names import is_loopback
from node.provisioning.kit import SUMS, Kit, add_sums
from node.provisioning.project import Member, Project
from node.provisioning.task_files import TaskFiles
from node.provisioning.templates import fill, read_monitoring
from node.seat.invitations import Invitation

_NAMES_OF_OTHERS = frozenset(
    {SUMS, "circle.genesis", "invitation.json", "peer.json", "password", "data", "task", "monitoring"}
)
"""What else lies in a member's folder, sooner or later."""
_EVERY_IPV4, _EVERY = "0.0.0.0", "::"  # noqa: S104


@dataclass(frozen=True)
class Given:
    """What all kits of a project have in common."""

    project: Project
    """Whom they are for."""
    file: CircleFile
    """Which circle it is."""
    circle_json: bytes
    """The file's own bytes."""
    genesis: bytes | None
    """The first weights; None where they are not at hand, and come from another node."""
    task_name: str
    """As the circle has it."""
    task: TaskFiles | None
    """None for a built-in one."""
    takes_data: bool
    """Whether the task trains on what each member names with `data`."""
    frozen: bytes | None
    """What the project's `frozen` file holds."""


def make_kit(given: Given, member: Member, invitation: Invitation | None, invitation_json: bytes) -> Kit:
    """A member's kit. invitation: None where it needs none. Raises UsageError for what does not belong in a kit."""
    values = _list_values(given, member, invitation)
    files = {"circle.json": given.circle_json, "names.toml": _make_names(given.project).encode()}
    if given.task is not None:
        files |= given.task.files
    programs = {"check", "start"} if member.role == "peer" else {"check"}
    templates = {"check": "check", "node.env": "node.env"}
    if member.role == "auditor":
        templates["README.md"] = "README.auditor.md"
    else:
        templates |= {
            "README.md": "README.peer.md",
            "node.toml": "node.toml",
            "start": "start",
            f"folkmoot-{given.project.name}.service": "folkmoot.service",
            "compose.yaml": "compose.yaml",
            "Containerfile": "Containerfile",
        }
        files |= read_monitoring()
        if given.frozen is not None and given.project.frozen is not None:
            _check_frozen_name(given.project.frozen.name, {*files, *templates})
            files[given.project.frozen.name] = given.frozen
        if given.genesis is not None:
            files["circle.genesis"] = given.genesis
        if invitation is not None:
            files["invitation.json"] = invitation_json
    files |= {name: fill(template, values).encode() for name, template in templates.items()}
    kit = add_sums(Kit(member.name, files, frozenset(programs)))
    kit.check()
    return kit


def _check_frozen_name(name: str, taken: set[str]) -> None:
    """taken: names of other files. Raises UsageError."""
    if name in taken | _NAMES_OF_OTHERS:
        raise UsageError(f"frozen: a file called {name} has another place in a kit: give it another name")


def make_service_files(name: str, image: str, gossip_port: int, gateway_port: int) -> dict[str, bytes]:
    """Unit, compose file and what it names, for a node that no kit is for. name: of the service."""
    values = {
        "PROJECT": name,
        "IMAGE": image,
        "GOSSIP_PORT": str(gossip_port),
        "GATEWAY_PORT": str(gateway_port),
    }
    named = {f"folkmoot-{name}.service": "folkmoot.service", "compose.yaml": "compose.yaml"}
    named["Containerfile"] = "Containerfile"
    return {file: fill(template, values).encode() for file, template in named.items()} | read_monitoring()


def _list_values(given: Given, member: Member, invitation: Invitation | None) -> dict[str, str]:
    from node.operating.wording import format_time

    project, file = given.project, given.file
    endpoints = project.endpoints_of(member)
    task = given.task
    # Whoever only reads has no table.
    environment = project.environment if member.role == "peer" else {}
    variables = "".join(f"# {says}\n{name}=\n" for name, says in sorted(environment.items()))
    needed = [*sorted(environment), *([] if endpoints else ["FOLKMOOT_RPC"])]
    return {
        "PROJECT": project.name,
        "MEMBER": member.name,
        "PEER": "yes" if member.role == "peer" else "",
        "AUDITOR": "yes" if member.role == "auditor" else "",
        "ADDRESS": member.address,
        "CONTRACT": file.contract,
        "CHAIN_ID": str(file.chain_id),
        "TASK_NAME": given.task_name,
        "TASK": dump_toml(task.spec) if task else "",
        "TASK_FILE": task.name if task else "",
        "TASK_SHA256": task.sha256 if task else "",
        "DATA": "yes" if given.takes_data and "data" not in project.options_of(member) else "",
        "FROZEN": dump_toml(project.frozen.name) if given.frozen is not None and project.frozen else "",
        "FROZEN_NAME": project.frozen.name if project.frozen else "",
        "GENESIS_ROW": ", `circle.genesis`" if given.genesis is not None else "",
        "RPC": dump_toml(list(endpoints)) if endpoints else "",
        "NO_RPC": "" if endpoints else "yes",
        "RPC_OPTIONS": "".join(f" --rpc {shlex.quote(url)}" for url in endpoints),
        "INVITED": f"until {format_time(invitation.expiry_s)}" if invitation else "",
        "BOUND": ": the invitation in it holds for that key alone" if invitation else "",
        "COLD": dump_toml(member.cold) if member.cold else "",
        "LISTEN": dump_toml(choose_listen(member)),
        "HOST": member.host,
        "GOSSIP_PORT": str(member.gossip_port),
        "GATEWAY_PORT": str(member.gateway_port),
        "OPTIONS": "\n".join(f"{name} = {dump_toml(value)}" for name, value in project.options_of(member).items()),
        "IMAGE": project.image,
        "VARIABLES": variables.rstrip("\n") or ("" if endpoints else " "),
        "VARIABLE_NAMES": " ".join(needed),
    }


def choose_listen(member: Member) -> str:
    """What a member's node listens on: its own address where it said one, else wherever others may come from."""
    if member.listen:
        return member.listen
    if is_loopback(member.host):
        return member.host
    return _EVERY if ":" in member.host else _EVERY_IPV4


def _make_names(project: Project) -> str:
    lines = [f"{dump_toml(member.address)} = {dump_toml(member.name)}" for member in project.peers]
    return "# What the members are called, for `--names`: the coordinator's word.\n" + "\n".join(lines) + "\n"


def name_folder(project: Project, member: Member) -> str:
    """Of a member's kit."""
    return f"{project.name}-{member.name}"
