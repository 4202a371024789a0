"""What is written on an error never takes its place, whatever the error refuses."""

import dataclasses
import functools

import pytest

import aiochan as ac
from aiochan.groups.notes import NAMED, add_note, name_others, set_context
from aiochan.testing import virtual


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """Raises FrozenInstanceError when it is written on."""

    what: str


async def fail(what="first"):
    raise FrozenError(what)


def test_the_others_are_named_up_to_a_number_and_then_counted():
    error = LookupError("first")
    name_others(error, "later", [error, *(ValueError(number) for number in range(NAMED + 2))])
    assert error.__notes__ == [
        "later: ValueError: 0; ValueError: 1; ValueError: 2; ValueError: 3; ValueError: 4; and 2 more"
    ]
    name_others(error, "later", [error])
    assert len(error.__notes__) == 1


def test_what_refuses_stays_as_it_is():
    error, other = FrozenError("first"), ValueError()
    add_note(error, "a note")
    assert not hasattr(error, "__notes__")
    set_context(error, other)
    assert error.__context__ is other
    set_context(error, None)
    assert error.__context__ is None


async def in_a_group():
    async with ac.ErrGroup() as g:
        g.go(fail)
        g.go(fail, "second")


@pytest.mark.parametrize(
    "main",
    [
        in_a_group,
        functools.partial(ac.all_of, fail, fail),
        functools.partial(ac.race, functools.partial(fail, "second"), fail),
        functools.partial(ac.first_of, 1, fail, fail),
        functools.partial(ac.last_of, 1, fail, fail),
        functools.partial(ac.retry, fail, attempts=2, delay=0.0),
        functools.partial(ac.waterfall, fail),
    ],
    ids=["ErrGroup", "all_of", "race", "first_of", "last_of", "retry", "waterfall"],
)
def test_an_error_that_cannot_be_written_on_comes_out_as_it_is(main):
    with pytest.raises(FrozenError, match="first"):
        virtual.run(main)
