"""The `workshop` command: parses, calls, prints, sets the exit code."""

import asyncio
import io
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from workshop.errors import WorkshopError
from workshop.exercises import FOLDERS
from workshop.settings import ROOT, Settings

if TYPE_CHECKING:
    from temporalio.client import Client

NUMBERS = "|".join(FOLDERS)
app = typer.Typer(name="workshop", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
T = TypeVar("T")
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@cache
def environment() -> Mapping[str, str]:
    """The environment on top of `.env`; a variable that is set but empty counts as unset."""
    from workshop import env

    return env.effective(env.read(ROOT / ".env", os.environ), os.environ)


@cache
def settings() -> Settings:
    """What the environment says of ports, addresses and paths."""
    return Settings.from_env(environment())


def say(line: str) -> None:
    """Prints a line as it is, unwrapped: links stay whole and square brackets are no markup."""
    out.print(Text(line), soft_wrap=True)


def uses() -> list[str]:
    """Which model, weather and server programs will use, in words, and the first thing wrong with that."""
    from workshop import doctor

    finding = doctor.first_problem(ROOT, os.environ, doctor.SETTINGS)
    mode = doctor.mode_words(doctor.Facts.gather(ROOT, os.environ, quick=True))
    lines = [f"Programs use: {mode}", *([str(finding)] if finding else [])]
    if not settings().own_temporal:
        port = settings().temporal_port
        lines.append(f"Programs use the server that TEMPORAL_ADDRESS names, not the one on port {port}.")
    return lines


@app.command()
def up(
    lab: Annotated[bool, typer.Option(help="With JupyterLab.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is well.")] = False,
) -> None:
    """Start the Temporal server, the practice services and JupyterLab; Ctrl+C stops them."""
    from workshop import up_and_down  # here, so that other commands start faster

    raise typer.Exit(up_and_down.up(settings(), say, uses(), lab, detach))


@app.command()
def down() -> None:
    """Stop the services that `workshop up` started."""
    from workshop import up_and_down

    up_and_down.down(settings(), say)


@app.command()
def status() -> None:
    """Show how each service is, and which model, weather and server are used.

    Exit code: 0 when the Temporal server and the practice services are well, 3 when not.
    """
    from workshop import up_and_down

    raise typer.Exit(up_and_down.status(settings(), say, uses()))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def use(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(metavar="[practice|openai|URL]", show_default=False)] = "",
    weather: Annotated[str, typer.Option(help="practice or real; by default as the model.", show_default=False)] = "",
) -> None:
    """Switch .env to the practice model, to OpenAI, or to an OpenAI-compatible server; without MODE, show the mode.

    The weather goes along: the practice one in practice mode, else the real one. Every line of yours is kept:
    what another mode needs is commented out, and comes back with it. Keys go into .env, never on a command line.
    """
    from workshop import doctor, env

    if context.args or weather not in ("", "practice", "real"):  # not repeated: it may be a key
        raise WorkshopError("That is more than one mode, or an unknown option.", "workshop use --help")
    if mode or weather:
        for line in env.use(ROOT, mode, weather or None, os.environ).lines():
            say(line)
    else:
        say(doctor.mode_words(doctor.Facts.gather(ROOT, os.environ)))
    finding = doctor.first_problem(ROOT, os.environ, doctor.SETTINGS)
    asked = doctor.diagnose(ROOT, os.environ, doctor.MODEL_SERVER) if mode else []
    for problem in filter(None, [finding, *asked]):
        say(str(problem))


@app.command("doctor")
def doctor_command(
    report: Annotated[bool, typer.Option("--report", help="Print a report to share, without secrets.")] = False,
) -> None:
    """Find what is wrong with the set-up, and say the one next step for each. Exit code: 1 when there is a problem."""
    from workshop import doctor

    findings = doctor.diagnose(ROOT, os.environ)
    for line in doctor.report(ROOT, os.environ, findings).split("\n") if report else doctor.lines(findings):
        say(line)
    raise typer.Exit(any(finding.level == "problem" for finding in findings))


