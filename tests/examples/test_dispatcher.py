"""examples/dispatcher: an idle worker gets the job, few are held, and nothing accepted is lost (CH13, E20)."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import aiochan as ac
from aiochan.testing import virtual
from examples.dispatcher.collector import LONGEST, collect
from examples.dispatcher.dispatcher import Job, dispatch

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # for what happens at once unless something is broken


class Store:
    """Remembers what it is given; takes as long as it is told."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.payloads = []

    async def __call__(self, payload):
        self.payloads.append(payload)
        await asyncio.sleep(self.seconds)
        if payload == b"bad":
            raise OSError(28, "No space left on device")


def job(payload):
    return Job(payload, ac.Chan[str](1))


# -- the dispatcher


def test_ch13_each_job_goes_to_the_worker_that_has_been_idle_longest():
    async def main():
        stores = [Store(3), Store(1), Store(1)]
        jobs = ac.Chan[Job]()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(dispatch(jobs, stores))
            for number in range(3):
                await jobs.send(job(b"%d" % number))
            await virtual.advance(1.5)  # the second and the third are idle, in this order
            for number in range(3, 5):
                await jobs.send(job(b"%d" % number))
            await virtual.advance(2)  # and now, the first one behind them: idle since 2.5, 2.5 and 3
            for number in range(5, 8):
                await jobs.send(job(b"%d" % number))
            jobs.close()
        assert [store.payloads for store in stores] == [[b"0", b"7"], [b"1", b"3", b"5"], [b"2", b"4", b"6"]]

    virtual.run(main)


def test_ch13_no_more_are_held_than_there_is_room_for():
    async def main():
        stores = [Store(1000), Store(1000)]
        jobs, sent = ac.Chan[Job](3), []

        async def send():
            for number in range(100):
                await jobs.send(job(b"%d" % number))
                sent.append(number)

        async with asyncio.TaskGroup() as tasks:
            dispatching = tasks.create_task(dispatch(jobs, stores))
            sending = tasks.create_task(send())
            await virtual.advance(1)
            assert len(sent) == 3 + 1 + 2  # in the channel, with the dispatcher, with the workers
            sending.cancel()
            dispatching.cancel()

    virtual.run(main)


def test_ch13_a_clean_stop_does_what_was_accepted_and_ends_every_worker():
    async def main():
        stores = [Store(1), Store(2)]
        accepted = [job(b"%d" % number) for number in range(9)]
        jobs = ac.Chan[Job](len(accepted))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(dispatch(jobs, stores))
            for each in accepted:
                await jobs.send(each)
            jobs.close()
        assert sorted(stores[0].payloads + stores[1].payloads) == [each.payload for each in accepted]
        assert {each.answer.recv_nowait() for each in accepted} == {"stored"}

    virtual.run(main)


def test_a_store_that_fails_is_told_and_its_worker_goes_on(run):
    async def main():
        store, bad, good = Store(), job(b"bad"), job(b"good")
        jobs = ac.Chan[Job](2)
        jobs.send_nowait(bad)
        jobs.send_nowait(good)
        jobs.close()
        await dispatch(jobs, [store])
        assert bad.answer.recv_nowait() == "failed: No space left on device"
        assert good.answer.recv_nowait() == "stored"

    run(main)


def test_a_worker_with_a_defect_ends_the_dispatcher(run):
    async def main():
        async def defect(payload):
            raise ZeroDivisionError

        jobs = ac.Chan[Job](1)
        jobs.send_nowait(job(b"1"))
        with pytest.raises(ZeroDivisionError):
            await dispatch(jobs, [defect, Store()])

    run(main)


def test_e20_many_jobs_each_once(run):
    async def main():
        stores = [Store() for _ in range(5)]
        jobs = ac.Chan[Job](10)

        async def send(start):
            for number in range(start, start + 250):
                await jobs.send(job(b"%d" % number))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(dispatch(jobs, stores))
            async with asyncio.TaskGroup() as senders:
                for start in range(0, 1000, 250):
                    senders.create_task(send(start))
            jobs.close()
        stored = Counter(payload for store in stores for payload in store.payloads)
        assert stored == Counter(b"%d" % number for number in range(1000))

    run(main)


