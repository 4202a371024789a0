"""The parts of examples/digest that know nothing of asyncio, where its user cannot see them well enough."""

import hashlib
import io
import itertools
import os
import shutil
import sys
import threading
from pathlib import Path

from examples.digest.hashing import BLOCK, Digester
from examples.digest.progress import Bar, Progress, progress_on
from examples.digest.records import Digest, File, Unreadable
from examples.digest.walk import BATCH_BYTES, BATCH_FILES, batches, walk

# --- walk.py --------------------------------------------------------------------------------------


def test_a_directory_that_goes_away_meanwhile_is_reported(here):
    Path("d/inner").mkdir(parents=True)
    Path("d/file").touch()
    found = walk(["d"])
    assert next(found) == File("d/file", 0)
    shutil.rmtree("d/inner")
    assert list(found) == [Unreadable("d/inner", "No such file or directory")]


def test_a_directory_that_becomes_a_file_meanwhile_is_read_as_one(here):
    Path("d/inner").mkdir(parents=True)
    Path("d/file").touch()
    found = walk(["d"])
    assert next(found) == File("d/file", 0)
    Path("d/inner").rmdir()
    Path("d/inner").write_bytes(b"xyz")
    assert list(found) == [File("d/inner", 3)]


def test_a_walk_that_is_given_up_leaves_nothing_open(here, silence):
    for name in "abc":
        Path(name).touch()
    found = walk(["."])
    next(found)
    del found
    silence.check()


def test_small_files_travel_together_up_to_a_number_and_a_size():
    def sizes(files):
        return [[file.size for file in batch] for batch in batches([File("", size) for size in files])]

    half = BATCH_BYTES // 2
    assert sizes([]) == []
    assert sizes([0] * BATCH_FILES) == [[0] * BATCH_FILES]
    assert sizes([0] * (BATCH_FILES + 1)) == [[0] * BATCH_FILES, [0]]
    assert sizes([half, half, 1, 1]) == [[half, half], [1, 1]]
    assert sizes([half, half - 1, 1, 1]) == [[half, half - 1, 1], [1]]


def test_a_large_file_neither_waits_for_small_ones_nor_makes_them_wait():
    small, large, bad = File("s", BATCH_BYTES - 1), File("l", BATCH_BYTES), Unreadable("u", "for a test")
    assert list(batches([bad, large, small, large, bad])) == [[large], [large], [bad, small, bad]]


# --- hashing.py -----------------------------------------------------------------------------------


def test_blocks_are_reported_as_they_are_read(here):
    Path("f").write_bytes(bytes(2 * BLOCK + 5))
    sizes = []
    file = File("f", 2 * BLOCK + 5)
    assert Digester("md5", sizes.append).digest([file]) == [
        Digest(file, hashlib.md5(bytes(2 * BLOCK + 5), usedforsecurity=False).hexdigest())
    ]
    assert sizes == [BLOCK, BLOCK, 5]


def test_a_file_that_has_become_a_fifo_is_not_waited_for(here):
    os.mkfifo("f")
    file = File("f", 3)
    assert Digester("sha256", print).digest([file]) == [Unreadable("f", "Not a regular file")]


def test_a_file_that_has_gone_is_unreadable(here):
    file = File("f", 3)
    assert Digester("sha256", print).digest([file]) == [Unreadable("f", "No such file or directory")]


def test_a_file_that_has_become_a_directory_is_unreadable(here):
    Path("f").mkdir()
    file = File("f", 3)
    assert Digester("sha256", print).digest([file]) == [Unreadable("f", "Not a regular file")]


# --- progress.py ----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_there_is_a_bar_on_a_terminal_and_nowhere_else(monkeypatch):
    assert type(progress_on(io.StringIO())) is Progress
    with progress_on(Terminal()) as bar:
        assert type(bar) is Bar
    monkeypatch.setitem(sys.modules, "tqdm", None)  # not installed
    assert type(progress_on(Terminal())) is Progress


def test_the_bar_counts_what_was_found_and_what_was_read():
    terminal = Terminal()
    with progress_on(terminal) as bar:
        assert list(bar.watch([[File("a", 1000), Unreadable("b", "for a test")], [File("c", 24)]])) != []
        bar.read(1000)
        bar.read(24)
    last = terminal.getvalue().split("\r")[-1]
    assert "2 found: 100%" in last
    assert "1.00k/1.00k" in last


def test_the_bar_is_out_of_the_way_while_others_write(monkeypatch):
    terminal = Terminal()
    clock = itertools.count()
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(clock)))  # it is always time to draw
    with progress_on(terminal) as bar:
        with bar.hidden():
            before = terminal.getvalue()
            assert not before.split("\r")[-1].strip()  # its line is empty
            bar.read(1 << 20)
            assert terminal.getvalue() == before
        assert "1.00M" in terminal.getvalue()
        bar.read(1 << 20)
        assert "2.00M" in terminal.getvalue()


def test_the_bar_can_be_closed_while_a_writer_is_stuck():
    terminal = Terminal()
    stuck, go_on = threading.Event(), threading.Event()

    def write():
        with bar.hidden():
            stuck.set()
            go_on.wait(60)

    with progress_on(terminal) as bar:
        writer = threading.Thread(target=write)
        writer.start()
        assert stuck.wait(60)
        bar.read(1)
    go_on.set()
    writer.join()
    assert "1.00B" in terminal.getvalue()
