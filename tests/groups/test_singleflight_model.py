"""`SingleFlight` beside a model of it: the same random moves, and after each the same must have come out (SF01).

The model is what one would say on a blackboard: under each key at most one call, and each call with those who wait for
it. Which of the ready tasks runs first differs from seed to seed, and must not matter.
"""

import asyncio
import random

import pytest

import aiochan as ac
from aiochan.testing import virtual
from tests.groups.kit import Calls, flights

KEYS = "abc"
MOVES = 60


class ModelCall:
    def __init__(self, number, key):
        self.number, self.key = number, key
        self.waiting = []  # the numbers of the callers
        self.shared = False
        self.for_ever = False  # somebody waits by a channel


class Model:
    def __init__(self):
        self.under = {}  # key -> call
        self.calls = []  # that run, or are told to end
        self.made = 0
        self.fates = []  # of each caller: "waits", "left", or how they were answered

    def ask(self, key, by_channel):
        call = self.under.get(key)
        if call is None:
            call = self.under[key] = ModelCall(self.made, key)
            self.calls.append(call)
            self.made += 1
        else:
            call.shared = True
        call.for_ever |= by_channel
        call.waiting.append(len(self.fates))
        self.fates.append("waits")

    def leave(self, caller):
        (call,) = (call for call in self.calls if caller in call.waiting)
        call.waiting.remove(caller)
        self.fates[caller] = "left"
        if not call.waiting:
            self.over(call)

    def end(self, call, how):
        for caller in call.waiting:
            self.fates[caller] = (how, call.number) if how == "Canceled" else (how, call.number, call.shared)
        self.over(call)

    def over(self, call):
        self.calls.remove(call)
        if self.under.get(call.key) is call:
            del self.under[call.key]


class Both:
    """The model and what it is a model of."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.model = Model()
        self.group = flights("g")
        self.calls = Calls()
        self.tasks = []  # of the callers
        self.leavers = set()  # the numbers of those who can leave

    def move(self):
        moves = [self.ask, self.ask, self.ask, self.leave, self.leave, self.end, self.kill, self.forget]
        self.dice.choice(moves)()

    def ask(self):
        key, by_channel = self.dice.choice(KEYS), self.dice.random() < 0.2
        self.model.ask(key, by_channel)
        if by_channel:
            answer = self.by_channel(self.group.do_chan(key, self.calls, key))
        else:
            answer = self.group.do(key, self.calls, key)
            self.leavers.add(len(self.tasks))
        self.tasks.append(asyncio.create_task(answer))

    async def by_channel(self, ch):
        (result,) = [result async for result in ch]
        if result.error is not None:
            raise result.error
        return result.value, result.shared

    def leave(self):
        waiting = [number for number in sorted(self.leavers) if self.model.fates[number] == "waits"]
        if waiting:
            number = self.dice.choice(waiting)
            self.model.leave(number)
            self.tasks[number].cancel()

    def end(self):
        if self.model.calls:
            call, how = self.dice.choice(self.model.calls), self.dice.choice(["value", "error"])
            self.calls.end(call.number if how == "value" else LookupError(call.number), call.number)
            self.model.end(call, how)

    def kill(self):
        if self.model.calls:
            call = self.dice.choice(self.model.calls)
            self.calls.end(asyncio.CancelledError(), call.number)
            self.model.end(call, "Canceled")

    def forget(self):
        key = self.dice.choice(KEYS)
        self.group.forget(key)
        self.model.under.pop(key, None)

    def compare(self):
        self.group._check()
        assert list(map(self.fate, self.tasks, self.model.fates)) == self.model.fates
        assert self.calls.arguments == [(key,) for key in self.keys_of_calls]
        assert [key for key, _ in self.group._snapshot()] == list(self.model.under)

    def fate(self, task, modelled):
        if not task.done():
            return "waits"
        if task.cancelled():
            return "left"
        if (error := task.exception()) is None:
            value, shared = task.result()
            return "value", value, shared
        if isinstance(error, ac.Canceled):
            return "Canceled", modelled[1]
        return "error", error.args[0], modelled[2]  # nobody is told whether an error is shared

    async def run(self):
        self.keys_of_calls = []
        for _ in range(MOVES):
            before = self.model.made
            self.move()
            if self.model.made > before:
                self.keys_of_calls.append(self.model.calls[-1].key)
            await virtual.settle()
            self.compare()
        while self.model.calls:
            self.end()
        await virtual.settle()
        self.compare()


@pytest.mark.parametrize("seed", range(40))
def test_the_group_does_what_the_model_says(seed):
    virtual.run(lambda: Both(seed).run(), seed=seed)
