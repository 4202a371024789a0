"""Go's power series: test/chan/{powser1,powser2}.go. The processes themselves are in powers.py.

powser2 is the same program on channels of interfaces: its items are of several types. Here these are whole numbers and
fractions; the end is of a third type in both.
"""

from fractions import Fraction
from math import factorial

import pytest

from tests.go.kit import program
from tests.go.powers import END, Powers, take

N = 10


def narrowest(c):
    """Make an int of what is whole."""
    return int(c) if c.denominator == 1 else c


HALF = Fraction(1, 2)
ODD_INVERSES = [Fraction((-1) ** (n // 2), n) if n % 2 else 0 for n in range(N)]
EXP_OF_ONES = [
    *(
        1,
        1,
        Fraction(3, 2),
        Fraction(13, 6),
        Fraction(73, 24),
        Fraction(167, 40),
        Fraction(4051, 720),
        Fraction(37633, 5040),
        Fraction(43817, 4480),
    ),
    Fraction(4596553, 362880),
]

# What the originals check, and what the other operations are known to give.
EXPECTED = {
    "Ones": (lambda p: p.rep(1), [1] * N),
    "Add Ones Ones": (lambda p: p.add(p.rep(1), p.rep(1)), [2] * N),
    "Add Ones Twos": (lambda p: p.add(p.rep(1), p.rep(2)), [3] * N),
    "Add, one longer": (lambda p: p.add(p.poly(1, 2), p.poly(1, 2, 3)), [2, 4, 3, END]),
    "Diff": (lambda p: p.diff(p.rep(1)), list(range(1, N + 1))),
    "Diff of a polynomial": (lambda p: p.diff(p.poly(7, 5, 3)), [5, 6, END]),
    "Integ": (lambda p: p.integ(0, p.rep(1)), [0, *(Fraction(1, n) for n in range(1, N))]),
    "CMul": (lambda p: p.cmul(-1, p.rep(2)), [-2] * N),
    "Sub Ones Twos": (lambda p: p.sub(p.rep(1), p.rep(2)), [-1] * N),
    "Mul": (lambda p: p.mul(p.rep(1), p.rep(1)), list(range(1, N + 1))),
    "Exp": (lambda p: p.exp(p.rep(1)), EXP_OF_ONES),
    "Exp of x": (lambda p: p.exp(p.poly(0, 1)), [Fraction(1, factorial(n)) for n in range(N)]),
    "ATan": (lambda p: p.integ(0, p.mon_subst(p.rep(1), -1, 2)), ODD_INVERSES),
    "Recip of 1-x+0+...": (lambda p: p.recip(p.shift(1, p.shift(-1, p.rep(0)))), [1] * N),
    "Recip of Ones": (lambda p: p.recip(p.rep(1)), [1, -1, 0, 0, 0, 0, 0, 0, 0, 0]),
    "Binom of 3": (lambda p: p.binom(3), [1, 3, 3, 1, END]),
    "Binom of 1/2": (
        lambda p: p.binom(HALF),
        [1, HALF, -Fraction(1, 8), Fraction(1, 16), -Fraction(5, 128), Fraction(7, 256)],
    ),
    "Binom 1/2, squared": (lambda p: p.mul(p.binom(HALF), p.binom(HALF)), [1, 1, 0, 0, 0, 0, 0, 0]),
    "Subst: 1/(1-x-x*x)": (
        lambda p: p.subst(p.rep(1), p.shift(0, p.shift(1, p.shift(1, p.rep(0))))),
        [1, 1, 2, 3, 5, 8, 13],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_powser1(run, name):
    """test/chan/powser1.go: main. The coefficients are the known ones."""
    series, expected = EXPECTED[name]

    async def main():
        async with program() as go:
            assert await take(series(Powers(go)), len(expected)) == expected

    run(main)


@pytest.mark.parametrize("name", EXPECTED)
def test_powser2(run, name):
    """test/chan/powser2.go: main. The same with items of several types."""
    series, expected = EXPECTED[name]

    async def main():
        async with program() as go:
            got = await take(series(Powers(go, narrowest)), len(expected))
            assert got == expected
            assert [type(item) for item in got] == [_type(item) for item in expected]

    run(main)


def _type(item):
    return str if item is END else type(narrowest(Fraction(item)))
