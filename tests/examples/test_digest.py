"""examples/digest as its user sees it: it agrees with the system's `sha256sum`, and copes with what it meets."""

import errno
import hashlib
import os
import socket
from pathlib import Path

import pytest

from examples.digest import hashing
from examples.digest.hashing import ALGORITHMS, BLOCK
from examples.digest.walk import BATCH_BYTES, BATCH_FILES

NAMES = [
    b"plain",
    b"with space",
    b" leading",
    b"trailing ",
    b"tab\t",
    b"new\nline",
    b"\n",
    b"back\\slash",
    b"\\leading",
    b"backslash\\nand n",
    b"both\\\n",
    b"-dash",
    b"*star",
    b"#comment",
    b"quotes'\"",
    b"$(echo)",
    b"SHA256 (x) = 00",
    "ünï 日本".encode(),
    b"undecodable\xff\xfe",
]
TOOLS = {
    "md5": "md5sum",
    "sha1": "sha1sum",
    "sha224": "sha224sum",
    "sha256": "sha256sum",
    "sha384": "sha384sum",
    "sha512": "sha512sum",
    "blake2b": "b2sum",
}
SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, BATCH_BYTES - 1, BATCH_BYTES, 2 * BATCH_BYTES + 3]

every_algorithm = pytest.mark.parametrize(("algorithm", "tool"), TOOLS.items(), ids=TOOLS)


@pytest.fixture
def names(here, system):
    """Make a file of each awkward name; carriage returns too, if this `sha256sum` knows how to escape them."""
    made = list(NAMES)
    Path("a\rb").touch()
    if system("sha256sum", "a\rb").out.startswith(b"\\"):
        made.append(b"a\rb")
    else:
        Path("a\rb").unlink()
    for name in made:
        Path(os.fsdecode(name)).write_bytes(b"in " + name)
    return made


@pytest.fixture
def sizes(here):
    """Make files around every size that matters to the way they are read."""
    for size in SIZES:
        Path(f"{size:08}").write_bytes(os.urandom(size))
    return [f"{size:08}" for size in SIZES]


def line(name, content=b""):
    return b"%s  %s\n" % (hashlib.sha256(content).hexdigest().encode(), name)


# --- the format ---------------------------------------------------------------------------------


def test_every_name_is_written_as_sha256sum_writes_it(digest, system, names):
    theirs = system("sha256sum", *[b"./" + name for name in names])
    ours = digest(".")
    assert (ours.status, ours.err) == (0, "")
    assert ours.lines == theirs.lines
    assert len(names) == len(theirs.lines)


def test_sha256sum_accepts_our_listing(digest, system, names):
    theirs = system("sha256sum", "--check", "--strict", stdin=digest(".").out)
    assert (theirs.status, theirs.err) == (0, "")
    assert theirs.out.count(b": OK\n") == len(names)


@pytest.mark.parametrize("style", ["--text", "--binary", "--tag"])
def test_we_accept_the_listing_of_sha256sum(digest, system, names, style):
    ours = digest("--check", "-", stdin=system("sha256sum", style, "--", *names).out)
    assert (ours.status, ours.err) == (0, "")
    assert ours.out.count(b": OK\n") == len(names)


@every_algorithm
def test_every_algorithm_agrees_with_its_tool(digest, system, sizes, algorithm, tool):
    theirs = system(tool, *[f"./{name}" for name in sizes])
    ours = digest("--algorithm", algorithm, ".")
    assert ours.lines == theirs.lines
    assert system(tool, "--check", stdin=ours.out).status == 0


