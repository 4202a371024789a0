"""Telling what became of the files: results to stdout, trouble to stderr, one status for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import BinaryIO, TextIO

from examples.digest import listing
from examples.digest.progress import Progress
from examples.digest.records import Digest, Malformed, Result, Skipped, Unreadable


class Report(ABC):
    """Writes results and counts what went wrong.

    Args:
        out: Takes the results, as bytes: a name need not be text.
        err: Takes the complaints.
        progress: Makes room on the terminal meanwhile.
    """

    def __init__(self, out: BinaryIO, err: TextIO, progress: Progress) -> None:
        self._out = out
        self._err = err
        self._progress = progress
        self._unreadable = 0

    def show(self, results: Sequence[Result]) -> None:
        """Write some results; takes as long as whoever reads them wants."""
        with self._progress.hidden():
            for result in results:
                self._tell(result)
            self._out.flush()

    @abstractmethod
    def finish(self) -> int:
        """Sum up and return the exit status."""

    @abstractmethod
    def _tell(self, result: Result) -> None: ...

    def _complain(self, complaint: str) -> None:
        print(f"digest: {complaint}", file=self._err)


class ListingReport(Report):
    """Writes a listing that `sha256sum --check` understands."""

    def finish(self) -> int:
        if self._unreadable:
            self._complain(_count(self._unreadable, "file", "files") + " could not be read")
        return 1 if self._unreadable else 0

    def _tell(self, result: Result) -> None:
        match result:
            case Digest():
                self._out.write(listing.line(result.path, result.hexdigest))
            case Unreadable(path, reason):
                self._unreadable += 1
                self._complain(f"{path!r}: {reason}")
            case Skipped(path, reason):
                self._complain(f"skipped {path!r}: {reason}")


class CheckReport(Report):
    """Says what `sha256sum --check` says."""

    def __init__(self, out: BinaryIO, err: TextIO, progress: Progress, source: str) -> None:
        super().__init__(out, err, progress)
        self._source = source
        self._digested = 0
        self._mismatches = 0
        self._malformed = 0

    def finish(self) -> int:
        if not self._digested and not self._unreadable:
            self._complain(f"{self._source!r}: no properly formatted checksum lines found")
            return 1
        for number, one, many in (
            (self._malformed, "line is improperly formatted", "lines are improperly formatted"),
            (self._unreadable, "listed file could not be read", "listed files could not be read"),
            (
                self._mismatches,
                "computed checksum did NOT match",
                "computed checksums did NOT match",
            ),
        ):
            if number:
                self._complain(f"WARNING: {_count(number, one, many)}")
        return 1 if self._unreadable or self._mismatches else 0

    def _tell(self, result: Result) -> None:
        match result:
            case Digest(file, hexdigest):
                matches = hexdigest == file.expected
                self._digested += 1
                self._mismatches += not matches
                self._judge(file.path, b"OK" if matches else b"FAILED")
            case Unreadable(path, reason):
                self._unreadable += 1
                self._complain(f"{path!r}: {reason}")
                self._judge(path, b"FAILED open or read")
            case Malformed():
                self._malformed += 1

    def _judge(self, path: str, verdict: bytes) -> None:
        self._out.write(b"%s%s: %s\n" % (*listing.escaped(path), verdict))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
