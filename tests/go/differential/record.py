"""What Go has shown, kept in recorded.json, for machines without Go: `python -m tests.go.differential.record`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.go.differential.comparison import compare, summary
from tests.go.differential.programs import Program, programs
from tests.go.differential.theirs import Go, version

FILE = Path(__file__).with_name("recorded.json")
SEED, COUNT, MOST, RUNS = 5, 40, 1500, 500  # what the quick tests compare


class Recorded(NamedTuple):
    program: Program
    outcomes: set[str]


def quick_programs() -> list[Program]:
    return list(programs(SEED, COUNT, MOST))


def recorded() -> list[Recorded]:
    """Read what Go has shown of the quick programs."""
    entries = json.loads(FILE.read_text("utf-8"))["programs"]
    drawn = quick_programs()
    assert [entry["program"] for entry in entries] == list(map(str, drawn)), "other programs are drawn: record again"
    return [Recorded(program, set(entry["outcomes"])) for program, entry in zip(drawn, entries, strict=True)]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        compared = compare(quick_programs(), Go(Path(directory)), runs=RUNS * 10)
    entries = [{"program": str(one.program), "outcomes": sorted(one.theirs)} for one in compared]
    FILE.write_text(json.dumps({"go": version(), "programs": entries}, indent=1) + "\n", "utf-8")
    print(summary(compared))


if __name__ == "__main__":
    main()
