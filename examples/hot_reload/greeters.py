"""Those who use the configuration: whatever they are doing, they end up with the last one.

    the file ──▶ follow ──▶ Watch[Config] ──▶ greeter        Each has a channel from the Watch, in which there is never
                                         └──▶ greeter        more than one value: the newest that it has not seen.

Who is busy misses those in between, and never the last one. It is where this is mostly got wrong: to wait for the news,
and only then to look, misses what came between two waits.
"""

from __future__ import annotations

from collections.abc import Callable

import aiochan as ac
from examples.hot_reload.config import Config


async def greet(config: ac.Watch[Config], say: Callable[[str], object]) -> None:
    """Say what is configured, again and again, and at once when that has changed; until cancelled."""
    news = config.watch()
    now = await news.recv()
    while True:
        say(now.greeting)
        match await ac.select(ac.recv(news), ac.recv(ac.after(now.pause))):
            case 0, now:
                pass
            case 1, _:
                pass
