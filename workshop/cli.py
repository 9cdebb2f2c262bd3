"""The `workshop` command: parses, calls, prints, sets the exit code."""

import os
import sys
from collections.abc import Mapping
from functools import cache

import typer
from dotenv import dotenv_values
from rich.console import Console
from rich.markup import escape

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


def main() -> None:
    """Runs the command and turns every mistake a person can mend into its one line."""
    try:
        app()
    except WorkshopError as error:
        err.print(escape(str(error)), soft_wrap=True)
        sys.exit(1)
