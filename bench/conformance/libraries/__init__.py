"""All adapters, in the order of the table."""

from __future__ import annotations

from bench.conformance.libraries.aiologic_queue import AiologicQueue
from bench.conformance.libraries.anyio_streams import AnyioStreams
from bench.conformance.libraries.asyncio_queue import AsyncioQueue
from bench.conformance.libraries.culsans_queue import CulsansQueue
from bench.conformance.libraries.janus_queue import JanusQueue
from bench.conformance.libraries.ours import Ours
from bench.conformance.libraries.trio_channels import TrioChannels
from bench.conformance.libraries.zh217 import Zh217
from bench.conformance.library import Library

ADAPTERS: list[type[Library]] = [
    Ours,
    AsyncioQueue,
    AnyioStreams,
    TrioChannels,
    JanusQueue,
    CulsansQueue,
    AiologicQueue,
    Zh217,
]
LIBRARIES: dict[str, type[Library]] = {adapter.name: adapter for adapter in ADAPTERS}
