"""Two programs of Go's tests, in which tasks start others: the prime sieve, and power series."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.volume.recording import RecordedChan, need
from tests.volume.stage import Stage


def sieve(count: int) -> Callable[[Stage], None]:
    """The prime sieve of Go's tests: every prime found adds a filter, and the end of `main` ends them all."""

    def build(stage: Stage) -> None:
        primes: list[int] = []

        async def generate(out: RecordedChan) -> None:
            n = 2
            while True:
                await out.send(n)
                n += 1

        async def keep(inlet: RecordedChan, out: RecordedChan, prime: int) -> None:
            while True:
                n = await inlet.recv()
                if n % prime:
                    await out.send(n)

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                ch = stage.chan(0)
                tasks = [group.create_task(generate(ch))]
                try:
                    for n in range(count):
                        primes.append(await ch.recv())
                        following = stage.chan(n % 2)
                        tasks.append(group.create_task(keep(ch, following, primes[-1])))
                        ch = following
                finally:
                    for task in tasks:
                        task.cancel()

        stage.spawn(main, name="main", cancel=True)
        found = [n for n in range(2, 50) if all(n % k for k in range(2, n))]
        stage.expect(lambda: need(primes == found[: len(primes)], "these are no primes:", primes))
        stage.expect(lambda: need(stage.cancels or len(primes) == count, "only", primes))

    return build


def _powers() -> ModuleType:
    """Load a copy of Go's power series that is ours alone: its channels and selects are replaced by recorded ones."""
    path = Path(__file__).parents[1] / "go" / "powers.py"
    spec = importlib.util.spec_from_file_location("tests.volume.powers_recorded", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


powers = _powers()


def power_series(stage: Stage) -> None:
    """(1 + x) * (1 + 2x) + 3 * (1 + 2x + 3x*x), by the goroutines of Go's powser1, which end with `main`."""
    vars(powers).update(make=stage.chan, ac=stage)
    got: list[Any] = []

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Any]] = []

            def go(body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
                tasks.append(group.create_task(body))
                return tasks[-1]

            try:
                work = powers.Powers(go)
                product = work.mul(work.poly(1, 1), work.poly(1, 2))
                total = work.add(product, work.cmul(3, work.poly(1, 2, 3)))
                got.extend(await powers.take(total, 2))
            finally:
                for task in tasks:
                    task.cancel()

    stage.spawn(main, name="main", cancel=True)
    stage.expect(lambda: need(stage.cancels or got == [4, 9], "not the sum:", got))
