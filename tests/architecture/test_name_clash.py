"""Another distribution, `aiochan`, imports under our name: having both is found out at once."""

import os
import subprocess
import sys

import pytest

from tests.architecture.house import ROOT


def import_beside(folder):
    """Import aiochan in a fresh interpreter that also has what is in `folder`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-c", "import aiochan; print(aiochan.__file__)"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def install(folder, name, version):
    """Leave in `folder` what tells importlib.metadata that a distribution is installed."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    info.joinpath("RECORD").write_text("")


def test_both_installed_is_an_error_that_says_what_to_do(tmp_path):
    install(tmp_path, "aiochan", "0.2.7")
    answer = import_beside(tmp_path)
    assert answer.returncode != 0
    last = answer.stderr[answer.stderr.index("ImportError") :]
    assert "aiochan-csp" in last
    assert "pip uninstall aiochan" in last


@pytest.mark.parametrize("name", ["aiochannel", "aiochan-csp", "aiochan-extras"])
def test_a_name_that_only_looks_alike_is_none(tmp_path, name):
    install(tmp_path, name, "0.2.7")
    answer = import_beside(tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip().startswith(str(ROOT))
