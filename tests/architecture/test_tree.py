"""The files of the repository say nothing about the machine they were written on."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

# Put together from halves, so that this file does not find itself.
HOSTS = ["pythonhos" + "ted", "registry.npm" + "js", "deb.deb" + "ian", "pypi.org/sim" + "ple"]
HOMES = [
    "/ho" + "me/",
    "/Us" + "ers/",
    "/ro" + "ot/",
    "/wo" + "rk/",
    "/fa" + "rm/",
    "bash_" + "jobs",
]
FORBIDDEN = re.compile("|".join(map(re.escape, HOSTS)) + "|" + "|".join(rf"(?<![\w.}}*]){home}" for home in HOMES))


def tracked():
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in answer.stdout.split("\0") if name]


def test_no_registry_host_and_no_path_of_a_machine():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in tracked()
        if path.is_file()
        for number, line in enumerate(lines(path), 1)
        if (match := FORBIDDEN.search(line))
    ]
    assert not found, "\n".join(found)


def lines(path: Path) -> list[str]:
    """Read a text file; a binary one has no lines."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


@pytest.mark.parametrize("text", ["see /ho" + "me/me/x", "https://files.pythonhos" + "ted.org/"])
def test_the_pattern_finds_what_it_is_for(text):
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["docs/home/page.md", "the {root}/root/x", "~/home"])
def test_the_pattern_leaves_other_paths_alone(text):
    assert not FORBIDDEN.search(text)
