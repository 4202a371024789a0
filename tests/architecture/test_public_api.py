"""What `import aiochan as ac` offers: few names, written down, explained, at home in `aiochan`."""

import ast
import inspect
import types

import pytest

import aiochan
from tests.architecture import public
from tests.architecture.house import MAP, NAMESPACES, exported, modules

MOST_NAMES = 60


def public_callables():
    """Every public class and function."""
    for name in sorted(aiochan.__all__):
        thing = getattr(aiochan, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            yield pytest.param(thing, id=name)


def public_members():
    """Every public method and property of the public classes."""
    for name in sorted(aiochan.__all__):
        cls = getattr(aiochan, name)
        if inspect.isclass(cls):
            for member, thing in public.members(cls):
                if not member.startswith("_") and (
                    callable(thing) or isinstance(thing, property | types.GetSetDescriptorType)
                ):
                    yield pytest.param(getattr(cls, member), id=f"{name}.{member}")


def awaited(node):
    """Tell whether a function is to be awaited: by `async`, or by what it says it returns."""
    if isinstance(node, ast.AsyncFunctionDef):
        return True
    returned = ast.unparse(node.returns) if node.returns else ""
    return returned.startswith(("Awaitable[", "Coroutine["))


def overloaded(node):
    """Tell whether this is only a signature for type checkers."""
    return any(ast.unparse(mark).endswith("overload") for mark in node.decorator_list)


def public_awaitables():
    """Every function and method that users await, flat or in a namespace."""
    for module in modules():
        public_names = exported(module.home)
        for scope in module.tree.body:
            is_class = isinstance(scope, ast.ClassDef)
            name = getattr(scope, "name", "_")
            if name.startswith("_") or (public_names is not None and name not in public_names):
                continue
            for node in scope.body if is_class else [scope]:
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                if not node.name.startswith("_") and awaited(node) and not overloaded(node):
                    qualified = f"{name}.{node.name}" if is_class else name
                    yield pytest.param(node, id=f"{module}:{qualified}")


def test_the_names_are_the_ones_written_down():
    written = public.FILE.read_text(encoding="utf-8").splitlines()
    assert list(public.lines()) == written, (
        "the public API has changed; if that is meant: python -m tests.architecture.public"
    )


def test_there_are_not_too_many_names():
    assert len(aiochan.__all__) <= MOST_NAMES
    assert len(set(aiochan.__all__)) == len(aiochan.__all__)


def test_nothing_public_is_left_out_of_the_list():
    present = {
        name
        for name, thing in vars(aiochan).items()
        if not name.startswith("_") and not isinstance(thing, types.ModuleType)
    }
    assert present - {"annotations"} <= set(aiochan.__all__)


@pytest.mark.parametrize("name", sorted(NAMESPACES))
def test_a_namespace_is_no_flat_name(name):
    assert name not in aiochan.__all__


@pytest.mark.parametrize("thing", list(public_callables()))
def test_public_objects_are_at_home_in_aiochan(thing):
    assert thing.__module__ == "aiochan"


@pytest.mark.parametrize("thing", list(public_callables()))
def test_public_objects_are_explained(thing):
    assert inspect.getdoc(thing), "no docstring"


@pytest.mark.parametrize("thing", list(public_members()))
def test_public_members_are_explained(thing):
    assert inspect.getdoc(thing), "no docstring"


@pytest.mark.parametrize("node", list(public_awaitables()))
def test_awaitables_say_what_a_cancellation_does(node):
    docstring = ast.get_docstring(node) or ""
    assert "Cancellation:" in docstring, f"line {node.lineno}: no `Cancellation:` in the docstring"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_every_file_says_what_it_is(module):
    if module.home == MAP:
        assert "aiochan" in (ast.get_docstring(module.tree) or "")
    assert ast.get_docstring(module.tree), "no module docstring"
