"""`Once` and `OnceValue`: one run, whatever becomes of it (SY09-SY12, B19-B21, P11, E10)."""

import asyncio
import contextlib
import copy
import gc
import traceback
import weakref

import pytest

import aiochan as ac
from aiochan.sync.once import Once, OnceValue
from aiochan.testing.order import Order


class Boom(Exception):
    pass


async def turns(n=3):
    for _ in range(n):
        await asyncio.sleep(0)


async def asleep(*coros):
    tasks = [asyncio.ensure_future(coro) for coro in coros]
    await turns()
    assert not any(task.done() for task in tasks)
    return tasks


async def outcomes(*tasks):
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    return [answer if answer is None else type(answer).__name__ for answer in answers]


class Job:
    """Something to run that waits until it is told how to end."""

    def __init__(self):
        self.runs = []
        self.ends = ac.Chan(10)

    async def __call__(self, who="it"):
        self.runs.append(who)
        end = await self.ends.recv()
        if isinstance(end, BaseException):
            raise end
        return end


async def never():
    raise AssertionError("this must not be run")


# -- one run (SY09)


def test_sy09_it_is_run_once_whatever_comes_later(run):
    async def main():
        once, ran = Once(name="it"), []

        async def fn(n):
            ran.append(n)

        assert not once.done
        for n in range(3):
            assert await once.do(fn, n) is None
            assert once.done
            once._check()
        assert ran == [0]

    run(main)


def test_sy09_whoever_comes_while_it_runs_returns_when_it_has_ended(run):
    async def main():
        async with Order() as order:
            once, go_on = Once(name="it"), ac.Signal()

            async def fn():
                order.expect(1)
                await go_on.wait()
                order.expect(3)

            async def later():
                await once.do(never)
                order.expect(4)

            tasks = await asleep(once.do(fn), later())
            assert (once.done, once.waiters) == (False, 1)
            assert repr(once) == "<Once 'it' running, 1 waiting>"
            once._check()
            order.expect(2)
            go_on.close()
            await asyncio.gather(*tasks)
            assert repr(once) == "<Once 'it' done, 0 waiting>"
            order.finish(5)

    run(main)


def test_b19_done_is_false_while_it_runs(run):
    async def main():
        once, seen = Once(), []

        async def fn():
            seen.append(once.done)

        await once.do(fn)
        assert (seen, once.done) == ([False], True)

    run(main)


def test_it_runs_as_part_of_the_first_who_asks(run):
    async def main():
        ran = []

        async def fn():
            ran.append(asyncio.current_task())

        await Once().do(fn)
        assert ran == [asyncio.current_task()]

    run(main)


# -- recursion: B21, P11


def test_p11_what_asks_for_itself_is_told(run):
    async def main():
        once = Once(name="it")

        async def fn():
            await once.do(never)

        for _ in range(2):
            with pytest.raises(ac.MisuseError, match=r"<Once 'it' running, 0 waiting> is asked for by what it runs"):
                await once.do(fn)
        assert once.done

    run(main)


def test_p11_also_by_way_of_another_one(run):
    async def main():
        first, second, retrying = (
            Once(name="first"),
            Once(name="second"),
            OnceValue(lambda: first.do(never), retry=True),
        )

        async def through_second():
            await second.do(through_value)

        async def through_value():
            await retrying()

        with pytest.raises(ac.MisuseError, match="<Once 'first' running"):
            await first.do(through_second)
        assert (first.done, second.done, retrying.done) == (True, True, False)

    run(main)


def test_another_task_that_the_run_has_started_may_wait_for_its_end(run):
    async def main():
        once, started = Once(), []

        async def fn():
            started.extend(await asleep(once.do(never)))

        await once.do(fn)
        await asyncio.gather(*started)

    run(main)


def test_b21_replacing_it_inside_of_its_own_run_breaks_nothing(run):
    async def main():
        class Client:
            def __init__(self):
                self.once = Once()

            async def connect(self):
                self.once = Once()
                await self.once.do(turns)

        client = Client()
        old = client.once
        await old.do(client.connect)
        assert old is not client.once
        assert old.done and client.once.done
        old._check()

    run(main)


# -- errors: Go's way (P11, SY09)


