"""Whether the contracts' compiler is here: tests that need it are skipped without it, and fail in CI."""

import importlib.util
import os

import pytest


def require_vyper() -> None:
    """Skip the running test where vyper is not installed; in CI fail it."""
    if importlib.util.find_spec("vyper") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("vyper is missing: install the `dev` extra")
        pytest.skip("vyper is not installed (the `dev` extra has it)")
