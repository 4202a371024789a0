"""A pool of connections to a real SQLite file, through aiosqlite: each is a thread of its own (PL06, PL07).

Borrowers write and read in transactions, and are cancelled at random moments: while they wait, while a connection is
opened, checked, used or closed. At every moment no more than the limit are open and none has two borrowers; at the end
all are closed, no thread is left, and what the file holds is what was committed. The seeds are the same in every run.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from aiochan.pools import ResourcePool

Connection = aiosqlite.Connection

LIMIT = 3


class Database:
    """Opens and closes connections to one file, and keeps count of them.

    Attributes:
        now: The connections that are being opened, open, or being closed.
        used: Those that a borrower has.
        committed: The rows that must be in the file.
        perhaps: Those whose borrower was cancelled while they were committed: they may be.
    """

    def __init__(self, file: Path, dice: random.Random) -> None:
        self.file, self.dice = file, dice
        self.now = 0
        self.most = 0
        self.used = set[Connection]()
        self.alive = set[Connection]()
        self.committed, self.perhaps = set[int](), set[int]()

    async def open(self) -> Connection:
        self.now += 1
        self.most = max(self.most, self.now)
        assert self.now <= LIMIT, "more are open than may be"
        try:
            if self.dice.random() < 0.1:
                await asyncio.sleep(0)
                raise aiosqlite.OperationalError("no")
            connection = await aiosqlite.connect(self.file, isolation_level=None, timeout=30)
            await connection.execute("pragma synchronous = off")
        except BaseException:
            self.now -= 1
            raise
        self.alive.add(connection)
        return connection

    async def close(self, connection: Connection) -> None:
        assert connection in self.alive, "closed twice"
        assert connection not in self.used, "closed while somebody has it"
        self.alive.remove(connection)
        await connection.close()
        self.now -= 1

    async def check(self, connection: Connection) -> bool:
        assert connection not in self.used, "checked while somebody has it"
        async with connection.execute("select 1") as cursor:
            return await cursor.fetchone() == (1,) and self.dice.random() > 0.05

    async def write(self, pool: ResourcePool[Connection], number: int) -> None:
        """Borrow, and write a row in a transaction of two statements."""
        async with pool.lease() as lease:
            connection = lease.value
            assert connection in self.alive, "lent, but closed"
            assert connection not in self.used, "lent twice"
            self.used.add(connection)
            try:
                assert not connection.in_transaction, "lent in the middle of a transaction of somebody else"
                await connection.execute("begin immediate")
                await connection.execute("insert into rows values (?, ?)", (number, "half"))
                await connection.execute("update rows set state = 'whole' where number = ?", (number,))
                self.perhaps.add(number)
                await connection.execute("commit")
                self.committed.add(number)
                if self.dice.random() < 0.1:
                    lease.mark_unusable()
            finally:
                self.used.remove(connection)


async def storm(file: Path, seed: int, borrowers: int) -> dict[str, Any]:
    """Let borrowers run and be cancelled; return what the pool says of itself."""
    dice = random.Random(seed)
    async with aiosqlite.connect(file) as first:
        await first.execute("create table rows (number integer primary key, state text)")
        await first.commit()
    database = Database(file, dice)
    pool = ResourcePool(
        database.open, database.close, max_open=LIMIT, max_idle=2, max_idle_time=0.01, check=database.check, name="db"
    )
    loop = asyncio.get_running_loop()
    noises = list[Any]()
    loop.set_exception_handler(lambda _loop, context: noises.append(context.get("exception") or context))
    async with pool:
        tasks = set[asyncio.Task[None]]()
        for number in range(borrowers):
            tasks.add(asyncio.create_task(database.write(pool, number)))
            if dice.random() < 0.5:
                victim = dice.choice(sorted(tasks, key=lambda task: task.get_name()))
                loop.call_later(dice.random() * 0.004, victim.cancel)
            if len(tasks) >= 8:  # mostly there is much to do, and now and then nothing
                quiet = dice.random() < 0.1
                done, tasks = await asyncio.wait(tasks, return_when="ALL_COMPLETED" if quiet else "FIRST_COMPLETED")
                for task in done:
                    judge(task)
                if quiet:
                    await asyncio.sleep(dice.choice([0, 0.02]))  # some grow too old; threads know no virtual time
            pool._check()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            judge(task)
    pool._check()
    assert not database.alive and not database.now and not database.used, "some were leaked"
    assert all(isinstance(noise, aiosqlite.OperationalError) for noise in noises), noises
    async with aiosqlite.connect(file) as last, last.execute("select number, state from rows") as cursor:
        rows = dict(await cursor.fetchall())
    assert set(rows.values()) <= {"whole"}, "half a transaction was committed"
    assert database.committed <= set(rows) <= database.committed | database.perhaps
    stats = pool.stats()
    assert (stats.open, stats.lent, stats.idle, stats.waiting) == (0, 0, 0, 0)
    assert stats.opened == sum(stats.closed.values()), "one was closed twice, or not at all"
    assert database.most == LIMIT
    return {"committed": len(database.committed), "waits": stats.waits, "opened": stats.opened, **stats.closed}


def judge(task: asyncio.Task[None]) -> None:
    """A borrower ends well, or cancelled, or with an error of opening."""
    if not task.cancelled() and (error := task.exception()) is not None:
        assert isinstance(error, aiosqlite.OperationalError), error


def run_storm(run: Callable[..., Any], file: Path, seed: int, borrowers: int) -> dict[str, Any]:
    before = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)  # a connection that the collector finds was leaked
        told: dict[str, Any] = run(storm, file, seed, borrowers)
        gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)  # it says that it has closed before it ends
        assert not thread.is_alive(), "a connection was left behind"
    return told


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_borrowers_of_a_real_database(run, tmp_path, seed):
    told = run_storm(run, tmp_path / "rows.db", seed, 120)
    assert told["committed"] and told["waits"] and told["unusable"], told


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(10))
def test_many_cancelled_borrowers_of_a_real_database(run, tmp_path, seed):
    told = run_storm(run, tmp_path / "rows.db", seed, 3000)
    assert all(told[reason] for reason in ("unusable", "failed_check", "max_idle", "max_idle_time")), told


def test_a_borrower_that_is_cancelled_while_it_connects_loses_no_connection(run, tmp_path):
    """Why the pool opens in a task of its own: who is cancelled while aiosqlite connects loses what it has opened."""

    async def main():
        opened = []

        async def connect():
            connection = await aiosqlite.connect(tmp_path / "rows.db")
            opened.append(connection)
            return connection

        async with ResourcePool(connect, Connection.close, max_open=1) as pool:
            for turns in range(4):
                task = asyncio.create_task(pool.acquire())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                lease = (await asyncio.gather(task, return_exceptions=True))[0]
                if not isinstance(lease, asyncio.CancelledError):
                    await pool.release(lease)
                async with pool.lease() as lease:
                    assert await (await lease.value.execute("select 7")).fetchone() == (7,)
        assert len(opened) == 1

    run(main)
