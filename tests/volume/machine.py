"""The state machine: Hypothesis chooses among rules, `World` moves channels and model and compares them.

Each rule is one move (machine_world.py says what they are). `check_machine` runs many examples of it, in batches with
seeds of their own, so that a batch that fails can be run again alone:

    AIOCHAN_STEPS=1 AIOCHAN_SEED=17 pytest -m stress tests/volume/test_machine.py -s
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.testing.differential import Cases, Move, Spec
from tests.volume.machine_backend import UNIFORM
from tests.volume.machine_events import Events
from tests.volume.machine_world import World

BATCH = 100  # examples with one seed
LENGTH = 120  # steps of an example; more would not fit into what Hypothesis draws for one
TRIES = 20  # to draw a rule that has something to act on
CROWD = 10  # tasks that have not ended: with more of them nothing new happens, only slower

CHANNELS = st.integers(0, 2)
WHICH = st.integers(0, 5)
SECONDS = st.sampled_from((1.0, 2.0, 5.0, 0.0))
LATER = st.sampled_from((1.0, 2.0, 5.0))
BIASED = st.sampled_from((False, False, False, True))
SPECS = (
    *(Spec(capacity) for capacity in (0, 1, 2, float("inf"))),
    Spec(None),
    *(Spec(capacity, "drop_oldest") for capacity in (1, 2)),
    *(Spec(capacity, "drop_newest") for capacity in (1, 2)),
)
COMMON = (Spec(0), Spec(1), Spec(1), Spec(2), Spec(1, "drop_oldest"), *SPECS)  # small ones are where the waiting is
_ONE = tuple((kind, c) for c in (0, 1, 2) for kind in ("recv", "send"))
_CASES = (*_ONE, *_ONE, *(("recv_ok", c) for c in (0, 1, 2)), ("recv", None))
_STOPS = 4
_NUMBERS = (len(_CASES) + _STOPS) ** 4


def _cases(number: int) -> Cases:
    """Spell a number with cases for digits: one draw for Hypothesis instead of many."""
    cases: list[tuple[str, int | None]] = []
    while number and len(cases) < 4:
        number, digit = divmod(number, len(_CASES) + _STOPS)
        if digit < _STOPS:
            if cases:
                break
            digit += _STOPS
        cases.append(_CASES[digit - _STOPS])
    return tuple(cases)


def _operation(number: int) -> Move:
    """Spell a number as an operation that may wait."""
    number, kind = divmod(number, 8)
    if kind > 5:
        return "select", number % 4 == 3, _cases(number // 4)
    return ("recv", "send", "next", "recv_ok", "reserve", "round")[kind], number % 3


SELECTED = st.integers(0, _NUMBERS - 1).map(_cases)
OPERATIONS = st.integers(0, 32 * _NUMBERS - 1).map(_operation)

# -- when a rule has something to act on


def roomy(self: Any) -> bool:
    return len(self.world.live) < CROWD


def anybody(self: Any) -> bool:
    return bool(self.world.live)


def anybody_woken(self: Any) -> bool:
    return any(running.op.state == "woken" for running in self.world.live)


def anybody_cancelled(self: Any) -> bool:
    return bool(self.world.cancels)


def anything_due(self: Any) -> bool:
    return bool(self.world.due)


def any_alarm(self: Any) -> bool:
    return bool(self.world.alarms)


def any_place(self: Any) -> bool:
    return bool(self.world.permits)


def any_ring(self: Any) -> bool:
    return any(spec.capacity and spec.overflow == "wait" for spec in self.world.specs)


def any_loop(self: Any) -> bool:
    return bool(self.world.loops) and len(self.world.live) < CROWD


def anything_over(self: Any) -> bool:
    return any(model.closed and not model.held for model in self.world.model)


FACTS = (
    roomy,
    anybody,
    anybody_woken,
    anybody_cancelled,
    anything_due,
    any_alarm,
    any_place,
    any_ring,
    any_loop,
    anything_over,
)


@st.composite
def _weighted(draw: Callable[[Any], Any], machine: Any) -> tuple[Any, dict[str, Any]]:
    """Draw a rule, and what it is called with, as Hypothesis does, with weights and with fewer draws.

    A number stands for the same rule in every state, so that shortening a program does not make the rest of it another.
    """
    possible, table = machine.possible(), machine.table
    for _ in range(TRIES):
        chosen = table[draw(NUMBERS)]
        if chosen in possible:
            break
    else:
        chosen = possible[0]
    return chosen, {name: draw(strategy) for name, strategy in chosen.arguments_strategies.items()}


# How often which rule is drawn; those that shorten a story most come first.
WEIGHTS = {
    "step_one": 6,
    "send": 6,
    "recv": 4,
    "cancel": 2,
    "cancel_woken": 4,
    "select": 5,
    "reserve": 3,
    "close": 1,
    "send_nowait": 2,
    "recv_nowait": 3,
    "recv_ok": 1,
    "async_for": 1,
    "with_timeout": 2,
    "with_wait_for": 2,
    "advance": 2,
    "use_place": 2,
    "give_place_back": 2,
    "select_nowait": 1,
    "select_loop": 2,
    "select_loop_round": 3,
    "step": 4,
    "step_chosen": 3,
    "cancel_again": 1,
    "kill": 1,
    "renew": 2,
}
NUMBERS = st.integers(0, sum(WEIGHTS.values()) - 1)

# Any of these may be missing in an example, so that some go on for long without a close, or with senders only.
OPTIONAL = (
    ("recv", "recv_ok", "async_for"),
    ("send",),
    ("close",),
    ("select",),
    ("reserve",),
    ("with_timeout", "with_wait_for"),
    ("cancel", "kill"),
    ("cancel_woken",),
    ("recv_nowait",),
    ("send_nowait", "select_nowait"),
    ("step", "step_chosen"),
    ("step_one", "step_chosen"),
    ("use_place",),
    ("give_place_back",),
)
_table: list[Any] = []  # see Machine.table


class Machine(RuleBasedStateMachine):
    """A few channels, the tasks that use them, and the loop, cranked by hand."""

    events: ClassVar[Events] = Events()

    def __init__(self) -> None:
        super().__init__()
        self.world: World = None  # type: ignore[assignment]  # until `begin`
        self.sound = True
        self.moves: list[Move] = []
        self.without: frozenset[str] = frozenset()
        self._possible: dict[tuple[bool, ...], list[Any]] = {}
        self.events.examples += 1
        self._rules_strategy: Any = _weighted(self)  # three times as fast as its own

    @property
    def table(self) -> list[Any]:
        """All rules, each as often as it weighs; by the number that stands for it."""
        if not _table:
            rules = {rule.function.__name__: rule for rule in self.rules}
            assert rules.keys() == WEIGHTS.keys()
            _table.extend(rules[name] for name, weight in WEIGHTS.items() for _ in range(weight))
        return _table

    def possible(self) -> list[Any]:
        """List the rules that have something to act on now."""
        facts = tuple(fact(self) for fact in FACTS)
        known = self._possible.get(facts)
        if known is None:
            holds = dict(zip(FACTS, facts, strict=True))
            every = [rule for rule in self.rules if all(holds[fact] for fact in rule.preconditions)]
            known = [rule for rule in every if rule.function.__name__ not in self.without] or every
            self._possible[facts] = known
        return known

    def do(self, name: str, move: Move) -> None:
        self.sound = False
        self.moves.append(move)
        try:
            if self.world.apply(move):
                self.events.rules[name] += 1
        except BaseException as error:
            error.add_note(f"The moves, as tests/volume/machine_world.py spells them: {self.moves}")
            raise
        self.sound = True

    @initialize(
        specs=st.lists(st.sampled_from(COMMON), min_size=1, max_size=3),
        dice=st.integers(0, 1 << 16),
        drain=st.sampled_from((None, None, None, None, None, None, None, (0, 0), (1, 2), (5, 3))),
        without=st.lists(st.sampled_from(OPTIONAL), max_size=5),
    )
    def begin(
        self, specs: list[Spec], dice: int, drain: tuple[int, int] | None, without: list[tuple[str, ...]]
    ) -> None:
        self.without = frozenset(name for names in without for name in names)
        self.world = World(specs, random.Random(dice).randrange, drain, self.events)
        self.world.__enter__()

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if self.sound:
                self.world.end()
        finally:
            self.world.__exit__()

    # -- operations that may wait, each in a task of its own

    @precondition(roomy)
    @rule(c=CHANNELS)
    def send(self, c: int) -> None:
        self.do("send", ("send", c))

    @precondition(roomy)
    @rule(c=CHANNELS)
    def recv(self, c: int) -> None:
        self.do("recv", ("recv", c))

    @precondition(roomy)
    @rule(c=CHANNELS)
    def recv_ok(self, c: int) -> None:
        self.do("recv_ok", ("recv_ok", c))

    @precondition(roomy)
    @rule(c=CHANNELS)
    def async_for(self, c: int) -> None:
        self.do("async for", ("next", c))

    @precondition(any_ring)
    @precondition(roomy)
    @rule(c=CHANNELS)
    def reserve(self, c: int) -> None:
        self.do("reserve", ("reserve", c))

    @precondition(roomy)
    @rule(biased=BIASED, cases=SELECTED)
    def select(self, biased: bool, cases: Cases) -> None:
        self.do("select", ("select", biased, cases))

    @precondition(any_loop)
    @rule(i=WHICH)
    def select_loop_round(self, i: int) -> None:
        self.do("select_loop round", ("round", i))

    @precondition(roomy)
    @rule(seconds=SECONDS, move=OPERATIONS)
    def with_timeout(self, seconds: float, move: Move) -> None:
        self.do("with timeout", ("within", seconds, move))

    @precondition(roomy)
    @rule(seconds=LATER, move=OPERATIONS)
    def with_wait_for(self, seconds: float, move: Move) -> None:
        self.do("with wait_for", ("wait_for", seconds, move))

    # -- what never waits

    @rule(c=CHANNELS)
    def send_nowait(self, c: int) -> None:
        self.do("send_nowait", ("send_nowait", c))

    @rule(c=CHANNELS)
    def recv_nowait(self, c: int) -> None:
        self.do("recv_nowait", ("recv_nowait", c))

    @rule(biased=BIASED, cases=SELECTED)
    def select_nowait(self, biased: bool, cases: Cases) -> None:
        self.do("select_nowait", ("select_nowait", biased, cases))

    @rule(biased=BIASED, cases=SELECTED, receiving=st.booleans())
    def select_loop(self, biased: bool, cases: Cases, receiving: bool) -> None:
        if receiving:  # such a loop goes on when channels end, and can end itself
            cases = tuple(("recv" if kind == "send" else kind, c) for kind, c in cases)
        self.do("select_loop", ("loop", biased, cases))

    @precondition(any_place)
    @rule(i=WHICH)
    def use_place(self, i: int) -> None:
        self.do("use place", ("use", i))

    @precondition(any_place)
    @rule(i=WHICH)
    def give_place_back(self, i: int) -> None:
        self.do("give place back", ("give_up", i))

    @rule(c=CHANNELS, with_cause=BIASED)
    def close(self, c: int, with_cause: bool) -> None:
        self.do("close", ("close", c, with_cause))

    @precondition(anything_over)
    @rule(c=CHANNELS, spec=st.sampled_from(COMMON))
    def renew(self, c: int, spec: Spec) -> None:
        self.do("renew", ("renew", c, spec))

    # -- tasks, loop and time

    @precondition(anything_due)
    @rule(k=st.integers(1, 4))
    def step(self, k: int) -> None:
        self.do("step", ("step_many", k))

    @precondition(anything_due)
    @rule()
    def step_one(self) -> None:
        self.do("step", ("run", 0))

    @precondition(anything_due)
    @rule(i=WHICH)
    def step_chosen(self, i: int) -> None:
        self.do("step, chosen", ("run", i))

    @precondition(any_alarm)
    @rule(seconds=LATER)
    def advance(self, seconds: float) -> None:
        self.do("advance", ("advance", seconds))

    @precondition(anybody)
    @rule(i=WHICH)
    def cancel(self, i: int) -> None:
        self.do("cancel", ("cancel", i))

    @precondition(anybody_woken)
    @rule(i=WHICH)
    def cancel_woken(self, i: int) -> None:
        self.do("cancel, woken", ("cancel_woken", i))

    @precondition(anybody_cancelled)
    @rule(i=WHICH)
    def cancel_again(self, i: int) -> None:
        self.do("cancel, again", ("cancel_again", i))

    @precondition(anybody)
    @rule(i=WHICH)
    def kill(self, i: int) -> None:
        self.do("kill", ("kill", i))


def check_batch(number: int, examples: int, events: Events, *, length: int = LENGTH, shrink: bool = True) -> None:
    """Run so many examples of the machine; the same number gives the same ones.

    Raises:
        AssertionError: Real and model differ; Hypothesis tells by which steps.
    """

    class Counted(Machine):
        pass

    Counted.events, Counted.__name__ = events, "Machine"
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    run_state_machine_as_test(
        seed(number)(Counted),
        settings=settings(
            max_examples=examples,
            stateful_step_count=length,
            phases=phases,
            database=None,
            deadline=None,
            derandomize=False,  # the seed does it, and differs from batch to batch
            print_blob=False,
            backend=UNIFORM,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def check_machine(steps: int, first: int = 0, tell: Callable[[str], object] = lambda _: None) -> Events:
    """Run batches until so many steps were compared.

    Args:
        steps: How many.
        first: The number of the first batch.
        tell: Called with a line about the progress now and then, and at the end.
    """
    events, began, told, number = Events(), time.perf_counter(), 0.0, first
    used = time.process_time()
    while events.steps < steps:
        try:
            check_batch(number, BATCH, events)
        except BaseException as error:
            error.add_note(f"batch {number}: run it again with AIOCHAN_STEPS=1 AIOCHAN_SEED={number}")
            raise
        number += 1
        seconds = time.perf_counter() - began
        if seconds - told > 10:
            told, rate = seconds, events.steps / (time.process_time() - used)
            tell(
                f"machine: {events.steps} steps, {seconds:.0f} seconds, batch {number} next, {rate:.0f} per CPU second"
            )
    seconds, used = time.perf_counter() - began, time.process_time() - used
    tell(f"machine: {used:.0f} seconds of processor time, {events.steps / used:.0f} steps each")
    tell(f"machine: {events.steps} steps, {events.examples} examples, {seconds:.0f} seconds, no difference")
    return events
