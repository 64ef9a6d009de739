"""What a deployment is to put on the chain, and whether an address holds just that."""

from dataclasses import dataclass

from ledger.chain.contract.artifact import CodeMismatch, load_circle_artifact
from ledger.chain.deployment.terms import (
    COURT,
    ChosenTerms,
    TermValue,
    check_terms,
    compute_term_values,
    encode_constructor_arguments,
    find_differing_terms,
)
from ledger.circle.manifest import Manifest, check_manifest, manifest_digest
from ledger.judging.task_checks import check_task


@dataclass(frozen=True)
class DeploymentPlan:
    """What a deployment is to put there: a court, where it uses none that is there, and a circle."""

    manifest: Manifest
    """The circle's task."""
    task: str
    """The manifest's digest, 0x-prefixed hex."""
    terms: dict[str, TermValue]
    """As the constructor gets them, but for the court's address."""
    chosen: ChosenTerms
    """The same as the founders chose them."""

    @property
    def court_data(self) -> bytes:
        """The court's creation code, the same for all circles."""
        return load_circle_artifact().court_creation

    def compute_terms(self, court: str) -> dict[str, TermValue]:
        """The terms of a circle that runs this court's code."""
        return {**self.terms, COURT: court}

    def encode_circle_creation(self, court: str) -> bytes:
        """The circle's creation code. court: the address of the code that it runs as its own."""
        arguments = encode_constructor_arguments(
            load_circle_artifact(), self.manifest.encode(), self.compute_terms(court)
        )
        return load_circle_artifact().encode_creation(arguments)


def make_plan(manifest: Manifest, terms: ChosenTerms) -> DeploymentPlan:
    """Check and encode. Raises UsageError or MalformedManifest for what the contract or the nodes would refuse."""
    check_manifest(manifest)
    check_task(manifest)
    check_terms(terms)
    values = compute_term_values(load_circle_artifact(), manifest, terms)
    return DeploymentPlan(manifest, "0x" + manifest_digest(manifest.encode()).hex(), values, terms)


def is_as_planned(code: bytes, address: str, plan: DeploymentPlan) -> bool:
    """Whether deployed code is a circle of this task and these terms, whichever court it has."""
    try:
        words = load_circle_artifact().read_immutables(code, address)
    except CodeMismatch:
        return False
    return "0x" + words["TASK"].hex() == plan.task and not find_differing_terms(words, plan.terms)
