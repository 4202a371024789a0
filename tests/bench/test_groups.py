"""What the workloads of groups compare must also do what their names say: limits are kept, each key is loaded once."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import pytest

from bench.groups import GROUP_SUBJECTS, GROUP_WORKLOADS
from bench.peers import groups
from tests.bench.test_families import COUNT, WIDTH, do, peer_of


@pytest.mark.parametrize("name", ["limit_go", "limit_submit"])
@pytest.mark.parametrize("subject", GROUP_SUBJECTS, ids=lambda subject: subject.name)
def test_the_limit_is_reached_and_kept(subject, name, monkeypatch):
    peer = peer_of(subject)
    monkeypatch.setattr(sys.modules[type(peer).__module__], "LIMIT", 2)
    (workload,) = (replace(one, width=WIDTH) for one in GROUP_WORKLOADS if one.name == name)
    assert do(peer, workload) == COUNT * WIDTH


def test_a_limit_that_is_not_kept_is_a_wrong_result():
    async def main():
        tally = groups.Tally()
        await asyncio.gather(*(tally.take_place() for _ in range(WIDTH)))
        return tally.within(2, WIDTH)

    assert asyncio.run(main()) == -WIDTH


def test_a_key_that_is_loaded_twice_is_a_wrong_result():
    async def main():
        loads = groups.Loads()
        return await loads.rounds(loads.load, COUNT, WIDTH, 1)

    assert asyncio.run(main()) == -COUNT * WIDTH
