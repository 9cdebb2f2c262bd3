"""The workshop's three languages: which of them a short text is in, and what the practice model says in each."""

import re

from workshop.practice import data
from workshop.practice.areas import STATES, without_accents

# `names` is what a language is called in tool names and instructions, `words` are small words and weather words, all
# without accents; `signs` are letters and elisions that no other of ours writes, `endings` tell of words that no list
# knows. "other" has what would be taken for one of ours: words of German, Portuguese, Italian and Dutch, letters and
# scripts. One more language needs its table there (and its words gone from "other"), its place in LANGUAGES, a weight
# for a word of all lists, the names of states in areas.json, the words for the weather in model.py.
_TABLES = data("languages.json")
LANGUAGES = ("english", "french", "spanish")
_NAMES: dict[str, list[str]] = {language: _TABLES[language]["names"] for language in LANGUAGES}
_GREETINGS = {greeting: language for language in LANGUAGES for greeting in _TABLES[language]["greetings"]}
_WORDS = {language: frozenset(table["words"]) for language, table in _TABLES.items()}
# A word of one list alone says more than one of several lists.
_WEIGHT = {1: 3.0, 2: 1.0, 3: 0.4, 4: 0.2}
_SIGNS, _ENDINGS = (
    {language: re.compile(table[kind]) for language, table in _TABLES.items() if kind in table}
    for kind in ("signs", "endings")
)
# What a text quotes, and names, say nothing of its language: capitals within a sentence, "Des Plaines", "X Y, Ohio".
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»')
_CAPITALISED = r"[^\W\d_a-zß-ÿ][\w'-]+"
_NAME = re.compile(
    rf"(?:(?<=[\w,;] )|\b(?:Des|Du|L[ae]s?|El|Los|San|Santa|Sainte?|Del|Mont|Fort) ){_CAPITALISED}"
    rf"|^{_CAPITALISED}(?: (?:{_CAPITALISED}|du|des?|del|l[ae]))+(?=, [A-Z])"
)
_STATE = re.compile(r"\b(?:" + "|".join(names[0].lower().replace(".", r"\.") for names in STATES.values()) + r")\b")
# "Floride" does: a state's name that one language alone writes so.
_TRANSLATED = [[without_accents(name).lower() for name in names[:3]] for names in STATES.values() if len(names) > 2]
_OWN_NAMES = {
    language: re.compile(rf"\b(?:{'|'.join(names[at] for names in _TRANSLATED if names.count(names[at]) == 1)})\b")
    for at, language in enumerate(LANGUAGES)
    if language != "english"
}
_ANSWER_IN = re.compile(
    r"(?:answer|respond|reply|speak|write|repon\w*|respond\w*|contest\w*|habl\w*|parl\w*)\W+"
    r"(?:only\W+|solo\W+|en\W+|in\W+|toujours\W+)*"
    rf"({'|'.join(name for names in _NAMES.values() for name in names)})\b"
)


def recognise(text: str) -> str:
    """`english`, `french` or `spanish`; English too if it is another language or nothing can be told."""
    text = text.replace("\u2019", "'")
    own = _QUOTED.sub(" ", text)
    own = own if re.search(r"[^\W\d_]", own) else text
    named = _NAME.sub(" ", own)
    titled = len(own.split()) > 3 and not re.search(r"\b[a-z]", own)  # "Las Alertas Para Texas": capitals say nothing
    lower = (own if titled else named).lower()
    words = re.findall(r"[a-z]+(?:'[a-z]+)*", _STATE.sub(" ", without_accents(lower)))
    scores = dict.fromkeys(_WORDS, 0.0)
    for language, names in _OWN_NAMES.items():
        scores[language] += _WEIGHT[1] * bool(names.search(without_accents(own).lower()))
    for word in words:
        parts = {word, *word.split("'")} if "'" in word else {word}
        known = [(language, part) for part in parts for language, known in _WORDS.items() if part in known]
        for language, part in known:
            scores[language] += _WEIGHT[sum(other == part for _, other in known)]
        if word in _GREETINGS:
            scores[_GREETINGS[word]] += 1.0
        if not known:
            for language, ending in _ENDINGS.items():
                scores[language] += 0.6 if ending.search(word) else 0.0
    for language, sign in _SIGNS.items():
        scores[language] += min(3.0, 1.5 * len(sign.findall(lower)))
    best = max(scores, key=lambda language: (scores[language], language == "english"))
    return best if best in LANGUAGES and scores[best] > 0 else "english"


def named_in(text: str) -> str | None:
    """The one language that instructions name ("You answer in French"), or None if they name none or several."""
    plain = without_accents(text).lower()
    named = [language for language, names in _NAMES.items() if re.search(rf"\b(?:{'|'.join(names)})\b", plain)]
    if len(named) < 2:
        return named[0] if named else None
    told = _ANSWER_IN.search(plain)
    return next((language for language in named if told and told[1] in _NAMES[language]), None)


def say(language: str, phrase: str, **values: object) -> str:
    """One phrase in one language, its blanks filled in."""
    text: str = _TABLES[language]["phrases"][phrase]
    return text.format(**values)
