r"""The format of `sha256sum`: one line for each file.

    <digest>  name             a backslash in front of the digest says that the name is escaped:
    \<digest>  two\nlines      \\ is a backslash, \n a newline and \r a carriage return

Read are also an asterisk for the second space ("binary", which means nothing on Unix), upper-case
digests, lines that end in CR LF, comments, and what BSD and `sha256sum --tag` write:

    SHA256 (name) = <digest>
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from examples.digest.records import Found, Malformed
from examples.digest.walk import named

_ESCAPES = {b"\\": rb"\\", b"\n": rb"\n", b"\r": rb"\r"}
_UNESCAPES = {escape: char for char, escape in _ESCAPES.items()}
_TAGS = {"blake2b": "BLAKE2b"}  # the one tag that is not its algorithm in capitals


def escaped(path: str) -> tuple[bytes, bytes]:
    """Return what goes in front of the line, a backslash or nothing, and the name for one line."""
    raw = os.fsencode(path)
    name = re.sub(rb"[\\\n\r]", lambda char: _ESCAPES[char[0]], raw)
    return (b"" if name == raw else b"\\"), name


def line(path: str, hexdigest: str) -> bytes:
    """Write one line of a listing, as `sha256sum` does."""
    mark, name = escaped(path)
    return b"%s%s  %s\n" % (mark, hexdigest.encode("ascii"), name)


def read(source: str, algorithm: str) -> Iterator[Found]:
    """Yield the files that the listing `source` names, in its order; "-" is standard input."""
    patterns = _patterns(algorithm)
    for raw in _lines(source):
        text = raw.removesuffix(b"\n").removesuffix(b"\r")
        if text and not text.startswith(b"#"):
            entry = _parse(text, patterns)
            yield named(*entry) if entry else Malformed(source)


def _lines(source: str) -> Iterator[bytes]:
    if source == "-":
        yield from sys.stdin.buffer
    else:
        with Path(source).open("rb") as lines:
            yield from lines


def _patterns(algorithm: str) -> list[re.Pattern[bytes]]:
    size = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    tag = _TAGS.get(algorithm, algorithm.upper().replace("_", "-"))
    digest = rf"(?P<digest>[0-9a-fA-F]{{{size}}})"
    plain = rf"{digest}[ \t][ *](?P<name>.+)"
    tagged = rf"{re.escape(tag)} ?\((?P<name>.*)\)[ \t]*=[ \t]*{digest}"
    return [re.compile(rf"[ \t]*(?P<mark>\\?){form}".encode("ascii")) for form in (plain, tagged)]


def _parse(text: bytes, patterns: Iterable[re.Pattern[bytes]]) -> tuple[str, str] | None:
    """Return the name and the digest, or None if the line says nothing about any file."""
    match = next(filter(None, (pattern.fullmatch(text) for pattern in patterns)), None)
    if match is None:
        return None
    name = _unescaped(match["name"]) if match["mark"] else match["name"]
    if name is None or b"\0" in name:
        return None
    return os.fsdecode(name), match["digest"].decode("ascii").lower()


def _unescaped(name: bytes) -> bytes | None:
    if not re.fullmatch(rb"([^\\]|\\[\\nr])*", name):
        return None
    return re.sub(rb"\\.", lambda escape: _UNESCAPES[escape[0]], name)
