"""The node's key: whether its keystore opens, and who else could read it or its password."""

import os
import stat
from pathlib import Path

from ledger.errors import SetupError
from node.doctor.findings import Notebook, split_sentence
from node.seat.keys import address_of, load_key, read_password


def look_at_key(notebook: Notebook, keystore: Path | None, password_file: Path | None) -> None:
    """keystore, password_file: None where none was given. Nothing is typed: without a file it is not opened."""
    if keystore is None:
        notebook.warn("key", "no --keystore was given", "name it, or the node's --config, to have it looked at")
        return
    try:
        address = address_of(keystore)
    except SetupError as error:
        notebook.wrong("key", str(error), "correct --keystore")
        return
    if _is_open(keystore):
        notebook.warn("key", f"{keystore} can be read by others on this machine", f"run chmod 600 {keystore}")
    if password_file is None:
        do = "give --password-file to have it tried; a service has to have one anyway"
        notebook.warn("key", f"{keystore} is of {address}; it was not opened", do)
        return
    try:
        password = read_password(password_file, "")
    except SetupError as error:
        notebook.wrong("password", *split_sentence(error, "correct --password-file"))
        return
    notebook.ok("password", f"{password_file} holds one, and nobody else can read it")
    try:
        load_key(keystore, password)
    except SetupError as error:
        notebook.wrong("key", str(error), "give the right keystore and password")
        return
    notebook.ok("key", f"{keystore} opens, its address is {address}")


def _is_open(path: Path) -> bool:
    found = path.stat()
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077) and found.st_uid == os.geteuid()
