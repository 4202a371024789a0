"""Calls that both cores must answer in the same way: bad arguments, wrong moments, and what is asked seldom.

Each is a function of a core. `outcome` makes the call on a loop of its own and says what came of it, the text of an
error included. In `BY_CPYTHON` are calls that CPython itself refuses, in words that depend on how a thing is made: of
those only the type of the error must be the same.
"""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

from aiochan.testing.stepper import Stepper, at_once
from tests.cores.both import Core, stage
from tests.cores.words import error_words, plain, words

Call = Callable[[Core], object]


class Index:
    """A whole number in other clothes."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return 1 // self._number * self._number


class Vain:
    """Equal to nothing, and says so."""

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError("cannot be compared")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<vain>"


def outcome(core: Core, call: Call) -> tuple[Any, ...]:
    """What came of a call."""
    with stage(core):
        try:
            return "returned", words(call(core))
        except TypeError as error:  # what it was raised in the handling of: see accepted.py
            return "raised", "TypeError", plain(str(error))
        except Exception as error:
            return "raised", *(error_words(error) or ())


def closed(core: Core, cause: BaseException | None = None, *values: object, capacity: float = 2) -> Any:
    ch = core.Chan(capacity, name="c")
    for value in values:
        ch.send_nowait(value)
    ch.close(cause)
    return ch


def full(core: Core) -> Any:
    ch = core.Chan(1, name="c")
    ch.send_nowait("v")
    return ch


def unused(operation: Any) -> object:
    """An operation that was made only: it is closed, and not shown."""
    operation.close()
    return "an operation"


def _used(core: Core, *steps: str) -> tuple[Any, Any]:
    """A channel, and a place in it that was entered and with which all this was done."""
    ch = core.Chan(1, name="c")
    place = at_once(ch.reserve().__aenter__())
    for step in steps:
        {
            "send": lambda: place.send(1),
            "leave": lambda: at_once(place.__aexit__(None, None, None)),
            "enter": lambda: at_once(place.__aenter__()),
            "close": lambda: ch.close(KeyError("why")),
        }[step]()
    return ch, place


def twice(step: Callable[[], object]) -> object:
    first = step()
    return first, step()


def _select(how: str, make: Callable[[Core], tuple[Any, ...]], core: Core) -> object:
    name, _, order = how.partition(", ")
    selecting = getattr(core, name)(*make(core), biased=order == "biased")
    if name == "select_nowait":
        return selecting
    stepper = Stepper[Any](selecting if name == "select" else selecting.__anext__())
    if stepper.step() is None:
        return stepper.result
    stepper.close()
    return "waits"


def _closed_signal(core: Core, method: str) -> object:
    signal = core.Signal("s")
    signal.close()
    return at_once(getattr(signal, method)())


def _restored(core: Core, *args: Any, **kwargs: Any) -> object:
    """Set a budget, and tell of the budgets before, now and after."""
    before = core.set_budget(7, 9)
    try:
        return core.set_budget(*args, **kwargs), core.budget_left(), core.set_budget(7, 9)
    finally:
        core.set_budget(*before)


def _error(core: Core) -> Exception:
    try:
        closed(core, KeyError("why")).send_nowait(1)
    except Exception as error:
        return error
    raise AssertionError("it was sent")


def _copy(how: Callable[[Any], object], make: Call, core: Core) -> object:
    return how(make(core))


HOWS = "select", "select, biased", "select_nowait", "select_nowait, biased", "select_loop, biased"
SELECTED: dict[str, Callable[[Core], tuple[Any, ...]]] = {
    "of 3": lambda c: (3,),
    "of None": lambda c: (None,),
    "of a channel": lambda c: (c.Chan(name="c"),),
    "of nothing": lambda c: (),
    "of a bad second": lambda c: (c.recv(c.Chan(name="c")), 5),
    "of a bad second, the first is ready": lambda c: (c.recv(full(c)), 5),
    "of a short case": lambda c: ((c.Chan(name="c"), "recv"),),
    "of a case of 3": lambda c: ((3, "recv", None),),
    "of an unknown want": lambda c: ((c.Chan(name="c"), "peek", None),),
    "of a vain want": lambda c: ((c.Chan(name="c"), Vain(), None),),
    "of a list": lambda c: ([c.Chan(name="c"), "recv", None],),
    "of a view by hand": lambda c: ((c.Chan(name="c").receiver, "recv", None),),
    "of cases on None": lambda c: (c.recv(None), c.send(None, 1), c.recv_ok(None)),
    "of a closed one": lambda c: (c.recv(None), c.recv(closed(c))),
    "of a closed one, with a cause": lambda c: (c.recv(None), c.recv(closed(c, KeyError("why")))),
    "of a closed one, recv_ok": lambda c: (c.recv_ok(closed(c)),),
    "that sends to a closed one": lambda c: (c.recv(None), c.send(closed(c, KeyError("why")), 1)),
    "of a ready one": lambda c: (c.recv(full(c)),),
    "of two that are not ready": lambda c: (c.recv(c.Chan(name="c")), c.send(full(c), 1)),
}
COPIES = copy.copy, copy.deepcopy, pickle.dumps
COPIED: dict[str, Call] = {
    "a channel": lambda c: c.Chan(1, name="c"),
    "a sender": lambda c: c.Chan(1, name="c").sender,
    "a receiver": lambda c: c.Chan(1, name="c").receiver,
    "a signal": lambda c: c.Signal("s"),
    "a queue": lambda c: c.WaitQueue("q"),
    "a reservation": lambda c: c.Chan(1, name="c").reserve(),
}

BAD: dict[str, Call] = {
    # making
    "capacity -1": lambda c: c.Chan(-1),
    "capacity -inf": lambda c: c.Chan(-math.inf),
    "capacity nan": lambda c: c.Chan(math.nan),
    "capacity 1.5": lambda c: c.Chan(1.5),
    "capacity 1.0": lambda c: c.Chan(1.0),
    "capacity text": lambda c: c.Chan("3"),
    "capacity None": lambda c: c.Chan(None),
    "capacity True": lambda c: c.Chan(True),
    "capacity False": lambda c: c.Chan(False),
    "capacity complex": lambda c: c.Chan(1j),
    "capacity huge": lambda c: c.Chan(2**70, name="c"),
    "capacity very negative": lambda c: c.Chan(-(2**70)),
    "capacity by index": lambda c: c.Chan(Index(1), name="c"),
    "capacity by a broken index": lambda c: c.Chan(Index(0)),
    "capacity vain": lambda c: c.Chan(Vain()),
    "capacity inf": lambda c: c.Chan(math.inf, name="c"),
    "capacity by name": lambda c: c.Chan(capacity=2, name="c").capacity,
    "name 3": lambda c: c.Chan(name=3),
    "name bytes": lambda c: c.Chan(name=b"c"),
    "name empty": lambda c: c.Chan(name=""),
    "name odd": lambda c: c.Chan(name="it's \n <0x12>"),
    "overflow unknown": lambda c: c.Chan(1, overflow="drop"),
    "overflow None": lambda c: c.Chan(1, overflow=None),
    "overflow list": lambda c: c.Chan(1, overflow=["wait"]),
    "overflow vain": lambda c: c.Chan(1, overflow=Vain()),
    "overflow equal, not the same": lambda c: c.Chan(1, overflow="".join(["drop", "_oldest"]), name="c"),
    "drop_oldest 0": lambda c: c.Chan(0, overflow="drop_oldest"),
    "drop_newest 0": lambda c: c.Chan(overflow="drop_newest"),
    "drop_oldest inf": lambda c: c.Chan(math.inf, overflow="drop_oldest", name="c"),
    "all wrong: capacity is told first": lambda c: c.Chan(-1, name=3, overflow="drop"),
    "name is told before overflow": lambda c: c.Chan(1, name=3, overflow="drop"),
    "SendChan(3)": lambda c: c.SendChan(3),
    "SendChan(None)": lambda c: c.SendChan(None),
    "RecvChan(3)": lambda c: c.RecvChan("c"),
    "SendChan of a view": lambda c: c.SendChan(c.Chan(name="c").sender),
    "RecvChan of a signal": lambda c: c.RecvChan(c.Signal("s")),
    "SendChan(chan=...)": lambda c: c.SendChan(chan=c.Chan(name="c")),
    "RecvChan of the class": lambda c: c.RecvChan(c.Chan),
    "Signal(3)": lambda c: c.Signal(3),
    "Signal(name=...)": lambda c: c.Signal(name="s"),
    "Signal(None)": lambda c: c.Signal(None),
    "WaitQueue(3)": lambda c: c.WaitQueue(3),
    "WaitQueue(name=...)": lambda c: c.WaitQueue(name="q"),
    "never": lambda c: c.never(),
    # cases
    "recv(3)": lambda c: c.recv(3),
    "recv of a sender": lambda c: c.recv(c.Chan(name="c").sender),
    "recv of the class": lambda c: c.recv(c.Chan),
    "recv_ok(text)": lambda c: c.recv_ok("c"),
    "recv_ok of a sender": lambda c: c.recv_ok(c.Chan(name="c").sender),
    "recv_ok(vain)": lambda c: c.recv_ok(Vain()),
    "send(3, 1)": lambda c: c.send(3, 1),
    "send to a receiver": lambda c: c.send(c.Chan(name="c").receiver, 1),
    "send to a signal": lambda c: c.send(c.Signal("s"), 1),
    "send(None, 1)": lambda c: c.send(None, 1),
    "recv(None)": lambda c: c.recv(None),
    "recv_ok(None)": lambda c: c.recv_ok(None),
    "recv(ch)": lambda c: c.recv(c.Chan(name="c")),
    "recv_ok(ch)": lambda c: c.recv_ok(c.Chan(name="c")),
    "recv of a view": lambda c: c.recv(c.Chan(name="c").receiver),
    "recv of a signal": lambda c: c.recv(c.Signal("s"))[1:],
    "recv_ok of a signal": lambda c: c.recv_ok(c.Signal("s"))[1:],
    "send by names": lambda c: c.send(ch=c.Chan(name="c"), value=1),
    "recv by name": lambda c: c.recv(ch=c.Chan(name="c")),
    # selects
    **{f"{how} {name}": partial(_select, how, make) for how in HOWS for name, make in SELECTED.items()},
    # operations
    "close(3)": lambda c: c.Chan(name="c").close(3),
    "close(type)": lambda c: c.Chan(name="c").close(KeyError),
    "close(cause=None)": lambda c: c.Chan(name="c").close(cause=None),
    "close(cause=error)": lambda c: c.Chan(name="c").close(cause=KeyError("why")),
    "close(3) of a closed one": lambda c: closed(c).close(3),
    "close of a view (3)": lambda c: c.Chan(name="c").sender.close(3),
    "close twice": lambda c: closed(c).close(),
    "close twice, with a cause": lambda c: closed(c, KeyError("why")).close(ValueError("other")),
    "close of a view twice": lambda c: twice(c.Chan(name="c").sender.close),
    "close of a signal twice": lambda c: twice(c.Signal("s").close),
    "send(value=1)": lambda c: at_once(c.Chan(1).send(value=1)),
    "send_nowait(value=1)": lambda c: c.Chan(1).send_nowait(value=1),
    "send(value=1) by view": lambda c: at_once(c.Chan(1).sender.send(value=1)),
    "send_nowait, full": lambda c: full(c).send_nowait(1),
    "send_nowait, rendezvous": lambda c: c.Chan(name="c").sender.send_nowait(1),
    "send_nowait, closed": lambda c: closed(c, KeyError("why")).send_nowait(1),
    "recv_nowait, empty": lambda c: c.Chan(name="c").recv_nowait(),
    "recv_nowait, empty, no name": lambda c: c.Chan(3).receiver.recv_nowait(),
    "recv_nowait, closed": lambda c: closed(c, KeyError("why")).recv_nowait(),
    "recv_nowait, closed, not drained": lambda c: twice(closed(c, None, "v", "w").recv_nowait),
    "recv_nowait of an open signal": lambda c: c.Signal("s").recv_nowait(),
    "recv_nowait of never": lambda c: c.never().recv_nowait(),
    "send, closed": lambda c: at_once(closed(c, KeyError("why")).send(1)),
    "recv, closed": lambda c: at_once(closed(c).recv()),
    "recv, closed with a cause": lambda c: at_once(closed(c, KeyError("why")).recv()),
    "recv_ok, closed": lambda c: at_once(closed(c, KeyError("why")).recv_ok()),
    "recv_ok, closed, not drained": lambda c: at_once(closed(c, None, "v").receiver.recv_ok()),
    "anext, closed": lambda c: at_once(closed(c).__anext__()),
    "anext, closed with a cause": lambda c: at_once(closed(c, KeyError("why")).__anext__()),
    "an exception for a value": lambda c: at_once(closed(c, None, StopIteration(3)).recv()),
    "a tuple for a value": lambda c: at_once(closed(c, None, (1, 2)).recv()),
    "wait, closed": lambda c: twice(lambda: _closed_signal(c, "wait")),
    "recv of a closed signal": lambda c: _closed_signal(c, "recv"),
    "recv_ok of a closed signal": lambda c: _closed_signal(c, "recv_ok"),
    "anext of a closed signal": lambda c: _closed_signal(c, "__anext__"),
    # reservations
    "reserve, rendezvous": lambda c: c.Chan(name="c").reserve(),
    "reserve, dropping": lambda c: c.Chan(2, name="c", overflow="drop_newest").reserve(),
    "reserve, unbounded": lambda c: c.Chan(math.inf, name="c").reserve(),
    "reserve by view": lambda c: c.Chan(2, name="c").sender.reserve(),
    "reserve, closed": lambda c: at_once(closed(c, KeyError("why")).reserve().__aenter__()),
    "a place used before": lambda c: c.Chan(1, name="c").reserve().send(1),
    "a place entered twice": lambda c: _used(c, "enter"),
    "a place used twice": lambda c: _used(c, "send", "send"),
    "a place used after": lambda c: _used(c, "leave", "send"),
    "a place used when closed": lambda c: _used(c, "close", "send"),
    "a place left twice": lambda c: _used(c, "leave", "leave"),
    "a place left when used": lambda c: _used(c, "send", "leave"),
    "a place left when closed": lambda c: _used(c, "close", "leave"),
    "a place": _used,
    # waiting for a turn
    "park by names": lambda c: unused(c.WaitQueue("q").park(tag=1, give_back=print)),
    "park by position": lambda c: unused(c.WaitQueue("q").park(1, print)),
    "wake(-1)": lambda c: c.WaitQueue("q").wake(-1),
    "wake(-2**70)": lambda c: c.WaitQueue("q").wake(-(2**70)),
    "wake(2**70)": lambda c: c.WaitQueue("q").wake(2**70),
    "wake(True)": lambda c: c.WaitQueue("q").wake(True),
    "wake(n=3)": lambda c: c.WaitQueue("q").wake(n=3),
    "wake(0)": lambda c: c.WaitQueue("q").wake(0),
    "first of nobody": lambda c: c.WaitQueue("q").first,
    "everybody of nobody": lambda c: (list(c.WaitQueue("q")), c.WaitQueue("q").wake_all(), len(c.WaitQueue("q"))),
    # dice and budget
    "budget -1": lambda c: _restored(c, -1),
    "budget 1, -1": lambda c: _restored(c, 1, -1),
    "budget 1.5": lambda c: _restored(c, 1.5),
    "budget text": lambda c: _restored(c, 1, "2"),
    "budget by names": lambda c: _restored(c, turn=3, patience=5),
    "budget 0": lambda c: _restored(c, 0, 0),
    "budget True": lambda c: _restored(c, True, True),
    "budget by index": lambda c: _restored(c, Index(1), Index(1)),
    "dice that are none": lambda c: c.set_dice(c.set_dice(None)),
    "seed text": lambda c: c.seed("seed"),
    "seed float": lambda c: c.seed(1.5),
    "seed None": lambda c: c.seed(),
    "seed by name": lambda c: c.seed(value=3),
    "seed huge": lambda c: c.seed(-(2**70)),
    "seed list": lambda c: c.seed([]),
    "seed object": lambda c: c.seed(object()),
    # copies
    **{f"{how.__name__} of {name}": partial(_copy, how, make) for how in COPIES for name, make in COPIED.items()},
    "the copy of an error": lambda c: pickle.loads(pickle.dumps(_error(c))),
}

BY_CPYTHON: dict[str, Call] = {
    "name by position": lambda c: c.Chan(1, "c"),
    "unknown name": lambda c: c.Chan(size=1),
    "capacity twice": lambda c: c.Chan(1, capacity=1),
    "SendChan()": lambda c: c.SendChan(),
    "SendChan of two": lambda c: c.SendChan(c.Chan(), 1),
    "Signal of two": lambda c: c.Signal("a", "b"),
    "Signal of an unknown name": lambda c: c.Signal(label="a"),
    "WaitQueue of two": lambda c: c.WaitQueue("a", "b"),
    "send()": lambda c: c.Chan().send(),
    "send of two": lambda c: c.Chan().send(1, 2),
    "send of an unknown name": lambda c: c.Chan().send(v=1),
    "send by view of two": lambda c: c.Chan().sender.send(1, 2),
    "send_nowait()": lambda c: c.Chan().send_nowait(),
    "recv(1)": lambda c: c.Chan().recv(1),
    "recv_ok(1)": lambda c: c.Chan().recv_ok(1),
    "recv_nowait(1)": lambda c: c.Chan().recv_nowait(1),
    "recv_nowait by view (1)": lambda c: c.Chan().receiver.recv_nowait(1),
    "reserve(1)": lambda c: c.Chan(1).reserve(1),
    "close of two": lambda c: c.Chan().close(None, None),
    "close of an unknown name": lambda c: c.Chan().close(why=None),
    "close of a signal, with a cause": lambda c: c.Signal().close(KeyError("why")),
    "stats(1)": lambda c: c.Chan().stats(1),
    "park of three": lambda c: c.WaitQueue().park(1, None, 2),
    "park of an unknown name": lambda c: c.WaitQueue().park(label=1),
    "wake(text)": lambda c: c.WaitQueue().wake("1"),
    "wake(None)": lambda c: c.WaitQueue().wake(None),
    "wake_all(1)": lambda c: c.WaitQueue().wake_all(1),
    "never(1)": lambda c: c.never(1),
    "recv()": lambda c: c.recv(),
    "recv of two": lambda c: c.recv(None, None),
    "send without a value": lambda c: c.send(c.Chan()),
    "select of an unknown name": lambda c: c.select(random=True),
    "select_nowait of an unknown name": lambda c: c.select_nowait(random=True),
    "select_loop of an unknown name": lambda c: c.select_loop(random=True),
    "set_dice()": lambda c: c.set_dice(),
    "budget_left(1)": lambda c: c.budget_left(1),
    "set_budget of three": lambda c: c.set_budget(1, 2, 3),
    "seed of two": lambda c: c.seed(1, 2),
    "a new attribute of a channel": lambda c: setattr(c.Chan(), "colour", 1),
    "a new attribute of a view": lambda c: setattr(c.Chan().sender, "colour", 1),
    "a new attribute of a signal": lambda c: setattr(c.Signal(), "colour", 1),
    "a new attribute of a queue": lambda c: setattr(c.WaitQueue(), "colour", 1),
    "another capacity": lambda c: setattr(c.Chan(), "capacity", 1),
    "another state": lambda c: setattr(c.Chan(), "closed", True),
    "another name": lambda c: setattr(c.Chan(), "name", "d"),
    "another first": lambda c: setattr(c.WaitQueue(), "first", 1),
    "no capacity": lambda c: delattr(c.Chan(), "capacity"),
    "what a receiver cannot": lambda c: c.Chan().receiver.send,
    "what a sender cannot": lambda c: c.Chan().sender.recv,
    "what a signal cannot": lambda c: c.Signal().send_nowait,
    "an order of views": lambda c: c.Chan().sender < c.Chan().sender,
    "an order of channels": lambda c: c.Chan() < c.Chan(),
    "a channel as a list": lambda c: c.Chan(1)[0],
    "iterating a channel": lambda c: iter(c.Chan(1)),
    "a channel as a context": lambda c: c.Chan().receiver.__enter__,
}
