"""Put the mutants through the jobs.

python -m tests.mutants [--only NAME] [--core CORE] [--jobs N] [--all-jobs] [--write]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.compiler import missing
from tests.mutants.jobs import JOBS
from tests.mutants.mutant import Mutant, load_all
from tests.mutants.table import CORES, Row, markdown, row_of
from tests.mutants.workshop import Workshop

TABLES = {core: Path(__file__).with_name(name) for core, name in (("python", "TABLE.md"), ("c", "TABLE_C.md"))}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    mutants = [
        mutant
        for mutant in load_all()
        if (not options.only or any(part in mutant.name for part in options.only))
        and options.core in (None, mutant.core)
    ]
    if not mutants:
        print("no such mutant")
        return 2
    if (why := missing()) and any(mutant.core == "c" for mutant in mutants):
        print(f"without the faults of the compiled core: {why}")
        mutants = [mutant for mutant in mutants if mutant.core != "c"]
    began = time.monotonic()
    shops: SimpleQueue[Workshop] = SimpleQueue()
    made = [Workshop() for _ in range(options.jobs)]
    for shop in made:
        shops.put(shop.__enter__())
    try:
        if not options.unchecked and not all(_sound(made[0], *one) for one in _needed(mutants, options)):
            return 1
        rows = _table(mutants, shops, options)
    finally:
        for shop in made:
            shop.__exit__(None, None, None)
    alive = [row.mutant.name for row in rows if not row.killed]
    print(f"{len(rows) - len(alive)} of {len(rows)} killed in {time.monotonic() - began:.0f} s")
    if alive:
        print("ALIVE:", ", ".join(alive))
    for core, table in TABLES.items() if options.write else ():
        if those := [row for row in rows if row.mutant.core == core]:
            table.write_text(markdown(those, core), encoding="utf-8")
            print(f"written: {table}")
    return 1 if alive else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Put the mutants through the jobs.")
    parser.add_argument("--only", action="append", metavar="NAME", help="only mutants with this in their name")
    parser.add_argument("--core", choices=list(CORES), help="only mutants of this core")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many processes at once (default: 1)")
    parser.add_argument("--all-jobs", action="store_true", help="every job for every mutant, not only until it is dead")
    parser.add_argument("--write", action="store_true", help="write the tables")
    parser.add_argument("--unchecked", action="store_true", help="do not see first that the package as it is passes")
    return parser.parse_args(arguments)


def _needed(mutants: Sequence[Mutant], options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """List on which core which jobs are needed."""
    for core in CORES:
        wanted = {mutant.expect for mutant in mutants if mutant.core == core}
        if wanted:
            yield from (
                (core, job) for job in JOBS if job in wanted or not (options.only or options.core) or options.all_jobs
            )


def _sound(shop: Workshop, core: str, job: str) -> bool:
    """See that the unmutated copy passes, or a failure would mean nothing."""
    (verdict,) = shop.judge(None, [job], core=core)
    report = verdict.report
    how = f"FAILS at {report.where}: {report.why} {report.line}" if verdict.killed else "passes"
    print(f"unmutated, {core}: {job} {how} ({report.count:,} {report.unit}, {verdict.seconds:.1f} s)", flush=True)
    if verdict.killed:
        print(shop.log()[-4_000:])
    return not verdict.killed


def _table(mutants: Sequence[Mutant], shops: SimpleQueue[Workshop], options: argparse.Namespace) -> list[Row]:
    def judge(mutant: Mutant) -> Row:
        shop = shops.get()
        try:
            jobs = [mutant.expect, *(job for job in JOBS if job != mutant.expect)]
            row = row_of(mutant, shop.judge(mutant, jobs, every=options.all_jobs))
        finally:
            shops.put(shop)
        print(row.line(), flush=True)
        return row

    with ThreadPoolExecutor(options.jobs) as threads:
        return list(threads.map(judge, mutants))


if __name__ == "__main__":
    sys.exit(main())
