"""H20: KeyboardInterrupt and SystemExit leave the loop in the middle of a turn; it goes on later, half-way.

Every step of every task, and every callback of the loop, is interrupted in turn. Then the loop goes on: the invariants
hold, nobody is left asleep, and no value was lost.
"""

import itertools

import pytest

from aiochan.core import WaitQueue
from tests.hazards.interrupts import Fatal, Program, Steps
from tests.hazards.stage import fresh_loop, go_round, start

ENOUGH = 60  # turns of the loop
every_error = pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])


def go_on(loop, program, error):
    """Let the loop go round until all is done that can be done, and count the interruptions."""
    interruptions = 0
    for _ in range(ENOUGH):
        try:
            go_round(loop)
        except error:
            interruptions += 1
        program.check()
    return interruptions


def play(kind, silence, steps, arrange):
    """Run the program with one interruption, arranged by `arrange(loop, steps)`; whether there was one."""
    with fresh_loop(kind, silence) as loop:
        program, tasks = Program(), []
        wrap = arrange(loop, steps)
        loop.call_soon(lambda: tasks.extend(loop.create_task(wrap(coroutine)) for coroutine in program.coroutines()))
        interruptions = go_on(loop, program, steps.error)
        loop.call_soon(program.close)
        interruptions += go_on(loop, program, steps.error)
        assert all(task.done() for task in tasks), [task for task in tasks if not task.done()]
        for task in tasks:
            if not task.cancelled():
                task.exception()
        program.check_end()
        return interruptions


def in_steps(loop, steps):
    """Interrupt a task: it finds the error where it is suspended.

    The first step of an eager task is left alone. It is taken inside `create_task`, which then gives no task back.
    """
    eager = loop.get_task_factory() is not None
    return lambda coroutine: Fatal(coroutine, steps, begun=not eager)


def in_callbacks(loop, steps):
    """Interrupt the loop: the error comes out of a callback, when that has done its work."""
    call_soon = loop.call_soon

    def counting(callback, *args, context=None):
        def call():
            callback(*args)
            if callback != loop.stop and steps.next_is_fatal():
                raise steps.error

        return call_soon(call, context=context)

    loop.call_soon = counting
    return lambda coroutine: coroutine


@every_error
@pytest.mark.parametrize("arrange", [in_steps, in_callbacks])
def test_h20_interrupted_anywhere_it_goes_on(loop_kind, silence, error, arrange):
    for fatal in itertools.count(1):
        steps = Steps(fatal, error)
        interruptions = play(loop_kind, silence, steps, arrange)
        if steps.taken < fatal:
            break
        assert interruptions == 1
    silence.check()
    assert fatal > 5, "the program is too short to show anything"


@every_error
def test_h20_those_behind_an_interrupted_task_run_later_in_their_order(loop_kind, silence, error):
    with fresh_loop(loop_kind, silence) as loop:
        queue, log = WaitQueue(), []

        async def sleep(number):
            await queue.park()
            log.append(number)
            if number == 1:
                raise error

        async def start_all():
            return await start(*(sleep(number) for number in range(5)), on=[queue])

        tasks = loop.run_until_complete(start_all())
        loop.call_soon(queue.wake_all)
        with pytest.raises(error):
            go_round(loop, ENOUGH)
        go_round(loop, ENOUGH)
        assert log == [0, 1, 2, 3, 4]
        assert isinstance(tasks[1].exception(), error)
