"""The parts of examples/gateway one by one: deadlines, the door, hedged calls, options. On virtual time."""

import asyncio
from contextlib import suppress

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from examples.gateway import cli, deadlines
from examples.gateway.door import Door
from examples.gateway.hedging import HedgeCounts, hedged
from examples.gateway.records import BadRequest, Refused, UpstreamError

# --- deadlines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "seconds"), [([], 30.0), (["1"], 0.001), (["1500"], 1.5), (["0030"], 0.03), (["3600000"], 30.0)]
)
def test_a_deadline_is_what_was_asked_for_up_to_the_gateway_s_own(values, seconds):
    assert deadlines.seconds(values, 30.0) == seconds


@pytest.mark.parametrize(
    "values",
    [
        *([text] for text in ("0", "-1", "+1", "1.5", "", "soon", "1e3", "0x10", "1_000", " 12", "١٢", "nan", "inf")),
        ["3600001"],
        ["9" * 400],
        ["10", "20"],
        ["10", "10"],
        ["10,20"],
    ],
)
def test_anything_else_is_a_bad_request_that_says_what_was_wrong(values):
    with pytest.raises(BadRequest) as raised:
        deadlines.seconds(values, 30.0)
    assert ", ".join(values) in str(raised.value)


# --- the door ---------------------------------------------------------------------------------------


def test_so_many_are_inside_so_many_wait_and_the_rest_is_refused():
    async def main():
        door, order, leave = Door(2, 3), [], ac.Chan[None]()

        async def guest(number):
            async with door.place():
                order.append(number)
                await leave.recv()

        async with asyncio.TaskGroup() as guests:
            for number in range(5):
                guests.create_task(guest(number))
                await virtual.settle()
            assert (door.inside, door.waiting, order) == (2, 3, [0, 1])
            with pytest.raises(Refused, match="too many requests"):
                await guest(5)
            await leave.send(None)
            await virtual.settle()
            assert (door.inside, door.waiting, order) == (2, 2, [0, 1, 2])
            guests.create_task(guest(6))  # there is room in line again
            await virtual.settle()
            for _ in range(5):
                await leave.send(None)
        assert order == [0, 1, 2, 3, 4, 6]
        assert (door.inside, door.waiting) == (0, 0)

    virtual.run(main)


def test_a_door_without_a_line_refuses_who_would_have_to_wait():
    async def main():
        door = Door(1, 0)
        async with door.place():
            with pytest.raises(Refused):
                async with door.place():
                    pytest.fail("came in")
        async with door.place():
            assert door.inside == 1

    virtual.run(main)


def test_a_place_that_is_on_its_way_to_somebody_does_not_make_the_line_longer():
    async def main():
        door, order = Door(1, 1), []

        async def guest(number):
            async with door.place():
                order.append(number)

        async with asyncio.TaskGroup() as guests:
            async with door.place():
                guests.create_task(guest(1))
                await virtual.settle()
            await guest(2)  # the first has been promised the place, and not taken it yet
        assert order == [1, 2]

    virtual.run(main)


def test_a_shut_door_lets_those_in_who_are_in_line_and_then_says_so():
    async def main():
        door, order = Door(1, 5), []

        async def guest(number):
            async with door.place():
                order.append(number)
                await asyncio.sleep(1)

        async with asyncio.TaskGroup() as guests:
            for number in range(3):
                guests.create_task(guest(number))
            await virtual.settle()
            door.shut()
            with pytest.raises(Refused, match="shutting down"):
                await guest(3)
            assert not door.empty.closed
            await door.empty.wait()
            assert order == [0, 1, 2]
            assert asyncio.get_running_loop().time() == 3.0
            door.shut()

    virtual.run(main)


def test_an_empty_door_says_so_as_soon_as_it_is_shut():
    door = Door(1, 0)
    assert not door.empty.closed
    door.shut()
    assert door.empty.closed


@pytest.mark.parametrize(("order", "cancels"), [("any", 1), pytest.param("fifo", 2, marks=pytest.mark.exhaustive)])
def test_no_place_is_lost_in_any_order_with_cancellations_anywhere(order, cancels):
    """Three guests at a door with one place and a line for two, and somebody who shuts it at any moment."""

    def guests(run):
        door = Door(1, 2)

        async def guest():
            with suppress(Refused):
                async with door.place():
                    assert door.inside == 1
                    await asyncio.sleep(0)

        async def porter():
            door.shut()

        def all_is_over():
            assert (door.inside, door.waiting) == (0, 0)
            assert door.empty.closed

        for name in ("first", "second", "third"):
            run.spawn(guest, name=name, cancel=True)
        run.spawn(porter)
        run.watch(door)
        run.at_end(all_is_over)

    result = explore(guests, order=order, cancels=cancels, must_finish=True)
    result.check()
    assert result.complete
    assert result.runs > 100


# --- hedged calls -----------------------------------------------------------------------------------


class Script:
    """Attempts that take as long, and come out, as the test says; on virtual time."""

    def __init__(self, *attempts):
        self.attempts = attempts  # seconds, and what to return or to raise
        self.log = []
        self.counts = HedgeCounts()

    def _attempt(self, number, seconds, outcome):
        async def attempt():
            clock = asyncio.get_running_loop().time
            self.log.append((clock(), number, "begins"))
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                await asyncio.sleep(0)  # takes a moment to clean up
                self.log.append((clock(), number, "was cancelled"))
                raise
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return attempt

    def run(self, delay=10.0):
        async def main():
            clock = asyncio.get_running_loop().time
            attempts = [self._attempt(number, *attempt) for number, attempt in enumerate(self.attempts)]
            try:
                return await hedged(attempts, delay, self.counts), clock()
            finally:
                self.log.append((clock(), "over"))

        return virtual.run(main)


