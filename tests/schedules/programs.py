"""The channel programs that are searched to the end.

A task may be cancelled where it says so (True beside a count, and `T` unless told otherwise). The programs are small:
what is wrong with a channel shows with two senders, two receivers and one channel; an error in taking back from the
middle of the ring needs four senders and one receiver, and select a second channel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tests.schedules.world import Op, Program, Task

WAIT, OLDEST, NEWEST = "wait", "drop_oldest", "drop_newest"

Counts = list[tuple[int, bool]]  # how many operations, and whether the task may be cancelled


def T(name: str, *ops: Op, cancel: bool = True) -> Task:  # noqa: N802 - a constructor, and short on purpose
    return Task(name, cancel, list(ops))


def senders(counts: Counts, ch: str = "a") -> list[Task]:
    return [
        Task(f"s{k}{ch}", cancel, [("send", ch, f"{ch}{k}.{j}") for j in range(n)])
        for k, (n, cancel) in enumerate(counts)
    ]


def receivers(counts: Counts, ch: str = "a") -> list[Task]:
    return [Task(f"r{k}{ch}", cancel, [("recv", ch)] * n) for k, (n, cancel) in enumerate(counts)]


def closer(ch: str = "a") -> Task:
    return T(f"close {ch}", ("close", ch), cancel=False)


def sel(*cases: Op) -> Op:
    return "select", list(cases)


RA: Op = ("recv", "a")
RB: Op = ("recv", "b")
END_A: Op = ("recv_ok", "a")


def both_sides(name: str) -> Op:
    """Send and receive of one channel in one select."""
    return sel(("send", "a", f"{name}a"), RA)


def either_send(name: str) -> Op:
    return sel(("send", "a", f"{name}a"), ("send", "b", f"{name}b"))


PLAIN: dict[str, tuple[Counts, Counts]] = {
    # The order of three values between an ordinary receiver and one that may be cancelled.
    "a sender of two, three receivers": ([(2, False)], [(1, True), (1, True), (2, False)]),
    "2 senders x 2 receivers": ([(1, True), (1, True)], [(1, True), (1, True)]),
    "two values, one receiver that may give up": ([(2, True)], [(1, True), (2, False)]),
    "one sender of each kind, one receiver of each": ([(1, False), (1, True)], [(1, True), (1, False)]),
    "three values, cancellable and ordinary": ([(3, False)], [(1, True), (2, True)]),
    "two senders of two": ([(2, True), (2, True)], [(2, False)]),
    "three senders, two receivers": ([(2, True), (1, True)], [(1, False), (1, True)]),
    "three senders, one receiver": ([(1, True), (1, True), (1, True)], [(2, False)]),
    "more senders than receivers": ([(1, False), (1, True), (1, True)], [(1, False)]),
}


def plain() -> Iterator[Program]:
    for title, (sending, receiving) in PLAIN.items():
        for cap in (0, 1, 2):
            for close in (False, True):
                tasks = senders(sending) + receivers(receiving) + [closer()] * close
                yield Program(f"{title}, cap {cap}{', close' * close}", {"a": (cap, WAIT)}, tasks)
    tasks = [*senders([(2, True), (1, True)]), *receivers([(1, True), (2, True)]), closer()]
    yield Program("unbounded, close", {"a": (math.inf, WAIT)}, tasks)
    for cap in (1, 2):
        tasks = senders([(2, False), (1, True), (1, True), (1, False)]) + receivers([(2, False)])
        yield Program(f"4 senders, 1 receiver, cap {cap}", {"a": (cap, WAIT)}, tasks)
    tasks = senders([(1, True)] * 4) + receivers([(2, True)])
    yield Program("4 senders, 1 receiver, cap 2, all cancellable", {"a": (2, WAIT)}, tasks)


def selects() -> Iterator[Program]:
    for a, b in ((0, 0), (0, 1), (1, 1)):
        for title, tasks in _two_channels():
            chans = {"a": (a, WAIT), "b": (b, WAIT)}
            if title.startswith("ring"):
                chans["c"] = (0, WAIT)
            yield Program(f"{title}, caps {a} {b}", chans, tasks)


def _two_channels() -> Iterator[tuple[str, list[Task]]]:
    one_a, one_b = senders([(1, True)], "a"), senders([(1, True)], "b")
    ordinary_b = senders([(1, False)], "b")
    cross = [T("p", sel(("send", "a", "pa"), RB)), T("q", sel(("send", "b", "qb"), RA))]
    yield "select of receives twice, senders", [T("p", sel(RA, RB), sel(RA, RB)), *one_a, *one_b]
    yield "two selects of receives, senders", [T("p", sel(RA, RB)), T("q", sel(RB, RA)), *one_a, *ordinary_b]
    yield (
        "select of receives, plain receivers, senders",
        [
            T("p", sel(RA, RB)),
            *receivers([(1, True)], "a"),
            *receivers([(1, False)], "b"),
            *senders([(2, False)], "a"),
            *one_b,
        ],
    )
    yield (
        "select of sends twice, receivers",
        [T("p", either_send("p1"), either_send("p2")), *receivers([(1, True)], "a"), *receivers([(1, True)], "b")],
    )
    yield (
        "two selects of sends, receivers",
        [T("p", either_send("p")), T("q", either_send("q")), *receivers([(1, True)]), *receivers([(1, False)], "b")],
    )
    yield (
        "select of sends, plain senders, receivers",
        [
            T("p", either_send("p")),
            *one_a,
            *ordinary_b,
            *receivers([(2, True)], "a"),
            *receivers([(1, False)], "b"),
        ],
    )
    yield "select against select", cross
    yield (
        "select against select, twice",
        [
            T("p", sel(("send", "a", "pa"), RB), sel(("send", "a", "pa2"), RB)),
            T("q", sel(("send", "b", "qb"), RA), sel(RA, ("send", "b", "qb2"))),
        ],
    )
    yield "select against select, and plain ones", [*cross, *one_a, *receivers([(1, True)], "b")]
    yield (
        "ring of three selects",
        [
            T("p", sel(("send", "a", "pa"), RB)),
            T("q", sel(("send", "b", "qb"), ("recv", "c"))),
            T("o", sel(("send", "c", "oc"), RA)),
        ],
    )
    yield (
        "close against selects on either side",
        [
            T("p", sel(END_A, ("send", "b", "pb"))),
            T("q", sel(("send", "a", "qa"), RB)),
            closer("a"),
            closer("b"),
        ],
    )
    yield (
        "close against a select of receives",
        [T("p", sel(END_A, RB), sel(END_A, RB)), *one_a, *receivers([(1, True)], "a"), closer("a")],
    )
    yield (
        "close against selects of sends",
        [
            T("p", either_send("p")),
            T("q", sel(("send", "a", "qa"))),
            *receivers([(1, True)], "a"),
            *receivers([(1, True)], "b"),
            closer("a"),
        ],
    )


def one_channel() -> Iterator[Program]:
    """One channel several times in one select, and on both sides of it."""
    for cap in (0, 1):
        for title, tasks in _one_channel():
            yield Program(f"{title}, cap {cap}", {"a": (cap, WAIT), "b": (0, WAIT)}, tasks)


def _one_channel() -> Iterator[tuple[str, list[Task]]]:
    one = [(1, True)]
    p = T("p", both_sides("p"))
    yield "a channel three times, receiving", [T("p", sel(RA, END_A, RA)), *receivers(one), *senders([(2, True)])]
    twice = sel(("send", "a", "x"), ("send", "a", "y"))
    yield "a channel twice, sending", [T("p", twice), *senders(one), *receivers([(2, True)])]
    yield (
        "a channel twice beside another",
        [T("p", sel(RA, RA, RB)), *receivers(one), *senders(one), *senders([(1, False)], "b")],
    )
    yield "both sides, alone", [p]
    yield "both sides, two of them", [p, T("q", both_sides("q"))]
    yield "both sides, three of them", [T(name, both_sides(name)) for name in "pqo"]
    yield "both sides, two of them, twice", [T(name, both_sides(f"{name}1"), both_sides(f"{name}2")) for name in "pq"]
    yield "both sides, and plain ones", [p, *senders(one), *receivers(one)]
    yield "both sides, two of them, and plain ones", [p, T("q", both_sides("q")), *senders(one), *receivers(one)]
    yield "both sides, two of them, close", [p, T("q", sel(("send", "a", "qa"), END_A)), closer()]
    now = T("n", ("recv_nowait", "a"), ("pause",), ("send_nowait", "a", "n"), cancel=False)
    yield "nowait beside sleepers", [*receivers([(1, True), (1, True)]), *senders([(2, True)]), now]
    now = T("n", ("select_nowait", [RA, ("send", "a", "n")]), ("select_nowait", [END_A]), cancel=False)
    yield "select_nowait beside sleepers", [p, *receivers(one), *senders(one), now]
    now = T("n", ("recv_nowait", "a"), cancel=False)
    yield "nowait and close", [*receivers([(1, True), (1, True)]), *senders(one), now, closer()]


def odd_ones() -> Iterator[Program]:
    tasks = [T("p", sel(("recv", None), RA, ("send", None, "z"))), *senders([(1, True)])]
    yield Program("cases on None", {"a": (0, WAIT)}, tasks)
    tasks = [
        T("p", ("select", [RA, RB, RA], True), ("select", [RB, RA], True)),
        *senders([(1, True)], "a"),
        *senders([(1, True)], "b"),
    ]
    yield Program("biased", {"a": (1, WAIT), "b": (1, WAIT)}, tasks)


def reservations() -> Iterator[Program]:
    for cap in (1, 2):
        for title, tasks in _reservations():
            yield Program(f"{title}, cap {cap}", {"a": (cap, WAIT)}, tasks)


def _reservations() -> Iterator[tuple[str, list[Task]]]:
    one = [(1, True)]
    used, unused = T("v", ("reserve", "a", "v")), T("w", ("reserve", "a", None))
    yield "reserve, senders, receivers", [used, unused, *senders(one), *receivers([(1, True), (1, False)])]
    twice = T("v", ("reserve", "a", "v1"), ("reserve", "a", "v2"))
    yield "reserve against senders", [twice, *senders([(1, True), (1, True)]), *receivers([(2, False)])]
    yield "reserve and close", [used, unused, closer(), *senders(one), *receivers(one)]
    yield "reserve and selects on both sides", [used, unused, T("p", both_sides("p")), T("q", both_sides("q"))]


def dropping() -> Iterator[Program]:
    for cap in (1, 2):
        for how in (OLDEST, NEWEST):
            tasks = senders([(3, False), (1, True)]) + receivers([(1, True), (1, True)])
            yield Program(f"{how}, cap {cap}", {"a": (cap, how)}, tasks)
            tasks = [
                *senders([(2, False)]),
                T("p", sel(RA, RB)),
                T("q", sel(("send", "a", "q"), RB)),
                *receivers([(1, True)]),
                closer(),
            ]
            yield Program(f"{how}, select, close, cap {cap}", {"a": (cap, how), "b": (0, WAIT)}, tasks)


PROGRAMS: list[Program] = [
    *plain(),
    *selects(),
    *one_channel(),
    *odd_ones(),
    *reservations(),
    *dropping(),
]
