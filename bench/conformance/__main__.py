"""Ask all libraries that are there: python -m bench.conformance [--only LIB ...] [--ask QUESTION ...] [--json FILE]."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.conformance.libraries import LIBRARIES
from bench.conformance.questions import QUESTIONS
from bench.conformance.table import evidence, table

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    options = read_options()
    pythons = dict(pair.split("=", 1) for pair in options.python)
    asked, notes = [], []
    for name in options.only or LIBRARIES:
        print(f"asking {name} ...", file=sys.stderr, flush=True)
        answers = in_a_process_of_its_own(name, options.ask, pythons.get(name, sys.executable))
        if "missing" in answers:
            notes.append(f"skipped: {name}: {answers['missing']}")
        else:
            asked.append(answers)
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, Python {', '.join(sorted({a['python'] for a in asked}))}\n")
    print(table(asked))
    if not options.brief:
        print(evidence(asked))
    print("\n".join(["", *notes]) if notes else "")
    if options.json:
        options.json.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.conformance", description="Ask libraries what they do.")
    parser.add_argument("--only", nargs="+", metavar="LIB", choices=list(LIBRARIES), help=", ".join(LIBRARIES))
    parser.add_argument("--ask", nargs="+", metavar="QUESTION", choices=list(QUESTIONS), default=[])
    parser.add_argument("--python", nargs="+", metavar="LIB=PATH", default=[], help="an interpreter for one library")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the answers into a file as well")
    parser.add_argument("--brief", action="store_true", help="only the table, without what was seen")
    return parser.parse_args()


def in_a_process_of_its_own(name: str, keys: list[str], python: str) -> dict[str, Any]:
    """Ask one library."""
    command = [python, "-m", "bench.conformance.child", name, *keys]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"missing": f"the process ended with {done.returncode}"}
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


if __name__ == "__main__":
    main()
