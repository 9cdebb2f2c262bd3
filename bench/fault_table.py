"""The fault table, from real runs, in about four minutes: `python -m bench.fault_table [--write] [CASE ...]`."""

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.document import publish, table, where_and_when
from bench.trial import Seen, Trial
from tests.fault_table import BLIND, CASES, EMPTY, FAILED, LOST
from workshop.services import own_services

TITLE = "What happens under each fault"
HEADS = ("fault", "the plain agent", "tries", "paid", "twice", "the durable agent", "tries", "paid", "twice")
LONGEST = 130  # characters of what a person reads
LEGEND = f"""\
From real runs of solution 01 (plain) and 03 (durable; 04 for handoffs), question and answer of two model calls and one
tool call. A fault of the model hits the second call; kills come in the middle of it, or where the table says. A
*recorded* call is never made again; one that was in flight, or answered and not yet recorded, is. *Tries*: requests for
the call that met the fault. *Paid*: model calls that were answered, or in flight when the caller was killed or gave up.
*Twice*: those of them that had been paid before. A run that is *{LOST}* or *failed* is asked again once the fault is
over, and that counts too. In quotation marks: the line that the person reads. Timeouts of minutes are shortened to
seconds, by one edit, to show what is slower."""


def cells(seen: Seen | None) -> tuple[str, str, str, str]:
    """How a run ended, in four cells."""
    if seen is None:
        return "has none", "-", "-", "-"
    text = seen.ends.outcome
    if seen.ends.outcome in (BLIND, EMPTY, FAILED, LOST):
        text += f"\n“{shorten(seen.reads)}”" if seen.reads else "\n(nothing is printed)"
    return text, str(seen.ends.attempts), str(seen.ends.paid), str(seen.ends.twice)


def shorten(text: str) -> str:
    """A line for a table: the ports are the usual ones, and its end is left out where it is long."""
    line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8234", text).strip()
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rsplit(' ', 1)[0]} …"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fault_table", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these: " + ", ".join(case.id for case in CASES))
    parser.add_argument("--write", action="store_true", help="into docs/faults.md")
    options = parser.parse_args()
    rows = []
    with TemporaryDirectory(prefix="workshop-bench-") as directory, own_services(Path(directory, "state")) as services:
        trial = Trial(services, Path(directory), hurry=False)
        try:
            for case in CASES:
                if not options.cases or case.id in options.cases:
                    plain, durable = trial.both(case)
                    rows.append((case.title, *cells(plain), *cells(durable)))
                    print(" | ".join(rows[-1]).replace("\n", " "), flush=True)
                    if (plain and plain.ends) != case.plain or durable.ends != case.durable:
                        raise SystemExit(
                            f"{case.id} did not end as tests/fault_table.py says:\n{case}\n{plain}\n{durable}"
                        )
        finally:
            trial.close()
    if options.write and not options.cases:
        note = f"{where_and_when()}. Made by `python -m bench.fault_table`."
        publish("faults", TITLE, f"{LEGEND}\n\n{table(HEADS, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
