"""`aiochan.counts`: numbers of things."""

import pytest

from aiochan.counts import change, whole


class Seven:
    def __index__(self):
        return 7


def test_whole_numbers():
    assert [whole("n", value, 0) for value in (0, 1, 10**30, Seven())] == [0, 1, 10**30, 7]


@pytest.mark.parametrize("wrong", [None, True, False, 1.0, "1", [1]], ids=str)
def test_nothing_else_is_one(wrong):
    with pytest.raises(TypeError, match=r"^n must be a whole number, not "):
        whole("n", wrong, 0)


def test_too_small_a_number_is_named():
    for least, value in (0, -1), (1, 0), (8, Seven()):
        with pytest.raises(ValueError, match=rf"^n must be {least} or more, not "):
            whole("n", value, least)


def test_a_change_may_be_negative():
    assert [change(value) for value in (0, 1, -1, -(10**30), Seven())] == [0, 1, -1, -(10**30), 7]


@pytest.mark.parametrize("wrong", [None, True, False, 1.0, "1", [1]], ids=str)
def test_a_change_is_a_whole_number(wrong):
    with pytest.raises(TypeError, match=r"^add\(\) takes a whole number, not "):
        change(wrong)
