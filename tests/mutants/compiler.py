"""Builds the compiled core of a copy, with the compiler that the interpreter was built with, or with that of $CC."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

__all__ = ["build", "missing"]

HOME = Path("aiochan", "core")
OPTIONS = ("-O1", "-fPIC", "-fwrapv", "-shared")  # little optimised: it is built for each mutant, and used for seconds


@functools.cache
def missing() -> str | None:
    """Tell why nothing can be built here; None if it can."""
    compiler, include = _compiler(), Path(sysconfig.get_path("include"))
    if not compiler or shutil.which(compiler[0]) is None:
        return "there is no C compiler"
    trial = [*compiler, "-x", "c", "-c", "-", "-o", os.devnull]  # CC=/bin/false is none
    if subprocess.run(trial, input="int one;", capture_output=True, text=True, check=False).returncode:
        return "the C compiler does not work"
    if not (include / "Python.h").exists():
        return "the headers of Python are not there"
    return None if os.name == "posix" else "this is not how extensions are built on this platform"


def build(root: Path) -> None:
    """Build the extension beside its sources.

    Raises:
        ValueError: It cannot be compiled.
    """
    extension = root / HOME / f"_speedups{sysconfig.get_config_var('EXT_SUFFIX')}"
    extension.unlink(missing_ok=True)
    source, include = root / HOME / "_speedups.c", sysconfig.get_path("include")
    command = [*_compiler(), *OPTIONS, *_platform(), f"-I{include}", str(source), "-o", str(extension)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"it cannot be compiled:\n{done.stderr}")


@functools.cache
def _compiler() -> tuple[str, ...]:
    return tuple(shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or ""))


def _platform() -> list[str]:
    return ["-undefined", "dynamic_lookup"] if sysconfig.get_platform().startswith("macosx") else []
