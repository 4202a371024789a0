"""Print both tables: `python -m tests.hazards.table`."""

import asyncio

from tests.hazards.means import MEANS, ORDERS, Meeting
from tests.hazards.receiving import RECEIVE, VARIANTS, receive_cell
from tests.hazards.sending import SEND, SEND_VARIANTS, TAKEN, send_cell


async def receiver(row, means, order):
    """Say in one word what happens to a receiver in this row, or in several if the variants differ."""
    cells = [await receive_cell(row, *variant, means, Meeting(order)) for variant in VARIANTS]
    return ", ".join(sorted({verdict for verdict, _ in cells}))


async def sender(row, means, order):
    """Say it of a sender."""
    variants = [variant for variant in SEND_VARIANTS if (row, variant[0]) != ("reserve", TAKEN)]
    cells = [await send_cell(row, *variant, means, Meeting(order)) for variant in variants]
    return ", ".join(sorted({verdict for verdict, _ in cells}))


async def main():
    for title, rows, cell in (("Receivers", RECEIVE, receiver), ("Senders", SEND, sender)):
        for order in ORDERS:
            print(f"\n{title}: {order}\n")
            print(f"| operation | {' | '.join(means.name for means in MEANS)} |")
            print(f"| --- |{' --- |' * len(MEANS)}")
            for row in rows:
                words = [await cell(row, means, order) for means in MEANS]
                print(f"| {row} | {' | '.join(words)} |")


if __name__ == "__main__":
    asyncio.run(main())
