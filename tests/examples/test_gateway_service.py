"""examples/gateway without HTTP, on virtual time: coalescing, deadlines, clients who leave, and the end.

SF02 (many ask for the same at once, and one call answers them), CH16 (running out of time leaves nothing behind).
"""

import asyncio
from contextlib import suppress

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from examples.gateway.records import Answer, Call, ClientGone, Refused, UpstreamError
from examples.gateway.service import Gateway, Limits
from tests.examples.gateway_kit import Stub

LIMITS = Limits(places=10, line=10, deadline=3600.0, hedge_after=600.0)
A, B = Call("/a"), Call("/b")


async def never():
    await ac.Signal().wait()


def ask(gateway, call=A, within=3600.0, gone=never):
    """Send one request, as a task."""
    return asyncio.create_task(gateway.answer(call, within=within, gone=gone))


def on_virtual_time(*sources, limits=LIMITS, seeds=(None, 1, 2, 3)):
    """Run a test in some orders of its tasks, each with new sources, and see that the gateway is quiet at the end."""

    def decorate(test):
        def run():
            for seed in seeds:
                made = [Stub(f"stub {number}", hold=hold) for number, hold in enumerate(sources)]

                async def main(made=made):
                    gateway = Gateway(made, limits)
                    async with gateway.open():
                        await test(gateway, *made)
                    assert all(source.closed and not source.running for source in made)
                    stats = gateway.stats()
                    assert (stats["in_work"], stats["waiting"], stats["flights"]) == (0, 0, 0)
                    gateway.door._check()

                virtual.run(main, seed=seed)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


# --- coalescing -------------------------------------------------------------------------------------


@on_virtual_time(True)
async def test_equal_requests_share_one_call(gateway, source):
    """SF02"""
    requests = [ask(gateway) for _ in range(5)]
    await virtual.settle()
    assert source.asked == [A]
    source.let_go()
    answers = [await request for request in requests]
    assert {answer.body for answer in answers} == {b"/a from stub 0"}
    assert source.asked == [A]
    assert gateway.stats()["coalesced"] == 4


@on_virtual_time(True)
async def test_requests_that_differ_in_anything_do_not(gateway, source):
    calls = [A, B, Call("/a?x"), Call("/a", (("cookie", "mine"),)), Call("/a", (("cookie", "yours"),))]
    requests = [ask(gateway, call) for call in calls]
    await virtual.settle()
    assert sorted(source.asked, key=repr) == sorted(calls, key=repr)
    for _ in calls:
        source.let_go()
    for request in requests:
        await request
    assert gateway.stats()["coalesced"] == 0


@on_virtual_time(False)
async def test_the_next_one_after_an_answer_asks_anew(gateway, source):
    await ask(gateway)
    await ask(gateway)
    assert source.asked == [A, A]
    assert gateway.stats()["coalesced"] == 0


@on_virtual_time(True)
async def test_a_failure_is_told_to_all_and_each_gets_an_error_of_its_own(gateway, source):
    requests = [ask(gateway) for _ in range(3)]
    await virtual.settle()
    source.fail()
    errors = await asyncio.gather(*requests, return_exceptions=True)
    assert [(type(error), str(error)) for error in errors] == 3 * [(UpstreamError, "stub 0 is out of order")]
    assert len({id(error) for error in errors}) == 3
    assert gateway.stats()["coalesced"] == 0


# --- deadlines --------------------------------------------------------------------------------------


@on_virtual_time(True)
async def test_running_out_of_time_stops_the_call(gateway, source):
    """CH16"""
    with pytest.raises(ac.DeadlineExceeded):
        await ask(gateway, within=5.0)
    assert asyncio.get_running_loop().time() == 5.0
    await virtual.settle()
    assert source.cancelled == [A]
    assert gateway.stats()["flights"] == 0


@on_virtual_time(True)
async def test_the_deadline_of_who_came_first_is_not_that_of_the_others(gateway, source):
    hurried = ask(gateway, within=5.0)
    await virtual.settle()
    patient = ask(gateway, within=3600.0)
    with pytest.raises(ac.DeadlineExceeded):
        await hurried
    assert source.running == 1
    source.let_go()
    assert (await patient).body == b"/a from stub 0"
    assert source.asked == [A]
    assert gateway.stats()["coalesced"] == 1


@on_virtual_time(True)
async def test_who_leaves_does_not_stop_what_others_wait_for_and_the_last_one_does(gateway, source):
    requests = [ask(gateway, within=float(seconds)) for seconds in (1, 2, 3)]
    for request, still_running in zip(requests, (1, 1, 0), strict=True):
        with pytest.raises(ac.DeadlineExceeded):
            await request
        await virtual.settle()
        assert source.running == still_running


@on_virtual_time(True, limits=Limits(places=1, line=5))
async def test_time_runs_in_line_too_and_no_call_is_made_then(gateway, source):
    first = ask(gateway, A)
    await virtual.settle()
    with pytest.raises(ac.DeadlineExceeded):
        await ask(gateway, B, within=1.0)
    source.let_go()
    await first
    assert source.asked == [A]


@on_virtual_time(True, True)
async def test_running_out_of_time_stops_hedged_calls_as_well(gateway, first, second):
    with pytest.raises(ac.DeadlineExceeded):
        await ask(gateway, within=601.0)
    await virtual.settle()
    assert (first.cancelled, second.cancelled) == ([A], [A])
    assert gateway.stats()["hedged"] == 1


