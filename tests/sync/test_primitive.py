"""`Primitive` and `Line`: names, reports, and no copies (LK11)."""

import asyncio
import copy
import gc
import pickle
import weakref

import pytest

from aiochan.sync.primitive import Line, Primitive, nothing


class Thing(Primitive):
    __slots__ = ("line",)

    def __init__(self, name=None):
        super().__init__(name)
        self.line = Line(self)

    def __repr__(self):
        return f"<{self._title()} with {len(self.line)} waiting>"


def test_a_name_is_a_string_or_none():
    assert Thing("it").name == "it"
    assert Thing().name is None
    with pytest.raises(TypeError, match="the name of a Thing must be a string, not 7"):
        Thing(7)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    thing = Thing("it")
    for what in (thing, thing.line):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            duplicate(what)


def test_a_report_shows_the_thing_that_is_waited_for(run):
    async def main():
        thing = Thing("it")
        task = asyncio.create_task(thing.line.park())
        await asyncio.sleep(0)
        assert repr(thing.line) == "<Thing 'it' with 1 waiting>"
        thing.line.wake()
        await task

    run(main)


def test_the_line_does_not_keep_it_alive():
    thing = Thing("it")
    line, known = thing.line, weakref.ref(thing)
    gc.disable()
    try:
        del thing
        assert known() is None
    finally:
        gc.enable()
    assert repr(line) == "<WaitQueue 'it', 0 parked>"


def test_nothing_gives_nothing_back():
    assert nothing() is None
