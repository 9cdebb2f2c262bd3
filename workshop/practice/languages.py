"""The workshop's three languages: which of them a short text is in, and what the practice model says in each."""

import re

from workshop.practice import data
from workshop.practice.areas import STATES, without_accents

# `names` is what a language is called in tool names and instructions, `words` are small words and weather words, all
# without accents. "other" has words of German, Portuguese, Italian and Dutch that would be taken for one of ours.
# One more language needs its table there (and its words gone from "other"), its place in LANGUAGES, _SIGNS and
# _ENDINGS, a weight for a word of all lists, the names of states in areas.json, the words for the weather in model.py.
_TABLES = data("languages.json")
LANGUAGES = ("english", "french", "spanish")
_NAMES: dict[str, list[str]] = {language: _TABLES[language]["names"] for language in LANGUAGES}
_GREETINGS = {greeting: language for language in LANGUAGES for greeting in _TABLES[language]["greetings"]}
_WORDS = {language: frozenset(table["words"]) for language, table in _TABLES.items()}
# A word of one list alone says more than one of several lists.
_WEIGHT = {1: 3.0, 2: 1.0, 3: 0.4, 4: 0.2}
# Letters and elisions that only one language writes; "other" has those of languages and scripts that none of ours has.
_SIGNS = {
    "french": re.compile(r"[çœêèûùîâëïô]|à\b|[^u]ée?s?\b|\b(?:[cdjlmnst]|qu)'\w"),
    "spanish": re.compile(r"[¿¡ñáíóú]|ué"),
    "other": re.compile(r"[ãõßäöüåøæðþłśźżćčďěňřšťůžőűğşı]|[^\W\d_a-zà-ÿœ]"),
}
# The way words end where the lists do not know them.
_ENDINGS = {
    "french": re.compile(r"(?:eaux?|eux|euse|eurs?|ez|iques?|ement|oires?|aient|ais|ait|ettes?|eil|ille|ons|ees?)$"),
    "spanish": re.compile(
        r"(?:cion|ciones|dad|ando|iendo|ados?|adas?|idos?|idas?|mente|it[oa]s?|uela|os[oa]s?|er[oa]s?|ez[oa]s?|[aei]r"
        r"|[aei]mos|a[bs]a[ns]?|[ai]ron|[aei](?:me|te|nos))$"
    ),
    "english": re.compile(r"(?:ing|ght|tion|ness|ful|ly|ould|th|sh|ck|ed|ee|oo.|[wkxy].?)$"),
    "other": re.compile(r"(?:sch\w*|ung|lich|keit|ij\w*|zione|gli.|cchi.|ggi.|zz.|[lnst]etto|nh[ao]s?|lh[ao]s?|oes)$"),
}
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
