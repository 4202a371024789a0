"""examples/digest as a process: signals, pipes, terminals, memory."""

import hashlib
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from examples.digest.walk import BATCH_FILES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # for what happens at once unless something is broken

# Without what would hide that a write is not flushed.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

# As `python -m examples.digest`, and Ctrl-C works even if the tests run in the background, where it is ignored.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from examples.digest.cli import main
sys.exit(main())
"""


@pytest.fixture
def start(here):
    """Start the example in an empty directory: `start(*arguments, **options_of_popen)`."""
    started = []

    def start(*arguments, program=("-c", PROGRAM), **options):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        command = [sys.executable, *program, *map(os.fsdecode, arguments)]
        process = subprocess.Popen(command, env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)}, **streams)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def sparse(name, size):
    """Make a file that takes `size` bytes to read and none to keep."""
    with Path(name).open("wb") as file:
        file.truncate(size)
    return name


def digest_of(content):
    return hashlib.sha256(content).hexdigest().encode()


def test_it_runs_as_a_module(start):
    Path("f").touch()
    process = start("f", program=("-m", "examples.digest"))
    assert process.communicate(timeout=PATIENCE_S) == (digest_of(b"") + b"  f\n", b"")
    assert process.returncode == 0


# --- leaving early ----------------------------------------------------------------------------------


def interrupt(process):
    """Press Ctrl-C and return what was still said."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    return out, err


def test_ctrl_c_leaves_in_the_middle_of_a_large_file(start):
    sparse("large", 1 << 40)  # would take a quarter of an hour
    Path("small").touch()
    process = start("--workers", "2", "large", "small")
    assert process.stdout.readline() == digest_of(b"") + b"  small\n"
    assert interrupt(process) == (b"", b"")


@pytest.mark.parametrize("options", [[], ["--sorted"]], ids=["as they come", "sorted"])
def test_ctrl_c_leaves_while_the_listing_keeps_silent(start, options):
    os.mkfifo("listing")
    process = start("--check", "listing", *options)
    with Path("listing").open("wb", buffering=0) as silent:  # waits until the other end is open
        silent.write((digest_of(b"") + b"  missing\n") * BATCH_FILES)
        assert options or process.stdout.readline() == b"missing: FAILED open or read\n"
        out, err = interrupt(process)
    assert set(out.splitlines()) <= {b"missing: FAILED open or read"}
    assert b"Traceback" not in err
    assert b"WARNING" not in err


def test_ctrl_c_leaves_while_nobody_reads_the_output(start):
    lines = (digest_of(b"") + b"  missing\n") * 20_000  # more than any pipe holds
    Path("listing").write_bytes(lines)
    process = start("--check", "listing", stderr=subprocess.DEVNULL)
    assert process.stdout.read(1) == b"m"
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130


def test_a_reader_that_leaves_ends_it_quietly(start):
    Path("f").touch()
    Path("listing").write_bytes((digest_of(b"") + b"  f\n") * 50_000)
    process = start("--check", "listing")
    assert process.stdout.readline() == b"f: OK\n"
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 141
    assert process.stderr.read() == b""


def test_a_reader_that_leaves_ends_it_although_the_listing_goes_on(start):
    """A thread is inside a read of standard input then, and nobody can call it back."""
    process = start("--check", "-", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = digest_of(b"") + b"  missing\n"
    process.stdin.write(line * BATCH_FILES)
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdout.close()
    process.stdin.write(line * BATCH_FILES)
    process.stdin.flush()
    assert process.wait(PATIENCE_S) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported(start):
    Path("f").touch()
    with Path("/dev/full").open("wb") as full:
        process = start("f", stdout=full)
        assert process.communicate(timeout=PATIENCE_S)[1] == b"digest: standard output: No space left on device\n"
    assert process.returncode == 1


def test_a_listing_that_cannot_be_read_is_reported(start):
    process = start("--check", ".")
    assert process.communicate(timeout=PATIENCE_S) == (b"", b"digest: '.': Is a directory\n")
    assert process.returncode == 1


# --- the terminal -----------------------------------------------------------------------------------


def terminal_output(start, *arguments, **options):
    """Run the example with stderr on a terminal, and return what is shown there."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = start(*arguments, stderr=slave, **options)
    os.close(slave)
    shown = bytearray()
    try:
        while block := os.read(master, 4096):
            shown += block
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(master)
    assert process.wait(PATIENCE_S) == 0
    return shown.decode(), process.stdout.read()


def test_a_terminal_shows_a_bar(start):
    sparse("f", 1 << 26)
    shown, out = terminal_output(start, "f")
    assert "1 found: 100%" in shown
    assert "64.0M/64.0M" in shown
    assert out.endswith(b"  f\n")


def test_a_terminal_shows_no_bar_without_its_library(start):
    Path("f").touch()
    hidden = "import sys; sys.modules['tqdm'] = None" + PROGRAM
    assert terminal_output(start, "f", program=("-c", hidden)) == ("", digest_of(b"") + b"  f\n")


# --- many files, and a large one -----------------------------------------------------------------------


@pytest.mark.stress
@pytest.mark.parametrize("options", [[], ["--sorted"]], ids=["as they come", "sorted"])
def test_memory_stays_small_and_every_digest_is_right(start, system, options):
    """50 000 small files and one of 2 GB, under 150 MB."""
    for directory in range(250):
        Path("tree", str(directory)).mkdir(parents=True)
        for file in range(200):
            path = Path("tree", str(directory), str(file))
            path.write_bytes(b"%d %d\n" % (directory, file) * (file * 7 % 300))
    sparse("tree/large", 2_000_000_000)
    with Path("ours").open("wb") as ours:
        process = start("tree", *options, stdout=ours)
        pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (pid, process.returncode) == (process.pid, 0)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{peak / 1e6:.0f} MB, {usage.ru_utime + usage.ru_stime:.1f} s of CPU time")
    assert peak < 150_000_000
    check = system("sha256sum", "--check", "--strict", "--quiet", "ours")
    assert (check.status, check.out, check.err) == (0, b"", "")
    assert Path("ours").read_bytes().count(b"\n") == 50_001
