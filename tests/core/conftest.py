"""The tests of single files; what holds for every kind of channel is in tests/conformance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kit import clean_slate


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with clean_slate():
        yield
