"""The table of docs/chain-conformance.md, written from a run."""

from collections import defaultdict

from scripts.chains.clients.left import LEFT
from scripts.chains.conformance.differences import EVERYWHERE, PER_METHOD, explained
from scripts.chains.conformance.rule import MISSING, Rule

HEAD = """# The test chain and Anvil, method by method

Written by `scripts/chains/conform.py`; a test runs the same cases and fails where an answer is not as told here.
The same signed transactions are played on both chains (a contract, eight blocks, two pooled transactions), so that
hashes, gas, fees, receipts and logs must agree to the bit; then {cases} questions are put to both. Compared are
keys, types, values, error codes and what an error says (not how). Free to each chain: times, randomness, sizes and
therefore block hashes. Many cases come from the tests of ethereum/execution-apis.

Anvil {version}, hardfork Prague. **{same} of {cases} answers agree**; the others differ for the reasons given.

| method | cases | agree | where not, and why |
|---|---|---|---|
"""
MISSING_HEAD = """
## What ours does not offer

"""
CLIENTS_HEAD = """
## Clients

What `python -m scripts.chains.clients.run` tries with each of them (versions are pinned there); a test does the same.

| client | goes well | does not |
|---|---|---|
"""
EVERYWHERE_HEAD = """
## Small things, wherever they occur

They do not count as differences above.

"""


def render(found: dict[str, list[str]], version: str) -> str:
    """The page. found: per case where the answers differ. version: Anvil's."""
    reasons = {
        case: [rule for rule in explained(case, lines)[0] if not rule.is_small] for case, lines in found.items()
    }
    rows = "".join(_row(method, cases) for method, cases in _by_method(reasons).items())
    same = sum(not rules for rules in reasons.values())
    small = "".join(f"- {rule.why} ({rule.verdict})\n" for rule in EVERYWHERE)
    head = HEAD.format(cases=len(found), same=same, version=version)
    return head + rows + CLIENTS_HEAD + _clients() + MISSING_HEAD + _missing(reasons) + EVERYWHERE_HEAD + small


def stale(found: dict[str, list[str]]) -> list[Rule]:
    """Rules that explain nothing any more."""
    used = [rule for case, lines in found.items() for rule in explained(case, lines)[0]]
    return [rule for rule in (*PER_METHOD, *EVERYWHERE) if rule not in used]


def _by_method(reasons: dict[str, list[Rule]]) -> dict[str, dict[str, list[Rule]]]:
    methods: dict[str, dict[str, list[Rule]]] = defaultdict(dict)
    for case, rules in sorted(reasons.items(), key=lambda item: item[0].split(": ")[0].lower()):
        method, name = case.split(": ", 1)
        methods[method][name] = rules
    return methods


def _clients() -> str:
    return "".join(
        f"| {client} | {tried - len(left)} of {tried} | {'; '.join(left)} |\n"
        for client, (tried, left) in LEFT.items()
    )


def _missing(reasons: dict[str, list[Rule]]) -> str:
    cases: dict[Rule, list[str]] = defaultdict(list)
    for case, rules in sorted(reasons.items()):
        for rule in rules:
            if rule.verdict == MISSING:
                cases[rule].append(case)
    told = []
    for rule, whose in cases.items():
        methods = dict.fromkeys(case.split(": ")[0] for case in whose)
        of = f" ({whose[0].split(': ', 1)[1]})" if methods == {"eth_sendRawTransaction": None} else ""
        told.append(f"- {', '.join(f'`{method}`' for method in methods)}{of}: {rule.why}\n")
    return "".join(told)


def _row(method: str, cases: dict[str, list[Rule]]) -> str:
    names: dict[Rule, list[str]] = defaultdict(list)
    for name, rules in cases.items():
        for rule in rules:
            names[rule].append(name)
    told = "<br>".join(f"*{', '.join(whose)}* — {rule.why} ({rule.verdict})" for rule, whose in names.items())
    same = sum(not rules for rules in cases.values())
    return f"| `{method}` | {len(cases)} | {same} | {told.replace('|', '/')} |\n"