def _ask(workflow_id: str | None, question: Callable[["Client", str], Awaitable[T]]) -> T:
    """What Temporal says about a workflow, by default the latest."""
    from workshop import temporal

    async def ask() -> T:
        client = await temporal.connect(environment(), settings().temporal_address, settings().temporal_namespace)
        return await question(client, workflow_id or await temporal.latest_workflow_id(client))

    try:
        return asyncio.run(ask())
    finally:
        # The SDK's threads still let go of their last answer; a process that ends meanwhile is aborted, exit code 134.
        time.sleep(0.05)


WorkflowId = Annotated[
    str | None, typer.Argument(metavar="WORKFLOW_ID", help="By default the latest.", show_default=False)
]


@app.command()
def audit(
    workflow_id: WorkflowId = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, uncut, as JSON.")] = False,
    svg: Annotated[
        Path | None, typer.Option(help="Write its timeline, a picture, to this file.", metavar="FILE")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Likewise as a page, with its text.", metavar="FILE")] = None,
) -> None:
    """Show what a workflow did: each model call, tool call, handoff and wait, with attempts and errors."""
    from workshop import audit, history

    if svg or html:
        from workshop.notebook import terminal

        picture = _ask(workflow_id, lambda client, asked: terminal.timeline(client, asked, settings(), environment()))
        for path, text in ((svg, picture.svg), (html, picture.page)):
            if path:
                terminal.write(path, text(), say)
        return
    run = _ask(workflow_id, lambda client, asked: history.read_history(client, asked, environ=environment()))
    if as_json:
        typer.echo(json.dumps(history.as_json(run), indent=2))
    else:
        out.print(audit.Audit(run))


@app.command("watch")
def watch_command(
    workflow_id: WorkflowId = None,
    seconds: Annotated[float, typer.Option(help="The longest to watch.")] = 300,
) -> None:
    """Show a workflow's timeline while it goes on: attempts, pauses, kills. Ctrl+C ends it, and not the workflow."""
    from workshop.notebook import terminal

    try:
        _ask(
            workflow_id,
            lambda client, asked: terminal.watch(client, asked, settings(), environment(), seconds, out),
        )
    except KeyboardInterrupt:
        say("\nNo longer watched.")


@app.command("why")
def why_command(workflow_id: WorkflowId = None) -> None:
    """Say why a workflow is not finished, or how it ended, and the next step."""
    from workshop.practice.client import faults_in_use
    from workshop.why import why

    faults = faults_in_use(settings())
    out.print(_ask(workflow_id, lambda client, asked: why(client, asked, faults, environment())).shown())


@app.command()
def approve(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKFLOW_ID] [yes|no]...", help="A word for each call that waits.")
    ] = None,
) -> None:
    """Decide about the calls that an agent asks for, in the latest workflow by default; without a word, show them."""
    from workshop import approval

    named = words[0] if words and words[0] not in ("yes", "no") else None
    decisions = (words or [])[named is not None :]
    for line in _ask(named, lambda client, asked: approval.decide(client, asked, decisions)):
        say(line)


