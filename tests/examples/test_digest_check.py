"""examples/digest --check says what `sha256sum --check` says."""

import hashlib
import os
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.digest import listing
from examples.digest.records import Malformed

GOOD = hashlib.sha256(b"x").hexdigest()
BAD = "0" * 64


@pytest.fixture(autouse=True)
def files(here):
    Path("a").write_bytes(b"x")
    Path("b c").write_bytes(b"x")
    Path("new\nline").write_bytes(b"x")
    Path("d").mkdir()


KINDS = {
    "good": f"{GOOD}  a\n",
    "bad": f"{BAD}  a\n",
    "missing": f"{GOOD}  nowhere\n",
    "malformed": "what?\n",
}


MIXTURES = [mixture for size in range(1, 5) for mixture in combinations(KINDS, size)]


@pytest.mark.parametrize("kinds", MIXTURES, ids="+".join)
@pytest.mark.parametrize("times", [1, 2])
def test_verdicts_warnings_and_status_are_those_of_sha256sum(digest, system, kinds, times):
    text = "".join(KINDS[kind] for kind in kinds).encode() * times
    ours, theirs = digest("--check", "-", stdin=text), system("sha256sum", "--check", stdin=text)
    assert ours.status == theirs.status
    assert ours.lines == theirs.lines
    assert ours.warnings == theirs.warnings


# Not among them: one blank only, the form of `md5 -r`, which `sha256sum` reads where the first line has it.
STARTS = ["", " \t", "\\", " \\", "#", "\\\\"]
DIGESTS = [GOOD, GOOD.upper(), BAD, GOOD[1:], GOOD + "0", "g" + GOOD[1:], ""]
PLAIN = [f"{digest}{rest}" for digest, rest in product(DIGESTS, ["  a", " *a", "\t a", "   a", " ", ""])]
TAGGED = [
    f"{tag}{name}{rest}{digest}"
    for tag, name, rest, digest in product(
        ["SHA256 ", "SHA256", "sha256 ", "MD5 ", "SHA256  "],
        ["(a)", "(b c)", "a", "()", "(a) = (a)"],
        [" = ", "=", " "],
        [GOOD, GOOD.upper(), BAD, GOOD[1:]],
    )
]
ESCAPED = [
    f"{mark}{GOOD}  {name}"
    for mark, name in product(
        ["\\", ""], [r"new\nline", "new\\\\nline", r"new\qline", "new\\", r"\a", "a", "nowhere\\\\\\n"]
    )
]
ENDS = ["\n", "", "\r\n", "\r\r\n", " \n"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([start + rest for start, rest in product(STARTS, PLAIN)], id="plain"),
        pytest.param(TAGGED, id="tagged"),
        pytest.param(ESCAPED, id="escaped"),
    ],
)
def test_lines_mean_what_they_mean_to_sha256sum(digest, system, lines):
    different = []
    for line in lines:
        text = os.fsencode(line + "\n")
        ours, theirs = digest("--check", "-", stdin=text), system("sha256sum", "--check", stdin=text)
        if (ours.status, verdicts(ours)) != (theirs.status, verdicts(theirs)):
            different.append(line)
    assert not different


@pytest.mark.parametrize("end", ENDS)
def test_a_line_may_end_as_it_may_for_sha256sum(digest, system, end):
    text = f"{GOOD}  a{end}".encode()
    ours, theirs = digest("--check", "-", stdin=text), system("sha256sum", "--check", stdin=text)
    assert (ours.status, verdicts(ours)) == (theirs.status, verdicts(theirs))


def verdicts(outcome):
    """What is said about the file; older versions of `sha256sum` escape fewer names here."""
    return [line.rpartition(b": ")[2] for line in outcome.lines]


def test_a_listing_that_says_nothing_is_a_failure(digest, system):
    for text in (b"", b"\n", b"# nothing\n", b"what?\nwhat?\n"):
        Path("listing").write_bytes(text)
        ours = digest("--check", "listing")
        assert (ours.status, ours.out) == (system("sha256sum", "--check", "listing").status, b"") == (1, b"")
        assert ours.err == "digest: 'listing': no properly formatted checksum lines found\n"


def test_comments_and_empty_lines_are_no_trouble(digest):
    ours = digest("--check", "-", stdin=f"# by hand\n\n\r\n{GOOD}  a\n#\n".encode())
    assert (ours.status, ours.out, ours.err) == (0, b"a: OK\n", "")


def test_a_listing_may_be_a_file_or_standard_input(digest):
    text = f"{GOOD}  a\n".encode()
    Path("listing").write_bytes(text)
    assert digest("--check", "listing") == digest("--check", "-", stdin=text)


def test_verdicts_are_sorted_by_name_on_request(digest):
    text = f"{GOOD}  b c\nwhat?\n{GOOD}  zz\n{BAD}  a\n".encode()
    ours = digest("--sorted", "--check", "-", stdin=text)
    assert ours.out == b"a: FAILED\nb c: OK\nzz: FAILED open or read\n"


def test_a_name_of_several_lines_is_told_in_one(digest):
    text = rf"\{GOOD}  new\nline".encode()
    assert digest("--check", "-", stdin=text).out == b"\\new\\nline: OK\n"


def test_a_name_with_a_null_byte_is_malformed(digest):
    ours = digest("--check", "-", stdin=f"{GOOD}  a\0\n{GOOD}  a\n".encode())
    assert (ours.status, ours.out) == (0, b"a: OK\n")
    assert ours.warnings == ["WARNING: 1 line is improperly formatted"]


names = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


@given(names)
@settings(max_examples=300)
def test_whatever_is_written_is_read_back(name):
    Path("listing").write_bytes(listing.line(os.fsdecode(name), GOOD))
    (found,) = listing.read("listing", "sha256")
    assert not isinstance(found, Malformed)
    assert os.fsencode(found.path) == name


@given(st.lists(names, max_size=20))
def test_a_listing_has_a_line_for_each_name(listed):
    Path("listing").write_bytes(b"".join(listing.line(os.fsdecode(name), GOOD) for name in listed))
    assert [os.fsencode(found.path) for found in listing.read("listing", "sha256")] == listed
