"""The areas of the weather service, and which of them a text asks about."""

import re
import unicodedata
from dataclasses import dataclass

# Area code -> its names: English, French and Spanish (one name: the same in all), then what else it is called.
# The codes are those of https://api.weather.gov/openapi.json (StateTerritoryCode, MarineAreaCode).
STATES = {
    "AL": ("Alabama",),
    "AK": ("Alaska",),
    "AZ": ("Arizona",),
    "AR": ("Arkansas",),
    "CA": ("California", "Californie", "California"),
    "CO": ("Colorado",),
    "CT": ("Connecticut",),
    "DE": ("Delaware",),
    "DC": (
        "District of Columbia",
        "District de Columbia",
        "Distrito de Columbia",
        "Washington DC",
        "Washington, DC",
        "Washington D.C.",
        "Washington, D.C.",
    ),
    "FL": ("Florida", "Floride", "Florida"),
    "GA": ("Georgia", "Géorgie", "Georgia"),
    "HI": ("Hawaii", "Hawaï", "Hawái"),
    "ID": ("Idaho",),
    "IL": ("Illinois",),
    "IN": ("Indiana",),
    "IA": ("Iowa",),
    "KS": ("Kansas",),
    "KY": ("Kentucky",),
    "LA": ("Louisiana", "Louisiane", "Luisiana"),
    "ME": ("Maine",),
    "MD": ("Maryland",),
    "MA": ("Massachusetts",),
    "MI": ("Michigan", "Michigan", "Míchigan"),
    "MN": ("Minnesota",),
    "MS": ("Mississippi", "Mississippi", "Misisipi"),
    "MO": ("Missouri", "Missouri", "Misuri"),
    "MT": ("Montana",),
    "NE": ("Nebraska",),
    "NV": ("Nevada",),
    "NH": ("New Hampshire", "New Hampshire", "Nuevo Hampshire", "Nueva Hampshire"),
    "NJ": ("New Jersey", "New Jersey", "Nueva Jersey"),
    "NM": ("New Mexico", "Nouveau-Mexique", "Nuevo México"),
    "NY": ("New York", "New York", "Nueva York"),
    "NC": ("North Carolina", "Caroline du Nord", "Carolina del Norte"),
    "ND": ("North Dakota", "Dakota du Nord", "Dakota del Norte"),
    "OH": ("Ohio",),
    "OK": ("Oklahoma",),
    "OR": ("Oregon", "Oregon", "Oregón"),
    "PA": ("Pennsylvania", "Pennsylvanie", "Pensilvania"),
    "RI": ("Rhode Island",),
    "SC": ("South Carolina", "Caroline du Sud", "Carolina del Sur"),
    "SD": ("South Dakota", "Dakota du Sud", "Dakota del Sur"),
    "TN": ("Tennessee",),
    "TX": ("Texas", "Texas", "Texas", "Tejas"),
    "UT": ("Utah",),
    "VT": ("Vermont",),
    "VA": ("Virginia", "Virginie", "Virginia"),
    "WA": ("Washington",),
    "WV": ("West Virginia", "Virginie-Occidentale", "Virginia Occidental", "Virginia del Oeste"),
    "WI": ("Wisconsin",),
    "WY": ("Wyoming",),
    "PR": ("Puerto Rico", "Porto Rico", "Puerto Rico"),
    "VI": ("U.S. Virgin Islands", "Îles Vierges", "Islas Vírgenes", "US Virgin Islands", "Virgin Islands"),
    "GU": ("Guam",),
    "AS": ("American Samoa", "Samoa américaines", "Samoa Americana"),
    "MP": ("Northern Mariana Islands", "Îles Mariannes du Nord", "Islas Marianas del Norte", "Northern Marianas"),
    "PW": ("Palau", "Palaos", "Palaos"),
    "FM": ("Micronesia", "Micronésie", "Micronesia", "Federated States of Micronesia"),
    "MH": ("Marshall Islands", "Îles Marshall", "Islas Marshall"),
}
MARINE = {
    "AM": ("Caribbean waters",),
    "AN": ("New England waters",),
    "GM": ("Gulf of Mexico", "golfe du Mexique", "golfo de México", "Gulf of America"),
    "LC": ("Lake St. Clair", "lac Sainte-Claire", "lago Santa Clara", "Lake Saint Clair"),
    "LE": ("Lake Erie", "lac Érié", "lago Erie"),
    "LH": ("Lake Huron", "lac Huron", "lago Hurón"),
    "LM": ("Lake Michigan", "lac Michigan", "lago Míchigan"),
    "LO": ("Lake Ontario", "lac Ontario", "lago Ontario"),
    "LS": ("Lake Superior", "lac Supérieur", "lago Superior"),
    "PH": ("Hawaiian waters",),
    "PK": ("Gulf of Alaska", "golfe d'Alaska", "golfo de Alaska", "Bering Sea"),
    "PM": ("Mariana waters",),
    "PS": ("Samoan waters",),
    "PZ": (
        "Eastern North Pacific waters",
        "Eastern North Pacific waters",
        "Eastern North Pacific waters",
        "Puget Sound",
    ),
    "SL": ("St. Lawrence River", "fleuve Saint-Laurent", "río San Lorenzo", "Saint Lawrence River"),
}
AREAS = STATES | MARINE


def without_accents(text: str) -> str:
    """The same letters without their accents (nor the okina of Hawaii), with plain apostrophes; case stays."""
    plain = text.replace("\u2019", "'").replace("\u02bb", "")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def _plain_key(name: str) -> str:
    return " ".join(without_accents(name).casefold().replace("-", " ").split())


