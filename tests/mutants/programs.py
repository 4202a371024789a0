"""Programs still smaller than those of tests/schedules, one for each kind of thing that a channel does.

They are searched first: most faults show in a few dozen schedules, if the program has nothing else in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.schedules.programs import END_A, NEWEST, OLDEST, RA, RB, WAIT, T, closer, receivers, sel, senders
from tests.schedules.world import Program, Task

__all__ = ["SMALL"]


def _on_one_channel() -> Iterator[tuple[str, list[Task]]]:
    used, unused = T("v", ("reserve", "a", "v")), T("w", ("reserve", "a", None))
    yield "two and two", [*senders([(2, False)]), *receivers([(1, True), (1, False)])]
    yield "one for two receivers, close", [*senders([(1, False)]), *receivers([(1, True), (1, False)]), closer()]
    yield "three and one", [*senders([(2, False), (1, True)]), *receivers([(1, True)])]
    yield "two for two", [*senders([(1, False), (1, True)]), *receivers([(1, True), (1, False)])]
    yield "two senders, close", [*senders([(1, True), (2, False)]), closer()]
    yield "now", [*receivers([(1, True)]), *senders([(2, False)]), T("n", ("recv_nowait", "a"), cancel=False)]
    yield "used place", [used, *senders([(2, False)]), *receivers([(2, True)])]
    yield "unused place", [unused, *senders([(2, False)]), *receivers([(1, True)])]
    yield "two places", [used, unused, *receivers([(1, False)])]
    yield "two places, close", [used, unused, closer()]
    yield "place and sender, close", [*senders([(2, True)]), used, closer()]


def _on_two_channels() -> Iterator[tuple[str, list[Task]]]:
    to_either = sel(("send", "a", "pa"), ("send", "b", "pb"))
    yield "select of two", [T("p", sel(RA, RB)), *senders([(1, False)], "a"), *senders([(1, False)], "b")]
    yield "select to two", [T("p", to_either), *receivers([(1, True)], "a"), *receivers([(1, False)], "b")]
    yield "select into a full one", [T("p", to_either), *senders([(1, False)]), *receivers([(1, False)])]
    yield "select and the end", [T("p", sel(RB, END_A)), *senders([(1, False)], "b"), closer("a")]
    yield "select to a closed one", [T("p", to_either), *receivers([(1, True)], "b"), closer("a")]
    yield "select of two and a receiver", [T("p", sel(RA, RB)), *receivers([(1, True)]), *senders([(2, False)])]


SMALL: list[Program] = [
    *(
        Program(f"small: {title}, cap {cap}", {"a": (cap, WAIT)}, tasks)
        for cap in (0, 1)
        for title, tasks in _on_one_channel()
        if cap or "place" not in title
    ),
    *(
        Program(f"small: {title}, caps {a} {b}", {"a": (a, WAIT), "b": (b, WAIT)}, tasks)
        for a, b in ((0, 0), (1, 0))
        for title, tasks in _on_two_channels()
    ),
    Program(
        "small: place, senders, receiver, cap 2",
        {"a": (2, WAIT)},
        [T("v", ("reserve", "a", "v")), *senders([(2, False), (1, False)]), *receivers([(1, True)])],
    ),
    Program(
        "small: five values, cap 3", {"a": (3, WAIT)}, [*senders([(4, False), (1, True)]), *receivers([(2, False)])]
    ),
    *(
        Program(f"small: {how}", {"a": (1, how)}, [*senders([(3, False)]), *receivers([(1, True), (1, True)])])
        for how in (OLDEST, NEWEST)
    ),
]