def test_p11_a_failure_counts_and_everybody_gets_it_then_and_later(run):
    async def main():
        once, job, error = Once(name="it"), Job(), Boom()
        tasks = await asleep(*(once.do(job) for _ in range(3)))
        job.ends.send_nowait(error)
        assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 3
        assert repr(once) == "<Once 'it' done with Boom, 0 waiting>"
        for _ in range(2):
            with pytest.raises(Boom) as raised:
                await once.do(never)
            assert raised.value is error
        assert job.runs == ["it"]
        once._check()

    run(main)


def test_the_error_shows_where_it_happened_and_does_not_grow(run):
    async def main():
        once = Once()

        async def fails():
            raise Boom

        lengths = set()
        for _ in range(4):
            try:
                raise KeyError("the caller's own")
            except KeyError:
                with pytest.raises(Boom) as raised:
                    await once.do(fails)
            names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
            assert names[-1] == "fails"
            lengths.add(len(names))
        assert len(lengths) == 2, "the first has run it, and those who come later are told"
        assert raised.value.__context__ is not None  # of the first who asked, and no other
        del raised

    run(main)


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt])
def test_what_is_no_exception_does_not_count_as_done(run, error):
    async def main():
        once = Once()

        async def interrupted():
            raise error

        with pytest.raises(error):
            await once.do(interrupted)
        assert not once.done
        await once.do(turns)
        assert once.done

    run(main)


@pytest.mark.parametrize("fn", [None, 7, "fn"])
def test_what_is_no_function_is_refused_and_nothing_is_done(run, fn):
    async def main():
        once = Once()
        with pytest.raises(TypeError, match="a function is needed"):
            await once.do(fn)
        assert not once.done
        once._check()

    run(main)


def test_a_coroutine_in_place_of_a_function_is_refused_and_closed(run):
    async def main():
        with pytest.raises(TypeError, match="a function is needed"):
            await Once().do(turns())

    run(main)


def test_a_function_that_returns_nothing_to_await_is_refused(run):
    async def main():
        with pytest.raises(TypeError, match="must return an awaitable"):
            await Once().do(lambda: None)

    run(main)


# -- errors: try again (SY10)


def test_sy10_it_is_tried_until_it_works(run):
    async def main():
        once, left = Once(retry=True), [Boom("second"), Boom("first")]

        async def fn():
            if left:
                raise left.pop()

        for text in ("first", "second"):
            with pytest.raises(Boom, match=text):
                await once.do(fn)
            assert not once.done
            once._check()
        await once.do(fn)
        assert once.done
        await once.do(never)

    run(main)


def test_sy10_who_waits_runs_its_own_after_an_error_one_after_the_other(run):
    async def main():
        once, job = Once(retry=True), Job()
        tasks = await asleep(*(once.do(job, who) for who in "abcd"))
        assert job.runs == ["a"]
        for end, runs in ((Boom(), "ab"), (Boom(), "abc"), ("well", "abc")):
            job.ends.send_nowait(end)
            await turns(5)
            assert job.runs == [*runs]
            once._check()
        assert await outcomes(*tasks) == ["Boom", "Boom", None, None]

    run(main)


def test_who_tries_again_does_not_overtake_who_was_handed_the_turn(run):
    async def main():
        once, job = Once(retry=True), Job()

        async def stubborn():
            with pytest.raises(Boom):
                await once.do(job, "a")
            await once.do(job, "a again")  # in the step in which the turn went to the next

        tasks = await asleep(stubborn(), once.do(job, "b"))
        job.ends.send_nowait(Boom())
        await turns(5)
        assert (job.runs, once.waiters) == (["a", "b"], 1)
        once._check()
        job.ends.send_nowait("well")
        assert await outcomes(*tasks) == [None, None]
        assert job.runs == ["a", "b"]

    run(main)


# -- cancellation


def test_a_runner_that_is_cancelled_hands_the_turn_to_the_next(run):
    async def main():
        once, job = Once(), Job()
        tasks = await asleep(*(once.do(job, who) for who in "abc"))
        tasks[0].cancel()
        await turns(5)
        assert job.runs == ["a", "b"]
        assert not once.done
        once._check()
        job.ends.send_nowait("well")
        assert await outcomes(*tasks) == ["CancelledError", None, None]

    run(main)


def test_nobody_waits_behind_a_runner_that_is_cancelled(run):
    async def main():
        once, job = Once(), Job()
        (task,) = await asleep(once.do(job))
        task.cancel()
        assert await outcomes(task) == ["CancelledError"]
        assert repr(once).endswith(" not run, 0 waiting>")
        await once.do(turns)
        assert once.done

    run(main)