# One phrase for several areas, and phrases that hold a state's name but are another place.
_SEVERAL = {
    "North and South Carolina": ("NC", "SC"),
    "North or South Carolina": ("NC", "SC"),
    "the Carolinas": ("NC", "SC"),
    "North and South Dakota": ("ND", "SD"),
    "North or South Dakota": ("ND", "SD"),
    "the Dakotas": ("ND", "SD"),
    "Great Lakes": ("LS", "LM", "LH", "LE", "LO"),
    "Grands Lacs": ("LS", "LM", "LH", "LE", "LO"),
    "Grandes Lagos": ("LS", "LM", "LH", "LE", "LO"),
    "Kansas City, Missouri": ("MO",),
    "Kansas City, Kansas": ("KS",),
    "Kansas City": ("MO",),
    "Washington State": ("WA",),
    "Baja California": (),
    "British Virgin Islands": (),
    "Nevada City": (),
}
_PHRASES: dict[str, tuple[str, ...]] = {
    **{_plain_key(name): (code,) for code, names in AREAS.items() for name in names},
    **{_plain_key(name): codes for name, codes in _SEVERAL.items()},
}

# Codes that are words, names or abbreviations too (of English, French or Spanish): capitals alone prove nothing.
_WORDS = frozenset(
    {"AL", "AS", "CO", "DE", "FM", "HI", "ID", "IL", "IN", "LA", "MA", "MD", "ME", "MH"}
    | {"MI", "MO", "MP", "MS", "NE", "OH", "OK", "OR", "PA", "PR", "VA", "VI"}
)
_INTERJECTIONS = frozenset(("HI", "OH", "OK"))
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
_SUBJECT = re.compile(rf"\s+{_ALERT}\b", re.IGNORECASE)


def _pattern(phrase: str) -> str:
    return r"[\s-]+".join(re.escape(word).replace("'", "[' ]").replace(",", ",?") for word in phrase.split())


_NAME = re.compile(
    rf"(?<!\w)(?:{'|'.join(_pattern(phrase) for phrase in sorted(_PHRASES, key=len, reverse=True))})(?!\w)"
    r"(?!\s+(?:county|parish)\b)",
    re.IGNORECASE,
)
_CODE = re.compile(rf"(?<![\w'.@-])(?:D\.C\.|(?:{'|'.join(AREAS)})(?![\w'@-]))", re.IGNORECASE)


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    codes: tuple[str, ...]


def find_areas(text: str) -> list[str]:
    """Codes of the areas a text asks about, in the order of mention, each once.

    A name counts in any spelling of its letters, accents or not. A code counts in capitals, or in small letters after
    a clear cue ("in tx"); a code that is a word too needs a cue or a place among codes even in capitals.
    """
    plain = without_accents(text)
    found = [_Mention(m.start(), m.end(), _codes_of(m.group())) for m in _NAME.finditer(plain)]
    for match in list(_CODE.finditer(plain)):
        apart = all(mention.end <= match.start() or match.end() <= mention.start for mention in found)
        code = match.group().replace(".", "").upper()
        if apart and _is_meant(plain, match, code, found):
            found.append(_Mention(match.start(), match.end(), (code,)))
    found.sort(key=lambda mention: mention.start)
    return list(dict.fromkeys(code for mention in found for code in mention.codes))


def name_of(code: str, language: str = "english") -> str:
    """The area's name in a language of the workshop, or the code itself if there is no such area."""
    names = AREAS.get(code, (code,))
    return names[("english", "french", "spanish").index(language)] if len(names) > 2 else names[0]


def _codes_of(name: str) -> tuple[str, ...]:
    key = _plain_key(name)
    if key in _PHRASES:
        return _PHRASES[key]
    # "golfe d Alaska", "Kansas City Missouri": the patterns are looser than the table.
    return next(codes for phrase, codes in _PHRASES.items() if re.fullmatch(_pattern(phrase), name, re.IGNORECASE))


def _is_meant(text: str, match: re.Match[str], code: str, found: list[_Mention]) -> bool:
    """Whether two letters are a mention of that area, judged by what stands around them."""
    before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 40]
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
        return (cued or _in_list(text, match, found)) and (
            code not in _WORDS or (ends and code not in ("AS", "IN", "ME", "OR"))
        )
    if code not in _WORDS:
        return True
    if not re.search(r"[A-Za-z]", _CODE.sub("", text)):  # nothing but codes
        return cued or code not in _INTERJECTIONS or len(_CODE.findall(text)) > 1 or "?" in text
    if not re.search(r"[a-z]", text):  # all in capitals, so that capitals say nothing
        return called or (ends and ((cued and code != "ME") or _in_list(text, match, found, commas=True)))
    if code in ("IN", "OR") and any(0 < mention.start - match.end() <= 2 for mention in found):  # "IN Texas"
        return False
    if code in ("AS", "IN", "ME", "OR") and not cued and re.match(r"\s+[A-Z]", after):  # "TX OR OH"
        return bool(_SUBJECT.match(after))
    told = cued or called or _CITY.search(before) or _TOPIC.search(before) or _SUBJECT.match(after)
    last = ends and before.strip() and code not in _INTERJECTIONS
    return bool(told or last or _in_list(text, match, found))


def _in_list(text: str, match: re.Match[str], found: list[_Mention], commas: bool = False) -> bool:
    """Whether the code stands beside a mention that counts: "TX, OR and ok"."""
    for mention in found:
        first, second = sorted([(mention.start, mention.end), match.span()])
        between = text[first[1] : second[0]]
        if len(between) < 16 and _GLUE.fullmatch(between) and (not commas or "," in between):
            return True
    return False
