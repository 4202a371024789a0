"""Who is compared: the one list of subjects, in the order of the columns. The others are divided by the first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """One column of the table."""

    name: str
    title: str
    peer: str = ""  # the file in peers/, if it is not called as the subject
    module: str = "aiochan"  # what its users import
    needs: str = ""  # the module that has to be there, if that is not the one its users import
    core: str = ""  # of aiochan: "python" or "c"
    requires: str = ""  # what pip installs into an environment of its own, instead of aiochan and the group
    go: bool = False  # not Python at all

    @property
    def file(self) -> str:
        return self.peer or self.name

    @property
    def is_ours(self) -> bool:
        return bool(self.core)


SUBJECTS = [
    Subject("aiochan", "aiochan, Python core", core="python"),
    Subject("aiochan_c", "aiochan, C core", peer="aiochan", core="c", needs="aiochan.core._speedups"),
    Subject("asyncio_queue", "asyncio.Queue", module="asyncio"),
    Subject("anyio", "anyio streams", module="anyio"),
    Subject("trio", "trio channels", module="trio"),
    Subject("janus", "janus", module="janus"),
    Subject("culsans", "culsans", module="culsans"),
    Subject("aiologic", "aiologic.Queue", module="aiologic"),
    Subject("zh217", "zh217's aiochan 0.2.7", peer="namesake", requires="aiochan==0.2.7"),
    Subject("go", "Go", module="", go=True),
]

FIRST = SUBJECTS[0].name
