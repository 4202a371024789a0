"""Go's permutations of channel types: test/chan/perm.go, which must not compile.

perm.py.txt has its lines for the type checkers. What a compiler would have refused also fails when it runs.
"""

import importlib.util
from pathlib import Path

import pytest

import aiochan as ac
from tests.go.kit import make
from tests.typing.test_mistakes import CHECKERS, expected

LINES = Path(__file__).with_name("perm.py.txt")


@pytest.mark.parametrize("checker", CHECKERS, ids=["mypy", "pyright"])
def test_checkers_refuse_what_the_compiler_refuses(tmp_path, checker):
    """test/chan/perm.go: the lines with ERROR, and no others."""
    if importlib.util.find_spec(checker.__name__) is None:
        pytest.skip(f"{checker.__name__} is not installed; `make check` has it")
    text = LINES.read_text("utf-8")
    path = tmp_path / "perm.py"
    path.write_text(text, "utf-8")
    assert set(checker(path)) == expected(text, checker.__name__)


async def iterate(source):
    async for _ in source:
        pass


REFUSED = {
    "send to receive-only": lambda cr, cs: cr.send(0),
    "close of receive-only": lambda cr, cs: cr.close(),
    "receive from send-only": lambda cr, cs: cs.recv(),
    "receive from send-only, comma ok": lambda cr, cs: cs.recv_ok(),
    "range over send-only": lambda cr, cs: iterate(cs),
    "case: send to receive-only": lambda cr, cs: ac.send(cr, 0),
    "case: receive from send-only": lambda cr, cs: ac.recv(cs),
    "case: receive from send-only, comma ok": lambda cr, cs: ac.recv_ok(cs),
    "case: send to no channel": lambda cr, cs: ac.send(2, 0),
    "case: receive from no channel": lambda cr, cs: ac.recv(2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_fails(run, name):
    """test/chan/perm.go: the lines with ERROR."""

    async def main():
        c = make()
        with pytest.raises((AttributeError, TypeError)):
            await REFUSED[name](c.receiver, c.sender)
        assert not c.closed
        c._check()

    run(main)


def test_what_is_allowed_works(run):
    """test/chan/perm.go: the lines with ok."""

    async def main():
        c = make(2)
        cr, cs = c.receiver, c.sender
        for source, target in ((c, c), (cr, c), (c, cs), (cr, cs)):
            await target.send(1)
            await target.send(2)
            assert await source.recv() == 1
            assert await source.recv_ok() == (2, True)
            assert await ac.select(ac.send(target, 3)) == (0, None)
            assert await ac.select(ac.recv(source)) == (0, 3)
        cs.close()
        assert await cr.recv_ok() == (None, False)
        assert c.closed

    run(main)
