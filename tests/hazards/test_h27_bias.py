"""H27: a select that prefers the first of its ready cases, or whoever stands behind one that is not ready."""

import itertools
import math
import random

import pytest

import aiochan as ac
from aiochan.core import seed, set_dice
from tests.hazards.stage import assert_idle, start

TRIALS = 10_000
SIGMAS = 4.9  # one false alarm in a million


@pytest.fixture
def seeded():
    seed(27)
    yield
    seed(None)


@pytest.fixture
def dice():
    """Replace the dice; gives a list of the questions asked, and a function that sets the answer to all of them."""
    questions = []

    def answer(what):
        def roll(n):
            questions.append(n)
            return min(what, n - 1)

        set_dice(roll)

    old = set_dice(None)
    yield questions, answer
    set_dice(old)


def ready(pattern):
    """Make a channel for each letter: r is ready to be received from, . is not, x is closed."""
    channels = [ac.Chan(1) for _ in pattern]
    for ch, letter in zip(channels, pattern, strict=True):
        if letter == "r":
            ch.send_nowait("value")
        if letter == "x":
            ch.close()
    return channels


def choose(channels, **options):
    """Select once, put back what was taken, and give the index."""
    index, answer = ac.select_nowait(*map(ac.recv_ok, channels), **options)
    if answer[1]:
        channels[index].send_nowait(answer[0])
    return index


def assert_fair(counts):
    """Every outcome is as likely as any other, within so many standard deviations."""
    n = len(counts)
    deviation = math.sqrt(TRIALS * (1 / n) * (1 - 1 / n))
    assert all(abs(count - TRIALS / n) < SIGMAS * deviation for count in counts), counts


@pytest.mark.parametrize("pattern", ["rr", "rrr", "r.r.", "rr......", ".......rr", "rx", "xxr", "rrrrrrrr", "r" * 16])
def test_h27_every_ready_case_has_the_same_chance(seeded, pattern):
    """Wherever it stands: a walk from a random start would prefer a case behind others that are not ready."""
    channels = ready(pattern)
    counts = dict.fromkeys((index for index, letter in enumerate(pattern) if letter != "."), 0)
    for _ in range(TRIALS):
        counts[choose(channels)] += 1
    assert_fair(list(counts.values()))


@pytest.mark.parametrize("pattern", ["rr", "r.r", "..rx.r", "xx"])
def test_h27_the_dice_are_asked_once_among_those_that_are_ready(dice, pattern):
    questions, answer = dice
    channels = ready(pattern)
    able = [index for index, letter in enumerate(pattern) if letter != "."]
    for number, index in enumerate(able):
        answer(number)
        assert choose(channels) == index
    assert questions == [len(able)] * len(able)


@pytest.mark.parametrize("pattern", ["rr", ".r.r", "xrr"])
def test_h27_a_biased_select_takes_the_first(dice, pattern):
    questions, answer = dice
    answer(1)
    first = next(index for index, letter in enumerate(pattern) if letter != ".")
    assert choose(ready(pattern), biased=True) == first
    assert questions == []


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_h27_cases_that_share_a_line_have_the_same_chance(run, seeded, copies):
    """They are drawn when the select lies down, for they share one place."""

    async def main():
        ch, counts = ac.Chan(), [0] * copies
        for _ in range(TRIALS // 10):
            [task] = await start(ac.select(*[ac.recv(ch)] * copies), on=[ch])
            ch.send_nowait("value")
            counts[(await task)[0]] += 1
        return [10 * count for count in counts]

    counts = run(main)
    n = len(counts)
    assert all(abs(count - TRIALS / n) < SIGMAS * math.sqrt(10 * TRIALS / n) for count in counts), counts


def test_h27_who_is_woken_first_wins(run):
    """Asleep there is nothing to draw: the first event decides, whatever the order of the cases."""

    async def main():
        for order in itertools.permutations(range(3)):
            channels = [ac.Chan() for _ in range(3)]
            [task] = await start(ac.select(*map(ac.recv, channels)), on=channels)
            channels[order[0]].send_nowait("first")
            for late in order[1:]:
                with pytest.raises(ac.WouldBlock):
                    channels[late].send_nowait("late")
            assert await task == (order[0], "first")
            assert_idle(*channels)

    run(main)


def test_h27_nobody_elses_seed_loads_the_dice():
    """And drawing disturbs nobody else's: the library has a generator of its own."""
    channels = ready("rrrr")
    random.seed(1)
    state = random.getstate()
    first = [choose(channels) for _ in range(64)]
    assert random.getstate() == state
    random.seed(1)
    assert [choose(channels) for _ in range(64)] != first


def test_h27_a_seed_repeats_the_choices():
    channels = ready("rrrr")
    runs = []
    for _ in range(2):
        seed(5)
        runs.append([choose(channels) for _ in range(64)])
    seed(None)
    assert runs[0] == runs[1]


def test_h27_no_case_starves_in_a_loop(run, seeded):
    """Both channels are always ready, and each gets its share."""

    async def main():
        left, right = ready("rr")
        counts, rounds = [0, 0], 0
        async for index, _ in ac.select_loop(ac.recv(left), ac.recv(right)):
            counts[index] += 1
            (left, right)[index].send_nowait("again")
            rounds += 1
            if rounds == TRIALS:
                break
        return counts

    assert_fair(run(main))
