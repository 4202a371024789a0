"""Finding the files: plain generators, which know nothing of asyncio."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from examples.digest.records import NOT_REGULAR, File, Found, Skipped, Unreadable, reason

# A trip to a thread costs as much as digesting a dozen small files, so small files travel together.
BATCH_FILES = 64
BATCH_BYTES = 1 << 20


def walk(paths: Iterable[str]) -> Iterator[Found]:
    """Yield every file among `paths` and below them, in the order of the file system.

    A link to a directory is followed where it was asked for by name and nowhere else: that is why
    no loop of links can hold us. A link to a file is read like a file.
    """
    pending = list(paths)[::-1]
    while pending:
        path = pending.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield _met(entry)
        except NotADirectoryError:
            yield named(path)
        except OSError as error:
            yield Unreadable(path, reason(error))


def named(path: str, expected: str | None = None) -> Found:
    """Look at what somebody asked for by name: whatever keeps us from reading it is a failure."""
    try:
        status = Path(path).stat()
    except OSError as error:
        return Unreadable(path, reason(error))
    if stat.S_ISREG(status.st_mode):
        return File(path, status.st_size, expected)
    return Unreadable(path, "Is a directory" if stat.S_ISDIR(status.st_mode) else NOT_REGULAR)


def batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Put small files together, at most 64 or 1 MiB of them; a large one travels alone."""
    batch: list[Found] = []
    room = BATCH_BYTES
    for item in found:
        size = item.size if isinstance(item, File) else 0
        if size >= BATCH_BYTES:
            yield [item]
            continue
        batch.append(item)
        room -= size
        if room <= 0 or len(batch) == BATCH_FILES:
            yield batch
            batch, room = [], BATCH_BYTES
    if batch:
        yield batch


def _met(entry: os.DirEntry[str]) -> Found:
    """Look at what stands in a directory and is no directory itself. A FIFO is never opened."""
    try:
        status = entry.stat()
    except OSError as error:  # gone since, or a link to nowhere
        return Unreadable(entry.path, reason(error))
    if stat.S_ISREG(status.st_mode):
        return File(entry.path, status.st_size)
    is_dir = stat.S_ISDIR(status.st_mode)
    return Skipped(entry.path, "Link to a directory" if is_dir else NOT_REGULAR)
