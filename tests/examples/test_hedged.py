"""examples/hedged: a race in which each starts later than the one before (GP08), and the servers it is tried with."""

import asyncio
import functools
import subprocess
import sys

import pytest

from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks
from examples.hedged import cli
from examples.hedged.cli import main
from examples.hedged.crowd import Round, ask
from examples.hedged.hedge import hedged
from examples.hedged.replica import HOST, Replica, nobody, request
from tests.architecture.house import ROOT

PATIENCE_S = 60  # for what happens at once unless something is broken


class Calls:
    """Calls that take some time, and fail if they are told to; and when they were made, and were cancelled."""

    def __init__(self, *plans):
        self.plans = plans
        self.made = {}
        self.cancelled = []

    async def one(self, number):
        seconds, error = self.plans[number]
        self.made[number] = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if error is not None:
            raise error
        return number

    def __iter__(self):
        return (functools.partial(self.one, number) for number in range(len(self.plans)))


def on_virtual_time(test):
    """Run on virtual time, in several orders, and see that nothing is left behind."""

    def run(seed):
        async def main():
            async with no_leaks():
                await test()

        virtual.run(main, seed=seed)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return pytest.mark.parametrize("seed", [None, 1, 2])(run)


def now():
    return asyncio.get_running_loop().time()


# -- the hedge


@on_virtual_time
async def test_an_answer_in_time_costs_no_second_request():
    calls = Calls((4.9, None), (0, None))
    assert await hedged([*calls], 5) == 0
    assert calls.made == {0: 0}
    assert now() == 4.9


@on_virtual_time
async def test_silence_is_answered_by_the_next_and_the_first_is_cancelled():
    calls = Calls((100, None), (2, None), (0, None))
    assert await hedged([*calls], 5) == 1
    assert calls.made == {0: 0, 1: 5}
    assert calls.cancelled == [0]
    assert now() == 7


@on_virtual_time
async def test_the_first_may_still_win():
    calls = Calls((6, None), (100, None))
    assert await hedged([*calls], 5) == 0
    assert calls.cancelled == [1]


@on_virtual_time
async def test_each_waits_for_the_one_before():
    calls = Calls((100, None), (100, None), (100, None), (100, None))
    assert await hedged([*calls], 5) == 0
    assert calls.made == {0: 0, 1: 5, 2: 10, 3: 15}


@on_virtual_time
async def test_an_error_starts_the_next_at_once():
    calls = Calls((1, OSError()), (0, OSError()), (100, None), (3, None))
    assert await hedged([*calls], 5) == 3
    assert calls.made == {0: 0, 1: 1, 2: 1, 3: 6}


@on_virtual_time
async def test_an_error_that_comes_late_starts_nobody_twice():
    calls = Calls((7, OSError()), (100, None), (100, None))
    assert await hedged([*calls], 5) == 1
    assert calls.made == {0: 0, 1: 5, 2: 10}


@on_virtual_time
async def test_if_all_fail_the_last_error_is_raised():
    calls = Calls((1, OSError("first")), (1, OSError("second")))
    with pytest.raises(OSError, match="second") as raised:
        await hedged([*calls], 5)
    assert "OSError: first" in raised.value.__notes__[0]
    with pytest.raises(ValueError, match="at least one"):
        await hedged([], 5)


@on_virtual_time
async def test_whoever_gives_up_cancels_all():
    calls = Calls((100, None), (100, None), (100, None))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(8):
            await hedged([*calls], 5)
    assert sorted(calls.cancelled) == [0, 1]


# -- the replicas


LINES = [b"first\n", b"\n", b"third\r\n", b"no end"]


def at_once():
    return 0.0


def test_a_replica_knows_its_lines(run):
    async def main():
        replica = Replica(LINES, at_once)
        async with replica.listening() as port:
            for number, line in enumerate(LINES):
                assert await request(port, number) == line
        assert (replica.answered, replica.spared) == (len(LINES), 0)

    run(main)


@pytest.mark.parametrize("nonsense", [b"99\n", b"what\n", b"", b"7"])
def test_nonsense_is_hung_up_on(run, nonsense):
    async def main():
        replica = Replica(LINES, at_once)
        async with replica.listening() as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(nonsense)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        assert replica.answered == 0

    run(main)


