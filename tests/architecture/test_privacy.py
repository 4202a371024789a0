"""Rule 3: a leading underscore means nobody's business but this file's.

No file takes another file's private name. For the attributes of objects the border is the home: the
files of core are one machine, and select looks into a channel as the channel does.
"""

import ast

import pytest

from tests.architecture.house import is_module, modules

every_module = pytest.mark.parametrize("module", modules(), ids=str)

# Every primitive can be asked for its invariants and for a picture of its state.
FOR_TOOLS = {"_check", "_snapshot"}

# What a home must touch of Python's own internals, and why that cannot be had otherwise.
FOREIGN = {
    # before inspect.markcoroutinefunction there is no other way to say what a method returns
    "core": {"_is_coroutine"},
    # on 3.11 asyncio.current_task takes as long as the rest of a lock
    "sync": {"_current_tasks"},
    "testing": {
        # an event loop of its own says that it is the one that runs, and a stepper which task does
        *("_enter_task", "_leave_task", "_get_running_loop", "_set_running_loop"),
        # it runs asyncio's handles, and looks at what they and the futures hold to compare states
        *("_args", "_callback", "_cancelled", "_exception", "_result", "_run"),
        # a task that a search gives up half-way is no leak
        "_log_destroy_pending",
        # a failed step names the line it stands on
        "_getframe",
    },
}


def private(name: str) -> bool:
    """Tell whether a name has one leading underscore (`__slots__` and the like are Python's)."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def own_names(tree: ast.Module) -> set[str]:
    """Collect the private names that a file defines: functions, classes, variables, attributes."""
    own: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "self" and isinstance(node.ctx, ast.Store):
                own.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            own.add(node.value)  # in __slots__, and in `object.__setattr__(self, "_x", …)`
    return {name for name in own if private(name)}


def home_names(home: str) -> set[str]:
    """Collect the private names that the files of a home define."""
    return set().union(*(own_names(module.tree) for module in modules() if module.home == home))


@every_module
def test_no_private_name_is_imported(module):
    for imported in module.imports():
        if not imported.module.startswith("aiochan"):
            continue
        taken = [name for name in imported.names if private(name)]
        files = [name for name in taken if is_module(f"{imported.module}.{name}")]
        where = f"{module}:{imported.line}"
        assert set(taken) <= set(files), f"{where} takes {taken} from {imported.module}"
        steps = [*imported.module.split(".")[2:], *files]
        inside = imported.module.split(".")[1:2] == [module.home]
        assert inside or not any(map(private, steps)), f"{where} imports another home's private file"


@every_module
def test_no_private_attribute_of_another_home_is_used(module):
    known = home_names(module.home) | FOR_TOOLS | FOREIGN.get(module.home, set())
    strange = [
        f"{module}:{node.lineno}: .{node.attr}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and private(node.attr) and node.attr not in known
    ]
    assert not strange, "belongs to another home: " + ", ".join(strange)
