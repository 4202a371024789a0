"""Rule 1: imports point strictly down. Rule 2: names are exported in one place, and cheaply."""

import ast
import json
import subprocess
import sys

import pytest

from tests.architecture.house import (
    EXPORTING,
    FLAT_FLOORS,
    FOREIGN,
    HOMES,
    MAP,
    NAMESPACES,
    PACKAGE,
    ROOT,
    Module,
    homes_imported,
    modules,
)

below_the_map = [module for module in modules() if module.home != MAP]
folders_of_flat_floors = [
    module for module in below_the_map if module.path.name == "__init__.py" and module.home not in EXPORTING
]


def test_the_package_is_there():
    assert PACKAGE / "__init__.py" in [module.path for module in modules()]


def test_every_home_has_a_floor():
    present = {module.home for module in modules()} - {MAP}
    homeless = sorted(present - set(HOMES))
    assert not homeless, f"no floor for {homeless}: add a line to HOMES in tests/architecture/house.py"


@pytest.mark.parametrize("module", below_the_map, ids=str)
def test_imports_point_strictly_down(module):
    home = HOMES[module.home]
    for imported in module.imports():
        for other in homes_imported(imported) - {module.home}:
            where = f"{module}:{imported.line}"
            assert other != MAP, f"{where}: import from the home of the name, not from the map"
            assert HOMES[other].floor <= home.reach, (
                f"{where}: {module.home} (floor {home.floor}, reaches down from {home.reach}) "
                f"imports {other} (floor {HOMES[other].floor})"
            )


def test_the_map_loads_only_the_flat_floors():
    for imported in Module(PACKAGE / "__init__.py").imports():
        if not imported.nested:
            for other in homes_imported(imported):
                assert HOMES[other].floor in FLAT_FLOORS
                assert other not in NAMESPACES, f"line {imported.line}: load {other} on first use"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_only_known_packages_are_imported(module):
    for imported in module.imports():
        top = imported.module.partition(".")[0]
        if top != "aiochan" and top not in sys.stdlib_module_names:
            assert module.home in FOREIGN.get(top, ()), f"{module}:{imported.line} imports {top}"
            assert imported.nested, f"{module}:{imported.line}: import {top} where it is used"


def test_only_the_map_reexports():
    for module in folders_of_flat_floors:
        for node in module.tree.body:
            assert isinstance(node, ast.Expr), f"{module} exports something; aiochan/__init__.py does that"


def test_import_loads_no_namespace_and_nothing_foreign():
    code = "import json, sys, aiochan; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(answer.stdout))
    assert loaded.isdisjoint(f"aiochan.{name}" for name in NAMESPACES)
    assert loaded.isdisjoint({"anyio", "uvloop", "hypothesis", "pytest"})
