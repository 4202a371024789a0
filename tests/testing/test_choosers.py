"""Choosers: all paths, each once; paths at random; given paths."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from aiochan.testing.choosers import Chooser, DepthFirst, Priorities, RandomWalk, Script
from aiochan.testing.schedule import ADVANCE, CANCEL, END, RUN, START, Action, NotDeterministic


def runs(count: int) -> list[Action]:
    return [(RUN, place) for place in range(count)]


def subject(action: Action) -> str:
    return f"{action[1]}"


Game = Callable[[Chooser], list[object]]


def play(chooser: Chooser, game: list[int]) -> list[int]:
    """Choose once from each number of options; a negative number is a draw."""
    chosen: list[int] = []
    position = 0

    def options() -> list[Action]:
        return runs(game[position])

    def draws() -> None:
        nonlocal position
        while position < len(game) and game[position] < 0:
            chosen.append(chooser.draw(-game[position]))
            position += 1

    for action in chooser.recorded(options):
        chosen.append(action[1])
        position += 1
        draws()
    while position < len(game):
        chosen.append(chooser.choose(options(), subject)[1])
        position += 1
        draws()
    return chosen


# -- depth first


def test_depth_first_counts_through_all_paths() -> None:
    chooser, seen = DepthFirst(), list[list[int]]()
    while True:
        seen.append(play(chooser, [2, 1, 3, -2]))
        if not chooser.next():
            break
    assert seen == [[a, 0, b, c] for a in range(2) for b in range(3) for c in range(2)]


def test_depth_first_follows_paths_that_depend_on_earlier_choices() -> None:
    def play_on(chooser: DepthFirst) -> list[int]:
        chosen: list[int] = []

        def options() -> list[Action]:
            return runs(3 if chosen else 2)

        for action in chooser.recorded(options):
            chosen.append(action[1])  # noqa: PERF401 - options() looks at it
        while chosen in ([], [0]):
            chosen.append(chooser.choose(options(), subject)[1])
        return chosen

    chooser = DepthFirst()
    seen = [play_on(chooser)]
    while chooser.next():
        seen.append(play_on(chooser))
    assert seen == [[0, 0], [0, 1], [0, 2], [1]]


def test_the_path_leaves_forced_moves_out() -> None:
    chooser = DepthFirst()
    play(chooser, [1, 2, 1, -3])
    assert chooser.path == [0, 0]
    assert chooser.next()
    play(chooser, [1, 2, 1, -3])
    assert chooser.path == [0, 1]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([2], [3]),
        ([1, 2], [1, 1]),
        ([2, 2], [2, -2]),
        ([2, -2], [2, 2]),
        ([2, -2], [2, -3]),
    ],
)
def test_a_scenario_that_does_something_else_is_found_out(first: list[int], then: list[int]) -> None:
    chooser = DepthFirst()
    play(chooser, first)
    assert chooser.next()
    with pytest.raises(NotDeterministic, match="called again"):
        play(chooser, then)


# -- scripts


def test_a_script_is_followed_and_then_the_usual_happens() -> None:
    script = Script([1, 2])
    assert play(script, [2, 1, -3, 4]) == [1, 0, 2, 0]
    assert script.path == [1, 2, 0]
    assert script.counts == [2, 3, 4]
    assert not script.left_over()


def test_a_choice_that_is_not_there() -> None:
    assert play(Script([5]), [2]) == [0]
    with pytest.raises(NotDeterministic, match="choice 2 is 5, and there are only 2 options, 0 to 1"):
        play(Script([0, 5], strict=True), [2, 2])


def test_what_is_left_of_a_script() -> None:
    script = Script([1, 0, 2, 0])
    play(script, [2])
    assert list(script.left_over()) == [0, 2]


# -- at random

OPTIONS: list[Action] = [*runs(2), (START, 2), (CANCEL, 0), (CANCEL, 1)]


def walk(seed: int, *, strikes: int = 1, length: int = 10, steps: int = 10) -> list[Action]:
    chooser = RandomWalk(random.Random(seed), strikes=strikes, length=length)
    return [chooser.choose(OPTIONS, subject) for _ in range(steps)]


def test_a_seed_gives_the_same_walk_again() -> None:
    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_a_walk_strikes_no_more_than_it_may_and_at_all_moments() -> None:
    moments: Counter[int] = Counter()
    for seed in range(300):
        kinds = [kind for kind, _ in walk(seed)]
        assert kinds.count(CANCEL) <= 1
        if CANCEL in kinds:
            moments[kinds.index(CANCEL)] += 1
    assert set(moments) == set(range(10))


def test_a_walk_without_strikes_is_even() -> None:
    chosen = Counter(action for seed in range(300) for action in walk(seed, strikes=0))
    assert set(chosen) == set(OPTIONS[:3])
    assert min(chosen.values()) > 0.8 * max(chosen.values())


def test_a_walk_at_rest_strikes_those_who_sleep() -> None:
    ends = {
        RandomWalk(random.Random(seed), strikes=1, length=1000).choose([END, (CANCEL, 0)], subject)
        for seed in range(50)
    }
    assert ends == {END, (CANCEL, 0)}


def test_a_walk_can_be_repeated_by_its_path() -> None:
    for seed in range(20):
        chooser = RandomWalk(random.Random(seed), strikes=2, length=5)
        chosen = play(chooser, [3, 1, -4, 2, 5])
        assert play(Script(chooser.path, strict=True), [3, 1, -4, 2, 5]) == chosen


# -- priorities


def ranks(depth: int, seed: int, steps: int = 12) -> list[int]:
    chooser = Priorities(random.Random(seed), strikes=0, length=steps, depth=depth)
    return [chooser.choose(runs(4), subject)[1] for _ in range(steps)]


def test_with_depth_one_the_same_task_goes_first_all_the_time() -> None:
    assert {len(set(ranks(1, seed))) for seed in range(30)} == {1}
    assert {ranks(1, seed)[0] for seed in range(30)} == {0, 1, 2, 3}


def test_each_change_lowers_who_was_highest() -> None:
    for seed in range(50):
        order = ranks(3, seed)
        changes = [place for place in range(1, len(order)) if order[place] != order[place - 1]]
        assert len(changes) <= 2
        assert len(set(order)) == len(changes) + 1, "nobody comes back"
    assert {len(set(ranks(3, seed))) for seed in range(50)} == {1, 2, 3}


def test_priorities_are_those_of_tasks_and_not_of_places() -> None:
    chooser = Priorities(random.Random(5), strikes=0, length=5, depth=1)
    first = chooser.choose([(RUN, 0), (RUN, 1), (START, 2)], subject)
    again = chooser.choose([(START, 2), (RUN, 1), (RUN, 0)], subject)
    assert subject(first) == subject(again)


def test_priorities_do_not_concern_the_clock() -> None:
    chooser = Priorities(random.Random(5), strikes=0, length=1, depth=3)
    assert chooser.choose([ADVANCE], subject) == ADVANCE
