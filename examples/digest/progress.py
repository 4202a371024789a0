"""A progress bar on a terminal: tqdm's, one small package without dependencies of its own.

Threads report what they read. Where stderr is no terminal, or there is no tqdm, nobody listens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Never, Self, TextIO

from examples.digest.records import File, Found

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """Somebody to tell about the work who does nothing about it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def watch(self, batches: Iterable[list[Found]]) -> Iterator[list[Found]]:
        """Pass the batches on and count what is in them as work to do."""
        for batch in batches:
            self.found(batch)
            yield batch

    def found(self, batch: list[Found]) -> None:
        """Count the files of this batch as work to do."""

    def read(self, size: int) -> None:
        """Count bytes as done."""

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the terminal to somebody else for a while."""
        yield

    def close(self) -> None:
        """Leave the terminal for good."""


class Bar(Progress):
    """A progress bar whose end moves away as long as the walker finds more."""

    def __init__(self, stream: TextIO) -> None:
        from tqdm import tqdm

        self._lock = threading.RLock()
        tqdm.set_lock(self._lock)  # tqdm's own would also serve processes, which costs a semaphore
        tqdm.monitor_interval = 0  # no thread that looks after slow bars
        self._bar: tqdm[Never] = tqdm(
            total=0, unit="B", unit_scale=True, unit_divisor=1024, dynamic_ncols=True, file=stream
        )
        self._files = self._bytes = 0
        self._hidden = False

    def found(self, batch: list[Found]) -> None:
        files = [item for item in batch if isinstance(item, File)]
        with self._lock:
            self._files += len(files)
            self._bar.total = self._bytes = self._bytes + sum(file.size for file in files)
            self._bar.set_description_str(f"{self._files} found", refresh=False)

    def read(self, size: int) -> None:
        with self._lock:
            if self._hidden:
                self._bar.n += size
            else:
                self._bar.update(size)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        # Not one long hold of the lock: a terminal may keep a writer waiting for ever (Ctrl-S), and
        # the workers and close() must not wait with it.
        with self._lock:
            self._hidden = True
            self._bar.clear()
        try:
            yield
        finally:
            with self._lock:
                self._hidden = False
                self._bar.refresh()

    def close(self) -> None:
        with self._lock:
            self._bar.close()


def progress_on(stream: TextIO) -> Progress:
    """Return a bar if `stream` is a terminal and tqdm is installed."""
    if stream.isatty():
        try:
            return Bar(stream)
        except ImportError:
            pass
    return Progress()
