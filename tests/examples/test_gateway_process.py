"""examples/gateway as processes: signals, upstreams that are killed, ports that are taken, the demo. CH15."""

import asyncio
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

import aiochan as ac
from examples.gateway.load import load
from tests.examples.gateway_kit import PATIENCE_S, browser, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start():
    """Start a module: `start(module, *arguments)` waits for its first line, and gives it and where it listens."""
    started = []

    def start(module, *arguments):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        found = re.search(r"listening on (http://\S+):(\d+)", process.stdout.readline())
        assert found, process.communicate(timeout=PATIENCE_S)
        return process, f"{found[1]}:{found[2]}"

    yield start
    for process in started:
        process.kill()
        process.communicate()


def start_upstream(start, name, port=0):
    return start("examples.gateway.simulator", name, port)


def end(process):
    """Read what a gateway said at its end: its counts."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    return json.loads(out.partition("ended; ")[2])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(start, number):
    _, upstream = start_upstream(start, "only")
    gateway, url = start("examples.gateway", "--upstream", upstream, "--port", 0)
    assert httpx.get(f"{url}/a?b", trust_env=False).text == "/a?b from only"
    assert httpx.get(f"{url}/health", trust_env=False).text == "ok\n"
    gateway.send_signal(number)
    stats = end(gateway)
    assert (stats["received"], stats["served"]) == (1, {"200": 1})


def test_upstreams_that_are_killed_under_load_and_a_signal_lose_nothing(start):
    """Two upstreams, killed one after the other and started again on their ports; then a signal in the middle."""
    first, first_url = start_upstream(start, "first")
    second, second_url = start_upstream(start, "second")
    gateway, url = start("examples.gateway", "-u", first_url, "-u", second_url, "--port", 0, "--hedge-after", 0.05)
    port_of = {"first": first_url.rpartition(":")[2], "second": second_url.rpartition(":")[2]}
    total = 10 * 20
    last = []

    async def sabotage(progress):
        for due, process, name in [(total // 4, first, "first"), (total // 2, second, "second")]:
            while await progress.recv() < due:
                pass
            process.kill()
            await asyncio.to_thread(process.wait)
            await asyncio.to_thread(start_upstream, start, name, port_of[name])

    async def until_told(number):
        async with browser(url) as client:
            for turn in range(10_000):
                try:
                    answer = await client.get(f"/{turn % 7}")
                except httpx.TransportError:  # not accepted; if it was, the counts do not agree
                    return
                last.append(answer.status_code)
                if answer.headers.get("connection") == "close":
                    return

    async def main():
        progress = ac.Chan(total)
        async with ac.ErrGroup() as group:
            group.go(sabotage, progress)
            tally = await load(url, clients=10, requests=20, progress=progress)
        async with ac.ErrGroup() as group:
            for number in range(8):
                group.go(until_told, number)
            await until(lambda: len(last) > 50)
            gateway.send_signal(signal.SIGTERM)
        return tally

    tally = asyncio.run(main())
    stats = end(gateway)
    assert (tally.lost, tally.wrong) == ([], [])
    assert sum(tally.sent.values()) == sum(tally.answers.values()) + tally.left == total
    assert {status for _, status in tally.answers} <= {200, 400, 502, 504}
    assert set(last) <= {200, 503}
    heard = Counter(str(status) for _, status in tally.answers.elements()) + Counter(map(str, last))
    unheard = Counter(stats["served"])
    unheard.subtract(heard)
    assert all(count >= 0 for count in unheard.values()), unheard
    assert sum(unheard.values()) == tally.left
    assert stats["received"] == sum(stats["served"].values()) == total + len(last)
    assert (stats["in_work"], stats["waiting"], stats["flights"]) == (0, 0, 0)


def test_a_port_that_is_taken_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "examples.gateway", "-u", "http://127.0.0.1:1", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr == f"gateway: 127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE)}\n"
    assert done.stdout == ""


def test_the_demo_loses_nothing():
    command = [sys.executable, "-m", "examples.gateway", "--demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert ", 0 answers lost, 0 wrong\n" in done.stdout
    stats = json.loads(done.stdout[done.stdout.index("{") :])
    assert stats["received"] == sum(stats["served"].values()) == 500
