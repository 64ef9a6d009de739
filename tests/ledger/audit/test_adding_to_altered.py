"""Adding to a bundle that somebody altered: nothing of it is taken for the chain's."""

from pathlib import Path

import msgspec
import pytest

from ledger.audit.bundle.facts import _make_topic
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import EventRow, HeaderRow
from ledger.errors import SetupError
from tests.support.altered_bundle import alter_bundle, read_evidence
from tests.support.histories.circles import Circle
from tests.support.sample_bundle import make_header
from tests.support.saved_bundle import make_circle, save_bundle

pytestmark = pytest.mark.rule("R32", "R32.4")


@pytest.fixture(scope="module")
def circle() -> Circle:
    return make_circle()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, circle: Circle) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    save_bundle(path, circle)
    return path


def read_events(path: Path) -> tuple[list[EventRow], dict[int, HeaderRow]]:
    with Bundle(path) as bundle:
        evidence = read_evidence(bundle)
    return list(evidence.events), evidence.headers


def test_adding_to_a_bundle_gives_the_same_file(saved: Path, tmp_path: Path, circle: Circle) -> None:
    path = tmp_path / "circle.car"
    path.write_bytes(saved.read_bytes())
    save_bundle(path, circle)
    assert path.read_bytes() == saved.read_bytes()


@pytest.mark.parametrize("name", ["Joined", "Settled"])
def test_a_block_that_the_chain_does_not_have_is_not_carried_on(
    saved: Path, tmp_path: Path, circle: Circle, name: str
) -> None:
    events, headers = read_events(saved)
    place = next(place for place, row in enumerate(events) if row.topics[0] == _make_topic(name))
    made_up = make_header(events[place].block)
    events[place] = msgspec.structs.replace(events[place], block_hash=made_up.hash)
    path = tmp_path / "circle.car"
    alter_bundle(saved, path, events=events, headers={**headers, made_up.number: made_up})
    altered = path.read_bytes()
    with pytest.raises(SetupError, match="under another name"):
        save_bundle(path, circle)
    assert path.read_bytes() == altered


def test_an_event_that_an_earlier_bundle_left_out_is_no_finding_about_the_circle(
    saved: Path, tmp_path: Path, circle: Circle
) -> None:
    events, _ = read_events(saved)
    del events[30]
    path = tmp_path / "circle.car"
    alter_bundle(saved, path, events=events)
    with pytest.raises(SetupError, match=r"circle\.car, and those that came since, are not the ones"):
        save_bundle(path, circle)