def broken(name):
    return UpstreamError(f"{name} is broken")


def test_a_quick_answer_asks_nobody_else():
    script = Script((9, "a"), (0, "b"))
    assert script.run() == ("a", 9)
    assert script.log == [(0, 0, "begins"), (9, "over")]
    assert script.counts == HedgeCounts(hedged=0, failed_over=0)


def test_a_slow_one_is_overtaken_and_its_cancellation_is_waited_for():
    script = Script((100, "a"), (5, "b"), (0, "c"))
    assert script.run() == ("b", 15)
    assert script.log == [(0, 0, "begins"), (10, 1, "begins"), (15, 0, "was cancelled"), (15, "over")]
    assert script.counts == HedgeCounts(hedged=1, failed_over=0)


def test_the_first_may_still_win_after_the_second_was_asked():
    script = Script((12, "a"), (5, "b"))
    assert script.run() == ("a", 12)
    assert script.log[-2:] == [(12, 1, "was cancelled"), (12, "over")]


def test_two_answers_in_one_moment_are_one():
    answer, time = Script((15, "a"), (5, "b")).run()
    assert answer in ("a", "b")
    assert time == 15


def test_a_failure_begins_the_next_at_once():
    script = Script((3, broken("a")), (5, "b"))
    assert script.run() == ("b", 8)
    assert script.counts == HedgeCounts(hedged=0, failed_over=1)


def test_a_failure_while_another_is_being_tried_waits_for_that_and_for_the_delay():
    script = Script((12, broken("a")), (100, "b"), (1, "c"))
    assert script.run() == ("c", 23)
    assert [entry for entry in script.log if "begins" in entry] == [
        (0, 0, "begins"),
        (10, 1, "begins"),
        (22, 2, "begins"),
    ]
    assert script.counts == HedgeCounts(hedged=2, failed_over=0)


def test_when_all_have_failed_the_error_names_every_reason():
    script = Script((1, broken("a")), (100, broken("b")), (2, broken("c")))
    with pytest.raises(UpstreamError, match=r"^a is broken; c is broken; b is broken$"):
        script.run()
    assert script.log[-1] == (101, "over")
    assert script.counts == HedgeCounts(hedged=1, failed_over=1)


def test_one_alone_is_waited_for_without_any_hedge():
    assert Script((100, "a")).run() == ("a", 100)
    with pytest.raises(UpstreamError, match=r"^a is broken$"):
        Script((100, broken("a"))).run()


def test_an_error_that_nobody_foresaw_comes_out_and_ends_the_others():
    script = Script((100, "a"), (5, ZeroDivisionError("a mistake")))
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        script.run()
    assert script.log[-2:] == [(15, 0, "was cancelled"), (15, "over")]


@pytest.mark.parametrize("moment", [5, 10, 15, 20, 25])
def test_whoever_asked_may_leave_at_any_moment_and_all_attempts_end(moment):
    script = Script((100, "a"), (100, "b"), (100, "c"))

    async def main():
        attempts = [script._attempt(number, *attempt) for number, attempt in enumerate(script.attempts)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(moment):
                await hedged(attempts, 10, script.counts)

    virtual.run(main)
    begun = [entry[1] for entry in script.log if entry[2] == "begins"]
    assert sorted(entry[1] for entry in script.log if entry[2] == "was cancelled") == begun


@pytest.mark.parametrize("order", ["fifo", pytest.param("any", marks=pytest.mark.exhaustive)])
def test_one_answer_in_every_order_with_cancellations_anywhere(order):
    """Two attempts that fail, answer or are cancelled: one outcome, and no attempt outlives it."""

    def asking(first, second):
        def scenario(run):
            trying, answers = [], []

            def attempt(outcome):
                async def attempt():
                    trying.append(outcome)
                    try:
                        await asyncio.sleep(0)
                        if outcome is None:
                            raise broken("this")
                        return outcome
                    finally:
                        trying.remove(outcome)

                return attempt

            async def ask():
                with suppress(UpstreamError):
                    answers.append(await hedged([attempt(first), attempt(second)], 0, HedgeCounts()))
                assert not trying

            def it_is_one_of_them():
                assert not trying
                assert set(answers) <= {first, second} - {None}

            run.spawn(ask, cancel=True)
            run.at_end(it_is_one_of_them)

        return scenario

    for first, second in [("a", "b"), (None, "b"), (None, None)]:
        result = explore(asking(first, second), order=order, cancels=1, must_finish=True)
        result.check()
        assert result.complete


# --- asked wrongly ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "one of the arguments -u/--upstream --demo is required"),
        (["--demo", "-u", "http://a"], "not allowed with argument"),
        (["-u", "a:80"], "argument -u/--upstream: 'a:80' is not http:// or https:// with a host, and no path"),
        (["-u", "http://a/b"], "'http://a/b' is not"),
        (["-u", "http://a?b"], "'http://a?b' is not"),
        (["-u", "http://user@a"], "'http://user@a' is not"),
        (["-u", "ftp://a"], "'ftp://a' is not"),
        (["-u", "http://a", "--port", "65536"], "argument --port: '65536' is not a whole number from 0 to 65535"),
        (["-u", "http://a", "--places", "0"], "argument --places: '0' is not a whole number from 1 to 100000"),
        (["-u", "http://a", "--line", "-1"], "argument --line: '-1' is not a whole number from 0 to 100000"),
        (["-u", "http://a", "--deadline", "soon"], "'soon' is not a number of seconds from 0 to 3600"),
        (["-u", "http://a", "--grace", "nan"], "'nan' is not a number of seconds from 0 to 3600"),
        (["-u", "http://a", "--hedge-after", "-0.1"], "'-0.1' is not a number of seconds from 0 to 3600"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    assert complaint in capsys.readouterr().err