# --- clients who leave ------------------------------------------------------------------------------


@on_virtual_time(True)
async def test_a_client_who_leaves_stops_the_call(gateway, source):
    leaves = ac.Signal()
    request = ask(gateway, gone=leaves.wait)
    await virtual.settle()
    assert source.running == 1
    leaves.close()
    with pytest.raises(ClientGone):
        await request
    await virtual.settle()
    assert source.cancelled == [A]


@on_virtual_time(True, limits=Limits(places=1, line=1))
async def test_a_client_who_leaves_the_line_makes_room_in_it(gateway, source):
    first = ask(gateway, A)
    await virtual.settle()
    leaves = ac.Signal()
    second = ask(gateway, B, gone=leaves.wait)
    await virtual.settle()
    with pytest.raises(Refused):
        await ask(gateway, B)
    leaves.close()
    with pytest.raises(ClientGone):
        await second
    third = ask(gateway, B)
    await virtual.settle()
    for _ in range(2):
        source.let_go()
    await first
    assert (await third).body == b"/b from stub 0"


# --- several upstreams ------------------------------------------------------------------------------


@on_virtual_time(True, False)
async def test_the_second_answers_for_a_slow_first(gateway, first, second):
    answer = await ask(gateway)
    assert answer.upstream == "stub 1"
    assert first.cancelled == [A]
    assert asyncio.get_running_loop().time() == 600.0
    assert (gateway.stats()["hedged"], gateway.stats()["failed_over"]) == (1, 0)


@on_virtual_time(True, False)
async def test_the_second_answers_for_a_broken_first_at_once(gateway, first, second):
    first.fail()
    answer = await ask(gateway)
    assert answer.upstream == "stub 1"
    assert asyncio.get_running_loop().time() == 0.0
    assert (gateway.stats()["hedged"], gateway.stats()["failed_over"]) == (0, 1)


@on_virtual_time(True, True)
async def test_all_broken_is_an_error_with_every_reason(gateway, first, second):
    first.fail()
    second.fail()
    with pytest.raises(UpstreamError, match=r"^stub 0 is out of order; stub 1 is out of order$"):
        await ask(gateway)


@on_virtual_time(True)
async def test_a_failure_in_the_moment_in_which_the_last_one_leaves_is_no_news(gateway, source):
    """The loop's exception handler would be told of an error that nobody waits for; virtual.run would fail then."""
    asyncio.get_running_loop().call_later(5.0, source.fail)
    with pytest.raises((ac.DeadlineExceeded, UpstreamError)):
        await ask(gateway, within=5.0)


# --- the end ----------------------------------------------------------------------------------------


@on_virtual_time(True, limits=Limits(places=1, line=5))
async def test_a_gateway_that_is_closed_cancels_what_is_in_work_and_in_line(gateway, source):
    requests = [ask(gateway, call) for call in (A, A, B)]
    await virtual.settle()
    gateway.door.shut()
    gateway.ctx.cancel()
    await gateway.door.empty.wait()
    for request in requests:
        with pytest.raises(ac.Canceled):
            await request
    await virtual.settle()
    assert source.cancelled == source.asked


@on_virtual_time(True)
async def test_whoever_comes_to_a_shut_door_is_refused(gateway, source):
    request = ask(gateway)
    await virtual.settle()
    gateway.door.shut()
    with pytest.raises(Refused, match="shutting down"):
        await ask(gateway)
    source.let_go()
    assert (await request).body == b"/a from stub 0"


@on_virtual_time(True)
async def test_closing_waits_for_calls_that_were_cancelled_just_now(gateway, source):
    """`Stub.aclose` fails if a call is still running; a request that is cancelled does not wait for its flight."""
    request = ask(gateway)
    await virtual.settle()
    request.cancel()
    with suppress(asyncio.CancelledError):
        await request


@on_virtual_time(True)
async def test_a_gateway_that_closes_with_requests_inside_leaves_nothing(gateway, source):
    requests = [ask(gateway, call) for call in (A, A, B)]
    await virtual.settle()
    for request in requests:
        request.add_done_callback(asyncio.Task.exception)  # heard


# --- every order ------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("places", [1, 2])
def test_two_equal_requests_in_every_order_with_a_cancellation_anywhere(places):
    """With one place the second waits in line, with two it shares the call of the first."""

    def requests(run):
        class Quick(Stub):
            async def get(self, call):
                self.running += 1
                try:
                    await asyncio.sleep(0)
                    return Answer(200, (), b"", self.name)
                finally:
                    self.running -= 1

        source, answers = Quick(), []
        gateway = Gateway([source], Limits(places=places, line=1))

        async def request():
            answers.append(await gateway.answer(A, within=3600.0, gone=ac.Signal().wait))

        def nothing_is_left():
            assert len(answers) >= 1
            assert (gateway.door.inside, gateway.door.waiting, source.running) == (0, 0, 0)
            assert gateway.stats()["flights"] == 0

        run.spawn(request, name="first", cancel=True)
        run.spawn(request, name="second")
        run.watch(gateway.door, gateway._flights)
        run.at_end(nothing_is_left)

    result = explore(requests, cancels=1, must_finish=True)
    result.check()
    assert result.complete
    assert result.runs > 50
