"""Power series as processes, after Go's test/chan/powser1.go and McIlroy's "Squinting at power series".

A series is a channel on which its coefficients flow, each on demand: there is one channel for the demand and one for
the coefficient. Every operation is a goroutine of its own that asks its arguments for coefficients when it is asked
for one. What a series depends on may be the series itself, one coefficient behind (`exp`, `recip`).

The names of parameters are as there: u, v go in, z comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any

import aiochan as ac
from tests.go.kit import Go, make

END = "the end of a series"
Item = Any  # a coefficient or END


class Series:
    """A series by its two channels."""

    def __init__(self) -> None:
        self.asked = make()
        self.coefficients = make()

    async def get(self) -> Item:
        await self.asked.send(None)
        return await self.coefficients.recv()

    async def put(self, item: Item) -> None:
        await self.asked.recv()
        await self.coefficients.send(item)

    async def copy(self, u: Series) -> None:
        """Be the rest of `u`."""
        while True:
            await self.asked.recv()
            await self.coefficients.send(await u.get())


async def get_both(u: Series, v: Series) -> list[Item]:
    """Get one coefficient of each, in whatever order they are ready to be asked and to answer."""
    series = [u, v]
    asked: list[Any] = [u.asked, v.asked]
    answers: list[Any] = [None, None]
    got: list[Item] = [None, None]
    for _ in range(4):
        index, value = await ac.select(
            ac.send(asked[0], None), ac.send(asked[1], None), ac.recv(answers[0]), ac.recv(answers[1])
        )
        which = index % 2
        if index < 2:
            asked[which], answers[which] = None, series[which].coefficients
        else:
            answers[which], got[which] = None, value
    return got


class Powers:
    """The operations; `go` starts their goroutines.

    Args:
        go: As given by `program`.
        item: What a coefficient is made into before it is sent.
    """

    def __init__(self, go: Go, item: Callable[[Fraction], Item] = Fraction) -> None:
        self.go = go
        self.item = item

    def series(self, body: Callable[[Series], Coroutine[Any, Any, None]]) -> Series:
        """Start a goroutine, and return the series that it puts out."""
        z = Series()
        self.go(body(z))
        return z

    # -- made of numbers

    def poly(self, *coefficients: Item) -> Series:
        async def body(z: Series) -> None:
            for c in coefficients:
                await z.put(self.item(Fraction(c)))
            await z.put(END)

        return self.series(body)

    def rep(self, c: Item) -> Series:
        async def body(z: Series) -> None:
            while True:
                await z.put(self.item(Fraction(c)))

        return self.series(body)

    def binom(self, c: Fraction) -> Series:
        """Return (1 + x) ** c."""

        async def body(z: Series) -> None:
            left, term, n = Fraction(c), Fraction(1), 1
            while term:
                await z.put(self.item(term))
                term = term * left / n
                left, n = left - 1, n + 1
            await z.put(END)

        return self.series(body)

    # -- made of one series

    def split(self, u: Series) -> tuple[Series, Series]:
        """Return the same series twice; the two may be asked at different rates."""
        pair = [Series(), Series()]
        out = tuple(pair)
        release = make()
        self.go(self._split(u, pair, release))
        self.go(release.send(None))
        return out[0], out[1]

    async def _split(self, u: Series, pair: list[Series], older: ac.Chan[None]) -> None:
        """Get one coefficient for both; the next is the business of a new goroutine.

        The newest goroutine serves the series that is ahead, which is `pair[0]`. Those before it keep, each, a
        coefficient for the other one, and let the next go on by `older`.
        """
        first = False  # whether no older goroutine keeps anything
        match await ac.select(ac.recv(pair[0].asked), ac.recv(older)):
            case 1, _:
                first = True
                if (await ac.select(ac.recv(pair[0].asked), ac.recv(pair[1].asked)))[0] == 1:
                    pair.reverse()
        ahead, behind = pair
        await u.asked.send(None)
        release = make()
        self.go(self._split(u, pair, release))
        item = await u.coefficients.recv()
        await ahead.coefficients.send(item)
        if not first:
            await older.recv()
        await behind.put(item)
        await release.send(None)

    def cmul(self, c: Item, u: Series) -> Series:
        return self._each(u, lambda n, item: item * c)

    def mon_subst(self, u: Series, c: Item, n: int) -> Series:
        """Return u(c * x**n)."""

        async def body(z: Series) -> None:
            power = Fraction(1)
            while (item := await u.get()) is not END:
                await z.put(self.item(item * power))
                power *= c
                for _ in range(n - 1):
                    await z.put(self.item(Fraction(0)))
            await z.put(END)

        return self.series(body)

    def shift(self, c: Item, u: Series) -> Series:
        """Return c + x * u."""

        async def body(z: Series) -> None:
            await z.put(self.item(Fraction(c)))
            await z.copy(u)

        return self.series(body)

    def diff(self, u: Series) -> Series:
        async def body(z: Series) -> None:
            await z.asked.recv()
            if await u.get() is not END:
                n = 1
                while (item := await u.get()) is not END:
                    await z.coefficients.send(self.item(Fraction(item * n)))
                    await z.asked.recv()
                    n += 1
            await z.coefficients.send(END)

        return self.series(body)

    def integ(self, c: Item, u: Series) -> Series:
        """Return the integral of `u`, with `c` as the constant."""
        return self.shift(c, self._each(u, lambda n, item: Fraction(item) / (n + 1)))

    def _each(self, u: Series, fn: Callable[[int, Item], Item]) -> Series:
        async def body(z: Series) -> None:
            n = 0
            await z.asked.recv()
            while (item := await u.get()) is not END:
                await z.coefficients.send(self.item(Fraction(fn(n, item))))
                await z.asked.recv()
                n += 1
            await z.coefficients.send(END)

        return self.series(body)

    def recip(self, u: Series) -> Series:
        """Return 1 / u: if u = a + x*u' and z = b + x*z', then b = 1/a and z' = -b * u' * z."""

        async def body(z: Series) -> None:
            await z.asked.recv()
            b = 1 / Fraction(await u.get())
            await z.coefficients.send(self.item(b))
            behind = Series()
            here, back = self.split(self.mul(self.cmul(-b, u), self.shift(b, behind)))
            self.go(behind.copy(back))
            await z.copy(here)

        return self.series(body)

    def exp(self, u: Series) -> Series:
        """Return e ** u, but for the factor of u's constant term: z' = z * u'."""
        behind = Series()
        here, back = self.split(self.integ(1, self.mul(behind, self.diff(u))))
        self.go(behind.copy(back))
        return here

    # -- made of two series

    def add(self, u: Series, v: Series) -> Series:
        async def body(z: Series) -> None:
            while True:
                await z.asked.recv()
                a, b = await get_both(u, v)
                if a is END or b is END:
                    await z.coefficients.send(b if a is END else a)
                    if a is not b:
                        await z.copy(v if a is END else u)
                else:
                    await z.coefficients.send(self.item(Fraction(a + b)))

        return self.series(body)

    def sub(self, u: Series, v: Series) -> Series:
        return self.add(u, self.cmul(-1, v))

    def mul(self, u: Series, v: Series) -> Series:
        """Return u * v: if u = a + x*u' and v = b + x*v', it is a*b + x*(a*v' + b*u') + x*x * u'*v'."""

        async def body(z: Series) -> None:
            await z.asked.recv()
            a, b = await get_both(u, v)
            if a is END or b is END:
                await z.coefficients.send(END)
                return
            await z.coefficients.send(self.item(Fraction(a * b)))
            u1, u2 = self.split(u)
            v1, v2 = self.split(v)
            w = self.add(self.cmul(a, v1), self.cmul(b, u1))
            await z.asked.recv()
            await z.coefficients.send(await w.get())
            await z.copy(self.add(w, self.mul(u2, v2)))

        return self.series(body)

    def subst(self, u: Series, v: Series) -> Series:
        """Return u(v), for a `v` without constant term: if u = a + x*u' and v = x*v', it is a + x * v' * u'(v)."""

        async def body(z: Series) -> None:
            v1, v2 = self.split(v)
            await z.asked.recv()
            a = await u.get()
            await z.coefficients.send(a)
            if a is END:
                return
            if await v1.get() is END:
                await z.put(END)
            else:
                await z.copy(self.mul(v1, self.subst(u, v2)))

        return self.series(body)


async def take(u: Series, n: int) -> list[Item]:
    """Get `n` coefficients, or all there are, with END."""
    got: list[Item] = []
    while len(got) < n and END not in got:
        got.append(await u.get())
    return got
