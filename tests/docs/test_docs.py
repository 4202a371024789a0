"""What the documentation says is so: its programs run and print what it says, its links and names exist."""

import ast
import asyncio
import codeop
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap

import pytest

import aiochan as ac
import aiochan.core
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper, at_once
from tests.architecture.house import modules
from tests.docs.pages import ROOT, Page, pages
from tests.docs.sessions import awaits_outside, run_session

every_page = pytest.mark.parametrize("page", pages(), ids=str)
GENERATED = ROOT / "docs" / "reference"

# -- programs


SESSIONS = [session for page in pages() for session in page.sessions()]


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_what_is_shown_runs_and_prints_what_is_said(session, silence):
    budget = aiochan.core.set_budget()
    run_session(session, silence.heard_by_loop)
    assert aiochan.core.set_budget(*budget) == (256, 1024), "left behind: another budget"
    assert aiochan.core.set_dice(None) is None, "left behind: other dice"
    assert aiochan.core.hooks.install(None) is None, "left behind: an observer"


def test_the_first_example_works_when_pasted_into_a_file(tmp_path):
    program = Page(ROOT / "README.md").sessions()[0]
    assert len(program.blocks) == 1
    file = tmp_path / "first.py"
    file.write_text(program.blocks[0].text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    answer = subprocess.run(
        [sys.executable, file], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("session", [session for session in SESSIONS if awaits_outside(session)], ids=str)
def test_what_uses_await_outside_of_a_function_can_be_typed_in(session):
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as `python -m asyncio` has it
    typed = []
    for line in "".join(block.text for block in session.blocks).splitlines():
        typed.append(line)
        if complete(compiler, "\n".join(typed), str(session)):
            typed.clear()
    assert complete(compiler, "\n".join([*typed, ""]), str(session)), f"not at an end: {typed}"


def complete(compiler, typed, where):
    """Tell whether the interactive interpreter would run what was typed; fail if it would complain."""
    try:
        return compiler(typed, where, "single") is not None
    except SyntaxError as error:
        raise AssertionError(f"{where}: leave a line empty after a block, and none inside:\n{typed}") from error


@every_page
def test_a_block_is_python_that_runs_or_no_python(page):
    known = {"python", "text", "sh", "go", ""}
    strange = [f"{page}:{block.line}: {block.language}" for block in page.blocks() if block.language not in known]
    assert not strange


# -- docstrings


def dotted(module):
    """Name a module as `import` does."""
    return ".".join(part for part in ("aiochan", *module.parts) if part != "__init__")


@pytest.mark.parametrize("module", modules(), ids=str)
def test_doctests_in_docstrings_hold(module):
    loaded = importlib.import_module(dotted(module))
    told = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(loaded):
        doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert not told, "".join(told)


def literal_blocks():
    """Find what stands indented behind a `::` in a docstring."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node) or ""
                for match in re.finditer(r"::\n\n((?:(?:    .*)?\n)+)", doc + "\n"):
                    yield pytest.param(textwrap.dedent(match[1]), id=f"{module}:{getattr(node, 'name', '')}")


@pytest.mark.parametrize("code", list(literal_blocks()))
def test_an_example_in_a_docstring_is_python_with_names_that_exist(code):
    tree = ast.parse("async def example():\n" + textwrap.indent(code, "    "))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for node in names:
        if isinstance(node.value, ast.Name) and node.value.id == "ac":
            assert node.attr in ac.__all__


def test_the_lock_in_the_docstring_of_a_wait_queue_is_one():
    (code,) = (param.values[0] for param in literal_blocks() if param.id.endswith(":WaitQueue"))
    space = {}
    exec("class Lock:\n" + textwrap.indent(code, "    "), space)
    lock = space["Lock"]()
    lock.locked, lock.line = False, aiochan.core.WaitQueue()

    with StepLoop().running():
        at_once(lock.lock())
        first, second, third = steppers = [Stepper(lock.lock()) for _ in range(3)]
        for stepper in steppers:
            stepper.step()
        second.cancel()  # asleep
        lock.unlock()
        first.cancel()  # woken: the lock is its own, and goes on to the third
        for stepper in first, second:
            with pytest.raises(asyncio.CancelledError):
                stepper.step()
        third.step()
        assert third.done and lock.locked and not len(lock.line)
        lock.unlock()
        assert not lock.locked


# -- links and names


@every_page
def test_every_link_leads_somewhere(page):
    broken = []
    for line, target in page.links():
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.path.parent / path).resolve() if path else page.path
        if not aim.exists() or not aim.is_relative_to(ROOT) or (anchor and anchor not in Page(aim).anchors()):
            broken.append(f"{page}:{line}: {target}")
    assert not broken, "\n".join(broken)


def test_every_page_is_reachable_from_the_readme():
    reached, coming = set(), {ROOT / "README.md"}
    while coming:
        path = coming.pop()
        reached.add(path)
        aims = {(path.parent / target.partition("#")[0]).resolve() for _, target in Page(path).links()}
        coming |= {aim for aim in aims if aim.suffix == ".md" and aim.is_file()} - reached
    lost = [str(page) for page in pages() if page.path not in reached]
    assert not lost


# What a short name stands for in the documentation.
STANDS_FOR = {
    "ac": ac,
    "aiochan": aiochan,
    "core": aiochan.core,
    "ch": ac.Chan,
    "sig": ac.Signal,
    "place": ac.Reservation,
    "queue": aiochan.core.WaitQueue,
}


def missing(dotted):
    """Tell whether `ac.x`, `ch.x` and the like name something that does not exist."""
    first, *rest = dotted.split(".")
    thing = STANDS_FOR[first]
    for name in rest:
        if inspect.ismodule(thing) and not hasattr(thing, name):
            try:
                importlib.import_module(f"{thing.__name__}.{name}")
            except ModuleNotFoundError:
                return True
        if not hasattr(thing, name):
            return True
        thing = getattr(thing, name)
    return False


@pytest.mark.parametrize("page", [page for page in pages() if page.path.parent != GENERATED], ids=str)
def test_every_name_in_code_font_exists(page):
    pattern = re.compile(rf"(?<![\w./-])(?:{'|'.join(STANDS_FOR)})(?:\.[a-zA-Z_]\w*)+")
    wrong = [
        f"{page}:{line}: {match[0]}"
        for line, span in page.spans()
        for match in pattern.finditer(span)
        if missing(match[0])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", [page for page in pages() if page.path.parent != GENERATED], ids=str)
def test_every_file_in_code_font_exists(page):
    pattern = re.compile(r"(?:aiochan|tests|examples|bench|tools|docs|changelog\.d)/[\w./-]*")
    wrong = [
        f"{page}:{line}: {span}"
        for line, span in page.spans()
        if pattern.fullmatch(span) and not (ROOT / span).exists()
    ]
    assert not wrong, "\n".join(wrong)


@every_page
def test_what_a_table_shows_as_aiochan_is_python(page):
    for (_, headings), *rows in page.tables():
        for line, cells in rows:
            assert len(cells) == len(headings), f"{page}:{line}: {cells}"
        for column in [number for number, heading in enumerate(headings) if heading == "aiochan"]:
            for line, cells in rows:
                for _, code in re.findall(r"(`+)(.+?)\1", cells[column]):
                    as_python(code.strip(), f"{page}:{line}")


def as_python(code, where):
    """Parse a piece of code; a header that ends in a colon may lack its body."""
    body = ("\n case _: pass" if code.startswith("match ") else " pass") if code.endswith(":") else ""
    try:
        compile(code + body, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        raise AssertionError(f"{where}: {code}") from error
