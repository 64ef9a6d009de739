"""Network namespaces of this machine, and a TUN device in each. What is made here is gone with its processes."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ledger.errors import SetupError

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN: Final = 0x0001
_IFF_NO_PI: Final = 0x1000
_TUN: Final = "/dev/net/tun"
_DEVICE: Final = "weather0"
_MS_REC_PRIVATE: Final = 0x4000 | 0x40000
_MS_BIND: Final = 0x1000
_libc = ctypes.CDLL(None, use_errno=True)


def enter_own_world() -> None:
    """Leave the machine's network for an empty one of this process, also where it is not root's.

    Call it before there are threads. Raises SetupError with what is missing.
    """
    for tool in ("ip", "nsenter"):
        if shutil.which(tool) is None:
            raise SetupError(f"the soak needs `{tool}`: install iproute2 and util-linux")
    if not os.access(_TUN, os.R_OK | os.W_OK):
        raise SetupError(
            f"the soak needs {_TUN}, readable and writable: `modprobe tun`, or hand it to the container"
        )
    user, group = os.getuid(), os.getgid()
    if _unshare(_CLONE_NEWNET | _CLONE_NEWNS) != 0:
        if _unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS) != 0:
            raise SetupError(
                "the soak needs network namespaces: run it as root, or where user namespaces are allowed "
                "(kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces)"
            )
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    # What is mounted from here on is seen by these processes alone.
    _libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC_PRIVATE), None)


def show_names_of(hosts: Path) -> bool:
    """Have this process, and all that it starts, look names up in a file of its own first; False where that cannot be."""
    return int(_libc.mount(str(hosts).encode(), b"/etc/hosts", None, ctypes.c_ulong(_MS_BIND), None)) == 0


class Namespace:
    """One network namespace with one TUN device, whose packets come out at `device`."""

    def __init__(self, own: bool = True) -> None:
        """own: a new one; else the one that this thread is in. Raises SetupError."""
        with _back_home() if own else contextlib.nullcontext():
            if own and _unshare(_CLONE_NEWNET) != 0:
                raise SetupError("no more network namespaces are to be had: see user.max_net_namespaces")
            self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self.device = _open_device()
            self.configure("link set lo up", f"link set {_DEVICE} mtu 1500 up")

    def take_address(self, *addresses: str) -> None:
        """Have these addresses, IPv4 or IPv6, besides those that are there; all others are reached by the device."""
        lines = [
            f"address add {one}{'/128' if ':' in one else '/32'} dev {_DEVICE}{_no_probe(one)}" for one in addresses
        ]
        lines += [f"-6 route replace default dev {_DEVICE} src {one}" for one in addresses if ":" in one]
        lines += [f"route replace default dev {_DEVICE} src {one}" for one in addresses if ":" not in one]
        self.configure(*lines)

    def drop_address(self, *addresses: str) -> None:
        """Not to have them any more: connections of theirs are dead and nobody is told."""
        self.configure(*(f"address del {one}{'/128' if ':' in one else '/32'} dev {_DEVICE}" for one in addresses))

    def set_mtu(self, size: int) -> None:
        """Of the device, bytes."""
        self.configure(f"link set {_DEVICE} mtu {size}")

    def configure(self, *lines: str) -> None:
        """Lines of `ip` inside. Raises SetupError with what it says."""
        for line in lines:
            done = subprocess.run(
                [*self.enter(), "ip", *line.split()],
                pass_fds=(self.descriptor,),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SetupError(f"`ip {line}` in a namespace of the soak: {done.stderr.strip()}")

    def enter(self) -> Sequence[str]:
        """Put before a command that is to run inside; it inherits `descriptor`."""
        return ["nsenter", f"--net=/proc/self/fd/{self.descriptor}", "--"]

    def close(self) -> None:
        """Let go of it; it lives on while a process is inside."""
        os.close(self.device)
        os.close(self.descriptor)


@contextlib.contextmanager
def _back_home() -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        if _libc.setns(home, _CLONE_NEWNET) != 0:
            raise SetupError("the soak cannot get back into its own network namespace")
        os.close(home)


def _open_device() -> int:
    try:
        device = os.open(_TUN, os.O_RDWR)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", _DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        raise SetupError(f"no TUN device is to be had at {_TUN}: {error.strerror}") from error
    return device


def _unshare(flags: int) -> int:
    return int(_libc.unshare(flags))


def _no_probe(address: str) -> str:
    # Nobody else has it, so nothing has to be waited for.
    return " nodad" if ":" in address else ""
