"""The header of the compiled core says what the docstrings of the Python core say."""

import ast
import re

import pytest

from tests.architecture.house import exported
from tests.docs import c_docs

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


@pytest.mark.parametrize("line", ['say "no"', "a \\ and a \\n", "what??=", "the end\n"])
def test_no_character_ends_a_literal_early(line):
    literal = c_docs.literal(line)
    assert "??" not in literal
    assert ast.literal_eval(literal.replace("\\?", "?")) == line
