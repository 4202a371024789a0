"""One server behind the gateway, asked with httpx.

No timeouts here: how long anything may take is for the contexts of the requests to say, and whoever
is cancelled closes its connection, so the server notices.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from examples.gateway.connections import Transport
from examples.gateway.records import Answer, Call, UpstreamError

MOST_BYTES = 8 << 20  # an answer is kept in memory while it is passed on
PASSED_BACK = ("cache-control", "content-encoding", "content-type", "etag", "last-modified", "location", "vary")


@dataclass(slots=True)
class UpstreamCounts:
    """What became of the calls: `calls == answered + failed + cancelled` when none is running."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    cancelled: int = 0


class Upstream:
    """A server that is asked, and what became of the calls.

    Args:
        url: Its scheme, host and port.
    """

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        self.counts = UpstreamCounts()
        self._client = httpx.AsyncClient(
            transport=Transport(keep=32),  # as many as are needed at a time: their number is the door's business
            timeout=None,
            headers={"accept-encoding": "identity", "user-agent": "aiochan-gateway"},
            trust_env=False,
        )

    async def get(self, call: Call) -> Answer:
        """Ask.

        Raises:
            UpstreamError: It gave no answer, or one that only says that it cannot (5xx).

        Cancellation: closes the connection.
        """
        self.counts.calls += 1
        try:
            answer = await self._get(call)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self.counts.failed += 1
            raise UpstreamError(f"{self.name}: {type(error).__name__} {error}".rstrip()) from error
        except UpstreamError:
            self.counts.failed += 1
            raise
        except asyncio.CancelledError:
            self.counts.cancelled += 1
            raise
        self.counts.answered += 1
        return answer

    async def _get(self, call: Call) -> Answer:
        async with self._client.stream("GET", self.name + call.target, headers=call.headers) as response:
            if response.is_server_error:
                raise UpstreamError(f"{self.name}: {response.status_code} {response.reason_phrase}".rstrip())
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise UpstreamError(f"{self.name}: an answer of more than {MOST_BYTES} bytes")
            headers = tuple((name, response.headers[name]) for name in PASSED_BACK if name in response.headers)
            return Answer(response.status_code, headers, bytes(body), self.name)

    async def aclose(self) -> None:
        """Close the connections that are kept for later."""
        await self._client.aclose()
