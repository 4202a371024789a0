"""The tasks and channels of examples/digest: they stream, they hold back, they stop."""

import asyncio
import itertools
import os
import queue
import threading

import anyio
import pytest
from anyio import from_thread

from examples.digest.hashing import BLOCK, Digester, Stopped
from examples.digest.pipeline import run as digest
from examples.digest.records import Digest, File, Unreadable

PATIENCE_S = 60  # for what happens at once unless something is broken


def trouble(number):
    """Something that passes through the pipeline without being read."""
    return Unreadable(f"{number:05}", "for a test")


class Show:
    """Keeps what it is shown."""

    def __init__(self):
        self.calls = []

    def __call__(self, results):
        self.calls.append([result.path for result in results])

    @property
    def paths(self):
        return list(itertools.chain.from_iterable(self.calls))


@pytest.fixture
def digester():
    return Digester("sha256", lambda size: None)


def test_results_are_shown_while_the_walker_still_walks(run, digester):
    shown = threading.Event()

    def walk():
        yield [trouble(1)]
        assert shown.wait(PATIENCE_S)
        yield [trouble(2)]

    show = Show()

    def show_and_tell(results):
        show(results)
        shown.set()

    run(lambda: digest(walk(), digester, show_and_tell, workers=1, in_order=False))
    assert show.paths == ["00001", "00002"]


def test_in_order_everything_is_shown_at_once_by_the_bytes_of_the_names(run, digester):
    names = ["b", "a", "\udcff", "é", "\U00010000", "\uffff"]
    show = Show()
    batches = iter([[Unreadable(name, "for a test")] for name in names])
    run(lambda: digest(batches, digester, show, workers=3, in_order=True))
    assert show.calls == [sorted(names, key=os.fsencode)]


@pytest.mark.parametrize("workers", [1, 4])
def test_so_many_workers_work_at_the_same_time_and_no_more(run, workers):
    together = threading.Barrier(workers)
    busy = []
    most = []

    class Meeting(Digester):
        def digest(self, batch):
            busy.append(batch)
            most.append(len(busy))
            together.wait(PATIENCE_S)  # ends when all of them are here
            busy.remove(batch)
            together.wait(PATIENCE_S)
            return list(batch)

    show = Show()
    batches = ([trouble(number)] for number in range(3 * workers))
    run(lambda: digest(batches, Meeting("sha256", print), show, workers=workers, in_order=False))
    assert max(most) == workers
    assert sorted(show.paths) == [f"{number:05}" for number in range(3 * workers)]


def test_a_slow_reader_holds_the_walker_back(run, digester):
    """While nobody reads, the walker stops where the channels are full; it waits there for the reader."""
    room = 1024 + 1 + 1 + 1  # in `results`, with the one worker, in `found`, with the walker
    walked = threading.Semaphore(0)
    counts = []

    def walk():
        for number in itertools.count():
            counts.append(number)
            walked.release()
            yield [trouble(number)]

    class EnoughError(Exception):
        pass

    def show(results):
        for _ in range(len(results) + room):
            assert walked.acquire(timeout=PATIENCE_S)
        for _ in range(100):  # the walker could go on now, if anything let it
            from_thread.run(anyio.lowlevel.checkpoint)
        assert len(counts) == len(results) + room
        raise EnoughError

    with pytest.raises(EnoughError):
        run(lambda: digest(walk(), digester, show, workers=1, in_order=False))


@pytest.mark.parametrize("how", ["cancelled", "cancelled by a scope", "reader fails"])
def test_the_end_of_the_task_ends_its_threads_between_two_blocks(run, tmp_path, how):
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    found = [[File(str(endless), 1 << 40)], [trouble(1)]]
    blocks, ends = [], queue.SimpleQueue()
    reading, go_on = threading.Event(), threading.Event()

    class Watched(Digester):
        def digest(self, batch):
            try:
                return super().digest(batch)
            except Stopped:
                ends.put("stopped")
                raise

    def on_read(size):
        blocks.append(size)
        reading.set()
        assert go_on.wait(PATIENCE_S)

    def show(results):
        if how == "reader fails":
            assert reading.wait(PATIENCE_S)
            raise OSError("nobody reads")

    async def main():
        async def in_scope():
            with scope:
                await digest(iter(found), Watched("sha256", on_read), show, workers=2, in_order=False)

        scope = anyio.CancelScope()
        task = asyncio.create_task(in_scope())
        await anyio.to_thread.run_sync(reading.wait, PATIENCE_S)
        if how == "cancelled":
            task.cancel()
        elif how == "cancelled by a scope":
            scope.cancel()
        await asyncio.wait([task])
        go_on.set()  # the task has not waited for the thread
        return task

    task = run(main)
    assert ends.get(timeout=PATIENCE_S) == "stopped"
    assert blocks == [BLOCK]
    assert task.cancelled() == (how == "cancelled")
    if how == "reader fails":
        assert str(task.exception()) == "nobody reads"


def test_an_error_of_the_walker_is_told_once(run, digester):
    """The channels close without a cause, so that nobody else tells it too."""

    def walk():
        yield [trouble(1)]
        raise OSError("the listing cannot be read")

    show = Show()
    with pytest.raises(OSError, match="the listing cannot be read"):
        run(lambda: digest(walk(), digester, show, workers=3, in_order=False))


def test_an_error_of_a_worker_ends_everything(run):
    class Broken(Digester):
        def digest(self, batch):
            raise ZeroDivisionError

    batches = ([trouble(number)] for number in itertools.count())
    with pytest.raises(ZeroDivisionError):  # and not the ends of the channels that came of it
        run(lambda: digest(batches, Broken("sha256", print), Show(), workers=3, in_order=False))


def test_files_become_digests_and_bad_news_passes(run, digester, tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"x")
    shown = []
    batches = iter([[trouble(1), File(str(file), 1), trouble(2)]])
    run(lambda: digest(batches, digester, shown.extend, workers=1, in_order=False))
    assert [type(result) for result in shown] == [Unreadable, Digest, Unreadable]
