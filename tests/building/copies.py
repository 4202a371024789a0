"""Copies of the repository to build from, so that nothing is left behind in this one."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", ".*")
FILES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


def copy_package(folder: Path) -> Path:
    """Copy what a distribution is made of."""
    shutil.copytree(ROOT / "aiochan", folder / "aiochan", ignore=BUILT)
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    return folder


def copy_checkout(folder: Path) -> Path:
    """Copy the package and its tests."""
    copy_package(folder)
    for name in ("tests", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=BUILT)
    return folder
