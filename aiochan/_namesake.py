"""Notice the other project that is imported as ``aiochan``.

The name ``aiochan`` on PyPI belongs to somebody else; ours is ``aiochan-csp``. Installed together they write into the
same folder, and what would be imported then is a mixture of both.
"""

from __future__ import annotations

import os
import sys

__all__ = ["refuse_namesake"]

NAMESAKE = "aiochan"


def refuse_namesake() -> None:
    """Raise if the other distribution is installed too.

    A look at the names in the folders of ``sys.path`` comes first: `importlib.metadata` takes longer to import than all
    of aiochan, and is needed only to be sure.

    Raises:
        ImportError: Both are installed.
    """
    if not any(map(_may_hold_namesake, sys.path)):
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        other = version(NAMESAKE)
    except PackageNotFoundError:
        return
    raise ImportError(
        f"two distributions are installed that import as 'aiochan': aiochan-csp (this one) and aiochan {other} (another"
        " project). Uninstall the one you do not want, then reinstall the other, whose files may have been overwritten:"
        " pip uninstall aiochan && pip install --force-reinstall --no-deps aiochan-csp"
    )


def _may_hold_namesake(folder: str) -> bool:
    try:
        names = os.listdir(os.fsdecode(folder) or ".")  # noqa: PTH208 - pathlib is as slow to import as we are
    except OSError:
        return False  # a zip file, or nothing at all
    return any(name.startswith((f"{NAMESAKE}-", f"{NAMESAKE}.")) and name.endswith("-info") for name in names)
