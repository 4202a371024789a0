"""Every fragment of the changelog has a name that towncrier can read; of others it refuses all."""

import re

import pytest

from tests.docs.pages import ROOT

FRAGMENTS = sorted(path.name for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md")
NAME = re.compile(r"\d+\.(breaking|feature|bugfix|performance|misc)(\.\d+)?\.md")


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_is_named_by_issue_kind_and_number(name):
    assert NAME.fullmatch(name), "changelog.d/README.md says how"