@every_algorithm
@pytest.mark.parametrize("style", ["--text", "--tag"])
def test_every_tool_s_listing_is_accepted(digest, system, sizes, algorithm, tool, style):
    listing = system(tool, style, *sizes).out
    assert digest("--algorithm", algorithm, "--check", "-", stdin=listing).status == 0
    Path(sizes[-1]).write_bytes(b"changed")
    after = digest("--algorithm", algorithm, "--check", "-", stdin=listing)
    assert after.status == 1
    assert after.lines == sorted(b"%s: %s\n" % (s.encode(), b"FAILED" if s == sizes[-1] else b"OK") for s in sizes)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_checks_what_it_has_written(digest, algorithm):
    Path("x").write_bytes(b"x")
    written = digest("--algorithm", algorithm, "x").out
    assert written == b"%s  x\n" % hashlib.new(algorithm, b"x").hexdigest().encode()
    assert digest("--algorithm", algorithm, "--check", "-", stdin=written).out == b"x: OK\n"


# --- what it finds ------------------------------------------------------------------------------


def test_a_tree_larger_than_every_buffer_agrees(digest, system):
    paths = []
    for number in range(40):
        directory = Path(f"d{number % 7}", f"e{number % 3}", f"f{number}")
        directory.mkdir(parents=True)
        for file in range(BATCH_FILES + 6):
            path = directory / str(file)
            path.write_bytes(b"%d/%d" % (number, file))
            paths.append(f"./{path}")
    ours = digest("--workers", "3", ".")
    assert ours.status == 0
    assert ours.lines == system("sha256sum", *paths).lines


def test_sorted_is_by_the_bytes_of_the_names(digest, names):
    ours = digest("--sorted", ".")
    assert ours.out == b"".join(digest("--sorted", b"./" + name).out for name in sorted(names))


def test_an_empty_file_has_a_digest_and_an_empty_directory_none(digest):
    Path("empty").mkdir()
    assert digest("empty") == digest(".")
    assert digest("empty").out == b""
    Path("empty/file").touch()
    assert digest("empty").out == line(b"empty/file")


def test_names_begin_as_they_were_given(digest, here):
    Path("d").mkdir()
    Path("d/f").touch()
    asked = ["d", "d/", "./d", here / "d", "d/f", "./d/../d/f"]
    found = [b"d/f", b"d/f", b"./d/f", os.fsencode(here / "d/f"), b"d/f", b"./d/../d/f"]
    for path, name in zip(asked, found, strict=True):
        assert digest(path).out == line(name)
    assert digest(*asked).lines == sorted(map(line, found))


def test_two_dashes_end_the_options(digest):
    Path("-w").touch()
    assert digest("--", "-w").out == line(b"-w")


def test_a_tree_may_be_deeper_than_the_stack(digest):
    top = Path.cwd()
    depth = 1100
    try:
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        Path("f").touch()
        os.chdir(top)
        assert digest("d").out == line(b"d/" * depth + b"f")
    finally:  # pytest could not clear this away
        os.chdir(top)
        for _ in range(depth):
            os.chdir("d")
        Path("f").unlink()
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()


# --- links and other strange things ----------------------------------------------------------------


def test_loops_of_links_do_not_hold_it(digest):
    Path("d/e").mkdir(parents=True)
    Path("d/f").touch()
    Path("d/e/up").symlink_to("..")
    Path("d/self").symlink_to(".")
    ours = digest("d")
    assert (ours.status, ours.out) == (0, line(b"d/f"))
    assert sorted(ours.err.splitlines()) == [
        "digest: skipped 'd/e/up': Link to a directory",
        "digest: skipped 'd/self': Link to a directory",
    ]


def test_a_link_to_a_directory_is_followed_where_it_is_named(digest):
    Path("d").mkdir()
    Path("d/f").touch()
    Path("link").symlink_to("d")
    assert digest("link").out == line(b"link/f")


def test_a_link_to_a_file_is_read_as_the_file(digest):
    Path("d").mkdir()
    Path("f").write_bytes(b"x")
    Path("d/link").symlink_to("../f")
    assert digest("d").out == line(b"d/link", b"x")
    assert digest("d/link").out == line(b"d/link", b"x")


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_that_leads_to_nothing_is_a_failure(digest, target):
    Path("f").touch()
    Path("link").symlink_to(target)
    reason = os.strerror(errno.ENOENT if target == "nowhere" else errno.ELOOP)
    for path, name in ((".", "./link"), ("link", "link")):
        ours = digest(path)
        assert ours.status == 1
        assert ours.err == f"digest: '{name}': {reason}\ndigest: 1 file could not be read\n"
    assert digest(".").out == line(b"./f")


