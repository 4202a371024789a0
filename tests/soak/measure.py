"""What is measured from outside: memory, living objects, lateness of the loop; and what counts as flat."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import math
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Lateness", "Memory", "census", "collect_garbage", "drift", "memory"]

STATM = Path("/proc/self/statm")
OURS = {"aiochan": "aiochan", "tests": "tests", "asyncio": "asyncio", "_asyncio": "asyncio", "uvloop": "asyncio"}
FORMS = {"coroutine", "async_generator", "generator", "traceback", "frame", "Context"}


def _resident_kib() -> int:
    """Tell how much memory is resident; where that cannot be told, how much was at most."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize() // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


class _MallInfo(ctypes.Structure):
    """What glibc tells about malloc: `struct mallinfo2`."""

    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]


def _find_mallinfo() -> Callable[[], Any] | None:
    if not sys.platform.startswith("linux"):
        return None
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is not None:
        mallinfo.restype = _MallInfo
    return mallinfo


_mallinfo = _find_mallinfo()


class Memory(NamedTuple):
    """Memory in use. What is resident also holds what is free: it follows the highest peak there was."""

    resident_kib: int
    blocks: int  # small ones, of Python's own allocator, exactly
    malloced_kib: int  # large ones, where glibc tells it, exactly; else 0


def memory() -> Memory:
    """Measure it now."""
    info = _mallinfo() if _mallinfo is not None else None
    malloced = 0 if info is None else (info.uordblks + info.hblkhd) // 1024
    return Memory(_resident_kib(), sys.getallocatedblocks(), malloced)


def drift(samples: Sequence[int]) -> int | None:
    """Compare the median of the last fifth with that of the second fifth; None if there are too few samples.

    The first fifth is the warm-up. Medians, because a sample may fall into the middle of a burst.
    """
    fifth = len(samples) // 5
    if fifth < 2:
        return None
    return round(statistics.median(samples[-fifth:]) - statistics.median(samples[fifth : 2 * fifth]))


def census() -> Counter[str]:
    """Count the living objects of the library, of this program and of asyncio. It does not collect anything."""
    by_type: Counter[type] = Counter(type(thing) for thing in gc.get_objects() if not _cancelled_timer(thing))
    counts: Counter[str] = Counter()
    for kind, number in by_type.items():
        if name := _name(kind):
            counts[name] += number
    return counts


def _cancelled_timer(thing: Any) -> bool:
    """Tell whether it is a timer that was cancelled: asyncio keeps those until their time has come."""
    return type(thing).__name__ == "TimerHandle" and thing.cancelled()


def _name(kind: type) -> str | None:
    package = OURS.get(str(kind.__module__).partition(".")[0])
    if package is not None:
        return f"{package}.{kind.__name__}"
    return kind.__name__ if kind.__name__ in FORMS else None


def collect_garbage() -> Counter[str]:
    """Collect what only the collector can free, and count it by type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(type(thing).__name__ for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()


class Lateness:
    """How late timers of the loop are, in buckets, so that an hour takes no more room than a second."""

    STEP_S = 0.05

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()  # by the logarithm, ten for each doubling
        self.worst_s = 0.0
        self.worst_lately_s = 0.0

    async def watch(self) -> None:
        while True:
            due = time.perf_counter() + self.STEP_S
            await asyncio.sleep(self.STEP_S)
            late = max(time.perf_counter() - due, 1e-6)
            self.buckets[round(10 * math.log2(late))] += 1
            self.worst_s = max(self.worst_s, late)
            self.worst_lately_s = max(self.worst_lately_s, late)

    def lately_ms(self) -> float:
        worst, self.worst_lately_s = self.worst_lately_s, 0.0
        return round(worst * 1000, 1)

    def quantile_ms(self, share: float) -> float:
        left = share * self.buckets.total()
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return round(1000 * 2 ** (bucket / 10), 2)
        return 0.0

    def report(self) -> dict[str, Any]:
        return {
            "median_ms": self.quantile_ms(0.5),
            "p99_ms": self.quantile_ms(0.99),
            "p99.9_ms": self.quantile_ms(0.999),
            "worst_ms": round(self.worst_s * 1000, 1),
        }
