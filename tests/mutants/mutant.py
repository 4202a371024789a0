"""A mutant: one fault, kept as data, and put into a copy of the package.

    what = "one line: what the fault does"
    expect = "exhaustive"               # the job that is expected to kill it: a name of jobs.JOBS
    origin = "anyio #728"               # only of a historic bug that it re-creates: where that was told of
    story = "what went wrong there, and why this edit is the same mistake here"

    [[edit]]
    file = "aiochan/core/hchan.py"
    before = '''
    whole lines, which occur exactly once in the file
    '''
    after = '''
    what stands there instead
    '''

The name of a mutant is the name of its file; that of a fault of the compiled core begins with `c_`. Both texts are
whole lines: a newline after the opening quotes is not part of them (so TOML has it), and one before the closing quotes
is.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DATA", "REPOSITORY", "Edit", "Mutant", "load", "load_all"]

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Edit:
    """One piece of one file, and what stands there instead."""

    file: str
    before: str
    after: str

    def apply(self, text: str) -> str:
        """Return the mutated text of the file.

        Raises:
            ValueError: The piece does not occur exactly once, in whole lines, or the edit changes nothing.
        """
        if not self.before.endswith("\n") or (self.after and not self.after.endswith("\n")):
            raise ValueError(f"{self.file}: an edit replaces whole lines")
        if (times := ("\n" + text).count("\n" + self.before)) != 1:
            raise ValueError(f"{self.file}: this occurs {times} times, not once:\n{self.before}")
        if self.before == self.after:
            raise ValueError(f"{self.file}: the edit changes nothing")
        return ("\n" + text).replace("\n" + self.before, "\n" + self.after)[1:]


@dataclass(frozen=True)
class Mutant:
    """One fault, and the job that is expected to find it."""

    name: str
    what: str
    expect: str
    edits: tuple[Edit, ...]
    origin: str = ""
    story: str = ""

    @property
    def core(self) -> str:
        """Which core has the fault: "python" or "c"."""
        return "c" if any(edit.file.endswith((".c", ".h")) for edit in self.edits) else "python"

    def files(self, root: Path = REPOSITORY) -> dict[str, str]:
        """Return the mutated text of every file it changes, by its path from `root`.

        Raises:
            ValueError: An edit does not fit the file any more.
            SyntaxError: What comes out is no Python.
        """
        texts: dict[str, str] = {}
        for edit in self.edits:
            text = texts.get(edit.file) or (root / edit.file).read_text(encoding="utf-8")
            texts[edit.file] = edit.apply(text)
        for file, text in texts.items():
            if file.endswith(".py"):
                compile(text, file, "exec")
        return texts


_KEYS = {"what", "expect", "origin", "story", "edit"}


def load(path: Path) -> Mutant:
    """Read a mutant.

    Raises:
        ValueError: The file is not in the format above.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := set(data) - _KEYS:
        raise ValueError(f"{path.name}: what is {', '.join(sorted(unknown))}?")
    try:
        edits = tuple(Edit(**edit) for edit in data.pop("edit"))
        mutant = Mutant(name=path.stem, edits=edits, **data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not mutant.edits or "\n" in mutant.what.strip() or not mutant.what.strip():
        raise ValueError(f"{path.name}: a mutant needs an edit, and one line that says what it does")
    if path.name.startswith("history_") != bool(mutant.origin and mutant.story):
        raise ValueError(f"{path.name}: an origin and a story belong to history_*.toml, and to nothing else")
    if path.name.startswith("c_") != (mutant.core == "c"):
        raise ValueError(f"{path.name}: the files of faults in C, and only those, begin with c_")
    return mutant


def load_all(folder: Path = DATA) -> list[Mutant]:
    """Read all mutants, by name."""
    return [load(path) for path in sorted(folder.glob("*.toml"))]
