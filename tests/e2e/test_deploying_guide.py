"""The commands of docs/guides/deploying.md, run as they stand there; Anvil stands in for the chains it means."""

import os
import re
import sys
from pathlib import Path

import pytest

from node.seat.keys import address_of
from tests.support.chains.kinds import ChainProcess, anvil
from tests.support.shell import run_to_its_end

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "deploying.md"
COIN = hex(10**18)


def commands() -> list[str]:
    """The lines after `$ ` in the guide's console blocks, in order."""
    blocks = re.findall(r"^```console\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [line[2:] for line in "".join(blocks).splitlines() if line.startswith("$ ")]


def fund(folder: Path, *chains: ChainProcess) -> None:
    """What the guide asks a faucet for."""
    for chain in chains:
        chain.rpc("anvil_setBalance", address_of(folder / "founder.json"), COIN)


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    scripts = Path(sys.executable).parent
    with (
        anvil(block_time_s=0.5, chain_id=11155111) as public,
        anvil(chain_id=2018, extra=("--base-fee", "0")) as own,
    ):
        environment = {
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "RPC": public.url,
            "CONSORTIUM_RPC": own.url,
        }
        said = []
        for command in commands():
            said.append(run_to_its_end(command, tmp_path, environment))
            if "keys new" in command:
                fund(tmp_path, public, own)
    text = "\n".join(said)
    assert "all 256 peers" in text
    assert ": deployed, " in text
    assert ": there already" in text
    assert (tmp_path / "circle.json").exists()
    assert (tmp_path / "consortium.json").exists()


def test_the_guides_costs_are_those_of_the_measured_gas() -> None:
    from scripts.contracts.cost import with_table

    text = GUIDE.read_text()
    assert with_table(text) == text, "run `python -m scripts.contracts.cost --write`"
    assert "| 256 |" in text


def test_the_guides_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from node.cli.main import main

    helps = ""
    for command in (
        *(["keys", action] for action in ("new", "import", "send", "balance")),
        ["deploy"],
        ["node"],
        ["status"],
        ["model", "export"],
    ):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        helps += capsys.readouterr().out
    others = {"--min-gas-price", "--rpc-http-enabled", "--rpc-http-api", "--write"}
    assert set(re.findall(r"--[a-z][a-z-]+", GUIDE.read_text())) - others <= set(
        re.findall(r"--[a-z][a-z-]+", helps)
    )
