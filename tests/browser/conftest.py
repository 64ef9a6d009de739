"""What the browser's tests share: a circle of real peers, a bundle of it, a circle nobody joined, a Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.chromium import find_chromium
from tests.support.live_page import Served, launch_chromium, serve, start_circle
from tests.support.network.local_run import LocalRun


@pytest.fixture(scope="session")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    """Eight peers in the middle of a round."""
    find_chromium()
    local = LocalRun(tmp_path_factory.mktemp("watched") / "run")
    with local.network:
        try:
            start_circle(local)
            yield local
        finally:
            local.open_all_gates()


@pytest.fixture(scope="session")
def bundle(circle: LocalRun) -> Path:
    """The evidence of it up to then."""
    path = circle.network.folder / "circle.car"
    circle.network.audit("--save", str(path))
    return path


@pytest.fixture(scope="session")
def live(circle: LocalRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its page."""
    with serve(tmp_path_factory.mktemp("live"), "--circle", str(circle.network.circle_file)) as served:
        yield served


@pytest.fixture(scope="session")
def saved(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page of the bundle."""
    with serve(tmp_path_factory.mktemp("saved"), str(bundle)) as served:
        yield served


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page of a circle that nobody has joined."""
    local = LocalRun(tmp_path_factory.mktemp("empty") / "run")
    with local.network:
        local.start_chain()
        local.found("honest", "honest", "honest", rounds=2)
        with serve(local.network.folder / "page", "--circle", str(local.network.circle_file)) as served:
            yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A module's: while it is up, its loop runs in this thread, and other modules' tests need their own."""
    with sync_playwright() as playwright:
        found = launch_chromium(playwright)
        yield found
        found.close()
