"""What a deployment is to put on the chain, and whether an address holds just that."""

from dataclasses import dataclass

from ledger.chain.artifact import CodeMismatch, circle_artifact
from ledger.chain.terms import Terms, TermValue, check_terms, constructor_arguments, differing_terms, term_values
from ledger.manifest import Manifest, check_manifest, manifest_digest
from ledger.rules import rule_of


@dataclass(frozen=True)
class Plan:
    """What a deployment is to put there. task: the manifest's digest, 0x-prefixed hex. data: creation code."""

    manifest: Manifest
    task: str
    terms: dict[str, TermValue]
    data: bytes


def plan_for(manifest: Manifest, terms: Terms) -> Plan:
    """Check and encode. Raises UsageError or MalformedManifest for what the contract or the nodes would refuse."""
    check_manifest(manifest)
    rule_of(manifest.rule, manifest.rule_parameters)
    check_terms(terms)
    artifact, encoded = circle_artifact(), manifest.encode()
    values = term_values(artifact, manifest, terms)
    data = artifact.creation_data(constructor_arguments(artifact, encoded, values))
    return Plan(manifest, "0x" + manifest_digest(encoded).hex(), values, data)


def is_as_planned(code: bytes, address: str, plan: Plan) -> bool:
    """Whether deployed code is a circle of this task and these terms."""
    try:
        words = circle_artifact().read_immutables(code, address)
    except CodeMismatch:
        return False
    return "0x" + words["TASK"].hex() == plan.task and not differing_terms(words, plan.terms)
