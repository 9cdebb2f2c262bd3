"""What a pasted key or address looks like when something went wrong. Speaks of shapes, never repeats a character."""

import re
from urllib.parse import urlsplit

SMART_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb"
DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"

# In this order: the first that fits is the best explanation.
SHAPES = [
    ("comment", r"#", "is a comment, not a value"),
    (
        "repeats-name",
        r"(?i)\W*(?:export\s+|set\s+|\$env:)?(?:OPENAI|WEATHER)_[A-Z_]+\s*[=:]",
        "begins with a variable's name",
    ),
    (
        "bearer",
        r"(?i)\W*(?:authorization\s*:\s*)?bearer\b",
        'begins with the word "Bearer", which the client adds itself',
    ),
    ("variable", r"\$[\w{(]|%\w+%$", "is the name of another variable, not its value"),
    ("smart-quotes", f".*[{SMART_QUOTES}]", "has curly quotes in it, as word processors make them"),
    ("quotes", ".*[\"'`]", "has quotation marks in it"),
    ("dashes", f".*[{DASHES}]", "has a long dash in it where a word processor replaced a hyphen"),
    ("invisible", f".*[{INVISIBLE}]", "has an invisible character in it, as web pages and chats add them"),
    ("line-break", r".*[\r\n]", "is broken over two lines"),
    ("nul", r".*\x00", "has a NUL character in it"),
    ("spaces", r".*\s", "has a space in it"),
    ("not-ascii", r".*[^\x21-\x7e]", "has a letter in it that is none of A-Z, 0-9 or punctuation"),
]
PLACEHOLDERS = [
    r".*[<>{}\[\]]",
    r".*(?:\.\.|\u2026|\*\*|x{4}|X{4}|____)",
    r"(?i).*(?:^|[-_ ])(?:your|my|change|changeme|replace|insert|paste|place|placeholder|example|dummy|fake|sample|"
    r"here|todo|fixme|demo|mock)(?:[-_ ]|$)",
    r"(?i)(?:sk-?)?(?:proj-?)?(?:test|key|api[-_]?key|openai[-_]?(?:api[-_]?)?key|secret|token|none|null|nil|undefined|"
    r"true|false|tbd|n/?a|abc\w?|abc123|123\d*|(?:1234567|abcdef)\w*|foo|bar|practice|\?+|-+)?$",
]
OTHER_VENDORS = {
    "sk-ant-": "Anthropic",
    "sk-or-": "OpenRouter",
    "gsk_": "Groq",
    "hf_": "Hugging Face",
    "xai-": "xAI",
    "AIza": "Google",
    "ghp_": "GitHub",
    "github_pat_": "GitHub",
}


def mistake(value: str) -> tuple[str, str] | None:
    """What cannot be right in a key or an address: a code, and words that follow "OPENAI_API_KEY"; None: nothing."""
    for code, pattern, words in SHAPES:
        if re.match(pattern, value, re.DOTALL):
            return code, words
    return None


def is_placeholder(key: str) -> bool:
    """Whether `key` only stands where a key should be."""
    return not key.startswith("#") and any(re.match(pattern, key, re.DOTALL) for pattern in PLACEHOLDERS)


def is_real(key: str) -> bool:
    """Whether `key` looks like a key that somebody pays for."""
    return key.lstrip(" \"'").startswith("sk-") and not is_placeholder(key)


def key_state(key: str) -> str:
    """`set`, `not set`, `looks like a placeholder`, or what is wrong with it."""
    if not key:
        return "not set"
    if is_placeholder(key):
        return "looks like a placeholder"
    wrong = mistake(key)
    return wrong[1] if wrong else "set"


def address_mistake(url: str) -> tuple[str, str] | None:
    """What cannot be right in an http address: a code, and words that follow the variable's name; None: nothing."""
    if re.match(r"(?:sk|pk)-", url):
        return "is-key", "holds a key, not an address"
    if wrong := mistake(url):
        return wrong
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return "malformed", "has a host or port that is malformed"
    if scheme not in ("http", "https") or "://" not in url:
        return "scheme", "does not begin with http:// or https://"
    if not host or port == 0:
        return "malformed", "has no host in it" if not host else "has a port that is none"
    if parts.username is not None:
        return "userinfo", "has a user or password in it, which the client would not send"
    if "?" in url or "#" in url:
        return "query", "has a ? or # in it, and the client would append to that"
    return None
