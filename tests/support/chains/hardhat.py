"""Hardhat, a third chain: fetched once as npm packages, started by a test or script, gone after it.

Version 3 wants a newer Node.js than many machines have, and gets one as an npm package, too.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.testchain.accounts import DEV_ACCOUNTS
from tests.support.chains.process import ChainProcess
from tests.support.npm import NODE_VERSION, find_node, install, needed

_PACKAGES = {"2": "hardhat@2.29.1", "3": "hardhat@3.18.0"}
_NODES = {"2": 18, "3": NODE_VERSION}
_KINDS = {"2": "commonjs", "3": "module"}
_QUIET = {"CI": "true", "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}
_CONFIGS = {
    "2": "module.exports = { networks: { hardhat: { chainId: 31337, hardfork: 'prague' } } };\n",
    "3": "import { defineConfig } from 'hardhat/config';\n"
    "export default defineConfig({ networks: { node: { type: 'edr-simulated', chainId: 31337 } } });\n",
}


@contextmanager
def hardhat(version: str) -> Iterator[ChainProcess]:
    """Run Hardhat 2 or 3 while the body runs: it mines each transaction at once.

    Skips the test where it is not to be had (fails it if CI=true).
    """
    with needed(f"Hardhat {version}"):
        node = find_node(_NODES[version])
        folder = install(f"hardhat-{version}", _PACKAGES[version], kind=_KINDS[version], node=node)
    program = (folder / "node_modules" / ".bin" / "hardhat").resolve()
    with tempfile.TemporaryDirectory(prefix="hardhat-") as home:
        Path(home, "package.json").write_text(f'{{"type": "{_KINDS[version]}"}}')
        Path(home, "hardhat.config.js").write_text(_CONFIGS[version])
        Path(home, "node_modules").symlink_to(folder / "node_modules")

        def command(port: int) -> list[str]:
            quiet = [f"{name}={value}" for name, value in _QUIET.items()]
            listen = ["--hostname", "127.0.0.1", "--port", str(port)]
            return ["env", *quiet, node, str(program), "node", *listen]

        chain = ChainProcess("hardhat", command, [one.key for one in DEV_ACCOUNTS], 31337, Path(home))
        try:
            yield chain
        finally:
            chain.kill()
