"""The house as data: which home stands on which floor, and how far down it may reach.

A *home* is a file or folder directly inside the package. To add one, add a line here (and read
"Where does a new thing go?" in CONTRIBUTING.md first). A file inside a home needs no line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "aiochan"


@dataclass(frozen=True)
class Home:
    """Where a part of the package lives."""

    floor: int
    reach: int  # the highest floor that it may stand on


HOMES = {
    "_namesake": Home(floor=0, reach=-1),
    "errors": Home(floor=0, reach=-1),
    "calling": Home(floor=0, reach=-1),
    "counts": Home(floor=0, reach=-1),
    "loops": Home(floor=0, reach=-1),
    "raising": Home(floor=0, reach=-1),
    "seconds": Home(floor=0, reach=-1),
    "shielding": Home(floor=0, reach=-1),
    "tasks": Home(floor=0, reach=-1),
    "core": Home(floor=1, reach=0),
    "context": Home(floor=2, reach=1),
    "timers": Home(floor=2, reach=1),
    "sync": Home(floor=3, reach=2),
    "groups": Home(floor=4, reach=3),
    "pools": Home(floor=4, reach=3),
    "patterns": Home(floor=5, reach=4),
    "events": Home(floor=5, reach=4),
    "informer": Home(floor=6, reach=5),
    "dist": Home(floor=6, reach=4),
    "testing": Home(floor=6, reach=2),
    "observe": Home(floor=6, reach=4),
}
MAP = "__init__"  # aiochan/__init__.py: the list of public names, above floor 4, below nobody
FLAT_FLOORS = range(5)  # the floors whose names stand in the map
NAMESPACES = {"patterns", "events", "informer", "dist", "testing", "observe", "pools"}
EXPORTING = NAMESPACES | {"core"}  # core is the floor on which people build their own

# What may be imported besides the standard library, and by whom. Floors 0-4 need nobody.
FOREIGN = {"anyio": {"patterns", "events", "informer", "dist", "testing", "observe"}}


@dataclass(frozen=True)
class Import:
    """One imported module, as an absolute name, with the names taken from it."""

    module: str
    names: tuple[str, ...]
    line: int
    nested: bool  # inside a function: happens when it is called, not when the file is loaded


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path

    @property
    def parts(self) -> tuple[str, ...]:
        """The dotted name without `aiochan`; `__init__` is left out, but for the map."""
        parts = self.path.relative_to(PACKAGE).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts

    @property
    def home(self) -> str:
        """The home that the file belongs to."""
        return self.parts[0]

    @property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        return _parse(self.path)

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[Import]:
        """Every import of the file, relative ones resolved; those for type checkers too."""
        nested = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for inner in ast.walk(node)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, (), node.lineno, id(node) in nested)
            elif isinstance(node, ast.ImportFrom):
                names = tuple(alias.name for alias in node.names)
                yield Import(self._absolute(node), names, node.lineno, id(node) in nested)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = ("aiochan", *self.path.relative_to(PACKAGE).parent.parts)
        base = package[: len(package) - node.level + 1]
        return ".".join((*base, node.module) if node.module else base)


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules() -> list[Module]:
    """Every Python file of the package."""
    return [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def exported(home: str) -> set[str] | None:
    """Read the `__all__` of a folder's `__init__`; None if it has none."""
    path = PACKAGE / home / "__init__.py"
    for node in _parse(path).body if path.is_file() else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return set(names)
    return None


def is_module(dotted: str) -> bool:
    """Tell whether a dotted name is a file or folder of the package."""
    path = ROOT.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def homes_imported(imported: Import) -> set[str]:
    """Name the homes that an import reaches; the map itself counts as `__init__`."""
    top, _, rest = imported.module.partition(".")
    if top != "aiochan":
        return set()
    if rest:
        return {rest.partition(".")[0]}
    # `from aiochan import x`, `from . import x`: x may be a home or a name of the map
    return {name if is_module(f"aiochan.{name}") else MAP for name in imported.names} or {MAP}
