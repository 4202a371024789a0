"""Uses of a channel from where it must not be used: another thread, another loop, no loop at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper
from tests.cores.both import Core, stage
from tests.cores.words import error_words, words

Things = tuple[Any, Any, Any, Any]  # a channel, a signal and a queue at which somebody sleeps; a place that is held
Use = Callable[[Core, Things], object]


def _begun(operation: Any) -> object:
    """Begin an operation; whether it sleeps."""
    try:
        return "sleeps", operation.send(None) is not None
    except StopIteration as stop:
        return "answers", stop.value
    finally:
        operation.close()


USES: dict[str, Use] = {
    "send": lambda core, t: _begun(t[0].send(1)),
    "send_nowait": lambda core, t: t[0].send_nowait(1),
    "recv": lambda core, t: _begun(t[0].recv()),
    "recv_ok": lambda core, t: _begun(t[0].receiver.recv_ok()),
    "recv_nowait": lambda core, t: t[0].recv_nowait(),
    "anext": lambda core, t: _begun(t[0].__anext__()),
    "close": lambda core, t: t[0].close(),
    "close with a cause": lambda core, t: t[0].sender.close(KeyError("why")),
    "close with a bad cause": lambda core, t: t[0].close(3),
    "reserve": lambda core, t: _begun(t[0].reserve().__aenter__()),
    "use a place": lambda core, t: t[3].send(1),
    "give a place back": lambda core, t: _begun(t[3].__aexit__(None, None, None)),
    "select to receive": lambda core, t: _begun(core.select(core.recv(t[0]))),
    "select to send": lambda core, t: _begun(core.select(core.send(t[0], 1), core.recv(None))),
    "select on a signal": lambda core, t: _begun(core.select(core.recv(t[1]))),
    "select_nowait to receive": lambda core, t: core.select_nowait(core.recv(t[0])),
    "select_nowait to send": lambda core, t: core.select_nowait(core.send(t[0], 1)),
    "select_loop": lambda core, t: _begun(core.select_loop(core.recv(t[0])).__anext__()),
    "wait": lambda core, t: _begun(t[1].wait()),
    "close a signal": lambda core, t: t[1].close(),
    "recv_nowait of a signal": lambda core, t: t[1].recv_nowait(),
    "park": lambda core, t: _begun(t[2].park()),
    "wake": lambda core, t: t[2].wake(),
    "wake nobody": lambda core, t: t[2].wake(0),
    "wake a negative number": lambda core, t: t[2].wake(-1),
    "wake_all": lambda core, t: t[2].wake_all(),
    "look": lambda core, t: (t[0].stats(), len(t[0]), t[0], t[1], t[2], list(t[2]), t[2].first),
    "send to a new one": lambda core, t: _begun(core.Chan(1, name="new").send(1)),
    "recv from a new one": lambda core, t: _begun(core.Chan(1, name="new").recv()),
    "send_nowait to a new one": lambda core, t: core.Chan(1, name="new").send_nowait(1),
    "park in a new one": lambda core, t: _begun(core.WaitQueue("new").park()),
    "select of nothing": lambda core, t: _begun(core.select()),
}


def _things(core: Core, asleep: str) -> tuple[Things, list[Stepper[Any]]]:
    """Make them, and let somebody sleep there: receivers, or senders."""
    ch = core.Chan(1, name="c")
    place = ch.reserve()
    signal, queue = core.Signal("s"), core.WaitQueue("q")
    entering: Stepper[Any] = Stepper(place.__aenter__())
    entering.step()
    sleepers = [Stepper[Any](operation) for operation in (signal.wait(), queue.park("tag"))]
    sleepers.append(Stepper(ch.recv() if asleep == "receiver" else ch.send("v")))
    for sleeper in sleepers:
        sleeper.step()
    return (ch, signal, queue, place), sleepers


def used(core: Core, use: str, asleep: str, where: str) -> tuple[Any, ...]:
    """Use it there, and say what came of that, and how everything looks afterwards."""
    with stage(core) as home:
        things, sleepers = _things(core, asleep)
        told = _elsewhere(lambda: USES[use](core, things)) if where == "in another thread" else None
    if where == "after its loop was closed":
        home.close()
    inside: AbstractContextManager[object] = stage(core) if where != "outside of any loop" else nullcontext()
    if told is None:
        with inside:
            told = _told(lambda: USES[use](core, things))
    looks = words((*things[:3], things[0]._snapshot()[:6], [sleeper.woken for sleeper in sleepers]))
    for sleeper in sleepers:
        _told(sleeper.close)
    return told, looks


def _told(use: Callable[[], object]) -> tuple[Any, ...]:
    try:
        return "returned", words(use())
    except Exception as error:
        return "raised", error_words(error)


def _elsewhere(use: Callable[[], object]) -> tuple[Any, ...]:
    told: list[tuple[Any, ...]] = []

    def work() -> None:
        with StepLoop().running():
            told.append(_told(use))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return told[0]


PLACES = "in another thread", "in another loop", "after its loop was closed", "outside of any loop"
