"""Faults and ledger, as a person is shown them. Nothing is cut beyond what the ledger keeps."""

from datetime import datetime
from typing import Any

from workshop.practice.prices import PRICE_BASIS
from workshop.shown import Block, Cell, Folded, Item, Shown, Table, Tone

# How a request ended, as a person reads it.
WORDS = {"completed": "answered", "failed": "refused", "abandoned": "abandoned", "in flight": "in flight"}
SIGNS = {"completed": "✓", "failed": "✗", "abandoned": "⊘", "in flight": "▸"}
TONES: dict[str, Tone] = {"completed": "good", "failed": "bad", "abandoned": "bad", "in flight": "wait"}
AGAIN = "⟲"  # answered before, and paid for once more


def faults_shown(faults: list[dict[str, Any]], clear: str = "workshop fault clear") -> Shown:
    """What is set, a line each, and how to clear it."""
    if not faults:
        return Shown([Item("No fault is set.")])
    return Shown([*(_fault(fault) for fault in faults), Item(clear, "Clear with")])


def ledger_shown(ledger: dict[str, Any], about: str = "", price_note: bool = True) -> Shown:
    """Every request, then the totals, and what the cost is based on."""
    if not ledger["entries"]:
        nothing = f"The ledger has nothing about {about!r}." if about else "The ledger is empty: nothing was asked yet."
        return Shown([Item(nothing)])
    model, weather = ledger["totals"]["model"], ledger["totals"]["weather"]
    tokens = f"{model['input_tokens']:,} tokens in, {model['output_tokens']:,} out, ${model['cost_usd']:.6f}"
    again = model["completed_again"]
    sent, known = weather["alerts_sent"], weather["alerts_not_sent_again"]
    alerts = f"{sent}; not sent again, by their key: {known}"
    blocks: list[Block] = [
        Table(("Request", "Asked, and the reply", "Outcome", "Cost"), [_entry(one) for one in ledger["entries"]]),
        Item(f"{_counts(model)}; {tokens}", "model"),
        Item(
            f"{f'{AGAIN} ' if again else ''}{again}", "answered calls made again within a run", "again" if again else ""
        ),
        Item(_counts(weather), "weather"),
        *([Item(alerts, "alerts sent to residents")] if sent or known else []),
    ]
    return Shown([*blocks, Folded("The cost is an estimate.", [Item(PRICE_BASIS)])] if price_note else blocks)


def _fault(fault: dict[str, Any]) -> Item:
    times, left = fault["times"], fault["left"]
    parts = [
        f"after {fault['spare']} more" if fault["spare"] else "",
        "until it is cleared" if times is None else f"{left} of {times} times left",
        f"{fault['delay']:g} s delay" if fault["delay"] else "",
        f"Retry-After {fault['retry_after']}" if fault["retry_after"] else "",
        f"probability {fault['probability']:g}" if fault["probability"] is not None else "",
        f"seed {fault['seed']}" if fault["seed"] is not None else "",
    ]
    return Item(", ".join(part for part in parts if part), f"{fault['target']} {fault['kind']}")


def _entry(entry: dict[str, Any]) -> list[Cell]:
    began = datetime.fromisoformat(entry["began"])
    took = f"{(datetime.fromisoformat(entry['ended']) - began).total_seconds():.2f} s" if entry["ended"] else ""
    outcome = entry["outcome"]
    found = [
        Item(f"{SIGNS[outcome]} {WORDS[outcome]} {entry['status'] or ''}".strip(), tone=TONES[outcome]),
        Item(f"fault {entry['fault']}" if entry["fault"] else ""),
        Item(_before(entry), tone="again"),
        Item("sent to residents" if entry["sent"] else "", tone="strong"),
        Item(took),
    ]
    tokens = f"{entry['input_tokens']:,} tokens in, {entry['output_tokens']:,} out" if entry["output_tokens"] else ""
    cost = [Item(tokens), Item(f"${entry['cost_usd']:.6f}" if entry["cost_usd"] else "")]
    request = [
        Item(f"#{entry['id']} {entry['service']}", tone="strong"),
        Item(f"{entry['run']} turn {entry['turn']}" if entry["run"] else "no run"),
        Item(f"{began:%H:%M:%S}"),
    ]
    told = [Item(entry["asked"], "asked"), Item(entry["answered"] or "", "reply")]
    return [[item for item in cell if item.text] for cell in (request, told, found, cost)]


def _before(entry: dict[str, Any]) -> str:
    """What it repeats: an answer that is paid for again, or an alert that its key has kept from being sent again."""
    if not entry["repeats"]:
        return ""
    before = f"#{entry['repeats']}"
    return f"{AGAIN} answered before as {before}" if entry["sent"] is None else f"not sent again: sent as {before}"


def _counts(totals: dict[str, Any]) -> str:
    counts = ", ".join(f"{totals[name.replace(' ', '_')]} {word}" for name, word in WORDS.items())
    return f"{totals['requests']} request{'s' * (totals['requests'] != 1)}: {counts}"
