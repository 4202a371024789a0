"""The floors do what they say: two tasks take turns, the loop gets its own, and without a compiler there is a word."""

import asyncio
import sys
from pathlib import Path

import pytest

from bench import extension, places
from bench.floors import EMPTY, FLOORS, workloads
from bench.peers import floors
from bench.workloads import WORKLOADS

COUNT = 7
NO_COMPILER = "no-such-compiler"
BROKEN_COMPILER = f'"{sys.executable}" -c "raise SystemExit(1)"'


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("floors")
    try:
        extension.make(folder)
    except LookupError as error:
        pytest.skip(str(error))
    return extension.load(folder)


def use(compiled):
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    compiled.use(done)


@pytest.mark.parametrize("loop", places.LOOPS)
@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: floor.name)
def test_result(floor, loop, compiled, monkeypatch):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    monkeypatch.setattr(extension, "load", lambda: compiled)
    peer = floors.Peer()
    assert peer.run(loop, getattr(peer, floor.name), COUNT) == floor.workload.expect(COUNT, 0) == COUNT


def test_two_tasks_take_turns(compiled):
    order = []

    async def take_turns(name):
        for _ in range(COUNT):
            order.append(name)
            await compiled.switch_task()

    async def main():
        use(compiled)
        await asyncio.gather(take_turns("a"), take_turns("b"))

    asyncio.run(main())
    assert order == ["a", "b"] * COUNT


def test_the_loop_gets_its_turn(compiled):
    async def main():
        use(compiled)
        token, turns = compiled.switch_task(), []
        for number in range(1_200):
            if number % 300 == 0:
                asyncio.get_running_loop().call_soon(turns.append, number)
            await token
        return list(turns)

    assert asyncio.run(main()) == [0, 300, 600, 900]


def test_what_has_finished_gives_nothing(compiled):
    async def main():
        return await compiled.finished()

    with pytest.raises(StopIteration) as end:
        main().send(None)
    assert end.value.value is None


def test_every_floor_lies_below_a_workload():
    assert {floor.under for floor in FLOORS} == {workload.name for workload in workloads()}
    assert set(workloads()) <= set(WORKLOADS)


@pytest.mark.parametrize(
    ("compiler", "word"), [(NO_COMPILER, "no compiler"), (BROKEN_COMPILER, "the compiler failed: no message")]
)
def test_without_a_compiler_there_is_a_word(compiler, word, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", compiler)
    with pytest.raises(LookupError, match=word):
        extension.make(tmp_path)
    assert not list(tmp_path.iterdir())
    ready, missing = places.floors(Path(sys.executable))
    assert [one.subject.name for one in ready] == [EMPTY.name]
    assert missing["floors in C"].startswith(word)


def test_a_python_that_knows_no_compiler(monkeypatch):
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: None)
    with pytest.raises(LookupError, match="knows no compiler"):
        extension.command(Path("floors"))
