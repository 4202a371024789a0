"""examples/shutdown (CH15): cleanup runs, it exits at the limit, and tasks are stopped; then the program itself."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest

import aiochan as ac
from aiochan.testing import virtual
from examples.shutdown.phases import Ended, one_phase, two_phases
from examples.shutdown.signals import listening
from examples.shutdown.tally import Tally

LIMIT = 5.0
PATIENCE_S = 60


class Service:
    """Work that notes what happens to it, and when."""

    def __init__(self, takes=0.0, cleans_for=0.0):
        self.told = ac.Chan(2, overflow="drop_newest")
        self.takes, self.cleans_for = takes, cleans_for
        self.events = []

    def note(self, what):
        self.events.append((asyncio.get_running_loop().time(), what))

    def tell_after(self, seconds):
        asyncio.get_running_loop().call_later(seconds, self.told.send_nowait, signal.SIGTERM)

    async def work(self, closing=None):
        try:
            await ac.select(ac.recv(closing))
            await asyncio.sleep(self.takes)  # what it has begun
            self.note("finished")
        except asyncio.CancelledError:
            self.note("cancelled")
            raise

    async def clean_up(self):
        await asyncio.sleep(self.cleans_for)
        self.note("clean")

    def clean_up_at_once(self):
        self.note("clean")


def play(service, main):
    async def begin():
        start = asyncio.get_running_loop().time()
        ended = await main(service)
        return ended, [(time - start, what) for time, what in service.events], asyncio.get_running_loop().time() - start

    return virtual.run(begin)  # which fails for tasks that are left


def test_in_one_phase_the_work_is_stopped_and_then_cleaned_up():
    async def main(service):
        service.tell_after(3.0)
        return await one_phase(service.told, service.work, service.clean_up_at_once)

    assert play(Service(), main) == (Ended.STOPPED, [(3.0, "cancelled"), (3.0, "clean")], 3.0)


def test_in_one_phase_work_that_ends_by_itself_is_cleaned_up_too():
    async def main(service):
        return await one_phase(service.told, lambda: asyncio.sleep(1.0), service.clean_up_at_once)

    assert play(Service(), main) == (Ended.BY_ITSELF, [(1.0, "clean")], 1.0)


def test_in_one_phase_an_error_of_the_work_comes_out_after_the_cleaning():
    async def fail():
        raise OSError("disk full")

    async def main(service):
        with pytest.raises(OSError, match="disk full"):
            await one_phase(service.told, fail, service.clean_up_at_once)

    assert play(Service(), main)[1] == [(0.0, "clean")]


def in_two_phases(*tellings):
    async def main(service):
        for seconds in tellings:
            service.tell_after(seconds)
        return await two_phases(service.told, service.work, service.clean_up, LIMIT)

    return main


def test_in_two_phases_the_work_finishes_what_it_has_begun():
    ended = play(Service(takes=2.0, cleans_for=1.0), in_two_phases(3.0))
    assert ended == (Ended.STOPPED, [(5.0, "finished"), (6.0, "clean")], 6.0)


def test_in_two_phases_it_exits_at_the_limit():
    ended = play(Service(takes=1e9), in_two_phases(3.0))
    assert ended == (Ended.CUT_SHORT, [(8.0, "cancelled")], 8.0)


def test_in_two_phases_the_limit_is_for_the_cleaning_too():
    ended = play(Service(takes=2.0, cleans_for=1e9), in_two_phases(3.0))
    assert ended == (Ended.CUT_SHORT, [(5.0, "finished")], 8.0)


def test_whoever_tells_twice_means_it():
    ended = play(Service(takes=1e9), in_two_phases(3.0, 4.0))
    assert ended == (Ended.CUT_SHORT, [(4.0, "cancelled")], 4.0)


def test_in_two_phases_work_may_end_by_itself():
    async def main(service):
        async def work(closing):
            await asyncio.sleep(1.0)

        return await two_phases(service.told, work, service.clean_up, LIMIT)

    assert play(Service(), main) == (Ended.BY_ITSELF, [(1.0, "clean")], 1.0)


def test_a_signal_that_comes_while_nobody_listens_is_not_lost(run):
    before = signal.getsignal(signal.SIGTERM)

    async def main():
        with listening(signal.SIGINT, signal.SIGTERM) as told:
            signal.raise_signal(signal.SIGTERM)
            for _ in range(10):  # turns of the loop in which nobody listens
                await asyncio.sleep(0)
            assert await told.recv() is signal.SIGTERM

    run(main)
    assert signal.getsignal(signal.SIGTERM) is before


def test_only_what_was_added_is_read(run, tmp_path):
    file, memory = tmp_path / "log", tmp_path / "memory"

    async def look_and_save():
        tally = Tally([file, tmp_path / "absent"], memory, every=1.0)
        await tally.look()
        await tally.save()
        return tally.lines[str(file)]

    file.write_text("one\ntwo\n")
    assert run(look_and_save) == 2
    file.write_text("ONE\ntwo\nthree\n")
    assert run(look_and_save) == 3
    assert json.loads(memory.read_text())[str(file)] == {"lines": 3, "read": 14}


@pytest.mark.skipif(sys.platform == "win32", reason="there SIGTERM cannot be caught")
@pytest.mark.parametrize("phases", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_stops_when_it_is_told(tmp_path, phases, number):
    file = tmp_path / "log"
    file.write_text("one\ntwo\n")
    command = [sys.executable, "-m", "examples.shutdown", "--phases", phases, "--every", "0.01", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert "counting" in program.stderr.readline()
        program.send_signal(number)
        out, err = program.communicate(timeout=PATIENCE_S)
    assert (program.returncode, err) == (0, f"shutdown: {Ended.STOPPED.value}\n")
    assert out.split()[1:] == [str(file)]


@pytest.mark.skipif(sys.platform == "win32", reason="there SIGTERM cannot be caught")
@pytest.mark.parametrize("phases", ["1", "2"])
def test_the_program_stops_when_it_is_told_twice(tmp_path, phases):
    """The second signal may come while the loop is being closed, which it tore."""
    file = tmp_path / "log"
    file.write_text("one\n")
    command = [sys.executable, "-m", "examples.shutdown", "--phases", phases, "--every", "0.01", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert "counting" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        program.send_signal(signal.SIGINT)
        _out, err = program.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err
    assert err.splitlines()[-1] in {f"shutdown: {ended.value}" for ended in Ended}


@pytest.mark.parametrize(
    "wrong", [["--limit", "0", "f"], ["--every", "soon", "f"], ["--phases", "1", "--memory", "m", "f"], []]
)
def test_the_program_refuses_what_makes_no_sense(wrong):
    command = [sys.executable, "-m", "examples.shutdown", *wrong]
    program = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert program.returncode == 2
    assert "error:" in program.stderr