# -- the collector, on loopback


async def ask(port, lines):
    """Send lines over one connection, and return the answers."""
    answers = []
    with contextlib.suppress(ConnectionError):  # it was stopped before it had read the line
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for line in lines:
                writer.write(line + b"\n")
                answers.append((await reader.readline()).decode().strip())
        finally:
            writer.close()
            await writer.wait_closed()
    return answers


async def serving(use, stores, **options):
    """Run a collector, and use it; `use` gets its port and the signal that stops it."""
    stop, port = ac.Signal(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        collecting = tasks.create_task(
            collect(stores, stop, lambda host, number: port.set_result(number), queue=options.get("queue", 2))
        )
        try:
            await use(await port, stop)
        finally:
            stop.close()
    assert collecting.done()


def test_every_line_of_every_client_is_stored_once(run):
    async def main():
        stores = [Store() for _ in range(3)]

        async def use(port, stop):
            clients = [ask(port, [b"%d %d" % (client, n) for n in range(20)]) for client in range(10)]
            for answers in await asyncio.gather(*clients):
                assert answers == ["stored"] * 20

        await serving(use, stores)
        stored = Counter(payload for store in stores for payload in store.payloads)
        assert stored == Counter(b"%d %d" % (client, n) for client in range(10) for n in range(20))

    run(main)


def test_stopped_at_work_what_was_answered_is_stored_and_what_is_stored_is_answered(run):
    async def main():
        began, gate = asyncio.Event(), asyncio.Event()

        class Held(Store):
            async def __call__(self, payload):
                began.set()
                await gate.wait()
                await super().__call__(payload)

        stores = [Held()]

        async def use(port, stop):
            clients = {b"%d" % n: asyncio.create_task(ask(port, [b"%d" % n])) for n in range(8)}
            await began.wait()
            stop.close()
            gate.set()
            answers = {line: await task for line, task in clients.items()}
            stored = {line for line, answer in answers.items() if answer == ["stored"]}
            assert stored == set(stores[0].payloads)
            assert stored
            assert {*map(tuple, answers.values())} <= {("stored",), ("refused: stopping",), ("",), ()}
            assert len(stored) <= 2 + 1 + 1  # in the channel, with the dispatcher, with the worker

        await serving(use, stores)

    run(main)


def test_a_client_that_says_nothing_does_not_hold_up_the_stop(run):
    async def main():
        async def use(port, stop):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"half a line")
            await writer.drain()
            stop.close()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

        await serving(use, [Store()])

    run(main)


def test_a_line_that_is_too_long_is_refused(run):
    async def main():
        async def use(port, stop):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x" * (2 * LONGEST) + b"\n")
            assert (await reader.readline()).startswith(b"refused: a line is longer")
            writer.close()

        await serving(use, [Store()])

    run(main)


def test_a_client_that_is_gone_has_its_line_stored(run):
    async def main():
        stored = asyncio.Event()

        class Telling(Store):
            async def __call__(self, payload):
                await super().__call__(payload)
                stored.set()

        store = Telling()

        async def use(port, stop):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"goodbye\n")
            await stored.wait()

        await serving(use, [store])
        assert store.payloads == [b"goodbye"]

    run(main)


# -- as a process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_as_a_process(tmp_path, number):
    command = [sys.executable, "-m", "examples.dispatcher", "--port", "0", "--workers", "2", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        port = int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", process.stderr.readline())[1])
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
            client.sendall(b"one\ntwo\n")
            answers = client.makefile("rb")
            assert [answers.readline(), answers.readline()] == [b"stored\n", b"stored\n"]
            process.send_signal(number)
            assert process.communicate(timeout=PATIENCE_S) == (None, "stored 2 lines\n")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert sorted(lines) == ["one", "two"]


def test_a_directory_that_is_not_there(tmp_path):
    command = [sys.executable, "-m", "examples.dispatcher", str(tmp_path / "missing")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
