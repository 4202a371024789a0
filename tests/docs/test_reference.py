"""The reference pages say what the docstrings say, and leave nothing out."""

import pytest

import aiochan
import aiochan.core
import aiochan.pools
from tests.docs import reference


@pytest.mark.skipif(aiochan.core.IMPLEMENTATION != "python", reason="made from the Python core")
@pytest.mark.parametrize("page", reference.PAGES, ids=lambda page: page.file)
def test_the_page_is_up_to_date(page):
    written = (reference.FOLDER / page.file).read_text(encoding="utf-8")
    assert written == reference.render(page), "run: python -m tests.docs.reference"


def names_from(module):
    return {name for page in reference.PAGES for group in page.groups if group.module == module for name in group.names}


def test_every_flat_name_has_an_entry():
    assert names_from("aiochan") == set(aiochan.__all__)


def test_every_other_name_of_the_core_has_an_entry():
    assert names_from("aiochan.core") == set(aiochan.core.__all__) - set(aiochan.__all__)


def test_every_name_of_the_pools_has_an_entry():
    assert names_from("aiochan.pools") == set(aiochan.pools.__all__)


def test_a_docstring_of_another_shape_is_not_passed_over():
    def function():
        """Do something.

        Args:
            what is meant by this.
        """

    with pytest.raises(ValueError, match="what is meant"):
        list(reference.function_entry("function", function))


def test_a_missing_docstring_is_not_passed_over():
    def function():
        pass

    with pytest.raises(ValueError, match="no docstring"):
        list(reference.function_entry("function", function))


def test_sections_become_lists():
    def function(a: "int", *, b: "str" = "x") -> "None":
        """Do something.

        An example::

            function(1)

        Args:
            a: A number,
                on two lines.
            b: A string.

        Cancellation: loses
        nothing.
        """

    assert "\n".join(reference.function_entry("function", function)) == (
        "    function(a: int, *, b: str = 'x') -> None\n\n"
        "Do something.\n\n"
        "An example:\n\n"
        "    function(1)\n\n"
        "**Args**\n\n"
        "- `a`: A number, on two lines.\n"
        "- `b`: A string.\n\n"
        "**Cancellation**: loses nothing.\n"
    )
