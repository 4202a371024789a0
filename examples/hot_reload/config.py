"""The configuration: what is in the file, and how to notice that it has changed."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio import to_thread

import aiochan as ac


@dataclass(frozen=True, slots=True)
class Config:
    """What can be configured. It never changes: there is a new one instead.

    Attributes:
        greeting: What the greeters say.
        pause: And after how many seconds again.
    """

    greeting: str = "hello"
    pause: float = 1.0


def parse(text: bytes) -> Config:
    """Read a configuration: an object of JSON, in which anything may be missing.

    Raises:
        ValueError: It is none. Then nothing of it is used.
    """
    found: Any = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"a configuration is an object, not {found!r}")
    if strange := found.keys() - Config.__slots__:
        raise ValueError(f"nobody knows {', '.join(sorted(strange))}")
    config = Config(**found)
    if not isinstance(config.greeting, str):
        raise ValueError(f"the greeting must be a string, not {config.greeting!r}")
    if type(config.pause) not in (int, float) or not 0.0 < config.pause < math.inf:
        raise ValueError(f"the pause must be a number of seconds above 0, not {config.pause!r}")
    return config


class File:
    """A configuration in a file.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: bytes | None = None

    def changed(self) -> Config | None:
        """Read it again; None if nothing has changed.

        All of it is read each time. It is small, and its size and its date may stay the same when it is changed.

        Raises:
            OSError: It cannot be read.
            ValueError: There is a mistake in it; told once.
        """
        text = self._path.read_bytes()
        if text == self._seen:
            return None
        self._seen = text
        return parse(text)


async def follow(
    look: Callable[[], Config | None], config: ac.Watch[Config], every: float, complain: Callable[[Exception], object]
) -> None:
    """Set what is found whenever it has changed, until cancelled.

    Args:
        look: Gives a new configuration, or None, or raises an OSError or a ValueError. Called in a thread.
        config: Where it is set. After an error, it stays as it is.
        every: Seconds between two looks.
        complain: Told of an error, unless it is the same as the last time.
    """
    said = ""
    while True:
        try:
            found = await to_thread.run_sync(look)
        except (OSError, ValueError) as error:
            if str(error) != said:
                complain(error)
            said = str(error)
        else:
            said = ""
            if found is not None:
                config.set(found)
        await asyncio.sleep(every)
