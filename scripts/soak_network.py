"""A network of real nodes under bad weather, on one machine: namespaces, latency, loss, NAT, partitions, churn, liars.

    python -m scripts.soak_network                        # all scenarios, an hour and a half on two cores
    python -m scripts.soak_network weather --nodes 4 --rounds 3

Each node is a process in a network namespace of its own; one more process carries packets between them. It needs root,
or a kernel that lets users have namespaces, and leaves nothing of them behind. Prints a table; --out adds a line of
JSON for each scenario. Exit status 1 where a round did not settle, a node died, somebody was named who is honest, or a
liar was not.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ledger.errors import UsageError
from scripts.running import run, tell
from scripts.soak.namespaces import enter_own_world


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where something was not as it should be."""
    options = _parse(arguments)
    # Before anything is imported that has threads.
    enter_own_world()
    from scripts.soak.certificate import trust_proxy
    from scripts.soak.outcome import HEAD, Outcome
    from scripts.soak.presets import ALL, SCENARIOS
    from scripts.soak.run import run_scenario

    names = options.scenarios or [one.name for one in ALL]
    for name in names:
        if name not in SCENARIOS:
            raise UsageError(f"there is no scenario {name!r}: choose of {', '.join(SCENARIOS)}")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = options.folder or Path(temporary)
        trust_proxy(folder)
        for name in names:
            scenario = SCENARIOS[name]
            changed = {
                field: value for field in ("nodes", "rounds") if (value := getattr(options, field)) is not None
            }
            scenario = replace(scenario, **changed)
            task = ("--task", options.task, "--samples", str(options.samples), "--seed", str(options.seed))
            outcome = run_scenario(scenario, folder / name, task, options.seed)
            outcomes.append(outcome)
            tell(outcome.as_row())
            if options.out is not None:
                with options.out.open("a") as file:
                    file.write(outcome.as_line() + "\n")
    print("\n".join([HEAD, *(outcome.as_row() for outcome in outcomes)]))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    made.add_argument("--nodes", type=int, help="instead of the scenario's")
    made.add_argument("--rounds", type=int, help="instead of the scenario's")
    made.add_argument("--task", default="digits")
    made.add_argument("--samples", type=int, default=200)
    made.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    made.add_argument("--folder", type=Path, help="keep the runs here (default: nowhere)")
    made.add_argument("--out", type=Path, metavar="FILE.jsonl", help="add a line for each scenario")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run(main))
