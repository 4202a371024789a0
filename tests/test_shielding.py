"""`aiochan.shielding`: to go on waiting although we are cancelled."""

import asyncio
import subprocess
import sys

import anyio

from aiochan.shielding import shield


def test_a_cancelled_anyio_scope_does_not_get_in(run):
    async def main():
        with anyio.CancelScope() as scope:
            scope.cancel()
            with shield():
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return "went on"

    assert run(main) == "went on"


def test_nobody_loads_anyio_for_it():
    program = "import sys, aiochan.shielding as s\nwith s.shield(): pass\nassert 'anyio' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
