"""What a schedule and a pool have in common: a group that tells its owner, and the future of a job (PL08, GP10)."""

import asyncio
import gc
import weakref

import pytest

import aiochan as ac
from aiochan.groups.jobs import Failed, Job, Jobs, attempt, run
from tests.groups.kit import listen


class Boom(Exception):
    pass


async def value(what):
    return what


async def fails(error):
    raise error


class Owner:
    """Remembers what it is told."""

    def __init__(self, **arguments):
        self.told = []
        self.group = Jobs("Owner", None, arguments.get("name"), self.over, arguments.get("ended"))

    def over(self):
        self.told.append("over")

    def __repr__(self):
        return self.group.state("inside")


# -- the group


@pytest.mark.parametrize("end", ["error of a task", "error of the body", "context", "cancelled"])
def test_the_owner_is_told_of_the_end(run, end):
    async def main():
        owner = Owner()
        with pytest.raises((Boom, ac.Canceled, asyncio.CancelledError)):
            async with owner.group as g:
                if end == "error of a task":
                    g.go(fails, Boom())
                elif end == "error of the body":
                    raise Boom
                elif end == "context":
                    g.ctx.cancel()
                else:
                    raise asyncio.CancelledError
                await asyncio.get_running_loop().create_future()
        assert set(owner.told) == {"over"}
        assert repr(owner) == "<Owner left>"

    run(main)


def test_the_owner_is_not_told_when_it_is_left_in_peace(run):
    async def main():
        owner = Owner(name="mine")
        assert (repr(owner), owner.group.crew) == ("<Owner 'mine' not entered>", None)
        async with owner.group as g:
            assert repr(owner) == "<Owner 'mine' inside>"
            task = g.go(value, 1)
            assert task.get_name() == "mine/value"
        assert owner.told == []

    run(main)


def test_an_owner_may_hear_of_each_task(run):
    async def main():
        ended = []
        owner = Owner(ended=ended.append)
        with pytest.raises(Boom):
            async with owner.group as g:
                tasks = [g.go(value, 1), g.go(fails, Boom())]
        assert ended == tasks

    run(main)


def test_tasks_of_a_nameless_owner_are_called_after_its_kind(run):
    async def main():
        async with Owner().group as g:
            assert g.go(value, 1).get_name() == "Owner/value"

    run(main)


def test_a_dismissed_owner_is_free_to_die(run):
    async def main():
        owner = Owner()
        group, seen = owner.group, weakref.ref(owner)
        async with group:
            pass
        del owner
        gc.collect()
        assert seen() is not None
        group.dismiss()
        assert seen() is None
        assert group.crew is None

    run(main)


def test_at_work_only_inside(run):
    async def main():
        owner = Owner()
        with pytest.raises(ac.MisuseError, match=r"cannot knit: <Owner not entered> has not been entered"):
            owner.group.at_work("knit", owner)
        async with owner.group:
            assert owner.group.at_work("knit", owner) is owner.group.crew
        with pytest.raises(ac.MisuseError, match=r"cannot knit: <Owner left> was left"):
            owner.group.at_work("knit", owner)

    run(main)


def test_the_owner_is_told_in_the_moment_in_which_the_context_ends(run):
    async def main():
        owner = Owner()
        with pytest.raises(ac.Canceled):
            async with owner.group as g:
                g.ctx.cancel()
                assert owner.told == ["over"]
                assert owner.group.at_work("knit", owner).closed
                await asyncio.get_running_loop().create_future()

    run(main)


# -- the call


@pytest.mark.parametrize(
    ("fn", "error"),
    [(lambda: 1 / 0, ZeroDivisionError), (lambda: 7, TypeError), (lambda: fails(Boom()), Boom)],
    ids=["when called", "no awaitable", "when awaited"],
)
def test_whatever_goes_wrong_is_the_errors_of_the_call(fn, error):
    async def main():
        with pytest.raises(error):
            await run(fn, ())
        assert await run(value, ("x",)) == "x"

    asyncio.run(main())


def test_an_attempt_returns_its_error():
    async def main():
        boom = Boom()
        assert await attempt(fails, (boom,)) == Failed(boom)
        assert type(await attempt(lambda: 1 / 0, ())).__name__ == "Failed"
        assert await attempt(value, ("x",)) == "x"
        with pytest.raises(KeyboardInterrupt):
            await attempt(fails, (KeyboardInterrupt(),))

    asyncio.run(main())


# -- the future


def job(cancelled=lambda job: None):
    return Job(asyncio.get_running_loop(), cancelled, value, (1,))


def test_a_job_that_is_cancelled_tells_once(run):
    async def main():
        told = []
        one = job(told.append)
        assert one.cancel("why")
        assert not one.cancel()
        assert told == [one]
        assert one.cancelled()

    run(main)


def test_a_job_keeps_nothing_alive_once_it_has_ended(run):
    async def main():
        for end in (
            lambda one: one.succeed(1),
            lambda one: (one.fail(Boom()), one.exception()),
            lambda one: one.end(None),
        ):
            one = job()
            end(one)
            assert one.done()
            assert (one.fn, one.args, one.context, one.task) == (None, (), None, None)

    run(main)


def test_a_job_that_was_cancelled_stays_so(run):
    async def main():
        for end in (
            lambda one: one.succeed(1),
            lambda one: one.fail(Boom()),
            lambda one: one.end(Boom()),
            lambda one: one.end(None),
        ):
            one = job()
            one.cancel()
            assert not end(one)
            assert one.cancelled()
            assert not one.failed

    run(main)


def test_an_error_that_has_to_be_asked_for_and_one_that_need_not(run):
    async def main():
        told = listen()
        one, other = job(), job()
        assert one.fail(Boom("must"))
        other.end(Boom("need not"))
        assert (one.failed, other.failed) == (True, False)
        del one, other
        gc.collect()
        assert [str(context["exception"]) for context in told] == ["must"]

    run(main)
