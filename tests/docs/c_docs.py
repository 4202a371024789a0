"""The docstrings and signatures of the compiled core, made from those of the Python core.

    python -m tests.docs.c_docs

writes the header anew after one of them has changed; test_c_docs.py says when that was forgotten. The header has one
macro for each public class, function, method and property: ``DOC_Chan``, ``DOC_select``, ``DOC_Chan_send``. What can be
called begins with its signature as CPython wants it, so that `inspect.signature` knows it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from tests.architecture.public import members
from tests.docs.pages import ROOT

HEADER = ROOT / "aiochan" / "core" / "speedups" / "docs.h"
INTRO = """\
/* The docstrings of the public objects.
 *
 * Made from those of the Python core by `python -m tests.docs.c_docs`: change those, not this file.
 */
"""

# Where the Python core defines what both cores offer. (`aiochan.Chan` may be the compiled one.)
CLASSES = {
    "ends": ("End", "SendChan", "RecvChan"),
    "chan": ("Chan",),
    "signal": ("Signal",),
    "waiters": ("WaitQueue", "Waiter"),
}
FUNCTIONS = {
    "signal": ("never",),
    "cases": ("recv", "recv_ok", "send"),
    "typed_select": ("select", "select_nowait", "select_loop"),
    "select": ("set_dice", "seed"),
    "runqueue": ("set_budget", "budget_left"),
}
# What C defines as plain methods though Python's syntax calls them; for the others, CPython knows the signature.
CONTEXT = {"__enter__", "__exit__", "__aenter__", "__aexit__"}


def render() -> str:
    """Make the text of the header."""
    seen: dict[str, str] = {}
    return INTRO + "".join(f"\n#define {name} {_value(name, text, seen)}\n" for name, text in texts())


def texts() -> Iterator[tuple[str, str]]:
    """List the macros, each with what it stands for."""
    for module, names in CLASSES.items():
        for name in names:
            cls = _python(module, name)
            yield f"DOC_{name}", _class(cls)
            for member, thing in members(cls):
                if (text := _member(cls, member, thing)) is not None:
                    yield f"DOC_{name}_{member}", text
    for module, names in FUNCTIONS.items():
        for name in names:
            function = _python(module, name)
            yield f"DOC_{name}", _signed(f"{name}{_signature(function, '$module')}", _doc(function))


def _python(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"aiochan.core.{module}"), name)


def _class(cls: type) -> str:
    made = inspect.isfunction(cls.__init__)  # and not only by the core itself
    return _signed(f"{cls.__name__}{_signature(cls)}", _doc(cls)) if made else _doc(cls)


def _member(cls: type, name: str, thing: object) -> str | None:
    if isinstance(thing, property):
        return _doc(getattr(cls, name))
    if inspect.isfunction(thing) and (name in CONTEXT or not name.startswith("__")):
        doc = "" if name in CONTEXT else _doc(getattr(cls, name))
        return _signed(f"{name}{_signature(thing, '$self')}", doc)
    return None


def _doc(thing: object) -> str:
    doc = inspect.getdoc(thing)
    if not doc or not doc.isascii():
        raise ValueError(f"{thing!r} needs a docstring, of plain ASCII")
    return doc


def _signed(signature: str, doc: str) -> str:
    return f"{signature}\n--\n\n{doc}"


def _signature(thing: Any, bound: str = "") -> str:
    """Write a signature without types; `bound` is what C calls the object that a method or function belongs to."""
    signature = inspect.signature(thing)
    parameters = list(signature.parameters.values())[bound == "$self" :]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    told = str(inspect.Signature(bare))[1:-1]
    return f"({', '.join(filter(None, (bound, told)))})"


def _value(name: str, text: str, seen: dict[str, str]) -> str:
    """Write what a macro stands for: an earlier macro, if that says the same, or else a literal for each line."""
    if (same := seen.setdefault(text, name)) != name:
        return same
    return "\\\n    " + " \\\n    ".join(map(literal, text.splitlines(keepends=True)))


def literal(line: str) -> str:
    """Write a line as a literal in C."""
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("??", "?\\?") + '"'  # no trigraphs


if __name__ == "__main__":
    HEADER.parent.mkdir(parents=True, exist_ok=True)
    HEADER.write_text(render(), encoding="ascii")
