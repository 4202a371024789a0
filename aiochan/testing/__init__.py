"""For people who test code that uses aiochan, ourselves first.

A namespace of its own: `import aiochan` does not load it.

    every schedule       explore, cross_check; scenarios are told what they may do by Run
    many at random       sample, pct
    what was found       Result, Failure, replay
    virtual time         run, settle, advance; VirtualLoop
    numbered steps       Order
    nothing left behind  no_leaks, watch_leaks
    one coroutine        Stepper, at_once
    what a channel does  ModelChan (more of it in aiochan.testing.model)
    the loop under it    StepLoop

How each is meant to be used is in docs/guide/testing.md.
"""

from aiochan.testing.explorer import Result, cross_check, explore, pct, sample
from aiochan.testing.failure import Failure, replay
from aiochan.testing.leaks import Leaked, LeakWatch, no_leaks, watch_leaks
from aiochan.testing.loop import StepHandle, StepLoop, StepTimer
from aiochan.testing.model import Answer, ModelCase, ModelChan, ModelSignal, Op, Outcome
from aiochan.testing.order import Order
from aiochan.testing.report import describe_task, describe_tasks, describe_wait
from aiochan.testing.scenario import Interrupt, Run, Spawned, Watched
from aiochan.testing.schedule import NotDeterministic
from aiochan.testing.stepper import Stepper, Suspension, at_once
from aiochan.testing.virtual import BusyWaiting, Deadlock, LeftBehind, VirtualLoop, advance, run, settle

__all__ = [
    "Answer",
    "BusyWaiting",
    "Deadlock",
    "Failure",
    "Interrupt",
    "LeakWatch",
    "Leaked",
    "LeftBehind",
    "ModelCase",
    "ModelChan",
    "ModelSignal",
    "NotDeterministic",
    "Op",
    "Order",
    "Outcome",
    "Result",
    "Run",
    "Spawned",
    "StepHandle",
    "StepLoop",
    "StepTimer",
    "Stepper",
    "Suspension",
    "VirtualLoop",
    "Watched",
    "advance",
    "at_once",
    "cross_check",
    "describe_task",
    "describe_tasks",
    "describe_wait",
    "explore",
    "no_leaks",
    "pct",
    "replay",
    "run",
    "sample",
    "settle",
    "watch_leaks",
]
