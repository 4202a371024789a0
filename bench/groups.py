"""Groups, contexts and timers beside what asyncio and anyio have instead: the list of workloads, and who takes part.

A workload is a method of the class `Peer` in peers/groups_*.py; where there is no counterpart, the method is missing.
"""

from __future__ import annotations

from bench.subjects import Subject
from bench.workloads import HELD, SHOWN, Workload, hops, operations, sum_below

GROUP_SUBJECTS = [
    Subject("aiochan", "aiochan, Python core", peer="groups_aiochan", core="python"),
    Subject("aiochan_c", "aiochan, C core", peer="groups_aiochan", core="c", needs="aiochan.core._speedups"),
    Subject("asyncio", "asyncio", peer="groups_asyncio", module="asyncio"),
    Subject("anyio", "anyio", peer="groups_anyio", module="anyio"),
]


def answers(count: int, width: int) -> int:
    """Add up what `width` callers get in each round: its number."""
    return width * sum_below(count, width)


def _tasks(name: str, method: str, title: str, width: int, warm_up: int = 1) -> Workload:
    return Workload(name, method, title, "task", HELD, width, warm_up, each=width, expect=hops)


def _one(name: str, title: str, unit: str, kind: str = HELD) -> Workload:
    return Workload(name, name, title, unit, kind, warm_up=500, expect=operations)


def _tree(name: str, title: str, unit: str, trees: int) -> Workload:
    return Workload(name, name, title, unit, SHOWN, 10_000, 1, trees, 10_000, hops)


def _callers(name: str, title: str) -> Workload:
    return Workload(name, name, title, "caller", HELD, 10_000, 1, each=10_000, expect=answers)


GROUP_WORKLOADS = [
    _tasks("group_1", "group", "group of 1 task", 1, 500),
    _tasks("group_10", "group", "group of 10 tasks", 10, 100),
    _tasks("group_1000", "group", "group of 1,000 tasks", 1_000),
    _tasks("group_100000", "group", "group of 100,000 tasks", 100_000),
    _tasks("group_turn", "group_turn", "group of 1,000 tasks, each waits for a turn of the loop", 1_000),
    _tasks("group_fails", "group_fails", "one of 1,000 tasks fails, the others sleep", 1_000),
    _tasks("limit_go", "limit_go", "10,000 tasks at once, 100 may run", 10_000),
    _tasks("limit_submit", "limit_submit", "10,000 tasks, made as there is room among 100", 10_000),
    _one("ctx_cancel", "context, cancelled", "context", SHOWN),
    _one("ctx_timeout", "context with a timeout, left in time", "context", SHOWN),
    _one("scope", "scope, entered and left", "scope"),
    _one("scope_timeout", "scope with a timeout, left in time", "scope"),
    _one("scope_cancelled", "scope that cancels its body", "scope"),
    _one("scope_expired", "scope with a timeout of 0, cancels its body", "scope"),
    _tree("ctx_tree", "tree of 10,000 contexts, cancelled at its root", "context", 10),
    _tree("scope_tree", "10,000 tasks asleep in scopes of their own, cancelled at the root", "task", 1),
    _callers("flight_one", "10,000 callers, one key"),
    _callers("flight_keys", "10,000 callers, 100 keys"),
    Workload("after_ready", "after_ready", "receive a value that is there, or give up", "value", HELD, warm_up=500),
    _one("after_dropped", "timer, made and dropped", "timer", SHOWN),
]