def test_a_client_that_hangs_up_is_not_worked_for(run):
    """The server is left in no time, though the answer would have taken an hour."""

    async def main():
        asked = asyncio.Event()

        def an_hour():
            asked.set()
            return 3600.0

        replica = Replica(LINES, an_hour)
        async with asyncio.timeout(PATIENCE_S), replica.listening() as port:
            asking = asyncio.create_task(request(port, 0))
            await asked.wait()
            asking.cancel()
            await asyncio.wait([asking])
        assert (replica.answered, replica.spared) == (0, 1)

    run(main)


def test_where_nobody_listens_nobody_answers(run):
    async def main():
        async with nobody() as port:
            with pytest.raises(ConnectionRefusedError):
                await request(port, 0)

    run(main)


def test_a_replica_that_hangs_up_has_not_answered(run):
    async def main():
        async with Replica(LINES, at_once).listening() as port:
            with pytest.raises(ConnectionResetError, match="has hung up"):
                await request(port, 99)

    run(main)


def test_the_crowd_gets_every_line_though_some_replicas_are_down_or_silent(run):
    async def main():
        silent, good = Replica(LINES, lambda: 3600.0), Replica(LINES, at_once)
        async with nobody() as down, silent.listening() as one, good.listening() as other:
            result = await ask([down, one, other], len(LINES), delay=0.01, clients=3)
        assert [result.lines[number] for number in range(len(LINES))] == LINES
        assert len(result.seconds) == len(LINES) == good.answered
        assert result.sent >= len(LINES)
        assert silent.answered == 0

    run(main)


def test_a_round_tells_in_what_time_a_part_was_answered():
    result = Round(seconds=[n / 100 for n in range(100)])
    assert [result.within(part) for part in (0.0, 0.5, 0.99, 1.0)] == [0.0, 0.5, 0.99, 0.99]
    assert Round().within(0.5) == 0.0


# -- the program


def test_the_file_comes_out_as_it_is(here, capfdbinary):
    text = b"".join(b"line %d\n" % number for number in range(50)) + b"\n\r\nno end"
    (here / "f").write_bytes(text)
    assert main(["--hiccups", "0.1", "--slow", "0.02", "--delay", "0.005", "f"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == text
    said = err.decode().splitlines()
    assert [line.split(":")[0].strip() for line in said[:2]] == ["patient", "hedged"]
    assert said[0].split()[1] == said[1].split()[1] == "53"
    assert said[2].endswith("answers were spared")


def test_dead_replicas_are_passed_over(here, capfdbinary):
    (here / "f").write_bytes(b"a\nb\nc\n")
    assert main(["--dead", "2", "--hiccups", "0", "--delay", "3600", "f"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"a\nb\nc\n"
    assert err.decode().split("\n")[1].split()[3] == "6"  # three that are answered, and two and one that are not


def test_an_empty_file_is_no_request(here, capfdbinary):
    (here / "f").write_bytes(b"")
    assert main(["f"]) == 0
    assert capfdbinary.readouterr().out == b""


def test_what_cannot_be_read_is_said(here, capsys):
    assert main(["gone"]) == 1
    assert capsys.readouterr().err == "hedged: [Errno 2] No such file or directory: 'gone'\n"


def test_ctrl_c_ends_with_its_status(here, monkeypatch):
    (here / "f").write_bytes(b"a\n")

    async def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "ask", interrupted)
    assert main(["f"]) == 130


@pytest.mark.parametrize(
    "wrong", [[], ["-r", "0", "f"], ["-x", "3", "f"], ["-x", "-1", "f"], ["-d", "nan", "f"], ["-p", "some", "f"]]
)
def test_it_is_asked_wrongly(here, capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: hedged" in capsys.readouterr().err


def test_it_runs_as_a_program(here):
    (here / "f").write_bytes(b"1\n2\n3\n")
    command = [sys.executable, "-W", "error", "-m", "examples.hedged", str(here / "f")]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (answer.returncode, answer.stdout) == (0, b"1\n2\n3\n")
