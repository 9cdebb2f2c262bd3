"""The areas of the weather service, and which of them a text asks about."""

import re
import unicodedata

from workshop.practice import data

_TABLES = data("areas.json")
# Area code -> its names: English, French and Spanish (one name: the same in all), then what else it is called.
# The codes are those of https://api.weather.gov/openapi.json (StateTerritoryCode, MarineAreaCode).
STATES: dict[str, list[str]] = _TABLES["states"]
MARINE: dict[str, list[str]] = _TABLES["marine"]
AREAS = STATES | MARINE


def without_accents(text: str) -> str:
    """The same letters without their accents (nor the okina of Hawaii), with plain apostrophes; case stays."""
    plain = text.replace("\u2019", "'").replace("\u02bb", "")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def _plain_key(name: str) -> str:
    return " ".join(without_accents(name).casefold().replace("-", " ").split())


_PHRASES: dict[str, list[str]] = {
    **{_plain_key(name): [code] for code, names in AREAS.items() for name in names},
    # One phrase for several areas, and phrases that hold a state's name but are another place.
    **{_plain_key(phrase): codes for phrase, codes in _TABLES["phrases"].items()},
}

# Codes that are words, names or abbreviations too (of English, French or Spanish): capitals alone prove nothing.
_WORDS = frozenset(_TABLES["words"])
_INTERJECTIONS = frozenset(("HI", "OH", "OK"))
# Words that stand before a code and are no city: "Let ME know", "Come IN".
_ORDINARY = frozenset(data("languages.json")["english"]["words"])
_CLOCK = frozenset(("AM", "AN", "PM", "PS"))  # marine codes that are words in capitals as well
# Small letters that a cue of French or Spanish precedes as a word: "pour ca", "de la", "para mi".
_AFTER_CUES = frozenset(("CA", "DE", "IL", "LA", "MI", "NE", "VA"))

_ENGLISH_CUE = r"(?:in|for|of|near|about|around|across|within|throughout|over|from|to)"
_OTHER_CUE = r"(?:en|pour|au|aux|sur|dans|de|para|por|sobre|del)"
_ALERT = r"(?:weather|alerts?|warnings?|storms?|advisor(?:y|ies)|watch(?:es)?|meteo|alertes?|clima|alertas?|avisos?)"
_GLUE = re.compile(r"\s*(?:,|/|&|;|\b(?:and|or|et|ou|y|o|e)\b)\s*(?:(?:and|or|in|for|en)\s+)?", re.IGNORECASE)


def _before(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern + r"$", re.IGNORECASE)


_CUED = _before(rf"(?:\b(?:{_ENGLISH_CUE}|{_OTHER_CUE})\s+|[\[(\"]\s*)")
_CUED_OTHER = _before(rf"\b{_OTHER_CUE}\s+")
_CALLED = _before(r"\b(?:state|area|code|zone|estado|codigo)\s*(?:of|is|de|:|=)?\s*")
_TOPIC = _before(rf"\b{_ALERT}[:,]?\s*")
_CITY = re.compile(r"(?:\b[A-Z][a-z]+,?|,)\s*$")
_IS = _before(r"\b(?:is|are)\s+")
_WORD = re.compile(r"\b([A-Za-z]+)\s+$")
_SUBJECT = re.compile(rf"\s+{_ALERT}\b", re.IGNORECASE)


def _pattern(phrase: str) -> str:
    return r"[\s-]+".join(re.escape(word).replace("'", "[' ]").replace(",", ",?") for word in phrase.split())


_NAME = re.compile(
    rf"(?<!\w)(?:{'|'.join(_pattern(phrase) for phrase in sorted(_PHRASES, key=len, reverse=True))})(?!\w)"
    r"(?!\s+(?:county|parish|river|street|avenue|university|post)\b)",
    re.IGNORECASE,
)
_DOTTED = "|".join(rf"{code[0]}\. ?{code[1]}\." for code in STATES if code == "DC" or code not in _WORDS)
_CODE = re.compile(rf"(?<![\w'.@-])(?:{_DOTTED}|(?:{'|'.join(AREAS)})(?![\w'@-]))", re.IGNORECASE)
# "tx, ok and nm", and what may stand around codes without making the text say more than them: "and ny, please?"
_LIST = re.compile(
    rf"\W*(?:{'|'.join(AREAS)})(?:\s*[,/&]\s*(?:(?:and|or)\s+)?(?:{'|'.join(AREAS)}))+\W*", re.IGNORECASE
)
_FILLER = re.compile(
    r"\b(?:and|or|in|for|et|ou|y|o|e|so|hi|hey|hello|oh|ok|okay|yes|no|then|also|too|either|both|what|how|about|is|are"
    r"|the|please|pls|thanks?|now|today|tonight|tomorrow)\b",
    re.IGNORECASE,
)


