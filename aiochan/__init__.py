"""Go's way of writing concurrent programs, native to asyncio.

    import aiochan as ac

    jobs = ac.Chan[str](10)                  a channel with room for ten
    await jobs.send("a")                     waits for room; `async for job in jobs` receives until it is closed
    match await ac.select(ac.recv(jobs), ac.recv(done)): ...

Where to look
-------------
    errors      AiochanError and what stands below it
    core        Chan and its ends, Signal, never, select and its cases; WaitQueue to build your own primitives on
    context     background() and what is derived from it: when to stop, and what belongs to one request
    timers      after, at, tick, Timer, Ticker: time as channels
    sync        what tasks wait for that carries no values
                Mutex, ReentrantMutex: one task at a time; RWMutex: many readers or one writer
                Cond: until something holds; WaitGroup: until all is done; Once, OnceValue: run once, for all
                Watch: the latest value, and word of the next one; PriorityQueue: the best item first
                AsyncMap: values that are made once, and a lock for each key
    groups      ErrGroup, ErrWaitGroup: tasks with an owner, who waits for them and hears of their errors
                go: a task that belongs to nobody; SingleFlight: one call for all who ask at the same time
                Schedule: jobs at their times; WorkerPool: many jobs, a few at a time
    testing     for tests of code that uses this: every interleaving, virtual time (import aiochan.testing)

Everything is named here and lives elsewhere; what each name means is in its docstring.
"""

from __future__ import annotations

from aiochan._namesake import refuse_namesake as _refuse_namesake
from aiochan.context import Context, background, current_context, todo
from aiochan.core import (
    Case,
    Chan,
    RecvChan,
    Reservation,
    SendChan,
    Signal,
    Stats,
    never,
    recv,
    recv_ok,
    select,
    select_loop,
    select_nowait,
    send,
)
from aiochan.errors import (
    AiochanError,
    BrokenBarrier,
    Canceled,
    ChannelClosed,
    ContextError,
    DeadlineExceeded,
    MisuseError,
    NotHeld,
    WouldBlock,
    WrongLoop,
)
from aiochan.groups.errgroup import ErrGroup
from aiochan.groups.errwaitgroup import ErrWaitGroup
from aiochan.groups.go import go
from aiochan.groups.retry import retry
from aiochan.groups.schedule import Schedule
from aiochan.groups.singleflight import FlightResult, SingleFlight
from aiochan.groups.together import all_of, first_of, last_of, race
from aiochan.groups.waterfall import waterfall
from aiochan.groups.workers import WorkerPool
from aiochan.sync.asyncmap import AsyncMap
from aiochan.sync.barrier import CyclicBarrier
from aiochan.sync.cond import Cond
from aiochan.sync.mutex import Mutex
from aiochan.sync.once import Once, OnceValue
from aiochan.sync.priorityqueue import PriorityQueue
from aiochan.sync.reentrant import ReentrantMutex
from aiochan.sync.rwmutex import RWMutex
from aiochan.sync.semaphore import Semaphore
from aiochan.sync.waitgroup import WaitGroup
from aiochan.sync.watch import Watch
from aiochan.timers import Ticker, Timer, after, at, tick

__all__ = [
    "AiochanError",
    "AsyncMap",
    "BrokenBarrier",
    "Canceled",
    "Case",
    "Chan",
    "ChannelClosed",
    "Cond",
    "Context",
    "ContextError",
    "CyclicBarrier",
    "DeadlineExceeded",
    "ErrGroup",
    "ErrWaitGroup",
    "FlightResult",
    "MisuseError",
    "Mutex",
    "NotHeld",
    "Once",
    "OnceValue",
    "PriorityQueue",
    "RWMutex",
    "RecvChan",
    "ReentrantMutex",
    "Reservation",
    "Schedule",
    "Semaphore",
    "SendChan",
    "Signal",
    "SingleFlight",
    "Stats",
    "Ticker",
    "Timer",
    "WaitGroup",
    "Watch",
    "WorkerPool",
    "WouldBlock",
    "WrongLoop",
    "after",
    "all_of",
    "at",
    "background",
    "current_context",
    "first_of",
    "go",
    "last_of",
    "never",
    "race",
    "recv",
    "recv_ok",
    "retry",
    "select",
    "select_loop",
    "select_nowait",
    "send",
    "tick",
    "todo",
    "waterfall",
]

_refuse_namesake()
_name = ""
for _name in __all__:  # tracebacks are to show what people type
    globals()[_name].__module__ = __name__
del _name
