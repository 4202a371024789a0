"""Run the tests on a compiled core that watches itself: AddressSanitizer and UBSan, or valgrind.

    python -m tools.sanitize asan [PYTEST ARGUMENT ...]
    python -m tools.sanitize valgrind [PYTEST ARGUMENT ...]
    python -m tools.sanitize warnings

The first two build the extension into a copy of the checkout, for debugging, and run tests there; the last only
compiles it, with every warning an error. The environment that runs this must hold what the tests need. What is missing
on the machine is said; the exit code is 2 then.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tools.compiled import HOME, ROOT

ABSENT = 2
WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
WARNINGS += ["-Wno-cast-function-type"]  # methods of the interpreter's API are cast by design
DEBUG = ["-g", "-O1", "-fno-omit-frame-pointer", "-UNDEBUG"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

SUITES = ["tests/core", "tests/conformance", "tests/safety", "tests/cores"]
SMALL = [f"tests/core/test_{name}.py" for name in ("waiters", "reservation", "hchan", "select", "signal")]
SMALL += [f"tests/safety/test_{name}.py" for name in ("reentrancy", "never_awaited", "drains")]
OURS = "_speedups"  # the object whose losses are ours


def main(arguments: list[str]) -> int:
    """Do one of the runs; returns the exit code."""
    runs = {"asan": asan, "valgrind": valgrind, "warnings": warnings}
    if not arguments or arguments[0] not in runs:
        print(__doc__)
        return ABSENT
    return runs[arguments[0]](arguments[1:])


def compiler() -> list[str] | None:
    """Find the compiler that extensions are built with."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    return command if shutil.which(command[0]) else None


def absent(what: str) -> int:
    """Say what the machine does not have."""
    print(f"-- nothing was run: {what}", flush=True)
    return ABSENT


def build(command: list[str], root: Path, flags: list[str], target: Path) -> None:
    """Compile the core of a checkout.

    Raises:
        subprocess.CalledProcessError: It does not compile; the output says why.
    """
    include = sysconfig.get_paths()["include"]
    shared = ["-fwrapv", "-fPIC", "-shared", "-std=c11", f"-I{include}", str(root / HOME / "_speedups.c")]
    subprocess.run([*command, *flags, *shared, "-o", str(target)], check=True)


def copy_with(flags: list[str], command: list[str], folder: str) -> Path:
    """Copy the checkout, and build its core with these flags."""
    copy = Path(folder) / "checkout"
    left_out = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.so", "*.pyd", "__pycache__", ".hypothesis")
    shutil.copytree(ROOT, copy, ignore=left_out)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    build(command, copy, flags, copy / HOME / f"_speedups{suffix}")
    return copy


def environment(**variables: str) -> dict[str, str]:
    """Take the system's allocator, whose blocks the tools know, and the compiled core whatever was chosen."""
    rest = {name: value for name, value in os.environ.items() if name != "AIOCHAN_PURE"}
    return rest | {"PYTHONMALLOC": "malloc", "PYTHONPATH": ""} | variables


def pytest(arguments: list[str], suites: list[str]) -> list[str]:
    """Name the command; loops of other people's C code are left out."""
    chosen = (
        arguments if any(Path(argument.partition("::")[0]).exists() for argument in arguments) else suites + arguments
    )
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--loops=asyncio", "--timeout=3000"]
    return [sys.executable, "-m", "pytest", *options, *chosen]


def library(command: list[str], name: str) -> str | None:
    """Find a library of the compiler's; None if it has none."""
    answer = subprocess.run([*command, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
    path = answer.stdout.strip()
    return path if Path(path).is_absolute() and Path(path).exists() else None


def asan(arguments: list[str]) -> int:
    """Run the suites under AddressSanitizer and UBSan."""
    command = compiler()
    if command is None:
        return absent("no C compiler")
    libraries = [library(command, name) for name in ("libasan.so", "libubsan.so")]
    if not all(libraries):
        return absent(f"{command[0]} comes without libasan and libubsan")
    with tempfile.TemporaryDirectory(prefix="aiochan-asan-") as folder:
        copy = copy_with([*WARNINGS, *DEBUG, *SANITIZERS], command, folder)
        # The interpreter is not built with it, and keeps some of what it has until the end: leaks are valgrind's part.
        env = environment(
            LD_PRELOAD=" ".join(filter(None, libraries)),
            ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
            UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
        )
        code = subprocess.run(pytest(arguments, SUITES), cwd=copy, env=env, check=False).returncode
    print(f"-- AddressSanitizer and UBSan: {'nothing found' if code == 0 else 'FAILED'}", flush=True)
    return code


def valgrind(arguments: list[str]) -> int:
    """Run a smaller selection under memcheck; what our module has lost for good is an error too."""
    command = compiler()
    if command is None or not shutil.which("valgrind"):
        return absent("no C compiler" if command is None else "no valgrind")
    with tempfile.TemporaryDirectory(prefix="aiochan-valgrind-") as folder:
        copy = copy_with([*WARNINGS, *DEBUG], command, folder)
        log = Path(folder) / "log"
        memcheck = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--num-callers=30", "--quiet"]
        memcheck += ["--errors-for-leak-kinds=none", f"--log-file={log}", "--error-limit=no"]
        tests = subprocess.run(
            [*memcheck, *pytest(arguments, SMALL)], cwd=copy, env=environment(), check=False
        ).returncode
        found = [report for report in reports(log.read_text(errors="replace")) if OURS in report]
    for report in found:
        print(report)
    print(
        f"-- valgrind: {len(found)} reports that name our module, tests {'passed' if tests == 0 else 'FAILED'}",
        flush=True,
    )
    return 1 if found or tests else 0


def reports(log: str) -> list[str]:
    """Cut the log of memcheck into its reports, which empty lines separate."""
    lines = [re.sub(r"^==\d+== ?", "", line) for line in log.splitlines()]
    return [report for report in "\n".join(lines).split("\n\n") if report.strip()]


def warnings(_: list[str]) -> int:
    """Compile with every warning an error, with and without what only a debug build has."""
    command = compiler()
    if command is None:
        return absent("no C compiler")
    with tempfile.TemporaryDirectory(prefix="aiochan-warnings-") as folder:
        for flags in (["-O2", "-UNDEBUG"], ["-O2", "-DNDEBUG"]):
            try:
                build(command, ROOT, [*WARNINGS, "-Werror", *flags], Path(folder) / "core.so")
            except subprocess.CalledProcessError as error:
                return error.returncode
    print("-- compiled without a warning", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
