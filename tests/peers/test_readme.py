"""The README's tables name the tests that are here: all of them, and no others."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = {"CPython": "test_cpython_queues.py", "anyio": "test_anyio_streams.py", "trio": "test_trio_channels.py"}


@pytest.mark.parametrize("project", FILES)
def test_the_table_of_a_project_names_its_tests(project):
    sections = re.split(r"^## ", (HERE / "README.md").read_text(), flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith(project))
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row[1])}
    there = set(re.findall(r"^def (test_\w+)", (HERE / FILES[project]).read_text(), flags=re.MULTILINE))
    assert named == there
