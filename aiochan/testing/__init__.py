"""For people who test code that uses aiochan, ourselves first."""

from aiochan.testing.explorer import Result, cross_check, explore, pct, sample
from aiochan.testing.failure import Failure, replay
from aiochan.testing.loop import StepHandle, StepLoop, StepTimer
from aiochan.testing.scenario import Interrupt, Run, Spawned, Watched
from aiochan.testing.schedule import NotDeterministic, Order

__all__ = [
    "Failure",
    "Interrupt",
    "NotDeterministic",
    "Order",
    "Result",
    "Run",
    "Spawned",
    "StepHandle",
    "StepLoop",
    "StepTimer",
    "Watched",
    "cross_check",
    "explore",
    "pct",
    "replay",
    "sample",
]
