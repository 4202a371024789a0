"""How long a request may take: what its header says, or the gateway's own limit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from examples.gateway.records import BadRequest

HEADER = "X-Deadline-Ms"
MOST_MS = 3_600_000


def seconds(values: Sequence[str], default: float) -> float:
    """Return the seconds that a request may take.

    Args:
        values: What stood in each header `X-Deadline-Ms` of the request: whole milliseconds.
        default: The seconds for a request without any; nobody gets more.

    Raises:
        BadRequest: It is not one whole number from 1 to an hour.
    """
    if not values:
        return default
    (text, *more) = values
    # Not int() alone: it also takes " 12 ", "1_000" and the digits of every script.
    if more or not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_MS:
        said = ", ".join(values)
        raise BadRequest(f"{HEADER}: {said!r} is not one whole number of milliseconds from 1 to {MOST_MS}")
    return min(int(text) / 1000, default)
