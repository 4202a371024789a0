"""The dice of a select: fair, our own, and replaceable. What select does is in tests/conformance/test_select*.py."""

import random
from collections import Counter

import pytest

import aiochan as ac
from aiochan import core
from aiochan.testing.loop import StepLoop
from tests.conformance.kit import begin, finish, go, settle
from tests.core.chi_squared import p_value, survival

LEAST = 0.001
SELECTS = 100_000


@pytest.mark.parametrize(
    ("freedom", "one_in_a_thousand", "one_half"),
    [(1, 10.828, 0.455), (2, 13.816, 1.386), (4, 18.467, 3.357), (8, 26.124, 7.344), (9, 27.877, 8.343)],
)
def test_the_measure_agrees_with_the_tables(freedom, one_in_a_thousand, one_half):
    assert survival(one_in_a_thousand, freedom) == pytest.approx(0.001, rel=1e-3)
    assert survival(one_half, freedom) == pytest.approx(0.5, rel=1e-3)


def test_the_measure_finds_unfair_dice():
    assert p_value([33_000, 33_000, 34_000]) < LEAST
    assert p_value([33_300, 33_300, 33_400]) > 0.5


# -- cases that are ready


def cases_at(ready, n):
    """Build n cases of which some are ready, and stay it."""
    closed, idle = ac.Chan(), ac.Chan()
    closed.close()
    return [ac.recv_ok(closed if i in ready else idle) for i in range(n)]


LAYOUTS = {
    "3 of 3": (range(3), 3),
    "5 of 5": (range(5), 5),
    "10 of 10": (range(10), 10),
    "2 neighbours of 10": ((0, 1), 10),  # after a random start the first would win nine times as often
    "3 of 30": ((0, 1, 17), 30),
    "5 of 30": ((3, 4, 5, 20, 29), 30),
    "10 of 30": ((0, 1, 2, 9, 12, 13, 20, 21, 22, 28), 30),
}


def draw(cases, times, select=ac.select_nowait):
    return Counter(select(*cases)[0] for _ in range(times))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_ready_case_has_the_same_chance(layout):
    ready, n = LAYOUTS[layout]
    counts = draw(cases_at(ready, n), SELECTS)
    assert set(counts) == set(ready)
    assert p_value([counts[i] for i in ready]) > LEAST


def awaited(*cases):
    """Await a select that does not wait."""
    try:
        ac.select(*cases).send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it slept")


@pytest.mark.exhaustive
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_ready_case_of_an_awaited_select_has_the_same_chance(layout):
    core.set_budget(0, 0)
    ready, n = LAYOUTS[layout]
    counts = draw(cases_at(ready, n), SELECTS, awaited)
    assert p_value([counts[i] for i in ready]) > LEAST


def test_receives_sends_and_ends_have_the_same_chance():
    """A case is not preferred for what it does."""
    full, closed, lossy = ac.Chan(1), ac.Chan(), ac.Chan(1, overflow="drop_newest")
    closed.close()
    cases = [ac.recv(full), ac.send(lossy, 1), ac.recv_ok(closed), ac.recv_ok(full)]
    counts = Counter()
    for _ in range(20_000):
        if len(full) == 0:
            full.send_nowait(1)
        counts[ac.select_nowait(*cases)[0]] += 1
    assert p_value([counts[i] for i in range(4)]) > LEAST


def test_one_draw_tells_nothing_about_the_next():
    """Each of the nine pairs comes equally often; a rotation would be even, too, but not in pairs."""
    cases = cases_at(range(3), 3)
    drawn = [ac.select_nowait(*cases)[0] for _ in range(30_000)]
    pairs = Counter(zip(drawn[::2], drawn[1::2], strict=True))
    assert len(pairs) == 9
    assert p_value(list(pairs.values())) > LEAST


# -- cases that share a place in line


def draw_asleep(n, times):
    """Park n cases on one channel, and see for which the place speaks."""
    core.set_budget(0, 0)
    ch = ac.Chan()
    cases = [ac.recv(ch)] * n
    counts = Counter()
    with StepLoop().running():
        for _ in range(times):
            sleeping = begin(ac.select(*cases))
            counts[ch._snapshot().recvq[0].index] += 1
            sleeping.close()
    return [counts[i] for i in range(n)]


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_cases_that_share_a_place_have_the_same_chance(n):
    assert p_value(draw_asleep(n, 10_000)) > LEAST


@pytest.mark.exhaustive
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_cases_that_share_a_place_have_the_same_chance_in_a_long_run(n):
    assert p_value(draw_asleep(n, SELECTS)) > LEAST