def test_who_was_handed_the_turn_and_is_cancelled_hands_it_on(run):
    async def main():
        once, job = Once(), Job()

        async def first():
            try:
                await once.do(job, "a")
            finally:
                tasks[1].cancel()  # it has the turn by now, and has not run

        tasks = await asleep(first(), once.do(job, "b"), once.do(job, "c"))
        tasks[0].cancel()
        await turns(5)
        assert job.runs == ["a", "c"]
        once._check()
        job.ends.send_nowait("well")
        assert await outcomes(*tasks) == ["CancelledError", "CancelledError", None]

    run(main)


def test_who_waits_and_is_cancelled_changes_nothing(run):
    async def main():
        once, job = Once(), Job()
        tasks = await asleep(*(once.do(job, who) for who in "abc"))
        tasks[1].cancel()
        await turns()
        assert once.waiters == 1
        job.ends.send_nowait("well")
        assert await outcomes(*tasks) == [None, "CancelledError", None]
        assert job.runs == ["a"]

    run(main)


def test_who_was_told_and_then_cancelled_takes_nothing_with_it(run):
    async def main():
        once, go_on = Once(), ac.Signal()

        async def fn():
            await go_on.wait()
            tasks[1].cancel()  # it is told in this very turn, before its CancelledError can arrive
            tasks[2].cancel()

        tasks = await asleep(once.do(fn), once.do(never), once.do(never), once.do(never))
        go_on.close()
        answers = await outcomes(*tasks)
        assert answers == [None, "CancelledError", "CancelledError", None]
        assert once.done
        once._check()
        await once.do(never)

    run(main)


# -- reset, and another one in its place (SY11, B20)


def test_b20_after_reset_it_runs_again(run):
    async def main():
        once, ran = Once(), []

        async def fn():
            ran.append(len(ran))

        once.reset()
        for _ in range(2):
            await once.do(fn)
            once.reset()
            assert not once.done
        assert ran == [0, 1]

    run(main)


def test_b20_an_error_is_forgotten_as_well(run):
    async def main():
        once = Once()

        async def fails():
            raise Boom

        with pytest.raises(Boom):
            await once.do(fails)
        once.reset()
        await once.do(turns)

    run(main)


def test_it_cannot_be_reset_while_it_runs(run):
    async def main():
        once, go_on = Once(name="it"), ac.Signal()
        (task,) = await asleep(once.do(go_on.wait))
        with pytest.raises(ac.MisuseError, match="cannot reset <Once 'it' running, 0 waiting> while it runs"):
            once.reset()
        go_on.close()
        await task
        assert once.done

    run(main)


def test_those_who_have_not_read_the_outcome_have_it_after_a_reset(run):
    async def main():
        once = OnceValue(job := Job())

        async def first():
            value = await once()
            once.reset()  # in the step in which it was done: the other one was woken, and has not run
            return value

        tasks = await asleep(first(), once())
        job.ends.send_nowait("old")
        job.ends.send_nowait("new")
        assert await tasks[0] == "old"
        assert await once() == "new"
        assert await tasks[1] == "old"
        assert len(job.runs) == 2

    run(main)


def test_who_was_told_of_a_run_and_is_cancelled_has_no_say_in_the_next(run):
    async def main():
        inside, most, ends = [], [], [asyncio.get_running_loop().create_future() for _ in range(3)]

        async def make():
            if most:
                tasks[1].cancel()  # it was told of the first run, and has not run since
            inside.append(1)
            most.append(len(inside))
            await ends[len(most) - 1]
            inside.pop()

        once = OnceValue(make)

        async def first():
            await once()
            once.reset()

        tasks = await asleep(first(), once())
        ends[0].set_result(None)
        tasks += [asyncio.ensure_future(once()) for _ in range(2)]  # one is to run it, the other one to wait
        await turns()
        once._check()
        assert max(most) == 1, "two run at once"
        for end in ends[1:]:
            end.set_result(None)
        await outcomes(*tasks)

    run(main)


def test_sy11_a_new_one_in_its_place_runs_again(run):
    async def main():
        ran = []

        async def fn():
            ran.append(1)

        once = Once()
        await once.do(fn)
        once = Once()
        await once.do(fn)
        assert ran == [1, 1]

    run(main)


# -- a value: SY11


