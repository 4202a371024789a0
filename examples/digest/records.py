"""What travels through the channels."""

from __future__ import annotations

from dataclasses import dataclass

# Names are `str` as Python's os functions give them: bytes that are no text become surrogates, and
# os.fsencode() gives the very bytes back.


@dataclass(frozen=True, slots=True)
class File:
    """A regular file to be read, and the digest it should have if a listing said so."""

    path: str
    size: int
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """What became of a `File` that could be read to its end."""

    file: File
    hexdigest: str

    @property
    def path(self) -> str:
        return self.file.path


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that should have been read and could not be: counted as a failure."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something met on the way that has no contents to digest: reported, but no failure."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line of the listing `path` that says nothing about any file."""

    path: str


Found = File | Unreadable | Skipped | Malformed
Result = Digest | Unreadable | Skipped | Malformed

NOT_REGULAR = "Not a regular file"


def reason(error: OSError) -> str:
    """Say what went wrong, without the file's name: who prints it knows how to quote that."""
    return error.strerror or str(error)
