"""examples/hot_reload: whoever reads the configuration ends at its last version (AT05, E15)."""

import asyncio
import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

import aiochan as ac
from aiochan.testing import explore, virtual
from examples.hot_reload import config as module
from examples.hot_reload.__main__ import main
from examples.hot_reload.config import Config, File, follow, parse
from examples.hot_reload.greeters import greet
from tests.architecture.house import ROOT
from tests.schedules.orders import every_order

PATIENCE_S = 60  # for what happens at once unless something is broken


# -- the greeters


def test_they_speak_again_after_the_pause_and_at_once_when_it_changes():
    async def begin():
        loop, said = asyncio.get_running_loop(), []
        config = ac.Watch(Config("hello", 10))
        greeting = asyncio.create_task(greet(config, lambda text: said.append((loop.time(), text))))
        await virtual.advance(25)
        config.set(Config("good day", 100))
        await virtual.advance(105)
        for word in "see you", "so long", "bye":  # the first is promised to who waits, the second nobody sees
            config.set(Config(word, 1000))
        await virtual.advance(50)
        greeting.cancel()
        await asyncio.wait([greeting])
        return said

    assert virtual.run(begin) == [
        (0, "hello"),
        (10, "hello"),
        (20, "hello"),
        (25, "good day"),
        (125, "good day"),
        (130, "see you"),
        (130, "bye"),
    ]


def by_channel(config):
    """Read as the greeters do; `read()` waits for what has not been seen."""
    return config.watch().recv


def by_version(config):
    """Read with the number of the version that was seen last."""
    seen = None

    async def read():
        nonlocal seen
        value = config.get() if seen is None else await config.changed(since=seen)
        seen = config.version
        return value

    return read


def by_luck(config):
    """Wait for the next change and look then: what came between two waits is missed. (As in E15's first version.)"""
    first = True

    async def read():
        nonlocal first
        if not first:
            await config.changed()
        first = False
        return config.get()

    return read


def readers(reading):
    """A scenario: somebody sets two versions; two read, and are busy in between."""

    def scenario(run):
        config = ac.Watch(0)
        last = {}

        async def write():
            for version in 1, 2:
                config.set(version)
                await asyncio.sleep(0)

        async def read(name):
            following = reading(config)
            while True:
                now = await following()
                assert now >= last.get(name, 0), "back to an older version"
                last[name] = now
                await asyncio.sleep(0)

        def at_end():
            for name, task in run.tasks.items():
                if name in last and not task.done():
                    assert last[name] == 2, f"{name} stays at version {last[name]}"

        run.spawn(write)
        run.spawn(read, "first", name="first", cancel=True)
        run.spawn(read, "second", name="second", cancel=True)
        run.watch(config)
        run.at_end(at_end)

    return scenario


@every_order
@pytest.mark.parametrize("reading", [by_channel, by_version])
def test_in_every_order_a_reader_ends_at_the_last_version(reading, order, cancels):
    assert explore(readers(reading), order=order, cancels=cancels).check().complete


def test_who_only_waits_for_the_next_change_may_miss_the_last():
    failure = explore(readers(by_luck)).failure
    assert failure is not None
    assert "stays at version" in failure.reason


# -- the file


def test_a_file_is_noticed_when_its_text_changes(tmp_path):
    path = tmp_path / "config"
    path.write_text('{"greeting": "hi"}')
    file = File(path)
    assert file.changed() == Config("hi", 1.0)
    assert file.changed() is None
    path.write_text('{"greeting": "ho"}')  # as long, and perhaps in the same tick of the clock
    assert file.changed() == Config("ho", 1.0)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("{}", Config()),
        ('{"pause": 2}', Config("hello", 2)),
        ('{"greeting": "", "pause": 0.5}', Config("", 0.5)),
    ],
)
def test_a_configuration_is_read(text, config):
    assert parse(text.encode()) == config


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe\xfd", "codec can't decode"),
        (b"[]", "an object, not"),
        (b'{"grreting": "hi"}', "nobody knows grreting"),
        (b'{"greeting": 7}', "a string, not 7"),
        (b'{"pause": "long"}', "above 0, not 'long'"),
        (b'{"pause": 0}', "above 0, not 0"),
        (b'{"pause": true}', "above 0, not True"),
        (b'{"pause": Infinity}', "above 0, not inf"),
    ],
)
def test_what_is_no_configuration(text, why):
    with pytest.raises(ValueError, match=why):
        parse(text)


def test_a_mistake_is_told_once_and_the_last_good_one_stays(run):
    """Also a file that is gone for a while; and the same mistake again, after it was right."""

    async def begin():
        gone, mistake = FileNotFoundError("gone"), ValueError("a mistake")
        answers = [None, gone, gone, mistake, mistake, Config("a"), None, mistake, Config("b"), Config("c")]
        complaints, config = [], ac.Watch(Config())

        def look():
            if not answers:
                raise SystemError("this is no answer")
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        with pytest.raises(SystemError):
            await follow(look, config, 0.001, complaints.append)
        assert complaints == [gone, mistake, mistake]
        assert (config.get(), config.version) == (Config("c"), ac.Watch(None).version + 3)

    run(begin)


def test_it_looks_at_once_and_then_every_so_many_seconds(monkeypatch):
    async def run_sync(look):  # virtual time has no threads
        return look()

    monkeypatch.setattr(module, "to_thread", SimpleNamespace(run_sync=run_sync))

    async def begin():
        looks, loop = [], asyncio.get_running_loop()
        following = asyncio.create_task(follow(lambda: looks.append(loop.time()), ac.Watch(Config()), 3, looks.append))
        await virtual.advance(10)
        following.cancel()
        await asyncio.wait([following])
        assert looks == [0, 3, 6, 9]

    virtual.run(begin)


# -- the program


def configure(path, **config):
    """Write it as an editor does, in one step."""
    beside = path.with_name("beside")
    beside.write_text(json.dumps(config))
    beside.replace(path)


@pytest.mark.skipif(sys.platform == "win32", reason="its loops take no signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_follows_its_file_until_told_to_stop(tmp_path, number):
    path = tmp_path / "config.json"
    configure(path, greeting="hello", pause=1e6)  # once: what comes next is another greeting
    command = [sys.executable, "-W", "error", "-m", "examples.hot_reload", "--every", "0.01", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as program:
        try:
            for greeting in "hello", "good day", "bye":
                configure(path, greeting=greeting, pause=1e6)
                assert {program.stdout.readline() for _ in range(2)} == {f"1: {greeting}\n", f"2: {greeting}\n"}
            configure(path, greetings="too many")
            assert program.stderr.readline() == "hot_reload: nobody knows greetings\n"
            configure(path, greeting="here again", pause=1e6)
            assert {program.stdout.readline() for _ in range(2)} == {"1: here again\n", "2: here again\n"}
            program.send_signal(number)
            out, err = program.communicate(timeout=PATIENCE_S)
        finally:
            program.kill()
    assert (program.returncode, out, err) == (0, "", "")


def test_it_does_not_begin_without_a_configuration(here, capsys):
    assert main(["gone"]) == 1
    assert capsys.readouterr().err == "hot_reload: [Errno 2] No such file or directory: 'gone'\n"
    (here / "bad").write_text("{")
    assert main(["bad"]) == 1
    assert "hot_reload: Expecting" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [[], ["-e", "0", "f"], ["-e", "often", "f"], ["-g", "0", "f"]])
def test_it_is_asked_wrongly(capsys, wrong):
    with pytest.raises(SystemExit) as usage:
        main(wrong)
    assert usage.value.code == 2
    assert "usage: hot_reload" in capsys.readouterr().err
