"""Faults and ledger as lines of text for a terminal. Nothing is cut or marked up beyond what the ledger keeps."""

from datetime import datetime
from typing import Any

from workshop.practice.prices import PRICE_BASIS

# How a request ended, as a person reads it.
WORDS = {"completed": "answered", "failed": "refused", "abandoned": "abandoned", "in flight": "in flight"}


def fault_lines(faults: list[dict[str, Any]], clear: str = "workshop fault clear") -> list[str]:
    """What is set, a line each, and how to clear it."""
    if not faults:
        return ["No fault is set."]
    return [*(_fault(fault) for fault in faults), f"Clear with: {clear}"]


def ledger_lines(ledger: dict[str, Any]) -> list[str]:
    """Every request in two or three lines, then the totals and what the cost is based on."""
    lines = [line for entry in ledger["entries"] for line in _entry(entry)]
    if not lines:
        return ["The ledger is empty: nothing was asked yet."]
    model, weather = ledger["totals"]["model"], ledger["totals"]["weather"]
    return [
        *lines,
        "",
        f"model    {_counts(model)}; {model['input_tokens']} tokens in, {model['output_tokens']} out, "
        f"${model['cost_usd']:.6f}",
        f"         answered calls made again within a run: {model['completed_again']}",
        f"weather  {_counts(weather)}",
        *_alerts(weather),
        "",
        PRICE_BASIS,
    ]


def _alerts(weather: dict[str, Any]) -> list[str]:
    """How many alerts were sent, if anybody wanted to."""
    sent, known = weather["alerts_sent"], weather["alerts_not_sent_again"]
    return (
        [f"         alerts sent to residents: {sent}; not sent again, by their key: {known}"] if sent or known else []
    )


def _fault(fault: dict[str, Any]) -> str:
    times, left = fault["times"], fault["left"]
    parts = [
        f"after {fault['spare']} more" if fault["spare"] else "",
        "until it is cleared" if times is None else f"{left} of {times} times left",
        f"{fault['delay']:g} s delay" if fault["delay"] else "",
        f"Retry-After {fault['retry_after']}" if fault["retry_after"] else "",
        f"probability {fault['probability']:g}" if fault["probability"] is not None else "",
        f"seed {fault['seed']}" if fault["seed"] is not None else "",
    ]
    return f"{fault['target']} {fault['kind']}: " + ", ".join(part for part in parts if part)


def _entry(entry: dict[str, Any]) -> list[str]:
    began = datetime.fromisoformat(entry["began"])
    took = f"{(datetime.fromisoformat(entry['ended']) - began).total_seconds():.2f} s" if entry["ended"] else ""
    parts = [
        f"#{entry['id']}",
        f"{began:%H:%M:%S}",
        f"{entry['service']:7}",
        f"{entry['run']} turn {entry['turn']}" if entry["run"] else "no run",
        f"{WORDS[entry['outcome']]} {entry['status'] or ''}".strip(),
        f"fault {entry['fault']}" if entry["fault"] else "",
        took,
        f"{entry['input_tokens']} + {entry['output_tokens']} tokens" if entry["output_tokens"] else "",
        f"${entry['cost_usd']:.6f}" if entry["cost_usd"] else "",
        "sent to residents" if entry["sent"] else "",
        f"{'answered before' if entry['sent'] is None else 'not sent again: sent'} as #{entry['repeats']}"
        if entry["repeats"]
        else "",
    ]
    lines = ["  ".join(part for part in parts if part), f"     asked     {entry['asked']}"]
    return lines + ([f"     answered  {entry['answered']}"] if entry["answered"] is not None else [])


def _counts(totals: dict[str, Any]) -> str:
    counts = ", ".join(f"{totals[name.replace(' ', '_')]} {word}" for name, word in WORDS.items())
    return f"{totals['requests']} request{'s' * (totals['requests'] != 1)}: {counts}"
