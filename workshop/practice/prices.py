"""How many tokens a text would be, and what they would cost. Estimates, for orders of magnitude."""

import json
import math
from typing import Any

from workshop.practice import data

# US dollars for a million input and a million output tokens: OpenAI's list prices at
# https://developers.openai.com/api/docs/pricing, as reported for 2026-08-01. They change; no discount is counted.
PRICES: dict[str, list[float]] = data("prices.json")
DEFAULT_MODEL = "gpt-5.6-luna"  # what the Agents SDK asks for when nobody names a model
PRICE_BASIS = (
    "Nothing was billed. Cost: what answered calls would cost at OpenAI's list prices of 2026-08-01 "
    "(gpt-5.6-luna $0.20 in, $1.20 out per million tokens; unknown models count as that one), "
    "tokens estimated as UTF-8 bytes / 4. A real provider may bill abandoned calls too."
)


def tokens(value: Any) -> int:
    """Estimates tokens as a quarter of the UTF-8 bytes (of the JSON, for anything but text), rounded up.

    Four characters a token is OpenAI's own rule of thumb for English; the same text gives the same number.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return math.ceil(len(text.encode("utf-8", "replace")) / 4)


def cost_usd(model: str, input_tokens: int, output_tokens: int) -> float:
    """List price in US dollars. A dated name (`gpt-4.1-2025-04-14`) costs what its base name does."""
    base = max((name for name in PRICES if model == name or model.startswith(f"{name}-20")), key=len, default="")
    price_in, price_out = PRICES[base or DEFAULT_MODEL]
    return round((input_tokens * price_in + output_tokens * price_out) / 1_000_000, 8)
