"""examples/probe (CH16): a late result leaks no task, and would without room for it."""

import asyncio
import socket

import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import Leaked, no_leaks
from examples.probe.calls import answered_within, stopped_after
from examples.probe.cli import main


async def answer_after(seconds, ended):
    try:
        await asyncio.sleep(seconds)
        return "answer"
    finally:
        ended.append(asyncio.get_running_loop().time())


@pytest.mark.parametrize("way", [stopped_after, answered_within])
def test_an_answer_in_time_is_returned(way):
    assert virtual.run(lambda: way(3.0, lambda: answer_after(2.0, []))) == "answer"


@pytest.mark.parametrize("way", [stopped_after, answered_within])
def test_an_error_in_time_is_raised(way):
    async def fail():
        raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        virtual.run(lambda: way(3.0, fail))


def late(way, **options):
    """Wait for an answer that comes too late, and then until it has come."""

    async def play():
        loop, ended = asyncio.get_running_loop(), []
        start = loop.time()
        async with no_leaks():
            with pytest.raises(TimeoutError):
                await way(1.0, lambda: answer_after(5.0, ended), **options)
            assert loop.time() == start + 1.0
            await virtual.advance(10.0)
        return ended[0] - start

    return virtual.run(play)


def test_what_can_be_cancelled_ends_when_the_time_is_up():
    assert late(stopped_after) == 1.0


def test_what_cannot_goes_on_and_leaks_no_task():
    assert late(answered_within) == 5.0


def test_without_room_the_late_answer_leaks_a_task():
    with pytest.raises((Leaked, virtual.Deadlock), match="bring an answer") as leaked:
        late(answered_within, room=0)
    assert "waits for send" in str(leaked.value)


def test_a_late_error_is_nobodys_business():
    async def fail():
        await asyncio.sleep(5.0)
        raise OSError("no route")

    async def play():
        with pytest.raises(TimeoutError):
            await answered_within(1.0, fail)
        await virtual.advance(10.0)

    virtual.run(play)  # which fails if the exception handler is told


def test_the_program_says_who_answers(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        there, not_there = (f"127.0.0.1:{each.getsockname()[1]}" for each in (server, nobody))
        assert main([there]) == 0
        assert main([not_there, there]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == out[2] == f"{there}: answers"
    assert out[1].startswith(f"{not_there}: ")


def test_the_program_waits_no_longer_than_asked(capsys, monkeypatch):
    async def never(*_, **__):
        await ac.never().recv()

    monkeypatch.setattr(asyncio, "open_connection", never)
    assert main(["127.0.0.1:9", "--timeout", "0.01"]) == 1
    assert capsys.readouterr().out == "127.0.0.1:9: no answer within 0.01 s\n"


@pytest.mark.parametrize("wrong", [["nowhere"], ["a:0"], ["a:b"], [], ["a:1", "--timeout", "nan"]])
def test_the_program_refuses_what_makes_no_sense(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "error:" in capsys.readouterr().err
