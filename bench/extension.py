"""Compile floors.c with the compiler that made this Python: python bench/extension.py, and import what came out.

It is run by the interpreter that is to be measured, so it needs nothing but the standard library.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "floors.c"
FOLDER = HERE.parent / "build" / "bench"


def compiled(folder: Path = FOLDER) -> Path:
    """Name what comes out, one for each Python."""
    return folder / f"floors{sysconfig.get_config_var('EXT_SUFFIX')}"


def command(target: Path) -> list[str]:
    """Write the command that makes `target`, with the flags that setuptools would take; CC names another compiler.

    Raises:
        LookupError: This Python does not know which compiler made it.
    """
    known = {name: shlex.split(sysconfig.get_config_var(name) or "") for name in ("LDSHARED", "CFLAGS", "CCSHARED")}
    if not known["LDSHARED"]:
        raise LookupError("this Python knows no compiler")
    own, *linking = known["LDSHARED"]
    compiler = shlex.split(os.environ.get("CC", "")) or [own]
    flags = [*known["CFLAGS"], *known["CCSHARED"], f"-I{sysconfig.get_path('include')}"]
    return [*compiler, *flags, str(SOURCE), *linking, "-o", str(target)]


def make(folder: Path = FOLDER) -> Path:
    """Compile, and put the result in place at once, whoever else does the same.

    Raises:
        LookupError: There is no compiler, or it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        new = Path(apart) / "floors.so"
        try:
            subprocess.run(command(new), check=True, capture_output=True, text=True)
        except OSError as error:
            raise LookupError(f"no compiler: {error}") from None
        except subprocess.CalledProcessError as error:
            raise LookupError(
                f"the compiler failed: {(error.stderr.strip() or 'no message').splitlines()[0]}"
            ) from None
        return new.replace(compiled(folder))


def load(folder: Path = FOLDER) -> ModuleType:
    """Import what was compiled."""
    loader = ExtensionFileLoader("floors", str(compiled(folder)))
    spec = importlib.util.spec_from_loader("floors", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    try:
        make()
    except LookupError as error:
        sys.exit(str(error))
