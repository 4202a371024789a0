"""examples/gateway as an ASGI application on virtual time: statuses, headers, counts."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

import aiochan as ac
from aiochan.testing import virtual
from examples.gateway.app import MOST_TARGET, Front
from examples.gateway.deadlines import HEADER
from examples.gateway.records import Call
from examples.gateway.service import Gateway, Limits
from tests.examples.gateway_kit import Stub, adds_up

LIMITS = Limits(places=2, line=1, deadline=30.0, hedge_after=600.0)


@asynccontextmanager
async def client_of(front):
    async with front.gateway.open():
        transport = httpx.ASGITransport(front.application)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers={"accept": "x/y"}
        ) as client:
            yield client


def with_client(*, hold=False, sources=1):
    """Give a test a client of a new gateway on virtual time, and see that its counts add up afterwards."""

    def decorate(test):
        def run():
            stubs = [Stub(f"stub {number}", hold=hold) for number in range(sources)]
            front = Front(Gateway(stubs, LIMITS))

            async def main():
                async with client_of(front) as client:
                    await test(client, front, *stubs)
                adds_up(front)

            virtual.run(main)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


def requesting(client, target="/a", **options):
    return asyncio.create_task(client.get(target, **options))


@with_client()
async def test_an_answer_is_passed_back_with_who_gave_it(client, front, stub):
    answer = await client.get("/a%2Fb/c?d=e&f")
    assert (answer.status_code, answer.text) == (200, "/a%2Fb/c?d=e&f from stub 0")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-upstream"] == "stub 0"
    assert front.served == {200: 1}


@with_client()
async def test_the_upstream_is_told_what_belongs_to_the_call_and_nothing_else(client, front, stub):
    sent = {
        "accept": "a/b",
        "cookie": "c",
        "authorization": "d",
        "x-other": "e",
        HEADER: "5",
        "accept-encoding": "gzip",
    }
    await client.get("/a", headers=sent)
    (call,) = stub.asked
    assert call.headers == (("accept", "a/b"), ("accept-encoding", "gzip"), ("authorization", "d"), ("cookie", "c"))


@with_client(hold=True)
async def test_requests_of_different_people_share_nothing(client, front, stub):
    requests = [requesting(client, headers={"cookie": name}) for name in ("mine", "yours")]
    await virtual.settle()
    assert len(stub.asked) == 2
    for request in requests:
        stub.let_go()
        await request


@with_client(hold=True)
async def test_running_out_of_time_is_504(client, front, stub):
    for headers, seconds in ({HEADER: "250"}, 0.25), ({}, 30.0), ({HEADER: "3600000"}, 30.0):
        before = asyncio.get_running_loop().time()
        answer = await client.get("/a", headers=headers)
        assert (answer.status_code, answer.text) == (504, "out of time\n")
        assert asyncio.get_running_loop().time() - before == seconds
    await virtual.settle()
    assert stub.cancelled == stub.asked
    assert front.served == {504: 3}


@with_client()
async def test_a_deadline_that_is_none_is_400_and_nobody_is_asked(client, front, stub):
    answer = await client.get("/a", headers={HEADER: "soon"})
    assert answer.status_code == 400
    assert answer.text == "X-Deadline-Ms: 'soon' is not one whole number of milliseconds from 1 to 3600000\n"
    assert (await client.get("/a", headers=[(HEADER, "5"), (HEADER, "5")])).status_code == 400
    assert stub.asked == []
    assert front.served == {400: 2}


@with_client()
async def test_a_target_that_is_too_long_is_400(client, front, stub):
    assert (await client.get("/" + "a" * (MOST_TARGET - 1))).status_code == 200
    assert (await client.get("/" + "a" * MOST_TARGET)).status_code == 400
    assert (await client.get("/?" + "a" * MOST_TARGET)).status_code == 400
    assert len(stub.asked) == 1


@with_client(hold=True)
async def test_a_full_line_is_503_and_asks_to_come_again(client, front, stub):
    requests = [requesting(client, f"/{number}") for number in range(3)]
    await virtual.settle()
    refused = await client.get("/3")
    assert (refused.status_code, refused.text) == (503, "too many requests are waiting\n")
    assert refused.headers["retry-after"] == "1"
    for request in requests:
        stub.let_go()
        assert (await request).status_code == 200
    assert front.served == {200: 3, 503: 1}


@with_client(hold=True, sources=2)
async def test_no_good_answer_is_502_with_every_reason(client, front, first, second):
    first.fail()
    second.fail()
    answer = await client.get("/a")
    assert (answer.status_code, answer.text) == (502, "stub 0 is out of order; stub 1 is out of order\n")


@with_client(hold=True)
async def test_a_gateway_that_is_about_to_close_says_so_to_everybody_who_comes(client, front, stub):
    assert (await client.get("/health")).status_code == 200
    request = requesting(client)
    await virtual.settle()
    front.gateway.door.shut()
    for path, said in [("/health", "draining\n"), ("/a", "shutting down\n")]:
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (503, said)
        assert answer.headers["connection"] == "close"
    stub.let_go()
    assert (await request).status_code == 200


@with_client(hold=True)
async def test_a_gateway_that_closes_answers_what_it_cancels(client, front, stub):
    requests = [requesting(client, f"/{number}") for number in range(3)]
    await virtual.settle()
    front.gateway.ctx.cancel()
    for request in requests:
        assert (await request).status_code == 503
    assert front.served == {503: 3}


@with_client(hold=True)
async def test_stats_tell_what_is_going_on(client, front, stub):
    requests = [requesting(client, f"/{number % 2}") for number in range(3)]
    await virtual.settle()
    stats = (await client.get("/stats")).json()
    assert {name: stats[name] for name in ("received", "served", "in_work", "waiting", "flights")} == {
        "received": 3,
        "served": {},
        "in_work": 2,
        "waiting": 1,
        "flights": 2,
    }
    for _ in requests:
        stub.let_go()
    await asyncio.gather(*requests)
    stats = (await client.get("/stats")).json()
    assert stats["served"] == {"200": 3}
    assert set(stats["upstreams"]) == {"stub 0"}


@with_client()
async def test_only_reading_is_passed_on(client, front, stub):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await client.request(method, "/a")).status_code == 405
    assert stub.asked == []
    head = await client.head("/a")
    assert (head.status_code, head.content) == (200, b"")
    assert stub.asked == [Call("/a", (("accept", "x/y"), ("accept-encoding", client.headers["accept-encoding"])))]


# --- what no client of this library does, step by step ------------------------------------------------


def by_hand(front, messages, **more):
    """Call the application as a server would; `messages` is what it receives, then it waits. Returns what it sends."""
    sent = []
    scope = {"type": "http", "method": "GET", "path": "/a", "raw_path": b"/a", "query_string": b"", "headers": []}
    to_come = iter(messages)

    async def receive():
        for message in to_come:
            return message
        return await ac.never().recv()

    async def send(message):
        sent.append(message)

    return front.application(scope | {"root_path": ""} | more, receive, send), sent


BODY = {"type": "http.request", "body": b"x", "more_body": False}
GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize("messages", [[GONE], [BODY, GONE], [BODY, BODY, GONE]], ids=len)
def test_a_client_who_leaves_is_noticed_and_counted(messages):
    stub = Stub(hold=True)
    front = Front(Gateway([stub], LIMITS))

    async def main():
        async with front.gateway.open():
            served, sent = by_hand(front, messages)
            await served
            assert sent[0]["status"] == 499
        assert front.served == {499: 1}
        assert stub.cancelled == stub.asked
        adds_up(front)

    virtual.run(main)


def test_a_target_that_is_no_path_is_400_although_it_looks_like_one_once_decoded():
    stub = Stub()
    front = Front(Gateway([stub], LIMITS))

    async def main():
        async with front.gateway.open():
            served, sent = by_hand(front, [BODY], path="/elsewhere", raw_path=b"%2Felsewhere")
            await served
            assert sent[0]["status"] == 400
        assert stub.asked == []

    virtual.run(main)


def test_a_mistake_of_ours_is_500_and_counted():
    class Mistaken(Stub):
        async def get(self, call):
            raise ZeroDivisionError("a mistake")

    front = Front(Gateway([Mistaken()], LIMITS))

    async def main():
        async with front.gateway.open():
            served, sent = by_hand(front, [BODY])
            with pytest.raises(ZeroDivisionError, match="a mistake"):  # for the server's log
                await served
            assert sent[0]["status"] == 500
        assert front.served == {500: 1}
        adds_up(front)

    virtual.run(main)
