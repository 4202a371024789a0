"""What travels through the gateway, and what may come instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """All that an upstream is told: requests whose calls are equal can share one answer."""

    target: str  # path and query, as the client wrote them
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an upstream said, the body as it came."""

    status: int
    headers: Headers
    body: bytes
    upstream: str


class BadRequest(Exception):
    """What the client asks for cannot be understood: 400."""


class Refused(Exception):
    """The gateway takes no more work at the moment: 503."""


class UpstreamError(Exception):
    """An upstream gave no answer, or none that can be passed on: 502, if the others gave none either."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""
