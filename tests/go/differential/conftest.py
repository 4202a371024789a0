"""Go itself, where it is installed."""

from __future__ import annotations

import shutil

import pytest

from tests.go.differential.theirs import OLDEST, Go, is_recent, version


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Build theirs.go, once for a session."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed; the outcomes recorded from it are compared all the same")
    if not is_recent():
        pytest.skip(f"{version()} is too old; {OLDEST} or later is needed")
    return Go(tmp_path_factory.mktemp("go"))
