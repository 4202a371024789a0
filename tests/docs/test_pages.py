"""What checks the documentation would notice."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.sessions import run_jumping, run_session


def page(tmp_path, text):
    """Make a page with this text."""
    file = tmp_path / "page.md"
    file.write_text(text.replace("'''", "```"))
    return Written(file)


class Written(Page):
    """A page outside of the repository."""

    def __str__(self):
        return self.path.name


def run_all(page, silence):
    for session in page.sessions():
        run_session(session, silence.heard_by_loop)


RIGHT = [
    "'''python\nprint(1)  # prints: 1\n'''\n",
    "'''python\nprint('a\\n\\nb')\n'''\n\n'''text\na\n\nb\n'''\n",
    "'''python\nx = 1\n'''\ntext\n\n<!-- continues -->\n'''python\nprint(x)  # prints: 1\n'''\n",
    "'''python\nimport asyncio\nawait asyncio.sleep(3600)\n'''\n",
    "'''python\nasync def f(): return 2\n'''\n<!-- continues -->\n'''python\nprint(await f())  # prints: 2\n'''\n",
    "'''python\nimport asyncio\nasync def main():\n    print(2)  # prints: 2\nasyncio.run(main())\n'''\n",
    "'''python\npass\n'''\nthis is no output:\n'''text\nno\n'''\n",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_passes(tmp_path, silence, text):
    run_all(page(tmp_path, text), silence)


WRONG = [
    "'''python\nprint(2)  # prints: 1\n'''\n",
    "'''python\nprint(1)\n'''\n",
    "'''python\npass  # prints: 1\n'''\n",
    "'''python\nprint('b')\n'''\n\n'''text\na\n'''\n",
    "'''python\nx = 1\n'''\n\n'''python\nassert x\n'''\n",
    "'''python\nimport asyncio\nt = asyncio.create_task(asyncio.sleep(9))\nawait asyncio.sleep(0)\n'''\n",
    "'''python\nraise ValueError\n'''\n",
    "'''python\nprint(1)  # prints: 1\n'''\n'''text\n1\n'''\n",
    "<!-- continues -->\n'''python\npass\n'''\n",
    "'''python\npass\n",
    "- x\n\n  '''python\n  pass\n  '''\n",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_fails(tmp_path, silence, text):
    with pytest.raises((AssertionError, NameError, ValueError)):
        run_all(page(tmp_path, text), silence)


def test_a_traceback_names_the_line_of_the_page(tmp_path, silence):
    with pytest.raises(ZeroDivisionError) as caught:
        run_all(page(tmp_path, "# Title\n\n'''python\nx = 0\n1 / x\n'''\n"), silence)
    last = caught.traceback[-1]
    assert (Path(last.path).name, last.lineno + 1) == ("page.md", 5)


def test_links_spans_anchors_and_tables(tmp_path):
    text = "# A `b` c, d\n[x\nx](y.md#z) `[no](link)`\n\n| a | b |\n| - | --- |\n| `x \\| y` | [t](u) |\n"
    written = page(tmp_path, text + "'''python\n[n](n)\n'''\n")
    assert list(written.links()) == [(2, "y.md#z"), (7, "u")]
    assert written.anchors() == {"a-b-c-d"}
    assert [span for _, span in written.spans()] == ["b", "[no](link)", "x \\| y"]
    assert list(written.tables()) == [[(5, ["a", "b"]), (7, ["`x | y`", "[t](u)"])]]


def test_timers_come_in_order_and_take_no_time(silence):
    async def main():
        loop, log = asyncio.get_running_loop(), []
        for seconds in (3600.0, 60.0, 86400.0):
            loop.call_later(seconds, lambda seconds=seconds: log.append((seconds, loop.time())))
        await asyncio.sleep(90000)
        return log

    assert run_jumping(main(), silence.heard_by_loop) == [(60.0, 60.0), (3600.0, 3600.0), (86400.0, 86400.0)]


def test_time_does_not_jump_past_a_thread(silence):
    async def main():
        entered, leave = threading.Event(), threading.Event()

        def work():
            entered.set()
            leave.wait()
            return "done"

        working = asyncio.get_running_loop().run_in_executor(None, work)
        entered.wait()
        asyncio.get_running_loop().call_soon(leave.set)
        return await asyncio.wait_for(working, 60)

    assert run_jumping(main(), silence.heard_by_loop) == "done"


def test_the_readme_is_a_page():
    assert str(Page(ROOT / "README.md")) == "README.md"
