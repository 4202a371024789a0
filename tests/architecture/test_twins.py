"""Every file of the package has a test file of its name at the same place under tests/."""

import ast

import pytest

from tests.architecture.house import PACKAGE, ROOT, modules

# Files whose tests stand elsewhere, and where.
ELSEWHERE = {
    "aiochan/_namesake.py": "tests/architecture/test_name_clash.py",
    "aiochan/__init__.py": "tests/architecture/test_public_api.py",
}


def twin(module):
    """Where the tests of a module belong."""
    if str(module) in ELSEWHERE:
        return ROOT / ELSEWHERE[str(module)]
    path = module.path.relative_to(PACKAGE)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    return ROOT / "tests" / path.parent / f"test_{name.strip('_')}.py"


def needs_tests(module):
    """An `__init__` that only introduces its folder has nothing to test."""
    body = [node for node in module.tree.body if not isinstance(node, ast.Expr)]
    return bool(body)


@pytest.mark.parametrize("module", [m for m in modules() if needs_tests(m)], ids=str)
def test_the_twin_exists_and_tests_something(module):
    path = twin(module)
    assert path.is_file(), f"{module} needs {path.relative_to(ROOT)}"
    names = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    found = any(name.startswith(("test_", "Test")) for name in names)
    assert found, f"{path.relative_to(ROOT)} holds no test"


def test_every_exception_names_files_that_exist():
    for module, tests in ELSEWHERE.items():
        assert (ROOT / module).is_file(), module
        assert (ROOT / tests).is_file(), tests
