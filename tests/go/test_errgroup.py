"""golang.org/x/sync/errgroup: errgroup_test.go, and the examples of its documentation (GP01, GP02).

| Go | here |
| --- | --- |
| `TestZeroGroup` | `test_a_group_without_a_context_of_its_own` |
| `TestWithContext`, `TestCancelCause` | `test_the_context_ends_with_the_first_error_or_with_the_group` |
| `TestTryGo` | `test_try_go` |
| `TestGoLimit` | `test_go_limit` |
| `ExampleGroup_justErrors` | `test_just_errors` |
| `ExampleGroup_parallel` | `test_parallel` |
| `ExampleGroup_pipeline` (MD5All) | `test_pipeline` |
| `BenchmarkGo` | in bench |

What had to become something else: a group is not reused after its `Wait` there and is left here, so where the original
waits again and again, `wait` does; a limit is given once and never is 0 (no group could end); and Go's tasks are not
stopped by an error, so the originals' other functions run to their end, as with `errors="collect"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

import pytest

import aiochan as ac

DOOM, FIRST, SECOND = "doomed", "first", "second"


class Doom(Exception):
    pass


async def returns(error):
    if error is not None:
        raise error


@pytest.mark.parametrize(
    "words",
    [[], [None], [FIRST], [FIRST, None], [FIRST, None, SECOND]],
    ids=str,
)
def test_a_group_without_a_context_of_its_own(run, words):
    """Waited for after each function, it tells the first error that there has been, each time."""

    async def main():
        errors = [None if word is None else Doom(word) for word in words]
        first = next((error for error in errors if error is not None), None)
        async with contextlib.AsyncExitStack() as stack:
            if first is not None:
                stack.enter_context(contextlib.suppress(ExceptionGroup))
            g = await stack.enter_async_context(ac.ErrGroup(errors="collect"))
            seen = None
            for error in errors:
                g.go(returns, error)
                seen = seen or error
                told = None
                try:
                    await g.wait()
                except ExceptionGroup as several:
                    told = several.exceptions[0]
                assert told is seen

    run(main)


@pytest.mark.parametrize("words", [[], [None], [DOOM], [DOOM, None]], ids=str)
@pytest.mark.parametrize("start", ["go", "try_go"])
def test_the_context_ends_with_the_first_error_or_with_the_group(run, words, start):
    async def main():
        errors = [None if word is None else Doom(word) for word in words]
        want = next((error for error in errors if error is not None), None)
        raised = None
        try:
            async with ac.ErrGroup(ac.background()) as g:
                ctx = g.ctx
                for error in errors:
                    getattr(g, start)(returns, error)
        except Doom as error:
            raised = error
        assert raised is want
        assert ctx.done().closed
        if want is None:
            assert isinstance(ctx.cause(), ac.Canceled)
        else:
            assert ctx.cause() is want

    run(main)


def test_try_go(run):
    async def main():
        n = 42
        ch = ac.Chan()

        async def receive(times):
            for _ in range(times):
                await ch.recv()

        async with ac.ErrGroup(limit=n) as g:
            for _ in range(n):
                assert g.try_go(ch.send, None)
            assert not g.try_go(ch.send, None)
            receiving = asyncio.create_task(receive(n))
            await g.wait()
            await receiving
            assert g.try_go(ch.send, None)
            await receive(1)
            await g.wait()

        async with ac.ErrGroup(limit=1) as g:
            assert g.try_go(ch.send, None)
            assert not any([g.try_go(ch.send, None) for _ in range(1 << 10)])  # noqa: C419 - all of them are tried
            await receive(1)
            await g.wait()

    run(main)


@pytest.mark.parametrize("start", ["go", "submit"])
def test_go_limit(run, loop_kind, start):
    limit, times = 10, 1 << (7 if loop_kind == "debug" else 10)

    async def main():
        active = most = 0

        async def fn():
            nonlocal active, most
            active += 1
            most = max(most, active)
            if active > limit:
                raise Doom(f"saw {active} active tasks; want <= {limit}")
            await asyncio.sleep(0)  # give others a chance to begin
            active -= 1

        async with ac.ErrGroup(limit=limit) as g:
            for _ in range(times + 1):
                if start == "go":
                    g.go(fn)
                else:
                    await g.submit(fn)
        assert (active, most) == (0, limit)

    run(main)


def test_just_errors(run):
    """Used as a wait group that hears of errors."""

    async def main():
        got = []

        async def get(url):
            await asyncio.sleep(0)
            if "stupid" in url:
                raise Doom(url)
            got.append(url)

        async def get_all(urls):
            async with ac.ErrGroup() as g:
                for url in urls:
                    g.go(get, url)

        urls = ["golang", "google", "somestupidname"]
        await get_all(urls[:2])
        assert sorted(got) == urls[:2]
        with pytest.raises(Doom, match="somestupidname"):
            await get_all(urls)

    run(main)


def test_parallel(run):
    """Several searches at once; their results come in the order in which they were asked."""

    def fake(kind):
        async def search(query):
            await asyncio.sleep(0)
            return f"{kind} result for {query!r}"

        return search

    async def google(query):
        async with ac.ErrGroup() as g:
            tasks = [g.go(fake(kind), query) for kind in ("web", "image", "video")]
        return [task.result() for task in tasks]

    async def main():
        assert await google("golang") == [
            "web result for 'golang'",
            "image result for 'golang'",
            "video result for 'golang'",
        ]

    run(main)


async def md5_all(paths, read, digesters=20):
    """Walk, digest with a fixed number of tasks, collect; the first error stops all, and the channels are closed."""
    names, results, sums = ac.Chan(), ac.Chan(), {}

    async def walk():
        with names:  # an error is the cause of the end, and the digesters hear of it
            async for path in paths():
                await names.send(path)

    async def digest():
        async for path in names:
            await results.send((path, hashlib.md5(await read(path), usedforsecurity=False).hexdigest()))

    async def close_behind():
        async with results, ac.ErrGroup() as stages:
            stages.go(walk)
            for _ in range(digesters):
                stages.go(digest)

    async with ac.ErrGroup() as g:
        g.go(close_behind)
        async for path, digest_of_it in results:
            sums.update({path: digest_of_it})
    return sums


def test_pipeline(run):
    files = {f"file {n}": b"text" * n for n in range(100)}

    async def paths():
        for name in files:
            yield name

    async def read(path):
        await asyncio.sleep(0)
        return files[path]

    async def main():
        sums = await md5_all(paths, read)
        assert sums == {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in files.items()}

    run(main)


@pytest.mark.parametrize("where", ["walk", "read"])
def test_pipeline_that_fails(run, where):
    """The error itself comes out, whichever stage raised it, although others hear of it as the end of a channel."""

    async def paths():
        for n in range(100):
            yield n
        if where == "walk":
            raise Doom(where)

    async def read(n):
        await asyncio.sleep(0)
        if where == "read" and n == 50:
            raise Doom(where)
        return b"text"

    async def main():
        with pytest.raises(Doom, match=where):
            await md5_all(paths, read)

    run(main)
