"""The tree of errors: what catches what, and what each one says."""

import copy
import pickle

import pytest

import aiochan as ac
from aiochan import errors

TREE = {
    ac.AiochanError: Exception,
    ac.ChannelClosed: ac.AiochanError,
    ac.WouldBlock: ac.AiochanError,
    ac.ContextError: ac.AiochanError,
    ac.Canceled: ac.ContextError,
    ac.DeadlineExceeded: ac.ContextError,
    ac.BrokenBarrier: ac.AiochanError,
    ac.MisuseError: ac.AiochanError,
    ac.NotHeld: ac.MisuseError,
    ac.WrongLoop: ac.MisuseError,
}


@pytest.mark.parametrize(("error", "parent"), TREE.items(), ids=lambda error: error.__name__)
def test_every_error_stands_where_the_tree_shows_it(error, parent):
    assert error.__bases__[0] is parent
    assert error.__module__ == "aiochan"


def test_the_tree_is_complete():
    assert {getattr(errors, name) for name in errors.__all__} == set(TREE)


def test_some_are_also_what_python_calls_them():
    assert issubclass(ac.DeadlineExceeded, TimeoutError)
    assert issubclass(ac.MisuseError, RuntimeError)
    assert not any(issubclass(error, RuntimeError) for error in TREE if not issubclass(error, ac.MisuseError))


def test_no_error_is_taken_for_a_cancellation_or_an_end_of_iteration():
    for error in TREE:
        assert not issubclass(error, (StopIteration, StopAsyncIteration))
        assert issubclass(error, Exception)


@pytest.mark.parametrize(
    ("doing", "index", "text"),
    [
        ("send", None, "send on a closed channel: 'ch'"),
        ("recv", None, "recv on a closed channel: 'ch'"),
        ("reserve", None, "reserve on a closed channel: 'ch'"),
        ("close", None, "close of a closed channel: 'ch'"),
        ("recv", 0, "recv on a closed channel: 'ch' (case 0 of the select)"),
        ("send", 7, "send on a closed channel: 'ch' (case 7 of the select)"),
    ],
)
def test_channel_closed_says_what_was_tried_where(doing, index, text):
    error = ac.ChannelClosed("ch", index, doing)
    assert str(error) == text
    assert error.channel == "ch"
    assert error.index == index


def test_channel_closed_says_the_number_that_it_was_given_last():
    error = ac.ChannelClosed("ch", 1, "recv")
    error.index = 4
    assert str(error).endswith("(case 4 of the select)")


def test_channel_closed_can_be_raised_by_others():
    """For those who write a channel of their own, or a test."""
    assert (ac.ChannelClosed().channel, ac.ChannelClosed().index) == (None, None)
    assert "closed channel" in str(ac.ChannelClosed())


def test_errors_can_be_copied_and_sent_to_other_processes():
    for error in TREE:
        made = error("why")
        for again in (copy.copy(made), pickle.loads(pickle.dumps(made))):
            assert type(again) is error
            assert again.args == made.args
            assert str(again) == str(made)


def test_channel_closed_leaves_its_channel_behind_when_it_is_sent_elsewhere():
    """A channel cannot leave its loop; what remains is what it looked like."""
    ch = ac.Chan(3, name="jobs")
    again = pickle.loads(pickle.dumps(ac.ChannelClosed(ch, 2, "recv")))
    assert again.channel == repr(ch)
    assert again.index == 2
    assert "recv on a closed channel" in str(again)
    assert "jobs" in str(again)


def test_the_same_error_for_another_case():
    error = ac.ChannelClosed("ch", None, "recv")
    other = error.at(4)
    assert (other.channel, other.index, str(other)) == (
        "ch",
        4,
        "recv on a closed channel: 'ch' (case 4 of the select)",
    )
    assert error.index is None
