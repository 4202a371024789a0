"""The documentation as data: pages, blocks of code, links, headings, tables.

What a block promises to print stands beside it: in `# prints: ...` comments, one for each line, or
in a ```text block that follows with nothing but blank lines between. A block that promises nothing
prints nothing. `<!-- continues -->` above a block makes it go on where the one before it stopped.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTINUES = "<!-- continues -->"
PRINTS = "# prints: "

_FENCE = re.compile(r"(`{3,})(.*)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"(`+)(.+?)\1(?!`)")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: what stands behind the fence.
        line: the number of the first line of the text.
        continues: whether it is marked to go on from the block of Python before it.
        output: what the ```text block behind it says, or None.
    """

    language: str
    line: int
    text: str
    continues: bool = False
    output: str | None = None

    @property
    def promised(self) -> str:
        """What it has to print."""
        comments = [text[len(PRINTS) :] + "\n" for text in _comments(self.text) if text.startswith(PRINTS)]
        if comments and self.output is not None:
            raise ValueError(f"line {self.line}: promises output twice")
        return "".join(comments) or self.output or ""


@dataclass(frozen=True)
class Session:
    """Blocks of Python that share their names, in order."""

    page: Page
    blocks: list[Block] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page}:{self.blocks[0].line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cache  # noqa: B019 - there are a dozen pages
    def blocks(self) -> list[Block]:
        """List the fenced blocks."""
        return list(split(self.text)[0])

    @cache  # noqa: B019
    def prose(self) -> list[tuple[int, str]]:
        """List the numbered lines outside of fenced blocks."""
        return split(self.text)[1]

    def sessions(self) -> list[Session]:
        """List the programs: blocks of Python, those that continue joined to what they continue."""
        sessions: list[Session] = []
        for block in self.blocks():
            if block.language != "python":
                continue
            if not block.continues:
                sessions.append(Session(self))
            elif not sessions:
                raise ValueError(f"{self}:{block.line}: continues nothing")
            sessions[-1].blocks.append(block)
        return sessions

    def links(self) -> Iterator[tuple[int, str]]:
        """List the targets of the links."""
        text = "\n".join(_SPAN.sub("", line) for _, line in self.prose())
        numbers = [number for number, _ in self.prose()]
        for match in _LINK.finditer(text):  # its text may go over the end of a line
            yield numbers[text.count("\n", 0, match.start())], match.group(1)

    def spans(self) -> Iterator[tuple[int, str]]:
        """List what stands in code font outside of fenced blocks."""
        for number, line in self.prose():
            for match in _SPAN.finditer(line):
                yield number, match.group(2).strip()

    def anchors(self) -> set[str]:
        """List what a link into this page may name, as GitHub makes it out of the headings."""
        found: set[str] = set()
        for _, line in self.prose():
            if match := re.match(r"#+ (.*)", line):
                title = re.sub(r"[^\w\- ]", "", match.group(1).replace("`", "")).lower()
                found.add(title.replace(" ", "-"))
        return found

    def tables(self) -> Iterator[list[tuple[int, list[str]]]]:
        """List the tables: rows of cells, with the row of headings first and no ruler."""
        table: list[tuple[int, list[str]]] = []
        for number, line in [*self.prose(), (0, "")]:
            if line.startswith("|"):
                cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
                if not all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in cells):
                    table.append((number, [cell.strip().replace("\\|", "|") for cell in cells]))
            elif table:
                yield table
                table = []


def pages() -> list[Page]:
    """List the README and everything under docs/."""
    return [Page(ROOT / "README.md"), *map(Page, sorted((ROOT / "docs").rglob("*.md")))]


def split(text: str) -> tuple[list[Block], list[tuple[int, str]]]:
    """Part the fenced blocks of a page from the numbered lines around them."""
    blocks: list[Block] = []
    prose: list[tuple[int, str]] = []
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if not (fence := _FENCE.fullmatch(line)):
            if line.lstrip().startswith("```"):
                raise ValueError(f"line {number}: a fence that is indented is not understood here")
            prose.append((number, line))
            continue
        inside: list[str] = []
        for _, line in lines:
            if line == fence.group(1):
                break
            inside.append(line + "\n")
        else:
            raise ValueError(f"line {number}: this fence is not closed")
        written = _written_above(prose, number)
        block = Block(fence.group(2).strip(), number + 1, "".join(inside), CONTINUES in written)
        if block.language == "text" and blocks and blocks[-1].language == "python" and not any(written):
            last = blocks.pop()
            blocks.append(Block("python", last.line, last.text, last.continues, block.text))
        else:
            blocks.append(block)
        prose.append((number, FENCED))
    return blocks, prose


FENCED = "\N{NO-BREAK SPACE}"  # stands for a fenced block among the lines of prose


def _written_above(prose: list[tuple[int, str]], number: int) -> list[str]:
    """List the lines between a fence and the block before it, from below, up to the first text."""
    written: list[str] = []
    for _, line in reversed(prose):
        if line == FENCED:
            return written
        if line.strip():
            written.append(line.strip())
            if line.strip() != CONTINUES:
                return written
    return [*written, "the page begins here"]


def _comments(code: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
