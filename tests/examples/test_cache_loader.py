"""examples/cache_loader: one load for a crowd (SF02), and what `wc` says."""

import asyncio
import os
import subprocess
import sys

import pytest

from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks
from examples.cache_loader.cache import Cache, Counts
from examples.cache_loader.cli import main
from examples.cache_loader.crowd import ask
from examples.cache_loader.words import BLOCK, Count, Loader
from tests.architecture.house import ROOT


class Slow:
    """Takes a second to load, and says the how many-th load it was."""

    def __init__(self):
        self.loads = []
        self.broken = False

    async def __call__(self, key):
        self.loads.append(key)
        number = len(self.loads)
        await asyncio.sleep(1)
        if self.broken:
            raise OSError(f"load {number} has failed")
        return f"{key}{number}"


def timed(scenario):
    """Run on virtual time, with a cache whose entries are fresh for ten seconds."""

    def test(seed):
        async def main():
            async with no_leaks():
                load = Slow()
                await scenario(load, Cache(load, ttl=10, stale=5, most=3))

        virtual.run(main, seed=seed)

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return pytest.mark.parametrize("seed", range(3))(test)


async def all_of(cache, key, n=100):
    return set(await asyncio.gather(*(cache.get(key) for _ in range(n))))


# -- the cache


@timed
async def test_a_crowd_before_an_empty_cache_is_one_load(load, cache):
    assert await all_of(cache, "a") == {"a1"}
    assert cache.counts == Counts(waited=100, loads=1)


@timed
async def test_a_crowd_before_an_expired_entry_is_one_load(load, cache):
    """SF02: the breakdown of a cache that a SingleFlight keeps from happening."""
    await cache.get("a")
    await asyncio.sleep(10 + 5)
    assert await all_of(cache, "a") == {"a2"}
    assert cache.counts == Counts(waited=101, loads=2)


@timed
async def test_what_is_fresh_is_given_out_at_once(load, cache):
    await cache.get("a")
    await asyncio.sleep(9.9)
    assert await all_of(cache, "a") == {"a1"}
    assert asyncio.get_running_loop().time() == 1 + 9.9
    assert cache.counts == Counts(fresh=100, waited=1, loads=1)


@timed
async def test_what_is_stale_is_given_out_at_once_and_loaded_anew_once(load, cache):
    await cache.get("a")
    await asyncio.sleep(10)
    assert await all_of(cache, "a") == {"a1"}
    assert asyncio.get_running_loop().time() == 11
    await asyncio.sleep(1.5)
    assert await all_of(cache, "a") == {"a2"}
    assert cache.counts == Counts(fresh=100, stale=100, waited=1, loads=2)


@timed
async def test_an_error_goes_to_all_who_wait_and_is_not_kept(load, cache):
    load.broken = True
    answers = await asyncio.gather(*(cache.get("a") for _ in range(5)), return_exceptions=True)
    assert {str(answer) for answer in answers} == {"load 1 has failed"}
    load.broken = False
    assert await cache.get("a") == "a2"


def test_what_is_stale_stays_when_it_cannot_be_loaded_anew():
    async def main():
        load = Slow()
        cache = Cache(load, ttl=10, stale=5)
        await cache.get("a")
        await asyncio.sleep(10)
        load.broken = True
        for _ in range(2):
            assert await cache.get("a") == "a1"
            await asyncio.sleep(1.5)
        assert cache.counts == Counts(stale=2, waited=1, loads=3)

    with asyncio.Runner(loop_factory=virtual.VirtualLoop) as runner:
        runner.run(main())
        told = [str(context["exception"]) for context in runner.get_loop().errors]
        assert told == ["load 2 has failed", "load 3 has failed"]


@timed
async def test_those_go_first_that_nobody_has_wanted_for_the_longest_time(load, cache):
    for key in "abcabd":  # b and c are older than a when d comes; but b is wanted again
        await cache.get(key)
    assert cache.counts.loads == 4
    for key in "abd":
        await cache.get(key)
    assert cache.counts.loads == 4
    await cache.get("c")
    assert cache.counts.loads == 5


