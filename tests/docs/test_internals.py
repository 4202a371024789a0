"""The page about the inside of the cores names what is there, where it is."""

import re

import pytest

from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "internals.md")
CORE = ROOT / "aiochan" / "core"
HOMES = {"Python": CORE, "C": CORE / "speedups"}
FILE = re.compile(r"\w+\.(?:py|h)")


def where_it_stands():
    """List the cells of the table that say where something is: which core, what is looked for, the names, the files."""
    (table,) = (table for table in PAGE.tables() if table[0][1][1:3] == list(HOMES))
    for _, (what, *cells) in table[1:]:
        for core, cell in zip(HOMES, cells, strict=False):
            told = re.findall(r"`([^`]+)`", cell)
            files = [name for name in told if FILE.fullmatch(name)]
            yield pytest.param(core, [name for name in told if name not in files], files, id=f"{core}: {what}")


@pytest.mark.parametrize(("core", "names", "files"), list(where_it_stands()))
def test_every_name_is_where_the_page_says(core, names, files):
    texts = {file: (HOMES[core] / file).read_text(encoding="utf-8") for file in files}
    for name in names:
        assert any(re.search(rf"\b{name}\b", text) for text in texts.values()), f"{name} is in none of {files}"
    for file, text in texts.items():
        assert any(re.search(rf"\b{name}\b", text) for name in names), f"{file} has none of {names}"


def test_the_table_is_not_read_past():
    cells = [param.values for param in where_it_stands()]
    assert sum(bool(names and files) for _, names, files in cells) > 40


def test_the_life_of_an_operation_has_every_state():
    states = re.search(r"enum \{ (FRESH, .*?) \};", (CORE / "speedups" / "state.h").read_text(encoding="utf-8"))
    assert states
    drawing = next(block.text for block in PAGE.blocks() if "PARKED" in block.text)
    assert [state for state in states[1].split(", ") if not re.search(rf"\b{state}\b", drawing)] == []
