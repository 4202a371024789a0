"""The server process: uvicorn on a socket, and an end in two phases.

    first SIGTERM or SIGINT    the door is shut: /health says 503, and so does everything that comes now;
                               what is in work or in line is finished, as long as the grace allows
    the grace is over, or      what is left is cancelled, and answered with 503
    a second signal
    then                       uvicorn stops listening, and closes connections once the answers are written

The socket keeps listening through the first phase, on purpose: whoever asks is told to go elsewhere,
instead of meeting a closed port before a load balancer has noticed.
"""

from __future__ import annotations

import asyncio
import math
import socket
from types import FrameType

import uvicorn

import aiochan as ac
from examples.gateway.app import Front

WRITING_S = 5  # for clients that do not read their answers: after that their connections are torn


class Server(uvicorn.Server):
    """uvicorn's server, which sends signals into a channel instead of acting on them."""

    def __init__(self, config: uvicorn.Config, signals: ac.SendChan[int]) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._signals = signals

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Runs between any two instructions of the program, so it must not touch the channel itself.
        self._loop.call_soon_threadsafe(self._signals.send_nowait, sig)


async def serve(front: Front, listener: socket.socket, *, grace: float, signals: ac.Chan[int] | None = None) -> None:
    """Serve until the first signal, and for the time that it then takes to end well.

    Args:
        front: What to serve.
        listener: A bound socket; it is closed at the end.
        grace: How many seconds requests that were accepted may go on after the signal.
        signals: Where the signals arrive; somebody else may send here too.

    Cancellation: uvicorn then stops where it is, without an end; to have one, send a signal.
    """
    signals = ac.Chan[int](math.inf, name="signals") if signals is None else signals
    config = uvicorn.Config(
        front.application,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=WRITING_S,
    )
    server = Server(config, signals)
    async with ac.ErrGroup(name="server") as group:
        ending = group.go(end_well, front, server, signals, grace)
        await server.serve([listener])
        ending.cancel()


async def end_well(front: Front, server: uvicorn.Server, signals: ac.RecvChan[int], grace: float) -> None:
    """Wait for a signal, then end in two phases."""
    gateway = front.gateway
    await signals.recv()
    gateway.door.shut()
    match await ac.select(ac.recv(gateway.door.empty), ac.recv(ac.after(grace)), ac.recv(signals)):
        case 0, _:
            pass  # and nothing is cancelled: the last one may have its answer, and not have passed it on yet
        case _:
            gateway.ctx.cancel()
            await gateway.door.empty.wait()
    server.should_exit = True
