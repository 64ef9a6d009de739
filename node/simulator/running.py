"""A list of scenarios, one after the other or in several processes; what comes out the same is computed once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

from ledger.errors import UsageError
from node.simulator.results import Results
from node.simulator.runs import Runs
from node.simulator.scenario import Scenario
from node.simulator.simulation import simulate

Simulate = Callable[[Scenario], Results]


def simulate_all(
    scenarios: Sequence[Scenario],
    *,
    jobs: int = 1,
    run: Simulate = simulate,
    watch: Callable[[Results], None] | None = None,
) -> Runs:
    """Run all of them; their order says nothing of the results. Raises SetupError or UsageError as `simulate`.

    jobs: processes to run them in. run: what simulates one, `simulate` by default; something that a process can be
    given by name where there are several. watch: called with each as it is done.
    """
    if jobs < 1:
        raise UsageError(f"{jobs} jobs: give at least 1")
    wanted = list(dict.fromkeys(repr(_essence(one)) for one in scenarios))
    firsts = {key: next(one for one in scenarios if repr(_essence(one)) == key) for key in wanted}
    found: dict[str, Results] = {}
    for key, result in _run_each(firsts, min(jobs, len(firsts)), run):
        found[key] = result
        if watch is not None:
            watch(result)
    return Runs([replace(found[repr(_essence(one))], scenario=one) for one in scenarios])


def _run_each(scenarios: dict[str, Scenario], jobs: int, run: Simulate) -> Iterator[tuple[str, Results]]:
    if jobs <= 1:
        for key, scenario in scenarios.items():
            yield key, run(scenario)
        return
    # Not forked: torch's threads would not come along.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending: dict[Future[Any], str] = {pool.submit(run, one): key for key, one in scenarios.items()}
        try:
            for done in as_completed(pending):
                yield pending[done], done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _essence(scenario: Scenario) -> Scenario:
    """The scenario without what a baseline takes no notice of."""
    if scenario.baseline is None:
        return scenario
    plain = Scenario(task=scenario.task)
    return replace(
        scenario,
        **{name: getattr(plain, name) for name in _OF_THE_NETWORK},
    )


_OF_THE_NETWORK = (
    "rule",
    "rule_parameters",
    "degree",
    "topology",
    "topology_parameters",
    "codec",
    "sent_share",
    "error_feedback",
    "reputation",
    "reputation_shift",
    "reputation_floor",
    "eject_after",
)
