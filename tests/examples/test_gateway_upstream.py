"""How examples/gateway asks an upstream, over real sockets on loopback."""

import asyncio
from contextlib import suppress

import pytest

import aiochan as ac
from examples.gateway import upstream as upstream_module
from examples.gateway.records import Call, UpstreamError
from examples.gateway.simulator import simulator
from examples.gateway.upstream import Upstream, UpstreamCounts
from tests.examples.gateway_kit import until

CALL = Call("/a?b=c", (("accept", "x/y"),))


def with_upstream(test, *, behave=None):
    """Run a test with a simulated server, and an `Upstream` that asks it."""

    async def main():
        async with simulator("server", *([behave] if behave else [])) as server:
            upstream = Upstream(server.url)
            try:
                await test(server, upstream)
            finally:
                await upstream.aclose()
        assert server.asked == server.answered + server.dropped

    return main


def test_an_answer_comes_with_its_type_and_the_connection_is_kept(run):
    async def test(server, upstream):
        for _ in range(3):
            answer = await upstream.get(CALL)
            assert (answer.status, answer.body, answer.upstream) == (200, b"/a?b=c from server", server.url)
            assert answer.headers == (("content-type", "text/plain"),)
        assert len(server.connections) == 1
        assert upstream.counts == UpstreamCounts(calls=3, answered=3)

    run(with_upstream(test))


@pytest.mark.parametrize("status", [200, 301, 404, 429])
def test_what_the_server_means_is_an_answer(run, status):
    async def behave(_):
        return status

    async def test(server, upstream):
        assert (await upstream.get(CALL)).status == status

    run(with_upstream(test, behave=behave))


@pytest.mark.parametrize("status", [500, 503, 599])
def test_a_server_that_cannot_has_failed(run, status):
    async def behave(_):
        return status

    async def test(server, upstream):
        with pytest.raises(UpstreamError, match=f"{server.url}: {status}"):
            await upstream.get(CALL)
        assert upstream.counts == UpstreamCounts(calls=1, failed=1)

    run(with_upstream(test, behave=behave))


def test_a_server_that_is_not_there_has_failed_and_may_come_back(run):
    async def test(server, upstream):
        await upstream.get(CALL)
        server.kill()
        with pytest.raises(UpstreamError, match=server.url):
            await upstream.get(CALL)
        server.start()
        assert (await upstream.get(CALL)).status == 200
        assert upstream.counts == UpstreamCounts(calls=3, answered=2, failed=1)

    run(with_upstream(test))


def test_a_connection_that_the_server_has_closed_is_not_used_again(run):
    async def test(server, upstream):
        await upstream.get(CALL)
        server.kill()
        server.start()
        (connection,) = upstream._client._transport._pool.connections
        await until(connection.has_expired)
        assert (await upstream.get(CALL)).status == 200
        assert upstream.counts == UpstreamCounts(calls=2, answered=2)

    run(with_upstream(test))


def test_a_server_that_dies_before_it_has_answered_has_failed(run):
    asked = ac.Signal()

    async def behave(_):
        asked.close()
        await ac.Signal().wait()

    async def test(server, upstream):
        call = asyncio.create_task(upstream.get(CALL))
        await asked.wait()
        server.kill()
        with pytest.raises(UpstreamError, match=server.url):
            await call
        await until(lambda: server.dropped == 1)

    run(with_upstream(test, behave=behave))


def test_a_call_that_is_cancelled_is_over_for_the_server_too(run):
    """CH16"""
    asked, dropped = ac.Chan(5), ac.Chan(5)

    async def behave(_):
        try:
            await asked.send(None)
            await ac.Signal().wait()
        finally:
            dropped.send_nowait(None)

    async def test(server, upstream):
        for _ in range(3):
            call = asyncio.create_task(upstream.get(CALL))
            await asked.recv()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await dropped.recv()
        assert upstream.counts == UpstreamCounts(calls=3, cancelled=3)

    # behave is new for each loop kind: `run` calls this test once for each
    run(with_upstream(test, behave=behave))


def test_a_call_that_is_cancelled_while_dead_connections_are_cleared_away_loses_none_of_them(run):
    """The fixture `run` hears of a connection that is left to the garbage collector."""

    async def main():
        async with simulator("server") as server:
            upstream = Upstream(server.url)
            for turns in range(15):
                # A call may be given a connection whose end has not been noticed yet, and fail.
                await asyncio.gather(*(upstream.get(CALL) for _ in range(5)), return_exceptions=True)
                server.kill()
                await until(lambda: not server.connections)
                server.start()
                call = asyncio.create_task(upstream.get(CALL))
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                with suppress(asyncio.CancelledError, UpstreamError):
                    await call
            await upstream.aclose()
            counts = upstream.counts
            assert counts.calls == counts.answered + counts.failed + counts.cancelled

    run(main)


def test_an_answer_that_is_too_long_is_none(run, monkeypatch):
    monkeypatch.setattr(upstream_module, "MOST_BYTES", len("/a?b=c from server") - 1)

    async def test(server, upstream):
        with pytest.raises(UpstreamError, match="an answer of more than 17 bytes"):
            await upstream.get(CALL)
        assert (await upstream.get(Call("/"))).body == b"/ from server"

    run(with_upstream(test))