@app.command()
def fault(
    target: Annotated[str, typer.Argument(metavar="[model|weather|clear]", show_default=False)] = "",
    kind: Annotated[str, typer.Argument(metavar="[KIND]", show_default=False)] = "",
    seconds: Annotated[
        float | None, typer.Argument(metavar="[DELAY]", help="The same as --delay.", show_default=False)
    ] = None,
    times: Annotated[int | None, typer.Option(help="How many requests it hits; by default until cleared.")] = None,
    after: Annotated[int | None, typer.Option(help="How many requests it lets through first.")] = None,
    retry_after: Annotated[str | None, typer.Option(help="Retry-After: seconds, or an HTTP date.")] = None,
    delay: Annotated[float | None, typer.Option(help="Seconds before the answer.")] = None,
    probability: Annotated[float | None, typer.Option(help="Of hitting a request, 0 to 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="Makes --probability repeatable.")] = None,
) -> None:
    """Make the practice model or weather fail on purpose; without arguments, show the faults set.

    \b
    model:    rate-limit, quota, bad-key, down, server-error, drop, slow, garbage,
              error-body, unknown-tool, two-handoffs, bad-arguments, empty-answer
    weather:  down, slow, drop, garbage, not-found, forbidden, huge, over
    clear:    ends them; requests that are being delayed go on at once

    Example: workshop fault model rate-limit --after 1 --times 3 --retry-after 2
    """
    from workshop.practice.client import Practice
    from workshop.practice.faults import KINDS, BadFault, Fault
    from workshop.practice.report import faults_shown

    practice = Practice(settings().practice_url)
    options = {"times": times, "after": after, "retry_after": retry_after, "probability": probability, "seed": seed}
    options["delay"] = delay if seconds is None else seconds
    given = any(value is not None for value in options.values())
    if target not in ("model", "weather") and (given or target not in ("", "clear")):
        raise WorkshopError(f"A fault is set on model or weather, not on {target!r}.", "workshop fault --help")
    if target in ("model", "weather") and not kind:
        raise WorkshopError(f"Which fault should {target} have?", "workshop fault --help")
    if seconds is not None and delay is not None:
        raise WorkshopError("The delay is given twice.", f"workshop fault {target} {kind} {delay:g}")
    if kind in KINDS.get(target, ()):
        try:
            Fault.parse({"target": target, "kind": kind, **options})
        except BadFault as bad:  # told like any other option that has a wrong value
            err.print(Text(f"No fault was set: {bad}."), soft_wrap=True)
            raise typer.Exit(2) from None
    if target == "clear":
        faults = practice.clear(kind or None)
    elif target:
        faults = practice.fault(target, kind, **options)
    else:
        faults = practice.faults()
    out.print(faults_shown(faults))


@app.command()
def ledger(
    as_json: Annotated[bool, typer.Option("--json", help="Print entries and totals as JSON.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Empty it.")] = False,
    about: Annotated[str, typer.Option(help="Only the runs in which this text occurs.", show_default=False)] = "",
) -> None:
    """Show every request the practice services received: run, outcome, tokens, cost, and totals."""
    from workshop.practice.client import Practice
    from workshop.practice.report import ledger_shown

    practice = Practice(settings().practice_url)
    book = practice.clear_ledger() if clear else practice.ledger(about=about)
    if as_json:
        typer.echo(json.dumps(book, indent=2))
        return
    if clear:
        say("The ledger is emptied.")
    else:
        out.print(ledger_shown(book, about))


@app.command("check")
def check_command(
    exercise: Annotated[str, typer.Argument(metavar=f"[{NUMBERS}]", show_default=False)] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Again at every change of a file, until Ctrl+C.")] = False,
) -> None:
    """Check what is done of an exercise; without one, show the progress in all. Exit code: 1 if one did not pass."""
    from workshop.notebook import terminal

    if not exercise:
        terminal.progress(settings(), say)
        return
    raise typer.Exit(terminal.check(settings(), exercise, watch, say))


@app.command("reset")
def reset_command(exercise: Annotated[str, typer.Argument(metavar=NUMBERS, show_default=False)]) -> None:
    """Give an exercise back as it was handed out. What you had there is kept, in a folder with the date in its name."""
    from workshop.notebook import terminal

    terminal.reset_exercise(settings(), exercise, say)


def _hold_to_claims(problems: list[str]) -> None:
    if problems:
        raise WorkshopError(f"Not as claimed: {'; '.join(problems)}.", "run it again; if it stays so, report it")


@app.command("demo")
def demo_command(
    talk: Annotated[bool, typer.Option("--talk", help="Step by step, for a room; Enter goes on.")] = False,
    step: Annotated[int | None, typer.Option(help="That step of the talk alone.", show_default=False)] = None,
) -> None:
    """Kill a plain and a durable agent in mid-run and show what each lost. Exit code: 1 if a claim does not hold."""
    from workshop import audit, demo

    if talk or step is not None:
        _talk(step)
        return
    with demo.on_own_services(say) as shown:
        say(f"\n1. The plain agent is asked: {demo.QUESTION}")
        answer, plain = shown.plain(kill=True)
        say(f"Answer: {answer}")
        for line in plain.lines:
            say(line)
        say("\n2. The same agent, durable, is asked the same.")
        run, durable = shown.durable(kill=True)
        say(f"Answer: {run.result}")
        out.print(audit.Audit(run))
        for line in durable.lines:
            say(line)
        _hold_to_claims(demo.problems(answer, plain, run, durable))


def _talk(only: int | None) -> None:
    """The steps of the talk, or one of them. Where there is a terminal, slowly, and each when Enter is pressed."""
    from rich.panel import Panel

    from workshop import demo

    if only not in (None, *range(1, len(demo.STEPS) + 1)):
        raise WorkshopError(f"There is no step {only}.", f"workshop demo --step 1, or up to {len(demo.STEPS)}")
    room, width = out.is_terminal and sys.stdin.isatty(), min(out.width, 70)

    def slowly(line: str) -> None:
        for part in line.splitlines() or [""]:
            out.print(Text(part))
            time.sleep(0.5 if room else 0)

    with demo.on_own_services(slowly) as shown:
        for number, step in enumerate(demo.STEPS, 1):
            if only not in (None, number):
                continue
            heading = Text(f"{number}. {step.title}\n\n{step.told}", "bold")
            out.print("", Panel(heading, padding=(1, 3), width=width))
            if room:
                out.input("Enter starts it ... ")
            counted, good, problems = demo.show(shown, step)
            _hold_to_claims(problems)
            style = "bold green" if good else "bold red"
            out.print("", Panel(Text(counted, style), padding=(1, 3), width=width, style=style))


@app.command("compare")
def compare_command(
    questions: Annotated[int, typer.Option(help="How many.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed is another plan of questions, faults and kills.")] = 1,
    csv: Annotated[Path | None, typer.Option(help="Write a row for each question and way.", show_default=False)] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the picture.", show_default=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write picture and tables.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each row as JSON as soon as it is there.")] = False,
) -> None:
    """Ask the same questions under the same faults and kills three ways: plain, plain with a loop, durable.

    Services, faults and ledger of yours are not touched. Ctrl+C ends it, and shows what was counted until then.
    Exit code: 1 if a recorded call was made again, 130 after Ctrl+C.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from workshop import compare
    from workshop.notebook import terminal

    planned = compare.plan(questions, seed)
    files = {csv: compare.Comparison.csv, svg: compare.Comparison.svg, html: compare.Comparison.page}
    for path in files:
        if path and not path.resolve().parent.is_dir():  # told now, not when all is done
            raise WorkshopError(f"There is no folder {path.resolve().parent}.", "name a file in a folder that exists")
    tell: Callable[[str], None] = (lambda line: None) if as_json else say
    tell(f"{compare.announced(questions)} on two cores. Ctrl+C ends it.")
    rows: list[compare.ComparedRow] = []
    columns = (TextColumn("{task.fields[way]:>11}"), BarColumn(12), MofNCompleteColumn(), TimeElapsedColumn())
    stopped = False
    try:
        with (
            compare.ways_on_own_services(tell) as ways,
            Progress(*columns, TextColumn("{task.description}"), console=out, disable=as_json) as progress,
        ):
            tasks = {way.name: progress.add_task("", total=questions, way=way.name) for way in ways}

            def got(row: compare.ComparedRow) -> None:
                rows.append(row)
                if as_json:
                    typer.echo(json.dumps(asdict(row)))
                progress.update(tasks[row.way], advance=1, description="done")

            compare.ask_all(ways, planned, lambda way, what: progress.update(tasks[way], description=what), got)
    except KeyboardInterrupt:
        stopped = True
        tell("Stopped. All that was started is ended.")
    finally:  # also after an error: what was counted was counted
        found = compare.Comparison(questions, seed, tuple(rows))
        if rows and not as_json:
            out.print(found)
        for file, form in files.items():
            if file and rows:
                terminal.write(file, form(found), tell)
    _hold_to_claims(found.problems)
    if stopped:
        raise typer.Exit(130)


def main() -> None:
    """Runs the command and turns every mistake a person can fix into its one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no such character gets its number, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except WorkshopError as error:
        err.print(Text(str(error)), soft_wrap=True)
        sys.exit(1)
