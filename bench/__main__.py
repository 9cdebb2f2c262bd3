"""How fast the durable agent recovers, and what it costs: `python -m bench [--quick] [--write]`.

What was measured is kept in measured.json, part by part, and docs/bench.md is made of that.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from temporalio.client import Client

from bench.document import publish, table, where_and_when
from bench.load import crowd, durable_runs, endless, false_timeouts, growth, plain_runs, worker_starts
from bench.recovery import FIRST, IN_TASK, IN_TOOL, PAUSE, POINTS, SECOND, Lane, dismiss, lanes, polite_stop, recovery
from tests.folders import DURABLE, ROUTING
from tests.harness import PracticeFrom, Solutions
from workshop.services import own_services
from workshop.settings import HOST, ROOT

TITLE = "How fast it recovers, and what it costs"
HEADS = ("what", "n", "measured", "usual settings", "to reach")
LIMITS = {FIRST: 3.5, SECOND: 3.5, PAUSE: 3.5, IN_TOOL: 4.0, IN_TASK: 4.0}  # seconds
FOREVER = 1_000_000  # turns
KEPT = {10: "the last 10", FOREVER: "all"}
MEASURED = Path(__file__).with_name("measured.json")
LEGEND = """\
Medians, with the least and the greatest in brackets. *Killed*: from SIGKILL to the finished answer, a second worker
polling already, the model answering at once; in the pause, less the rest of the pause. *Usual settings*:
`start_to_close_timeout=30s` and nothing else, for model and tool, measured in the same run."""


Line = list[str]  # of the table, as HEADS has it


def line(what: str, n: int, measured: str, usual: str = "", limit: str = "", met: bool | None = None) -> Line:
    """One line. `met` is None where there is nothing to reach."""
    verdict = {None: "", True: ": reached", False: ": missed"}[met]
    return [what, str(n), measured, usual, limit + verdict]


class Measuring:
    """One measuring of everything. `n` is how often each kill is repeated."""

    def __init__(self, copies: Solutions, client: Client, n: int, quick: bool) -> None:
        self.copies, self.client, self.n, self.quick = copies, client, n, quick

    async def kills(self) -> list[Line]:
        usual_n = 1 if self.quick else 3
        ours, theirs = self._crews("ours", 1), self._crews("usual", usual_n, usual=True)
        lines = []
        for point in POINTS:
            print(f"  killed in {point}", file=sys.stderr, flush=True)
            kind = point == PAUSE
            mine = [one for _ in range(self.n) for one in await recovery(self.copies, self.client, ours[kind], point)]
            usual = ""
            if not self.quick or point == FIRST:
                seen = await recovery(self.copies, self.client, theirs[kind], point)
                usual = spread([one.seconds for one in seen])
            spoiled = sum(not one.clean for one in mine)
            note = f"; {spoiled} with a false timeout" if spoiled else ""
            seconds = [one.seconds for one in mine]
            limit = LIMITS[point]
            met = statistics.median(seconds) <= limit
            lines.append(line(f"killed in {point}", self.n, spread(seconds) + note, usual, f"{limit:g} s", met))
        for crew in (*ours.values(), *theirs.values()):
            dismiss(crew)
        return lines

    def _crews(self, name: str, count: int, usual: bool = False) -> dict[bool, list[Lane]]:
        """The lanes for 03, and those for 04."""
        folders = {False: DURABLE, True: ROUTING}
        return {kind: lanes(self.copies, folder, f"{name}{kind:d}-", count, usual) for kind, folder in folders.items()}

    async def stops(self) -> list[Line]:
        (lane,) = crew = lanes(self.copies, DURABLE, "stops")
        seen = [await polite_stop(self.copies, self.client, lane) for _ in range(self.n)]
        dismiss(crew)
        beyond, again = [seconds for seconds, _ in seen], sum(again for _, again in seen)
        what = "stopped politely (SIGTERM): beyond the new worker's start"
        met = statistics.median(beyond) <= 1 and not again
        return [line(what, self.n, f"{spread(beyond)}; made again: {again}", "", "1 s; nothing made again", met)]

    async def starts(self) -> list[Line]:
        pairs = worker_starts(self.copies, DURABLE, self.n)
        ratio = statistics.median(took / bare for bare, took in pairs)
        what = "a worker's start, against the bare import of its packages"
        took, bare = spread([took for _, took in pairs]), spread([bare for bare, _ in pairs])
        return [line(what, self.n, f"{ratio:.2f} times: {took} against {bare}", "", "1.2 times", ratio <= 1.2)]

    async def timeouts(self) -> list[Line]:
        workflows = 10 if self.quick else 50
        (lane,) = lanes(self.copies, DURABLE, "timeouts")
        errors = await false_timeouts(self.copies, self.client, lane, workflows, latency=3)
        what = f"false timeouts in {2 * workflows} model calls of 3 s, a new worker, {os.cpu_count()} cores busy"
        return [line(what, 2 * workflows, str(len(errors)), "", "0", not errors)]

    async def crowds(self) -> list[Line]:
        (lane,) = lanes(self.copies, DURABLE, "crowds")
        lines = []
        for agents in (50,) if self.quick else (200, 1000):
            for busy in (False, True):
                print(f"  {agents} agents at once", file=sys.stderr, flush=True)
                seen = await crowd(self.copies, self.client, lane, agents, latency=1, busy=busy)
                where = f"{os.cpu_count()} cores busy with other work" if busy else "a quiet machine"
                text = (
                    f"{agents / seen.seconds:.1f} runs/s; {seen.requests:,} model requests, {seen.again} made again, "
                )
                text += f"{seen.retried} activities retried, {seen.task_timeouts} workflow tasks timed out; "
                text += f"worker {seen.worker:.0f} MB, server {seen.server:.0f} MB"
                clean = (seen.requests, seen.again, seen.retried, seen.task_timeouts) == (2 * agents, 0, 0, 0)
                what = f"{agents:,} agents at once, two model calls of 1 s each, one worker, {where}"
                lines.append(line(what, agents, text, "", "no timeout, nothing made again", clean))
                print(f"  {text}", file=sys.stderr, flush=True)
        return lines

    async def overhead(self) -> list[Line]:
        (lane,) = lanes(self.copies, DURABLE, "overhead")
        lines = []
        for latency, n in ((0, 5 if self.quick else 50), (1, 2 if self.quick else 8)):
            plain = statistics.median(plain_runs(self.copies, n, latency))
            durable = statistics.median(await durable_runs(self.copies, self.client, lane, n, latency))
            text = f"{durable * 1000:,.0f} ms against {plain * 1000:,.0f} ms: {durable - plain:+.2f} s"
            text += f", {durable / plain - 1:+.0%}" if latency else ""
            lines.append(line(f"a durable run against a plain one, model latency {latency} s", n, text))
        return lines

    async def histories(self) -> list[Line]:
        grown = [await growth(self.copies, turns) for turns in ((5, 10) if self.quick else (10, 20, 40, 80))]
        return [
            line(
                f"history of a conversation of {one.turns} turns, 400 characters each",
                1,
                f"{one.kib:,.0f} KiB, {one.events} events, {one.seconds:.1f} s",
            )
            for one in grown
        ]

    async def conversations(self) -> list[Line]:
        # Even the fewest are more than it remembers: until then each turn takes more than the one before.
        few, many, all_kept = (20, 40, 40) if self.quick else (50, 500, 100)
        lines, each = [], {}
        for turns, remembered in ((few, 10), (many, 10), (few, FOREVER), (all_kept, FOREVER)):
            seen = await endless(self.copies, self.client, turns, remembered)
            each[turns, remembered] = (seen.kib / turns, seen.seconds / turns)
            kib, seconds = each[turns, remembered]
            text = f"{seen.kib:,.0f} KiB, {seen.events:,} events, {seen.seconds:.1f} s; "
            text += f"a turn: {kib:.1f} KiB, {seconds:.2f} s"
            print(f"  {turns} turns, {KEPT[remembered]} remembered: {text}", file=sys.stderr, flush=True)
            what = (
                f"a conversation that continues as new after 10 turns, and remembers {KEPT[remembered]}: {turns} turns"
            )
            limit, met = "", None
            if (turns, remembered) == (many, 10):
                limit = f"a turn within 1.3 times that of {few}"
                met = all(now <= 1.3 * before for now, before in zip(each[many, 10], each[few, 10], strict=True))
            lines.append(line(what, 1, text, "", limit, met))
        return lines


PARTS = {
    "kills": Measuring.kills,
    "stops": Measuring.stops,
    "starts": Measuring.starts,
    "timeouts": Measuring.timeouts,
    "crowds": Measuring.crowds,
    "overhead": Measuring.overhead,
    "histories": Measuring.histories,
    "conversations": Measuring.conversations,
}


def page(measured: Mapping[str, Any]) -> str:
    """All that was measured, as a table, and where and when that was."""
    rows = [row for part in measured.values() for row in part["rows"]]
    parts: dict[str, list[str]] = {}
    for name, part in measured.items():
        parts.setdefault(part["note"], []).append(name)
    notes = [f"{', '.join(names)}: {note}" if len(parts) > 1 else note for note, names in parts.items()]
    return f"{LEGEND}\n\n{table(HEADS, rows)}\n\n{'; '.join(notes)}. Made by `make bench`."


def spread(seconds: Sequence[float]) -> str:
    """The median, and between which values it lies."""
    median = f"{statistics.median(seconds):.1f} s"
    return f"{median} ({min(seconds):.1f}-{max(seconds):.1f})" if len(seconds) > 1 else median


async def measure(copies: Solutions, n: int, options: argparse.Namespace) -> dict[str, Any]:
    """What was measured, by part; with --write, each part is written as soon as it is there."""
    client = await Client.connect(copies.settings.temporal_address)
    measuring, found = Measuring(copies, client, n, options.quick), {}
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            print(f"Measuring: {name} ...", file=sys.stderr, flush=True)
            rows = await part(measuring)
            found[name] = {"note": ", ".join([where_and_when(), *options.server]), "rows": rows}
            for row in rows:
                print(f"  {': '.join(row[:3])}", file=sys.stderr, flush=True)
            if options.write:
                known = json.loads(MEASURED.read_text(encoding="utf-8")) | found
                known = {part: known[part] for part in PARTS if part in known}
                MEASURED.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
                publish("bench", TITLE, page(known))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("-n", type=int, help="how often each kill is repeated: 5, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a short run, about two minutes, to see that all works")
    parser.add_argument("--write", action="store_true", help="into docs/bench.md; parts that are not measured stay")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=[], help="some parts only")
    setting = "a setting of Temporal's dynamic configuration"
    parser.add_argument("--server", action="append", default=[], metavar="KEY=VALUE", help=setting)
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("a quick run measures too little to be written. Next: leave out --quick, or --write")
    n = options.n or (1 if options.quick else 5)
    # One part runs an agent in this process: nothing of it leaves the machine.
    os.environ |= {"OPENAI_AGENTS_DISABLE_TRACING": "1", "NO_PROXY": HOST, "no_proxy": HOST}
    with (
        TemporaryDirectory(prefix="workshop-bench-") as directory,
        own_services(
            Path(directory, "state"), ROOT, print, [f"--dynamic-config-value={one}" for one in options.server]
        ) as services,
    ):
        copies = Solutions(services, PracticeFrom(services.settings.practice_url), Path(directory))
        try:
            found = asyncio.run(measure(copies, n, options))
        finally:
            copies.close()
    Console().print(Markdown(f"# {TITLE}\n\n{page(found)}"))


if __name__ == "__main__":
    main()
