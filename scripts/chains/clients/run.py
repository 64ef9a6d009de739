"""Each client against our chain: what it tried, and what did not go well."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.chains.clients.web3_client import attempt_all
from scripts.chains.conformance.scene import NOTEBOOK
from tests.support.chains.process import ChainProcess
from tests.support.npm import find_node, install, needed

HERE = Path(__file__).resolve().parent
PACKAGES = {"ethers": "ethers@6.17.0", "viem": "viem@2.57.20"}
_LIMIT_S = 240
Found = list[dict[str, Any]]


def run_web3(chain: ChainProcess) -> Found:
    """web3.py, in this process."""
    return attempt_all(chain.url, chain.keys[7], _compiled())


def run_script(client: str) -> Callable[[ChainProcess], Found]:
    """ethers or viem, under Node.js. Skips the test where npm is missing."""

    def run(chain: ChainProcess) -> Found:
        with needed(client):
            node, folder = find_node(), install(client, PACKAGES[client])
        with tempfile.TemporaryDirectory(prefix=f"{client}-") as home:
            here, name = Path(home), f"{client}_client.mjs"
            (here / "node_modules").symlink_to(folder / "node_modules")
            (here / "package.json").write_text('{"type": "module"}')
            (here / "notebook.json").write_text(json.dumps(_compiled()))
            for script in (name, "attempts.mjs"):
                (here / script).write_text((HERE / script).read_text())
            keys = {"ethers": chain.keys[3:5], "viem": chain.keys[5:7]}[client]
            command = [node, name, chain.url, *keys]
            done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-1000:]}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


CLIENTS: dict[str, Callable[[ChainProcess], Found]] = {
    "ethers": run_script("ethers"),
    "viem": run_script("viem"),
    "web3.py": run_web3,
}


def _compiled() -> dict[str, Any]:
    import vyper

    built: dict[str, Any] = vyper.compile_code(NOTEBOOK, output_formats=["abi", "bytecode"])
    return built


def main() -> int:
    """Run those named, or all; print what each tried. Exit status 1 where something else fails than is written."""
    from scripts.chains.clients.left import LEFT
    from tests.support.chains.kinds import our_chain

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(CLIENTS)} (default: all)")
    wanted = parser.parse_args().clients or [*CLIENTS]
    if unknown := [name for name in wanted if name not in CLIENTS]:
        parser.error(f"no client {unknown[0]}: there are {', '.join(CLIENTS)}")
    failed = False
    for client in wanted:
        with our_chain() as chain:
            found = CLIENTS[client](chain)
        left = [one["name"] for one in found if not one["ok"]]
        for one in found:
            print(f"  {'ok ' if one['ok'] else 'NOT'} {one['name']}: {one['said']}")
        print(f"{client}: {len(found) - len(left)} of {len(found)}")
        failed |= (len(found), left) != LEFT[client]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
