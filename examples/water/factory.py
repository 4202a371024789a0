"""The factory: atoms come one by one, and leave together.

    H ─▶ places for H: 2 ─┐
    H ─▶                  ├─▶ barrier for 3 ─▶ a molecule
    O ─▶ places for O: 1 ─┘

A semaphore for each element lets in as many as a molecule has of it, so those who meet at the barrier can only be the
right ones. An atom keeps its place until it is bound; the next molecule begins with the places that this one gives
back.

An atom may leave (its task is cancelled) while it waits. That breaks the barrier for those who wait with it. They are
still there, with their places, so one of them sets the barrier up again, and they go on waiting for somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import aiochan as ac

ELEMENT = re.compile(r"([A-Z][a-z]?)([1-9]\d*)?")


def parse(formula: str) -> dict[str, int]:
    """Read a formula: `parse("H2O") == {"H": 2, "O": 1}`.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(f"({ELEMENT.pattern})+", formula):
        raise ValueError(f"{formula!r} is no formula, such as H2O")
    atoms: dict[str, int] = {}
    for element, count in ELEMENT.findall(formula):
        atoms[element] = atoms.get(element, 0) + int(count or 1)
    return atoms


class Factory:
    """Makes molecules.

    Args:
        formula: How many atoms of each element a molecule has.
        deliver: Called with each molecule: its atoms, in the order in which they came.
    """

    def __init__(self, formula: Mapping[str, int], deliver: Callable[[str], object]) -> None:
        self._places = {
            element: ac.Semaphore(count, name=f"places for {element}") for element, count in formula.items()
        }
        self._barrier = ac.CyclicBarrier(sum(formula.values()), self._complete, name="molecule")
        self._deliver = deliver
        self._molecule: list[str] = []

    async def add(self, element: str) -> None:
        """Bring an atom, and wait until it is bound.

        Cancellation: the atom is gone, unless it was bound already.
        """
        async with self._places[element]:
            molecule = self._molecule
            molecule.append(element)
            try:
                while not await self._bound():
                    pass
            except BaseException:
                molecule.remove(element)  # if it was complete, nobody looks at it any more
                raise

    async def _bound(self) -> bool:
        """Wait for the others; return whether all came, and nobody left."""
        try:
            await self._barrier.wait()
        except ac.BrokenBarrier:
            if self._barrier.broken:  # the first of us to hear of it
                self._barrier.reset()
            return False
        return True

    def _complete(self) -> None:
        """Deliver the molecule; the last of its atoms does that, before any of them leaves."""
        self._deliver("".join(self._molecule))
        self._molecule = []
