"""Compare with peers: python -m bench [--quick] [--loop LOOPS] [--python PYTHON] [--only NAMES] [--peers NAMES]."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import places, plot, run
from bench.families import FAMILIES, UNIT, Family
from bench.harness import ROOT, Ready
from bench.report import markdown
from bench.results import Results
from bench.subjects import FIRST, SUBJECTS, Subject

FOLDER = ROOT / "bench" / "results"
VERSIONS = (
    "import importlib.metadata as m, json, sys\n"
    "have = {d.name: d.version for d in m.distributions()}\n"
    "print(json.dumps({n: have[n] for n in sys.argv[1:] if n in have}))"
)
DISTRIBUTIONS = ("aiochan-csp", "anyio", "trio", "janus", "culsans", "aiologic", "uvloop")

OURS = {subject.name for subject in SUBJECTS if subject.is_ours}
LISTS = [SUBJECTS, *(family.subjects for family in FAMILIES)]
NAMES = list(dict.fromkeys(subject.name for subjects in LISTS for subject in subjects))
OF_FAMILIES = set().union(*(family.choices for family in FAMILIES))


def main() -> int:
    options = _options()
    folder = options.out or (None if options.partial else FOLDER)
    failed = False
    for results in _all(options):
        page = markdown(results)
        print(page)
        if folder is not None:
            _write(results, page, folder)
        failed |= any(failure.partition(":")[0] in OURS for failure in results.failures)
    return int(failed)


def _all(options: argparse.Namespace) -> Iterator[Results]:
    """Measure on each interpreter and each loop, or read what was measured."""
    if options.render:
        yield Results(**json.loads(options.render.read_text()))
        return
    for python in map(places.interpreter, options.python or [None]):
        for loop in options.loop:
            yield _measure(options, python, loop)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare with peers.")
    parser.add_argument("--quick", action="store_true", help="a first look, in about two minutes")
    parser.add_argument("--loop", default="asyncio", help=f"of {', '.join(places.LOOPS)}; separated by commas")
    parser.add_argument("--python", action="append", help="another interpreter, a command or a path; several times too")
    parser.add_argument("--only", default="", help=f"of {', '.join(run.choices())}; separated by commas")
    parser.add_argument("--peers", default="", help=f"of {', '.join(NAMES)}; separated by commas")
    parser.add_argument("--rounds", type=int, help="how often each workload is measured")
    parser.add_argument("--out", type=Path, help="where results go; a run of everything goes to bench/results")
    parser.add_argument("--render", type=Path, metavar="JSON", help="measure nothing, write these results anew")
    options = parser.parse_args()
    options.loop = sorted(_names(parser, options.loop, list(places.LOOPS)))
    options.only = _names(parser, options.only, run.choices())
    options.peers = _names(parser, options.peers, NAMES)
    options.partial = bool(options.quick or options.only or options.peers or options.render)
    return options


def _names(parser: argparse.ArgumentParser, given: str, known: list[str]) -> set[str]:
    names = {name for name in given.split(",") if name}
    if unknown := names - set(known):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


def _measure(options: argparse.Namespace, python: Path, loop: str) -> Results:
    began = time.monotonic()
    size = run.QUICK if options.quick else run.FULL
    if options.rounds:
        size = replace(size, rounds=options.rounds)
    subjects = [] if options.only and options.only <= OF_FAMILIES else _chosen(options, SUBJECTS, FIRST)
    ready, missing = places.prepare(subjects, python, loop)
    families: dict[str, list[Ready]] = {}
    for family in FAMILIES:
        families[family.name], more = places.prepare(_taking_part(options, family), python, loop)
        missing |= more
    floors, no_floors = places.floors(python) if not options.only or "floors" in options.only else ([], {})
    results = Results(missing=missing | no_floors)
    results.about = {
        "python": f"{platform.python_implementation()} {places.version_of(python)}",
        "loop": loop,
        "rounds": size.rounds,
        "seconds": size.seconds,
        "quick": options.quick,
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": _versions(ready, python),
    }
    run.measure(results, run.Here(ready, floors, families), options.only, loop, size)
    results.about["minutes"] = round((time.monotonic() - began) / 60, 1)
    return results


def _taking_part(options: argparse.Namespace, family: Family) -> list[Subject]:
    if options.only and not options.only & family.choices:
        return []
    return _chosen(options, family.subjects, UNIT)


def _chosen(options: argparse.Namespace, subjects: list[Subject], unit: str) -> list[Subject]:
    return [subject for subject in subjects if not options.peers or subject.name in options.peers | {unit}]


def _versions(ready: list[Ready], python: Path) -> dict[str, str]:
    done = subprocess.run([python, "-P", "-c", VERSIONS, *DISTRIBUTIONS], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    if any(one.subject.go for one in ready) and (go := places.go_version()):
        versions["Go"] = go.removeprefix("go")
    return versions


def _write(results: Results, page: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _, _, version = str(results.about["python"]).partition(" ")
    stem = folder / f"{'.'.join(version.split('.')[:2])}-{results.about['loop']}"
    stem.with_name(f"{stem.name}.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    stem.with_name(f"{stem.name}.md").write_text(page)
    try:
        plot.draw(results, stem)
    except ImportError as error:
        print(f"no picture: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
