"""Reading and hashing: the part that runs in threads."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable, Sequence

from examples.digest.records import NOT_REGULAR, Digest, File, Found, Result, Unreadable, reason

BLOCK = 256 * 1024
# The algorithms of hashlib that every Python has, without those that want to be told a length.
ALGORITHMS = sorted(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake_"))


class Stopped(Exception):
    """Nobody waits for this file's digest any more."""


class Digester:
    """Digests files block by block, from as many threads as you like.

    Args:
        algorithm: One of `ALGORITHMS`.
        on_read: Called with the number of bytes of every block, in the thread that read it.
    """

    def __init__(self, algorithm: str, on_read: Callable[[int], None]) -> None:
        self.algorithm = algorithm
        self._on_read = on_read
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Make every thread leave before its next block: no task can cancel a thread."""
        self._stopping.set()

    def digest(self, batch: Sequence[Found]) -> list[Result]:
        """Digest the files of a batch; what is no file, the walker's bad news, passes as it is."""
        block = memoryview(bytearray(BLOCK))
        return [self._digest(item, block) if isinstance(item, File) else item for item in batch]

    def _digest(self, file: File, block: memoryview) -> Digest | Unreadable:
        hasher = hashlib.new(self.algorithm, usedforsecurity=False)
        try:
            with io.FileIO(file.path, opener=_open_regular) as stream:
                while count := stream.readinto(block):
                    if self._stopping.is_set():
                        raise Stopped
                    hasher.update(block[:count])
                    self._on_read(count)
        except OSError as error:
            return Unreadable(file.path, reason(error))
        return Digest(file, hasher.hexdigest())


def _open_regular(path: str, flags: int) -> int:
    """Open a file that may have become something else since the walker looked at it.

    Without O_NONBLOCK, opening a FIFO would wait for somebody to write into it.
    """
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NOT_REGULAR)
    return descriptor