@pytest.fixture(params=["fifo", "socket", "device"])
def special(request, here):
    """Make something that is no file, and would not be read like one."""
    path = Path("d/special")
    path.parent.mkdir()
    if request.param == "fifo":
        os.mkfifo(path)
    elif request.param == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    return path


def test_what_is_no_file_is_skipped_when_met(digest, special):
    Path("d/f").touch()
    ours = digest("d")
    assert (ours.status, ours.out) == (0, line(b"d/f"))
    assert ours.err == f"digest: skipped '{special}': Not a regular file\n"


def test_what_is_no_file_is_a_failure_when_named(digest, special):
    ours = digest(special)
    assert (ours.status, ours.out) == (1, b"")
    assert ours.err == f"digest: '{special}': Not a regular file\ndigest: 1 file could not be read\n"
    assert digest("--check", "-", stdin=line(b"d/special")).out == b"d/special: FAILED open or read\n"


# --- what cannot be read ----------------------------------------------------------------------------


def test_a_file_that_may_not_be_opened_does_not_stop_the_others(digest, monkeypatch):
    for name in ("a", "locked", "z"):
        Path(name).touch()
    honest = os.open

    def locked(path, *rest):  # whoever runs the tests as root may open everything
        if path == "./locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return honest(path, *rest)

    monkeypatch.setattr(hashing.os, "open", locked)
    ours = digest("--sorted", ".")
    assert (ours.status, ours.out) == (1, line(b"./a") + line(b"./z"))
    assert ours.err == "digest: './locked': Permission denied\ndigest: 1 file could not be read\n"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
def test_a_file_that_cannot_be_read_to_its_end_has_no_digest(digest):
    Path("f").touch()
    ours = digest("f", "/proc/self/mem")
    assert (ours.status, ours.out) == (1, line(b"f"))
    assert ours.err.startswith(f"digest: '/proc/self/mem': {os.strerror(errno.EIO)}\n")


def test_complaints_show_names_that_are_not_text(digest):
    Path(os.fsdecode(b"\xff\n")).symlink_to("nowhere")
    assert digest(".").err.startswith(r"digest: './\udcff\n': No such file or directory")


# --- asked wrongly ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give one PATH or more, or else --check FILE"),
        (["nowhere"], "argument PATH: 'nowhere': no such file or directory"),
        ([".", "nowhere"], "argument PATH: 'nowhere': no such file or directory"),
        ([""], "argument PATH: '': no such file or directory"),
        (["-"], "argument PATH: '-': standard input is not read; a file is ./-"),
        (["--check", "nowhere"], "argument -c/--check: 'nowhere': no such file or directory"),
        (["--check", ".", "."], "give one PATH or more, or else --check FILE"),
        (["--workers", "0", "."], "argument -w/--workers: '0' is not a whole number from 1 to 1000"),
        (["--workers", "-1", "."], "argument -w/--workers: '-1' is not a whole number from 1 to 1000"),
        (["--workers", "1001", "."], "argument -w/--workers: '1001' is not a whole number from 1 to 1000"),
        (["--workers", "two", "."], "argument -w/--workers: 'two' is not a whole number from 1 to 1000"),
        (["--algorithm", "rot13", "."], "argument -a/--algorithm: invalid choice: 'rot13' (choose from "),
        (["--algorithm", "shake_128", "."], "argument -a/--algorithm: invalid choice: 'shake_128' (choose from "),
    ],
)
def test_a_wrong_question_is_answered_before_anything_is_read(digest, arguments, complaint):
    Path("f").touch()
    ours = digest(*arguments)
    assert (ours.status, ours.out) == (2, b"")
    assert f"digest: error: {complaint}" in ours.err
