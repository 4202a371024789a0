"""Go's generator of selects: test/chan/select5.go.

One operation that can be done, phrased in every way, among cases that cannot be done: sends and receives on a channel
with nobody at the other end, and on nil. The original writes some thousand programs for the compiler; here a way is a
value. One task and a buffered channel: it is about the right call happening, not about who meets whom.
"""

from itertools import chain, combinations, product

import pytest

import aiochan as ac
from tests.go.kit import make

DUMMIES = {
    "dummy send": lambda dummy: ac.send(dummy, 1),
    "dummy receive": ac.recv,
    "dummy receive, comma ok": ac.recv_ok,
    "nil send": lambda dummy: ac.send(None, 1),
    "nil receive": lambda dummy: ac.recv(None),
    "nil receive, comma ok": lambda dummy: ac.recv_ok(None),
}
SUBSETS = list(chain.from_iterable(combinations(DUMMIES, n) for n in range(len(DUMMIES) + 1)))


async def blocking(*cases, **options):
    return await ac.select(*cases, **options)


async def with_default(*cases, **options):
    return ac.select_nowait(*cases, **options)


async def first_round(*cases, **options):
    async for answer in ac.select_loop(*cases, **options):
        return answer
    raise AssertionError("a loop over cases that are open has ended")


FORMS = [blocking, with_default, first_round]


def ways():
    """Every form, every set of cases that cannot be done, every place among them for the one that can."""
    for subset in SUBSETS:
        yield from product(FORMS, [subset], range(len(subset) + 1), [False, True])


async def in_every_way(ch, case_of, before, after):
    """Do one operation in every way; `before` and `after` make it possible and check it, for one value each time."""
    dummy = make()
    for n, (form, subset, place, biased) in enumerate(ways()):
        await before(n)
        cases = [DUMMIES[name](dummy) for name in subset]
        cases.insert(place, case_of(n))
        index, answer = await form(*cases, biased=biased)
        assert index == place, (form, subset, place)
        await after(n, answer)
        ch._check()
        assert len(ch) == 0
    dummy._check()
    stats = dummy.stats()
    assert (stats.sent, stats.received, stats.parked_senders, stats.parked_receivers) == (0, 0, 0, 0)


RECEIVES = {"recv": (ac.recv, lambda n: n), "recv_ok": (ac.recv_ok, lambda n: (n, True))}


@pytest.mark.parametrize("how", RECEIVES)
def test_receiving(run, how):
    """test/chan/select5.go: recv. Send n, receive it one way or another, check that they match."""
    case, expected = RECEIVES[how]

    async def main():
        ch = make(1)

        async def after(n, answer):
            assert answer == expected(n)

        await in_every_way(ch, lambda n: case(ch), ch.send, after)
        await ch.send("plainly")
        await after("plainly", await getattr(ch, how)())

    run(main)


def test_sending(run):
    """test/chan/select5.go: send. Send n one way or another, receive it, check that they match."""

    async def main():
        ch = make(1)

        async def before(n):
            pass

        async def after(n, answer):
            assert answer is None
            assert await ch.recv() == n

        await in_every_way(ch, lambda n: ac.send(ch, n), before, after)
        await after("plainly", await ch.send("plainly"))

    run(main)


def test_order_of_evaluation(run):
    """test/chan/select5.go: recvOrder, sendOrder. Channels and values are evaluated in order, the losers' too."""
    order = []

    def noted(number, thing):
        order.append(number)
        return thing

    async def main():
        ch, dummy = make(1), make()
        for form in FORMS:
            order.clear()
            await form(
                ac.send(noted(1, ch), noted(2, "n")),
                ac.send(noted(3, dummy), noted(4, 1)),
                ac.recv(noted(5, dummy)),
                ac.send(noted(6, None), noted(7, 1)),
                ac.recv(noted(8, None)),
            )
            assert order == list(range(1, 9))
            assert await ch.recv() == "n"

    run(main)


def test_nothing_can_be_done(run):
    """test/chan/select5.go: nonblock. Among cases that cannot be done the default is chosen, and nothing happens."""

    async def main():
        dummy = make()
        for subset, biased in product(SUBSETS, [False, True]):
            cases = [DUMMIES[name](dummy) for name in subset]
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(*cases, biased=biased)
        assert dummy.stats().sent == dummy.stats().received == 0

    run(main)