@timed
async def test_whoever_leaves_leaves_the_load_to_the_others(load, cache):
    async def hasty():
        async with asyncio.timeout(0.5):
            await cache.get("a")

    hurrying, waiting = asyncio.create_task(hasty()), asyncio.create_task(cache.get("a"))
    assert await waiting == "a1"
    with pytest.raises(TimeoutError):
        await hurrying
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await cache.get("b")
    assert await cache.get("b") == "b3"


# -- the crowd


@pytest.mark.parametrize("clients", [1, 50])
def test_every_client_asks_for_everything(clients):
    async def main():
        load = Slow()
        cache = Cache(load, ttl=1000)
        keys = [f"k{number}." for number in range(25)]
        answers = await ask(cache.get, keys, clients)
        assert sorted(answers) == sorted(keys) and sorted(load.loads) == sorted(keys)
        assert cache.counts.fresh + cache.counts.waited == 25 * clients

    virtual.run(main)


# -- the loader, and the program


TEXTS = {
    "empty": b"",
    "one": b"one",
    "lines": b"a b\nc\n",
    "white": b" \t\n\v\f\r",
    "border": b"x" * (BLOCK - 1) + b"y z" + b"\n" * BLOCK,
    "gap": b"x" * BLOCK + b" y",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_loader_counts_as_wc_does(run, here, system, name):
    (here / name).write_bytes(TEXTS[name])
    counted = run(Loader(0), name)
    *said, _ = system("wc", "-lwc", name).out.split()
    assert counted == Count(*map(int, said))


def test_the_program_says_what_wc_says(here, system, capsys):
    (here / "d" / "e").mkdir(parents=True)
    for name, text in TEXTS.items():
        (here / "d" / "e" / name).write_bytes(text)
    (here / "d" / "top").write_bytes(b"1\n2\n")
    os.mkfifo(here / "d" / "pipe")
    assert main(["--clients", "20", "--ttl", "0", "--delay", "0", "d"]) == 0
    out, err = capsys.readouterr()
    names = sorted(["d/top", *(f"d/e/{name}" for name in TEXTS)])
    said = [line.split() for line in system("wc", "-lwc", *names).out.decode().splitlines()][:-1]
    assert [line.split() for line in out.splitlines()] == said
    rounds = [line.split() for line in err.splitlines()]
    assert [words[0] for words in rounds] == ["empty:", "fresh:", "expired:"]
    assert {words[1] for words in rounds} == {str(20 * len(names))}


def test_each_file_is_read_once_while_it_is_fresh(here, capsys):
    for number in range(5):
        (here / f"f{number}").write_bytes(b"x\n" * number)
    assert main(["--ttl", "0.01", "--delay", "0", "--clients", "1", "."]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{number} {number} {2 * number} ./f{number}" for number in range(5)]
    assert err.splitlines()[0].endswith("waited for        5 loads")


def test_what_cannot_be_read_is_said_and_the_rest_is_there(here, capsys):
    (here / "there").write_bytes(b"x\n")
    assert main(["--ttl", "0", "--delay", "0", "gone", "there"]) == 1
    out, err = capsys.readouterr()
    assert out == "1 1 2 there\n"
    assert err.splitlines()[-1] == "cache_loader: 'gone': No such file or directory"


@pytest.mark.parametrize("wrong", [[], ["-c", "0", "x"], ["-c", "some", "x"], ["-t", "-1", "x"], ["-d", "nan", "x"]])
def test_it_is_asked_wrongly(here, capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: cache_loader" in capsys.readouterr().err


def test_it_runs_as_a_program(here):
    (here / "f").write_bytes(b"1 2\n")
    command = [sys.executable, "-W", "error", "-m", "examples.cache_loader", "--ttl", "0", str(here)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stdout) == (0, f"1 2 4 {here}/f\n")
