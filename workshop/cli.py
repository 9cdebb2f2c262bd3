"""The `workshop` command: parses, calls, prints, sets the exit code."""

import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Annotated

import typer
from dotenv import dotenv_values
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from workshop.errors import WorkshopError
from workshop.settings import ROOT, Settings

app = typer.Typer(name="workshop", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@cache
def settings() -> Settings:
    """The environment on top of `.env`; a variable that is set but empty counts as unset."""
    values: Mapping[str, str | None] = dotenv_values(ROOT / ".env", encoding="utf-8-sig")
    env = {name: value for name, value in values.items() if value} | {k: v for k, v in os.environ.items() if v}
    return Settings.from_env(env)


def say(line: str) -> None:
    """Prints a line as it is, unwrapped: links stay whole and square brackets are no markup."""
    out.print(Text(line), soft_wrap=True)


@app.command()
def up(
    lab: Annotated[bool, typer.Option(help="With JupyterLab.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is well.")] = False,
) -> None:
    """Start the Temporal server, the practice services and JupyterLab; Ctrl+C stops them."""
    from workshop import upkeep  # here, so that other commands start faster

    raise typer.Exit(upkeep.up(settings(), say, lab, detach))


@app.command()
def down() -> None:
    """Stop the services that `workshop up` started."""
    from workshop import upkeep

    raise typer.Exit(upkeep.down(settings(), say))


@app.command()
def status() -> None:
    """Show how each service is, and which model, weather and server are used.

    Exit code: 0 when the Temporal server and the practice services are well, 3 when not.
    """
    from workshop import upkeep

    raise typer.Exit(upkeep.status(settings(), say))


def main() -> None:
    """Runs the command and turns every mistake a person can mend into its one line."""
    try:
        app()
    except WorkshopError as error:
        err.print(escape(str(error)), soft_wrap=True)
        sys.exit(1)
