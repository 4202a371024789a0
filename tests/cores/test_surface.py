"""Nobody can tell by its surface which core is in use: names, kinds, signatures, docstrings, what tools make of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.architecture.house import ROOT
from tests.cores.accepted import ACCEPTED_OF_SURFACE
from tests.cores.both import needs_both


@cache
def surface_of(implementation: str) -> dict[str, Any]:
    """What a process sees that uses this core."""
    environment = {**os.environ, "AIOCHAN_PURE": "1" if implementation == "python" else "0"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.cores.surface"]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    seen: dict[str, Any] = json.loads(told)
    assert seen.pop("implementation") == implementation
    return seen


def test_the_surface_is_seen() -> None:
    seen = surface_of("python")
    assert len(seen) > 200
    assert seen["Chan: send, signature"] == [["value", "POSITIONAL_OR_KEYWORD", None]]
    assert seen["Chan: module"] == "aiochan"
    assert seen["Chan: send, on a mock"] == "AsyncMock"
    assert seen["select: doc"].startswith("Wait until one of the cases")


@needs_both
def test_both_cores_have_the_same_surface() -> None:
    python, compiled = surface_of("python"), surface_of("c")
    differing = {what for what in {**python, **compiled} if python.get(what) != compiled.get(what)}
    differing -= ACCEPTED_OF_SURFACE.keys()
    contrast = [
        f"{what}: {python.get(what)!r} in Python, {compiled.get(what)!r} compiled" for what in sorted(differing)
    ]
    assert not differing, "\n".join(contrast)


@needs_both
@pytest.mark.parametrize("what", ACCEPTED_OF_SURFACE)
def test_what_is_accepted_does_differ(what: str) -> None:
    assert surface_of("python")[what] != surface_of("c")[what]