def test_sy11_everybody_gets_the_same_object(run):
    async def main():
        async def make():
            await asyncio.sleep(0)
            return object()

        three = OnceValue(make, name="three")
        made = await asyncio.gather(three(), three(), three())
        assert len({*made, await three()}) == 1
        assert repr(three) == "<OnceValue 'three' done, 0 waiting>"
        three._check()

    run(main)


@pytest.mark.parametrize("retry", [False, True])
def test_a_value_that_fails(run, retry):
    async def main():
        value = OnceValue(job := Job(), retry=retry)
        tasks = await asleep(value(), value())
        job.ends.send_nowait(Boom())
        job.ends.send_nowait("well")
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[0], Boom)
        if retry:
            assert (answers[1], await value()) == ("well", "well")
        else:
            assert answers[1] is answers[0]
            with pytest.raises(Boom):
                await value()

    run(main)


def test_a_value_may_be_none(run):
    async def main():
        ran = []

        async def make():
            ran.append(1)

        value = OnceValue(make)
        assert (await value(), await value()) == (None, None)
        assert ran == [1]
        value.reset()
        await value()
        assert ran == [1, 1]

    run(main)


def test_who_makes_the_value_and_is_cancelled_leaves_it_to_the_next(run):
    async def main():
        value = OnceValue(job := Job())
        tasks = await asleep(value(), value(), value())
        tasks[0].cancel()
        job.ends.send_nowait("well")
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert await asyncio.gather(*tasks[1:]) == ["well", "well"]

    run(main)


def test_a_value_that_asks_for_itself_is_told(run):
    async def main():
        async def make():
            return await value()

        value = OnceValue(make)
        with pytest.raises(ac.MisuseError, match="asked for by what it runs"):
            await value()

    run(main)


# -- a guard (SY12)


def test_sy12_what_needs_an_init_says_so(run):
    class NotYetInited(Exception):
        pass

    class AnimalStore:
        def __init__(self):
            self.cats, self._inited = 0, Once()

        async def init(self):
            await self._inited.do(self._load)

        async def _load(self):
            await asyncio.sleep(0)
            self.cats += 9

        def count_of_cats(self):
            if not self._inited.done:
                raise NotYetInited
            return self.cats

    async def main():
        store = AnimalStore()
        with pytest.raises(NotYetInited):
            store.count_of_cats()
        await asyncio.gather(store.init(), store.init())
        assert store.count_of_cats() == 9

    run(main)


# -- what it is made with, and what it leaves


def test_bad_arguments():
    with pytest.raises(TypeError, match="retry of a Once is True or False, not <function"):
        Once(retry=never)
    with pytest.raises(TypeError, match="retry of a OnceValue is True or False, not 'name'"):
        OnceValue(never, retry="name")
    with pytest.raises(TypeError, match="a function is needed, not None"):
        OnceValue(None)
    with pytest.raises(TypeError, match="the name of a Once must be a string, not 7"):
        Once(name=7)


def test_it_cannot_be_copied():
    for thing in (Once(), OnceValue(never)):
        with pytest.raises(TypeError, match="cannot be copied"):
            copy.copy(thing)


@pytest.mark.parametrize("make", [Once, lambda: OnceValue(fails)], ids=["Once", "OnceValue"])
def test_an_error_that_is_kept_makes_no_circle(run, make):
    async def ask(things):
        await asyncio.sleep(0)  # an eager task begins in the frame of its starter, which knows the thing
        with contextlib.suppress(Boom):  # its traceback shows this frame, which must not know the thing either
            await (things.pop().do(fails) if make is Once else things.pop()())

    async def one_round(later):
        thing = make()
        await asyncio.gather(*[asyncio.ensure_future(ask([thing])) for _ in range(3)])
        if later:
            await asyncio.ensure_future(ask([thing]))
        assert thing.done
        return weakref.ref(thing), weakref.ref(thing._round.error)

    async def main():
        gc.disable()
        try:
            for later in (False, True):
                thing, error = await one_round(later)
                await turns()
                assert (thing(), error()) == (None, None)
        finally:
            gc.enable()

    run(main)


async def fails():
    await asyncio.sleep(0)
    raise Boom


def test_the_result_of_what_was_done_is_not_kept(run):
    class Big:
        pass

    async def main():
        known = []

        async def fn():
            big = Big()
            known.append(weakref.ref(big))
            return big

        once = Once()
        await once.do(fn)
        assert known[0]() is None

    run(main)
