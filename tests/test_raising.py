"""An error that several are told comes out each time as it was."""

import dataclasses
import gc
import traceback
import weakref

import pytest

from aiochan.raising import raise_as_it_was, set_context


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """Raises FrozenInstanceError when it is written on."""

    what: str


def caught():
    """Return an error that came of another one, and where it happened."""
    try:
        try:
            raise ValueError("what it came of")
        except ValueError:
            raise LookupError("it")  # noqa: B904 - the context is what is looked at
    except LookupError as error:
        return error, error.__traceback__


def test_the_context_is_written_also_where_the_class_refuses():
    error, other = FrozenError("first"), ValueError()
    set_context(error, other)
    assert error.__context__ is other
    set_context(error, None)
    assert error.__context__ is None


def test_it_neither_grows_nor_takes_up_what_its_callers_are_busy_with():
    error, trace = caught()
    cause = error.__context__
    for _ in range(3):
        try:
            raise KeyError("the caller's own")
        except KeyError:
            with pytest.raises(LookupError) as raised:
                raise_as_it_was(error, trace)
        assert raised.value is error
        assert error.__context__ is cause
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert names[1:] == ["raise_as_it_was", "caught"]


def test_it_is_in_no_circle():
    class Error(Exception):
        pass

    def once():
        error = Error()
        try:
            raise_as_it_was(error, None)
        except Error:
            return weakref.ref(error)
        finally:
            del error

    gc.disable()
    try:
        assert once()() is None
    finally:
        gc.enable()
