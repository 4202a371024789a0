"""When the compiled core has to be built again, and whether it could be."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.compiled import FLAGS, HOME, compiler_works, extension_for, sources

HERE = Path(sys.executable)
posix = pytest.mark.skipif(sys.platform == "win32", reason="the compiler is not chosen by a setting there")


@pytest.fixture
def root(tmp_path):
    """Make a small checkout."""
    chapters = tmp_path / HOME / "speedups"
    chapters.mkdir(parents=True)
    (tmp_path / HOME / "_speedups.c").write_text("overview")
    (chapters / "queue.h").write_text("chapter")
    return tmp_path


def test_the_file_has_the_name_that_this_python_imports(root):
    assert extension_for(HERE, root).path == root / HOME / f"_speedups{sysconfig.get_config_var('EXT_SUFFIX')}"


def test_an_unchanged_checkout_has_an_unchanged_recipe(root):
    assert extension_for(HERE, root).recipe == extension_for(HERE, root).recipe


@pytest.mark.parametrize("name", ["_speedups.c", "speedups/queue.h", "speedups/new.h"])
def test_a_changed_or_added_source_changes_the_recipe(root, name):
    before = extension_for(HERE, root).recipe
    (root / HOME / name).write_text("changed")
    assert extension_for(HERE, root).recipe != before


def test_a_source_that_was_removed_or_renamed_changes_the_recipe(root):
    before = extension_for(HERE, root).recipe
    (root / HOME / "speedups" / "queue.h").rename(root / HOME / "speedups" / "line.h")
    renamed = extension_for(HERE, root).recipe
    (root / HOME / "speedups" / "line.h").unlink()
    assert len({before, renamed, extension_for(HERE, root).recipe}) == 3


def test_what_is_no_source_changes_nothing(root):
    before = extension_for(HERE, root).recipe
    (root / HOME / "chan.py").write_text("changed")
    assert extension_for(HERE, root).recipe == before


@pytest.mark.parametrize("name", ["CC", "CFLAGS", "LDFLAGS"])
def test_another_compiler_or_other_flags_change_the_recipe(root, monkeypatch, name):
    before = extension_for(HERE, root).recipe
    monkeypatch.setenv(name, "something else")
    assert extension_for(HERE, root).recipe != before


def test_a_compiler_that_appears_changes_the_recipe(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "cc-of-tomorrow -O2")
    before = extension_for(HERE, root).recipe
    program = tmp_path / ("cc-of-tomorrow.exe" if sys.platform == "win32" else "cc-of-tomorrow")
    program.write_text("")
    program.chmod(0o755)
    assert extension_for(HERE, root).recipe != before


def test_the_digest_is_of_the_file(root):
    extension = extension_for(HERE, root)
    assert extension.digest() is None
    extension.path.write_bytes(b"one")
    one = extension.digest()
    extension.path.write_bytes(b"two")
    assert None is not one != extension.digest()


def test_the_sources_of_this_checkout_begin_with_the_overview():
    assert sources()[0].name == "_speedups.c"


@posix
@pytest.mark.parametrize("setting", ["/bin/false", "no-such-compiler"])
def test_a_compiler_that_fails_does_not_work(monkeypatch, setting):
    pytest.importorskip("setuptools", "77")
    monkeypatch.setenv("CC", setting)
    assert not compiler_works(HERE)


@posix
def test_a_compiler_that_is_there_works(monkeypatch):
    pytest.importorskip("setuptools", "77")
    for name in FLAGS:  # this may be a run that plays a machine without one
        monkeypatch.delenv(name, raising=False)
    compiler = sysconfig.get_config_var("CC").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no compiler, or no headers of Python")
    assert compiler_works(HERE)
