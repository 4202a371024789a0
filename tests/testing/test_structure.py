"""Objects of people's own types are described by all that Python code can see of them, or refused."""

from __future__ import annotations

import _thread
import collections
import datetime as dt
import functools
import itertools
import random
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from aiochan.testing.descriptions import describe_type
from aiochan.testing.fingerprint import Fingerprinter
from aiochan.testing.structure import attributes_of, by_reduce, hides_state, is_local, slots_of, structure


def number(state: object) -> int:
    return Fingerprinter(lambda task: task.get_name()).number(state)


class Plain:
    def __init__(self, value: object) -> None:
        self.value = value


class Slotted:
    __slots__ = ("__hidden", "empty", "value")
    empty: object

    def __init__(self, value: object) -> None:
        self.value = value
        self.__hidden = value


class SlottedAndMore(Slotted):
    def __init__(self, value: object) -> None:
        super().__init__(1)
        self.more = value


@dataclass
class Data:
    value: object
    items: list[object] = field(default_factory=list[object])


class Pair(NamedTuple):
    left: object
    right: object


class Bag(dict[str, object]):
    pass


class Dice(random.Random):
    pass


class Line(collections.deque[object]):
    pass


def line(value: object) -> Line:
    made = Line()
    made.mark = value  # type: ignore[attr-defined]
    return made


class MyInt(int):
    pass


MAKERS: list[Any] = [
    Plain,
    Slotted,
    SlottedAndMore,
    Data,
    lambda value: Data(1, [value]),
    lambda value: Pair(1, value),
    lambda value: Bag(a=value),
    lambda value: collections.OrderedDict(a=value),
    lambda value: collections.defaultdict(list, a=value),
    lambda value: collections.Counter([value]),
    lambda value: collections.deque([value]),
    lambda value: collections.deque(maxlen=value),
    line,
    lambda value: {"a": [value]},
    lambda value: {value},
    lambda value: frozenset([value]),
    MyInt,
    random.Random,
    Dice,
    lambda value: functools.partial(print, value),
    lambda value: functools.partial(print, a=value),
    dt.timedelta,
    Decimal,
    lambda value: Fraction(value, 7),
    lambda value: iter([0, value]),
    lambda value: iter(range(value)),
    range,
    lambda value: {"a": value}.values(),
    lambda value: {value: "a"}.keys(),
    lambda value: {"a": value}.items(),
    lambda value: iter({"a": value}.items()),
    lambda value: iter({value}),
    lambda value: enumerate([0], value),
    lambda value: zip([1], [value], strict=False),
    lambda value: map(str, [value]),
    itertools.count,
    lambda value: slice(0, value),
    lambda value: complex(0, value),
    lambda value: bytearray([value]),
]


@pytest.mark.parametrize("make", MAKERS)
def test_what_differs_is_told_apart_and_what_is_equal_is_not(make: Any) -> None:
    assert number(make(1)) == number(make(1))
    assert number(make(1)) != number(make(2))


def test_an_advanced_iterator_is_another() -> None:
    iterator = iter([0, 0, 0])
    before = number(iterator)
    next(iterator)
    assert number(iterator) != before


def test_types_are_told_apart() -> None:
    class Other:
        def __init__(self, value: object) -> None:
            self.value = value

    things = [Plain(1), Slotted(1), Data(1), Other(1), MyInt(1), 1, True, 1.0, "1", b"1", [1], (1,), {1}]
    assert len({number(thing) for thing in things}) == len(things)


def test_an_empty_slot_is_not_none() -> None:
    one, other = Slotted(1), Slotted(1)
    other.empty = None
    assert number(one) != number(other)
    assert len(slots_of(one, Slotted)) == 3


def test_circles_and_shared_parts() -> None:
    def ring(length: int) -> Plain:
        first = last = Plain(None)
        for _ in range(length - 1):
            last = Plain(last)
        first.value = last
        return last

    assert number(ring(3)) == number(ring(3))
    assert number(ring(3)) != number(ring(4))
    part: list[object] = []
    assert number([part, part]) != number([[], []]), "two names for one list are not two lists"


def test_a_class_of_a_function_is_described_with_its_variables() -> None:
    def make(level: int) -> type[Any]:
        class Local:
            limit = level

            def method(self) -> int:
                return self.limit

        return Local

    assert is_local(make(1))
    assert not is_local(Plain)
    assert number(make(1)()) == number(make(1)()), "each is a class of its own"
    assert number(make(1)()) != number(make(2)())


def test_what_hides_its_state() -> None:
    assert hides_state(random.Random)
    assert hides_state(Dice)
    assert hides_state(type(threading.Lock()))
    assert hides_state(functools.partial)
    for kind in (Plain, Slotted, SlottedAndMore, Data, Pair, Bag, MyInt, object, collections.OrderedDict):
        assert not hides_state(kind)


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, _thread._local, lambda: memoryview(b"")])
def test_what_nobody_can_see_is_refused(make: Any) -> None:
    thing = make()
    with pytest.raises(TypeError, match=r"cannot tell what state .* is in: .*__fingerprint__.*prune=False"):
        number([Plain(thing)])


def test_own_word_comes_first() -> None:
    class Locked:
        def __init__(self, value: int) -> None:
            self.lock = threading.Lock()
            self.value = value

        def __fingerprint__(self) -> object:
            return self.value % 10

    assert number(Locked(1)) == number(Locked(11))
    assert number(Locked(1)) != number(Locked(2))


def test_nesting_too_deep_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TypeError, match="too deeply"):
        number(deep)
    while deep:  # or freeing it is too deep as well
        (deep,) = deep  # type: ignore[assignment]


def test_the_pieces() -> None:
    walk = Fingerprinter(lambda task: task.get_name())
    assert attributes_of(walk, {}) is None
    assert attributes_of(walk, {"a": 1, "b": [2]}) == ["a", 1, "b", [2]]
    assert structure(Plain)(walk, Plain(5)) == [__name__, "Plain", None, ["value", 5], None]
    assert by_reduce(walk, slice(1, 2)) == ["slice", [(1, 2, None)]]
    assert describe_type(Plain) is describe_type(Plain)
