"""HTTP on the outside: requests become calls, and what comes of them becomes responses.

    GET /health    200 while requests are taken, 503 as soon as the gateway is about to close
    GET /stats     the counts, as JSON
    GET /...       is passed on

Every request is counted twice, when it comes and when its status is settled: once all is quiet, the
statuses add up to what has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import aiochan as ac
from examples.gateway import deadlines
from examples.gateway.records import Answer, BadRequest, Call, ClientGone, Refused, UpstreamError
from examples.gateway.service import Gateway

# What an upstream may know of the client. All of it is part of the call, so that nobody is given an
# answer that was meant for somebody else.
PASSED_ON = ("accept", "accept-encoding", "accept-language", "authorization", "cookie")
MOST_TARGET = 8000  # characters

# Told to a client that has left; nobody reads it. The number is nginx's.
CLIENT_GONE = 499


class Front:
    """The gateway as an ASGI application, and what it has answered.

    Attributes:
        received: How many requests have come, `/health` and `/stats` left out.
        served: How many of them were answered with which status.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.received = 0
        self.served: Counter[int] = Counter()
        self.application = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/stats", self._stats),
                Route("/{path:path}", self._pass_on),
            ],
            lifespan=self._lifespan,
        )

    def stats(self) -> dict[str, Any]:
        """Count everything."""
        served = {str(status): count for status, count in sorted(self.served.items())}
        return {"received": self.received, "served": served, **self.gateway.stats()}

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.gateway.open():
            yield

    async def _health(self, _: Request) -> Response:
        if self.gateway.door.is_shut:
            return _refusal(503, "draining")
        return PlainTextResponse("ok\n")

    async def _stats(self, _: Request) -> Response:
        return JSONResponse(self.stats())

    async def _pass_on(self, request: Request) -> Response:
        self.received += 1
        status = 500  # if even what is caught here was not foreseen
        try:
            response = await self._respond(request)
            status = response.status_code
        finally:
            self.served[status] += 1
        return response

    async def _respond(self, request: Request) -> Response:
        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass  # a body, which a GET may have and nobody looks at

        try:
            within = deadlines.seconds(request.headers.getlist(deadlines.HEADER), self.gateway.limits.deadline)
            return _response(await self.gateway.answer(_call(request), within=within, gone=gone))
        except BadRequest as error:
            return _refusal(400, str(error))
        except ClientGone:
            return _refusal(CLIENT_GONE, "client has left")
        except UpstreamError as error:
            return _refusal(502, str(error))
        except Refused as error:
            return _refusal(503, str(error))
        except ac.Canceled:
            return _refusal(503, "shutting down")
        except ac.DeadlineExceeded:
            return _refusal(504, "out of time")


def _call(request: Request) -> Call:
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    target = (path + b"?" + query if query else path).decode("latin-1")
    if not target.startswith("/") or len(target) > MOST_TARGET:
        raise BadRequest(f"not a path of at most {MOST_TARGET} characters")
    return Call(target, tuple(sorted(header for header in request.headers.items() if header[0] in PASSED_ON)))


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {**dict(answer.headers), "x-upstream": answer.upstream})


def _refusal(status: int, reason: str) -> Response:
    # 503 also asks the client to let go of the connection, or a gateway that closes would wait for it.
    headers = {"retry-after": "1", "connection": "close"} if status == 503 else None
    return PlainTextResponse(f"{reason}\n", status, headers)
