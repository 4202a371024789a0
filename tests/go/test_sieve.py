"""Go's prime sieves: test/chan/{sieve1,sieve2}.go."""

import heapq
from collections import deque

import aiochan as ac
from tests.go.kit import make, program, receive_many

PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]


async def count(out, start, step):
    while True:
        await out.send(start)
        start += step


def test_sieve1(run):
    """test/chan/sieve1.go: the classical sieve, one goroutine for each prime that was found."""

    async def strain(left, right, prime):
        while True:
            value = await left.recv()
            if value % prime:
                await right.send(value)

    async def sieve(go, primes):
        ch = make()
        go(count(ch, 2, 1))
        while True:
            prime = await ch.recv()
            await primes.send(prime)
            strained = make()
            go(strain(ch, strained, prime))
            ch = strained

    async def main():
        async with program() as go:
            primes = make()
            go(sieve(go, primes))
            assert await receive_many(primes, len(PRIMES)) == PRIMES

    run(main)


class Eratosthenes:
    """The sieve of sieve2.go: odd candidates, less the multiples of the primes found, which are merged by a heap."""

    def __init__(self, go):
        self.go = go
        self.primes_out = make(10)
        self.composites = make(50)
        self.primes_back = make(10)

    async def start(self):
        for prime in (2, 3):
            await self.primes_out.send(prime)
        await self.primes_back.send(3)
        self.go(self.merge())
        self.go(self.sift())
        return self.primes_out

    def counting(self, capacity, start, step):
        ch = make(capacity)
        self.go(count(ch, start, step))
        return ch

    async def merge(self):
        """Send the multiples of all primes in order."""
        heap, least = [], 15
        while True:
            prime = await self.primes_back.recv()
            multiples = self.counting(10, prime * prime, 2 * prime)
            head = await multiples.recv()
            while least <= head:
                if least < head:
                    await self.composites.send(least)
                least, _, ch = heapq.heappop(heap)
                heapq.heappush(heap, (await ch.recv(), id(ch), ch))
            await self.composites.send(head)
            heapq.heappush(heap, (await multiples.recv(), id(multiples), multiples))

    async def buffer(self, source, target):
        """Pass values on, and keep as many as it takes: the loop from `sift` to `merge` and back must not jam."""
        kept = deque()
        while True:
            case = ac.send(target, kept[0]) if kept else ac.send(None, None)
            match await ac.select(ac.recv(source), case):
                case 0, value:
                    kept.append(value)
                case 1, _:
                    kept.popleft()

    async def sift(self):
        """Send what is no composite on, and back."""
        proxy = make(10)
        self.go(self.buffer(proxy, self.primes_back))
        candidates = self.counting(50, 5, 2)
        candidate = await candidates.recv()
        while True:
            composite = await self.composites.recv()
            while candidate < composite:
                await proxy.send(candidate)
                await self.primes_out.send(candidate)
                candidate = await candidates.recv()
            if candidate == composite:
                candidate = await candidates.recv()


def test_sieve2(run):
    """test/chan/sieve2.go: a loop of channels, with a heap of channels in it and a send that can be switched off."""

    async def main():
        async with program() as go:
            primes = await Eratosthenes(go).start()
            assert await receive_many(primes, len(PRIMES)) == PRIMES

    run(main)