def test_a_channel_wins_no_more_often_for_standing_in_several_cases_asleep():
    """Whoever is woken first decides; how many cases share its place has no say in that."""
    twice, once = ac.Chan(), ac.Chan()
    with StepLoop().running():
        sleeping = begin(ac.select(ac.recv(twice), ac.recv(once), ac.recv(twice)))
        once.send_nowait("a")
        with pytest.raises(ac.WouldBlock):
            twice.send_nowait("b")
        assert finish(sleeping) == (1, "a")


# -- the dice are our own


def sequence(n=50):
    cases = cases_at(range(10), 10)
    return [ac.select_nowait(*cases)[0] for _ in range(n)]


def test_a_seed_repeats_the_draws():
    core.seed(42)
    first = sequence()
    core.seed(42)
    assert sequence() == first
    core.seed(43)
    assert sequence() != first


def test_without_a_seed_the_draws_differ():
    core.seed(None)
    first = sequence()
    core.seed(None)
    assert sequence() != first


def test_the_dice_of_others_are_neither_used_nor_moved():
    random.seed(7)
    state = random.getstate()
    core.seed(42)
    first = sequence()
    assert random.getstate() == state
    random.seed(8)
    core.seed(42)
    assert sequence() == first


def test_other_dice_can_be_put_in_place_and_taken_away():
    def last(n):
        return n - 1

    assert core.set_dice(last) is None
    assert set(sequence()) == {9}
    assert core.set_dice(None) is last
    assert core.set_dice(None) is None
    assert len(set(sequence())) > 1


def test_dice_are_asked_for_a_real_choice_only():
    asked = []
    core.set_dice(lambda n: asked.append(n) or 0)
    for ready in range(4):
        cases = cases_at(range(ready), 5)
        if ready:
            ac.select_nowait(*cases)
    assert asked == [2, 3]


def test_dice_that_fail_leave_everything_as_it_was():
    def broken(n):
        raise ZeroDivisionError

    one, other = ac.Chan(1), ac.Chan(1)
    one.send_nowait("a")
    other.send_nowait("b")
    core.set_dice(broken)
    with pytest.raises(ZeroDivisionError):
        ac.select_nowait(ac.recv(one), ac.recv(other))
    idle = ac.Chan()
    with StepLoop().running(), pytest.raises(ZeroDivisionError):
        ac.select(ac.recv(idle), ac.recv(ac.never()), ac.recv(idle)).send(None)
    assert (len(one), len(other), idle.stats().parked_receivers) == (1, 1, 0)
    idle._check()


def test_what_is_used_between_the_look_and_the_deed_is_looked_at_again():
    """The dice stand in for a finaliser that uses a channel just then."""
    a, b = ac.Chan(1), ac.Chan(1)
    a.send_nowait(1)
    b.send_nowait(2)
    old = core.set_dice(lambda n: a.recv_nowait() and 0)
    try:
        assert ac.select_nowait(ac.recv(a), ac.recv(b)) == (1, 2)
        core.set_dice(lambda n: a.send_nowait("first") or 0)
        assert ac.select_nowait(ac.send(a, "lost?"), ac.send(b, "sent")) == (1, None)
    finally:
        core.set_dice(old)
    assert (a.recv_nowait(), b.recv_nowait()) == ("first", "sent")


def test_who_is_served_while_the_dice_roll_says_what_was_sent(run):
    """The dice are asked when one channel stands twice in a select; a finaliser may run in that call, and receive."""
    ch, got = ac.Chan(), []

    def dice(sides):
        if not got:
            got.append(ch.recv_nowait())
        return 0

    async def main():
        core.set_dice(dice)
        try:
            return await ac.select(ac.send(ch, "first"), ac.send(ch, "second"))
        finally:
            core.set_dice(None)

    assert run(main) == (0, None)
    assert got == ["first"]
    ch._check()


# -- dice that use the channels, while a select draws which of two cases is to stand in their line


MEDDLING = {
    "close": (lambda ch: ch.close(), (None, False)),
    "send": (lambda ch: ch.send_nowait("a"), ("a", True)),
}


@pytest.mark.parametrize(("meddle", "answer"), MEDDLING.values(), ids=MEDDLING)
def test_what_the_dice_do_to_a_channel_further_on_is_seen(run, meddle, answer):
    async def main():
        one, other = ac.Chan(), ac.Chan(1)
        thrown = []

        def dice(sides):
            thrown.append(sides)
            if len(thrown) == 1:
                meddle(other)
            return 0

        core.set_dice(dice)
        task = go(ac.select(ac.recv_ok(one), ac.recv_ok(one), ac.recv_ok(other)))
        await settle()
        assert thrown == [2]
        assert task.result() == (2, answer)

    run(main)