def find_areas(text: str) -> list[str]:
    """Codes of the areas a text asks about, in the order of mention, each once.

    A name counts in any spelling of its letters, accents or not. A code counts in capitals, or in small letters after
    a clear cue ("in tx"); a code that is a word too needs a cue or a place among codes even in capitals.
    """
    # "ça" is no CA, nor is "là" LA.
    seen = _Text(without_accents(re.sub(r"(?<!\w)(?![A-Za-z]{2})[^\W\d_]{2}(?!\w)", "_", text)))
    for match in _NAME.finditer(seen.plain):
        seen.found[match.span()] = _codes_of(match.group())
    inside_names = {place for start, end in seen.found for place in range(start, end)}
    codes = [match for match in _CODE.finditer(seen.plain) if match.start() not in inside_names]
    for match in [*codes, *codes]:  # twice: in "ok and tx" the first is known by the second
        code = re.sub(r"[. ]", "", match.group()).upper()
        if _is_meant(seen, match, code):
            seen.found[match.span()] = [code]
    return list(dict.fromkeys(code for _, codes in sorted(seen.found.items()) for code in codes))


def name_of(code: str, language: str = "english") -> str:
    """The area's name in a language of the workshop, or the code itself if there is no such area."""
    names = AREAS.get(code, [code])
    return names[("english", "french", "spanish").index(language)] if len(names) > 2 else names[0]


def _codes_of(name: str) -> list[str]:
    codes = _PHRASES.get(_plain_key(name))
    if codes is not None:
        return codes
    # "golfe d Alaska", "Kansas City Missouri": the patterns are looser than the table.
    return next(codes for phrase, codes in _PHRASES.items() if re.fullmatch(_pattern(phrase), name, re.IGNORECASE))


class _Text:
    """A text without accents, what is true of all of it, and the mentions found in it so far."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.only_codes = not re.search(r"[A-Za-z]", _CODE.sub("", plain))
        self.only_one_code = self.only_codes and len(_CODE.findall(plain)) == 1
        small = [found.upper() for found in _CODE.findall(_FILLER.sub(" ", plain))]
        rest = _CODE.sub(" ", _FILLER.sub(" ", plain))
        self.hardly_more = bool(small) and not _WORDS.intersection(small) and not re.search(r"[A-Za-z]", rest)
        listed = [found.upper() for found in _CODE.findall(plain)] if _LIST.fullmatch(plain) else []
        self.listed = len(listed) > 2 or bool(listed and listed[0] not in _INTERJECTIONS)
        self.all_capitals = not re.search(r"[a-z]", plain)
        self.found: dict[tuple[int, int], list[str]] = {}  # (start, end) -> codes

    def in_list(self, match: re.Match[str], commas: bool = False) -> bool:
        """Whether a code stands beside a mention that counts: "TX, OR and ok"."""
        start, end = match.span()
        gaps = [self.plain[other:start] for _, other in self.found if 0 < start - other < 16]
        gaps += [self.plain[end:other] for other, _ in self.found if 0 < other - end < 16]
        return any(_GLUE.fullmatch(gap) and (not commas or "," in gap) for gap in gaps)


def _is_meant(text: _Text, match: re.Match[str], code: str) -> bool:
    """Whether two letters are a mention of that area, judged by what stands around them."""
    before = text.plain[max(0, match.start() - 40) : match.start()]
    after = text.plain[match.end() : match.end() + 40]
    cued, called = bool(_CUED.search(before)), bool(_CALLED.search(before))
    ends = not re.match(r"\s*[\w']", after)
    capitals = match.group().isupper()
    if code in MARINE:  # "5 PM", "I AM", "GM!"
        return capitals and (called or (cued and code not in _CLOCK))
    if not capitals:
        if called and ends:
            return code not in ("ME", "IN")
        if code in _AFTER_CUES and _CUED_OTHER.search(before):
            return False
        if text.listed or (text.hardly_more and code not in _WORDS):
            return True
        if code in _INTERJECTIONS and not before.strip():  # "Ok, ny?"
            return False
        about = _TOPIC.search(before) or _SUBJECT.match(after) or _IS.search(before)
        word = code in _WORDS and not (ends and code not in ("AS", "IN", "ME", "OR"))
        return not word and bool(cued or text.in_list(match) or (about and code not in _WORDS))
    if code not in _WORDS:
        return True
    if text.only_codes:
        return cued or code not in _INTERJECTIONS or not text.only_one_code or "?" in after
    if text.all_capitals:  # then capitals say nothing
        return called or (ends and ((cued and code != "ME") or text.in_list(match, commas=True)))
    if code in ("IN", "OR") and any(start - match.end() in (1, 2) for start, _ in text.found):  # "IN Texas"
        return False
    if code in ("AS", "IN", "ME", "OR") and not cued and re.match(r"\s+[A-Z]", after):  # "TX OR OH"
        return bool(_SUBJECT.match(after))
    if code in _INTERJECTIONS and not before.strip() and not re.match(r"\s+(?:and|or|&)\b", after):  # "OK, Texas"
        return bool(_SUBJECT.match(after))
    last_word, city = _WORD.search(before), _CITY.search(before)
    ordinary = bool(last_word and last_word[1].lower() in _ORDINARY)
    told = cued or called or (city and not ordinary) or _TOPIC.search(before)
    if code == "ME" and ordinary and not told:  # "Show ME alerts"
        return False
    told = told or _SUBJECT.match(after)
    last = ends and before.strip() and code not in _INTERJECTIONS and not ordinary
    return bool(told or last or text.in_list(match))
