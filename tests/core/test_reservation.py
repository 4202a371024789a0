"""The handle of a reserved place: what it allows when. What places mean is in tests/conformance/test_reserving.py."""

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, begin, ended, settle


def test_it_says_what_it_is(run):
    async def main():
        ch = ac.Chan(1, name="jobs")
        place = ch.reserve()
        seen = [repr(place)]
        async with place as entered:
            assert entered is place
            seen.append(repr(place))
            place.send("a")
            seen.append(repr(place))
        seen.append(repr(place))
        for text, state in zip(seen, ("not entered yet", "held", "used already", "used already"), strict=True):
            assert text.startswith("<Reservation of <Chan 'jobs'")
            assert text.endswith(f", {state}>")
        assert ch.recv_nowait() == "a"
        async with ch.reserve() as place:
            pass
        assert repr(place).endswith(", given back already>")

    run(main)


def test_making_it_takes_no_place():
    ch = ac.Chan(1)
    ch.reserve()
    assert ch.stats().reserved == 0
    ch.send_nowait("a")


def test_leaving_it_twice_gives_one_place_back(run):
    async def main():
        ch = ac.Chan(2)
        place, other = ch.reserve(), ch.reserve()
        await ended(place.__aenter__())
        await ended(other.__aenter__())
        await place.__aexit__(None, None, None)
        await place.__aexit__(None, None, None)
        assert ch.stats().reserved == 1

    run(main)


def test_leaving_it_unentered_gives_nothing_back(run):
    async def main():
        ch = ac.Chan(1)
        place = ch.reserve()
        await place.__aexit__(None, None, None)
        assert ch.stats().reserved == 0
        ch._check()

    run(main)


def test_it_lets_errors_through(run):
    async def main():
        ch = ac.Chan(1)
        with pytest.raises(KeyError):
            async with ch.reserve():
                raise KeyError
        assert ch.stats().reserved == 0

    run(main)


def test_a_block_whose_coroutine_is_thrown_away_gives_its_place_back(run):
    async def main():
        ch = ac.Chan(1)

        async def produce():
            async with ch.reserve():
                await ac.never().recv()

        coro = begin(produce())
        assert ch.stats().reserved == 1
        (sender,) = await asleep(ch.send("s"))
        coro.close()
        ch._check()
        await settle()
        assert sender.done()
        assert ch.stats().reserved == 0

    run(main)


def test_a_refused_send_keeps_the_place(run):
    """Closed meanwhile: the place is still held, and is given back on leaving."""

    async def main():
        ch = ac.Chan(1)
        async with ch.reserve() as place:
            ch.close()
            with pytest.raises(ac.ChannelClosed):
                place.send("a")
            assert repr(place).endswith(", held>")
            assert ch.stats().reserved == 1
        assert ch.stats().reserved == 0
        ch._check()

    run(main)


def test_who_was_cancelled_while_entering_asks_for_another_place(run):
    async def main():
        ch = ac.Chan(1)
        ch.send_nowait("full")
        place = ch.reserve()
        begin(place.__aenter__()).close()
        with pytest.raises(ac.MisuseError):
            await place.__aenter__()
        assert ch.recv_nowait() == "full"
        async with ch.reserve() as place:
            place.send("a")
        assert ch.recv_nowait() == "a"

    run(main)


def test_a_view_reserves_too(run):
    async def main():
        ch = ac.Chan(1)
        async with ch.sender.reserve() as place:
            place.send("a")
        assert ch.recv_nowait() == "a"
        assert isinstance(place, ac.Reservation)

    run(main)
