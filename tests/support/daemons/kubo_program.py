"""Kubo in a process of its own: it listens on loopback, knows nobody, and does what it is told by lines of JSON.

Arguments: the shared library, the repository's folder. A line is a list: what to do, and its arguments.
"""

import ctypes
import json
import os
import sys

_NUMBERS = {"connect": "ConnectToPeer", "download": "Download", "pin": "PinCID", "unpin": "UnpinCID"}
_TEXTS = {"id": "GetNodeID", "addresses": "GetNodeMultiAddrs", "pins": "ListPins", "peers": "ListPeers"}


def main(library: str, repo: str) -> None:
    """Answer until standard input ends."""
    # What Kubo prints goes to the log.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    kubo = ctypes.CDLL(library)
    for name in _TEXTS.values():
        getattr(kubo, name).restype = ctypes.c_char_p
    place = repo.encode()
    kubo.CreateRepo(place)
    _keep_at_home(os.path.join(repo, "config"))
    if kubo.RunNode(place) < 0:
        raise SystemExit("Kubo does not start")
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        if command in _NUMBERS:
            given = [one.encode() for one in arguments]
            found = getattr(kubo, _NUMBERS[command])(place, *given)
        else:
            found = getattr(kubo, _TEXTS[command])(place).decode()
        print(json.dumps(found), file=answers, flush=True)
    # Its threads are of no more use.
    os._exit(0)


def _keep_at_home(path: str) -> None:
    """No peer that it knows, nothing that looks for one, nothing that listens elsewhere than on loopback."""
    with open(path) as file:
        config = json.load(file)
    config["Bootstrap"] = []
    config["Addresses"] |= {"Swarm": ["/ip4/127.0.0.1/tcp/0"], "API": [], "Gateway": []}
    config["Discovery"]["MDNS"]["Enabled"] = False
    config["Routing"]["Type"] = "none"
    config["AutoNAT"]["ServiceMode"] = "disabled"
    config["Swarm"] |= {
        "DisableNatPortMap": True,
        "RelayClient": {"Enabled": False},
        "RelayService": {"Enabled": False},
    }
    with open(path, "w") as file:
        json.dump(config, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
