"""A delivery and a cancellation meet: nothing is lost, doubled or reordered, and nothing is reported as an error."""

import pytest

from aiochan import Chan
from tests.conformance.kit import python_only
from tests.hazards.means import CANCEL_FIRST, DELIVER_FIRST, MEANS, ORDERS, Meeting
from tests.hazards.receiving import RECEIVE, VARIANTS, judge, receive_cell
from tests.hazards.sending import ADMITTED, CELLS, TAKEN, send_cell

every_means = pytest.mark.parametrize("means", MEANS, ids=lambda means: means.name)
AROUND = [Meeting(turns_later=turns) for turns in range(-2, 3)]


@every_means
@pytest.mark.parametrize("row", RECEIVE)
def test_a_receiver_in_one_turn_of_the_loop(run, row, means):
    async def main():
        for order in ORDERS:
            for variant in VARIANTS:
                verdict, cut_short = await receive_cell(row, *variant, means, Meeting(order))
                assert verdict == "kept", (order, variant)
                if order == CANCEL_FIRST and means.at_once:
                    assert cut_short, "it was dead already, and yet something was granted to it"

    run(main)


@every_means
def test_a_receiver_in_the_turns_around_it(run, means):
    async def main():
        for row in RECEIVE:
            for variant in VARIANTS:
                for meeting in AROUND:
                    verdict, _ = await receive_cell(row, *variant, means, meeting)
                    assert verdict == "kept", (row, variant, meeting)

    run(main)


@every_means
def test_a_sender_in_one_turn_of_the_loop(run, means):
    async def main():
        for cell in CELLS:
            for order in ORDERS:
                verdict, cut_short = await send_cell(*cell, means, Meeting(order))
                assert verdict == "kept", (cell, order)
                if order == CANCEL_FIRST and means.at_once:
                    assert cut_short, "it was dead already, and yet something was granted to it"

    run(main)


@every_means
def test_a_sender_in_the_turns_around_it(run, means):
    async def main():
        for cell in CELLS:
            for meeting in AROUND:
                verdict, _ = await send_cell(*cell, means, meeting)
                assert verdict == "kept", (cell, meeting)

    run(main)


# The tables would be worth nothing if they could not fail. (tests/mutants has the same faults in C.)

can_be_planted = python_only("the fault is planted in the Python core")


@can_be_planted
@every_means
def test_a_channel_that_hands_over_the_value_itself_is_found_out(run, monkeypatch, means):
    def lose(ch):
        ch._granted -= 1
        ch._held.popleft()

    monkeypatch.setattr(Chan, "_pass_on", lose)

    async def main():
        meetings = [Meeting(DELIVER_FIRST)] if means.at_once else AROUND
        return {(await receive_cell("recv", 2, False, means, meeting))[0] for meeting in meetings}

    assert "lost" in run(main)


@can_be_planted
@every_means
def test_a_channel_that_keeps_what_was_admitted_is_found_out(run, monkeypatch, means):
    monkeypatch.setattr(Chan, "_take_back", lambda ch, sender: None)

    async def main():
        meetings = [Meeting(DELIVER_FIRST)] if means.at_once else AROUND
        return {(await send_cell("send", ADMITTED, False, means, meeting))[0] for meeting in meetings}

    assert "made up" in run(main)


def test_a_value_taken_out_of_hand_has_gone(run):
    """The one case in which a cancelled send was sent; see the docstring of `Chan.send`."""

    async def main():
        return await send_cell("send", TAKEN, False, MEANS[0], Meeting(DELIVER_FIRST))

    assert run(main) == ("kept", True)


@pytest.mark.parametrize(
    ("sent", "came", "word"),
    [
        ([1, 2], [1, 2], "kept"),
        ([1, 2], [2], "lost"),
        ([1, 2], [2, 1], "reordered"),
        ([1, 2], [1, 1, 2], "doubled"),
        ([1], [1, 2], "made up"),
    ],
)
def test_the_words(sent, came, word):
    assert judge(sent, came) == word
