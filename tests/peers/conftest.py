"""Every program begins with seeded dice and the usual budget."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kit import clean_slate


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with clean_slate():
        yield
