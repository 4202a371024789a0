"""One suite over every kind of channel: the fixtures make one of each kind. See kit.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conformance.kit import Ends, Kind, clean_slate, kinds

Make = Callable[[], Ends]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with clean_slate():
        yield


@pytest.fixture(**kinds())
def make(request: pytest.FixtureRequest) -> Make:
    """Make channels of every kind."""
    return maker(request.param)


@pytest.fixture(**kinds(lambda kind: kind.waits))
def make_waiting(request: pytest.FixtureRequest) -> Make:
    """Make channels whose senders may have to wait."""
    return maker(request.param)


@pytest.fixture(**kinds(lambda kind: kind.capacity >= 1))
def make_roomy(request: pytest.FixtureRequest) -> Make:
    """Make channels that hold a value though nobody receives."""
    return maker(request.param)


@pytest.fixture(**kinds(lambda kind: kind.reserves))
def make_reserving(request: pytest.FixtureRequest) -> Make:
    """Make channels with places to reserve."""
    return maker(request.param)


@pytest.fixture(**kinds(lambda kind: kind.reserves and kind.waits))
def make_bounded(request: pytest.FixtureRequest) -> Make:
    """Make channels with a limited number of places to reserve."""
    return maker(request.param)


def maker(kind: Kind) -> Make:
    def make(name: str | None = None) -> Ends:
        return Ends(kind, name)

    return make
