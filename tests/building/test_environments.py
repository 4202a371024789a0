"""When an environment is installed again, with pip and venv replaced by a record of their calls."""

import sys
from pathlib import Path

import pytest

from tools import compiled, environments
from tools.compiled import HOME, extension_for

HERE = Path(sys.executable)
ANOTHER = "_speedups.cpython-399-somewhere.so"  # the core of another Python


class Workshop:
    """A checkout with an environment; what it builds is the text of its sources."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / HOME
        self.installed: list[list[str]] = []
        self.seen: list[str | None] = []  # the extension as each installation found it
        self.compiler_works = True

    @property
    def extension(self) -> Path:
        return extension_for(HERE, self.root).path

    def install(self, _python: Path, *what: object) -> None:
        """Stand for pip, which builds what it can."""
        if "--editable" not in what:
            return
        self.installed.append([str(word) for word in what if str(word).startswith("--group")])
        self.seen.append(self.extension.read_text() if self.extension.exists() else None)
        if self.compiler_works:
            self.extension.write_text("".join(path.read_text() for path in compiled.sources(self.root)))

    def ensure(self, *groups: str) -> int:
        """Make the environment fit, and count what was installed for it."""
        before = len(self.installed)
        environments.ensure(self.root / ".venv", set(groups))
        return len(self.installed) - before


@pytest.fixture
def shop(tmp_path, monkeypatch):
    shop = Workshop(tmp_path)
    (shop.home / "speedups").mkdir(parents=True)
    (shop.home / "_speedups.c").write_text("overview ")
    (shop.home / "speedups" / "queue.h").write_text("chapter ")
    (shop.home / ANOTHER).write_text("of another Python")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "extension_for", lambda python: extension_for(python, tmp_path))
    monkeypatch.setattr(environments, "_call", lambda *command: None)
    monkeypatch.setattr(environments, "_install", shop.install)
    return shop


def test_the_second_call_costs_nothing(shop):
    assert shop.ensure("test") == 1
    assert shop.ensure("test") == 0


def test_a_changed_project_and_another_group_install_again(shop):
    shop.ensure("test")
    (shop.root / "pyproject.toml").write_text("changed")
    assert shop.ensure("test") == 1
    assert shop.ensure("lint") == 1
    assert shop.installed[-1] == ["--group=lint", "--group=test"]
    assert shop.ensure("test") == 0


@pytest.mark.parametrize("name", ["_speedups.c", "speedups/queue.h", "speedups/new.h"])
def test_a_changed_source_is_built(shop, name):
    shop.ensure("test")
    (shop.home / name).write_text("changed ")
    assert shop.ensure("test") == 1
    assert "changed" in shop.extension.read_text()


def test_a_source_that_cannot_be_built_leaves_no_stale_core(shop):
    shop.ensure("test")
    (shop.home / "_speedups.c").write_text("mistake ")
    shop.compiler_works = False
    assert shop.ensure("test") == 1
    assert shop.seen[-1] is None
    assert not shop.extension.exists()


def test_a_core_that_could_not_be_built_is_not_tried_again_until_something_changes(shop, monkeypatch):
    shop.compiler_works = False
    assert shop.ensure("test") == 1
    assert shop.ensure("test") == 0
    monkeypatch.setenv("CC", "a compiler that works")
    shop.compiler_works = True
    assert shop.ensure("test") == 1
    assert shop.extension.exists()


def test_a_core_that_somebody_else_built_or_removed_is_built_again(shop):
    shop.ensure("test")
    shop.extension.write_text("from an environment that has seen other sources")
    assert shop.ensure("test") == 1
    assert shop.extension.read_text() == "overview chapter "
    shop.extension.unlink()
    assert shop.ensure("test") == 1


def test_the_core_of_another_python_is_left_alone(shop):
    shop.ensure("test")
    (shop.home / "_speedups.c").write_text("changed ")
    shop.ensure("test")
    assert (shop.home / ANOTHER).read_text() == "of another Python"


def test_an_installation_that_fails_is_tried_again(shop, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no network")

    shop.ensure("test")
    (shop.home / "_speedups.c").write_text("changed ")
    with monkeypatch.context() as broken:
        broken.setattr(environments, "_install", fail)
        with pytest.raises(OSError, match="no network"):
            shop.ensure("test")
    assert shop.ensure("test") == 1
