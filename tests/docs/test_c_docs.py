"""The header of the compiled core says what the docstrings of the Python core say."""

import ast
import importlib
import inspect
import re

import pytest

from tests.architecture.house import exported
from tests.cores.both import compiled, needs_both
from tests.docs import c_docs
from tests.docs.reference import INSIDE

MACRO = re.compile(r"^#define (\w+) +(.*)$", re.MULTILINE)


def read_back(header):
    """Read the macros as a compiler would: literals side by side are one, a name is another macro."""
    found = {}
    for name, value in MACRO.findall(header.replace("\\\n", "")):
        found[name] = found[value] if value in found else ast.literal_eval(value)
    return found


def test_the_header_is_up_to_date():
    assert c_docs.HEADER.read_text(encoding="ascii") == c_docs.render(), "run: python -m tests.docs.c_docs"


def test_a_compiler_reads_the_same_texts():
    assert read_back(c_docs.render()) == dict(c_docs.texts())


@pytest.mark.parametrize(
    ("name", "first_line"),
    [
        ("DOC_Chan", "Chan(capacity=0, *, name=None, overflow='wait')"),
        ("DOC_Chan_send", "send($self, value)"),
        ("DOC_Chan___aexit__", "__aexit__($self, kind, error, tb)"),
        ("DOC_Signal_capacity", "How many values fit in: 0, a whole number, or ``math.inf``."),
        ("DOC_never", "never($module)"),
        ("DOC_select", "select($module, *cases, biased=False)"),
        ("DOC_Waiter", "One sleeping task: what it awaits and, for a plain operation, its place in line as well."),
    ],
)
def test_what_can_be_called_begins_with_its_signature(name, first_line):
    assert dict(c_docs.texts())[name].splitlines()[0] == first_line


def test_no_class_or_function_that_the_core_exports_is_left_out():
    from_python = {"Case", "CommaOk", "IMPLEMENTATION", "Parked", "Reservation", "Snapshot", "Stats", "hooks"}
    told = {name for names in (*c_docs.CLASSES.values(), *c_docs.FUNCTIONS.values()) for name in names}
    assert told - {"End"} == (exported("core") or set()) - from_python


def told(module, name):
    """List the public things under one name: the class or function, and the members; as both cores have them."""
    python, c = getattr(importlib.import_module(f"aiochan.core.{module}"), name), getattr(compiled(), name)
    yield name, python, c
    for member, thing in c_docs.members(python) if inspect.isclass(python) else ():
        described = inspect.isfunction(thing) or isinstance(thing, property)
        if described and not member.startswith("_") and member not in INSIDE.get(name, ()):
            yield f"{name}.{member}", getattr(python, member), getattr(c, member)


def parameters_of(thing):
    """Name the parameters of what can be called; nothing for a property."""
    return list(inspect.signature(thing).parameters) if inspect.isroutine(thing) else None


@needs_both
@pytest.mark.parametrize(
    ("module", "name"),
    [(m, n) for m, names in (*c_docs.CLASSES.items(), *c_docs.FUNCTIONS.items()) for n in names if n != "End"],
)
def test_the_compiled_core_tells_the_same(module, name):
    worded_otherwise = {"Chan.closed"}  # which it has from the views
    for what, python, c in told(module, name):
        assert parameters_of(c) == parameters_of(python), what
        assert inspect.getdoc(c) == inspect.getdoc(python) or what in worded_otherwise, what


@pytest.mark.parametrize("line", ['say "no"', "a \\ and a \\n", "what??=", "the end\n"])
def test_no_character_ends_a_literal_early(line):
    literal = c_docs.literal(line)
    assert "??" not in literal
    assert ast.literal_eval(literal.replace("\\?", "?")) == line
