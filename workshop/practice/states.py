"""The areas of the weather service, and which of them a text asks about."""

import re
import unicodedata

# Area code -> its names: English, then French and Spanish ones where they differ by more than accents.
# The codes are those of https://api.weather.gov/openapi.json (StateTerritoryCode, MarineAreaCode).
STATES = {
    "AL": ("Alabama",),
    "AK": ("Alaska",),
    "AZ": ("Arizona",),
    "AR": ("Arkansas",),
    "CA": ("California", "Californie"),
    "CO": ("Colorado",),
    "CT": ("Connecticut",),
    "DE": ("Delaware",),
    "DC": (
        "District of Columbia",
        "Washington DC",
        "Washington D.C.",
        "Washington, DC",
        "Washington, D.C.",
        "District de Columbia",
        "Distrito de Columbia",
    ),
    "FL": ("Florida", "Floride"),
    "GA": ("Georgia", "Georgie"),
    "HI": ("Hawaii", "Hawai"),
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
    "MI": ("Michigan",),
    "MN": ("Minnesota",),
    "MS": ("Mississippi", "Misisipi"),
    "MO": ("Missouri", "Misuri"),
    "MT": ("Montana",),
    "NE": ("Nebraska",),
    "NV": ("Nevada",),
    "NH": ("New Hampshire", "Nuevo Hampshire", "Nueva Hampshire"),
    "NJ": ("New Jersey", "Nueva Jersey"),
    "NM": ("New Mexico", "Nouveau Mexique", "Nuevo Mexico"),
    "NY": ("New York", "Nueva York"),
    "NC": ("North Carolina", "Caroline du Nord", "Carolina del Norte"),
    "ND": ("North Dakota", "Dakota du Nord", "Dakota del Norte"),
    "OH": ("Ohio",),
    "OK": ("Oklahoma",),
    "OR": ("Oregon",),
    "PA": ("Pennsylvania", "Pennsylvanie", "Pensilvania"),
    "RI": ("Rhode Island",),
    "SC": ("South Carolina", "Caroline du Sud", "Carolina del Sur"),
    "SD": ("South Dakota", "Dakota du Sud", "Dakota del Sur"),
    "TN": ("Tennessee",),
    "TX": ("Texas", "Tejas"),
    "UT": ("Utah",),
    "VT": ("Vermont",),
    "VA": ("Virginia", "Virginie"),
    "WA": ("Washington",),
    "WV": ("West Virginia", "Virginie Occidentale", "Virginia Occidental", "Virginia del Oeste"),
    "WI": ("Wisconsin",),
    "WY": ("Wyoming",),
    "PR": ("Puerto Rico", "Porto Rico"),
    "VI": ("U.S. Virgin Islands", "US Virgin Islands", "Virgin Islands", "Iles Vierges", "Islas Virgenes"),
    "GU": ("Guam",),
    "AS": ("American Samoa", "Samoa americaines", "Samoa Americana"),
    "MP": ("Northern Mariana Islands", "Northern Marianas", "Iles Mariannes du Nord", "Islas Marianas del Norte"),
    "PW": ("Palau", "Palaos"),
    "FM": ("Federated States of Micronesia", "Micronesia", "Micronesie"),
    "MH": ("Marshall Islands", "Iles Marshall", "Islas Marshall"),
}
MARINE = {
    "AM": ("Western North Atlantic south of Currituck Beach Light and the Caribbean", "Caribbean waters"),
    "AN": ("Western North Atlantic north of Currituck Beach Light", "New England waters"),
    "GM": ("Gulf of Mexico", "Gulf of America", "Golfe du Mexique", "Golfo de Mexico"),
    "LC": ("Lake St. Clair", "Lake Saint Clair"),
    "LE": ("Lake Erie", "Lac Erie", "Lago Erie"),
    "LH": ("Lake Huron", "Lac Huron", "Lago Huron"),
    "LM": ("Lake Michigan", "Lac Michigan", "Lago Michigan"),
    "LO": ("Lake Ontario", "Lac Ontario", "Lago Ontario"),
    "LS": ("Lake Superior", "Lac Superieur", "Lago Superior"),
    "PH": ("Central Pacific waters", "Hawaiian waters"),
    "PK": ("Gulf of Alaska", "Bering Sea", "Golfe d'Alaska", "Golfo de Alaska"),
    "PM": ("Western Pacific waters", "Mariana waters"),
    "PS": ("South Central Pacific waters", "Samoan waters"),
    "PZ": ("Eastern North Pacific waters", "Puget Sound"),
    "SL": ("St. Lawrence River", "Saint Lawrence River", "fleuve Saint Laurent"),
}
AREAS = STATES | MARINE

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
    **{name.casefold(): (code,) for code, names in AREAS.items() for name in names},
    **{name.casefold(): codes for name, codes in _SEVERAL.items()},
}

# Codes that are words, names or abbreviations too (of English, French or Spanish): capitals alone prove nothing.
_WORDS = set(
    [
        "AL",
        "AS",
        "CO",
        "DE",
        "FM",
        "HI",
        "ID",
        "IL",
        "IN",
        "LA",
        "MA",
        "MD",
        "ME",
        "MH",
        "MI",
        "MO",
        "MP",
        "MS",
        "NE",
        "OH",
        "OK",
        "OR",
        "PA",
        "PR",
        "VA",
        "VI",
    ]
)
# Not even "for me" or "in or out" in small letters; in capitals they may be.
_NEVER_SMALL = {"AS", "IN", "ME", "OR"}
_INTERJECTIONS = {"HI", "OH", "OK"}
_CUE = (
    r"(?:in|for|of|near|about|around|across|within|throughout|over|from|to|state|area|code"
    r"|en|pour|au|aux|sur|dans|de|para|por|sobre|del|estado|codigo)"
)
_ALERT = r"(?:weather|alerts?|warnings?|storms?|advisor(?:y|ies)|watch(?:es)?|meteo|alertes?|clima|alertas?|avisos?)"
_GLUE = re.compile(
    r"\s*(?:,|/|&|;|\band\b|\bor\b|\bet\b|\bou\b|\by\b|\bo\b|\be\b)\s*(?:(?:in|for|en)\s+)?", re.IGNORECASE
)


def _pattern(phrase: str) -> str:
    return r"[\s-]+".join(re.escape(word).replace("'", "['’ ]").replace(",", ",?") for word in phrase.split())


_NAME = re.compile(
    r"(?<!\w)(?:"
    + "|".join(_pattern(p) for p in sorted(_PHRASES, key=len, reverse=True))
    + r")(?!\w)(?!\s+(?:county|parish)\b)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\w'’.@-])(?:D\.C\.|(?:" + "|".join(AREAS) + r")(?![\w'’@-]))", re.IGNORECASE)


def find_areas(text: str) -> list[str]:
    """Codes of the areas a text asks about, in the order of mention, each once.

    A name counts in any spelling of its letters, accents or not. A code counts in capitals, or in small letters after
    a clear cue ("in tx"); a code that is a word too needs a cue or a place among codes even in capitals.
    """
    plain = without_accents(text)
    found: list[tuple[int, int, tuple[str, ...]]] = [
        (m.start(), m.end(), _PHRASES[_key(m.group())]) for m in _NAME.finditer(plain)
    ]
    taken = [(start, end) for start, end, _ in found]
    candidates = [m for m in _CODE.finditer(plain) if not any(s < m.end() and m.start() < e for s, e in taken)]
    shouted = not re.search(r"[a-z]", plain) and bool(re.search(r"[A-Z]{3}", plain))
    only_codes = not re.search(r"[A-Za-z]", _CODE.sub("", plain))
    for match in candidates:
        code = match.group().replace(".", "").upper()
        if _is_meant(plain, match, code, found, shouted, only_codes):
            found.append((match.start(), match.end(), (code,)))
            found.sort()
    return list(dict.fromkeys(code for _, _, codes in sorted(found) for code in codes))


def without_accents(text: str) -> str:
    """The same letters without their accents (and the ʻokina of Hawaiʻi); case stays."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c) and c != "ʻ")


def name_of(code: str) -> str:
    """The area's English name, or the code itself if there is no such area."""
    return AREAS.get(code, (code,))[0]


def _key(name: str) -> str:
    key = " ".join(re.sub(r"[-\s]+", " ", name.casefold().replace("’", "'")).split())
    if key in _PHRASES:
        return key
    # "golfe d Alaska", "Kansas City Missouri": the pattern is looser than the table.
    return next(phrase for phrase in _PHRASES if re.fullmatch(_pattern(phrase), name, re.IGNORECASE))


def _is_meant(
    text: str,
    match: re.Match[str],
    code: str,
    found: list[tuple[int, int, tuple[str, ...]]],
    shouted: bool,
    only_codes: bool,
) -> bool:
    before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 40]
    cue = re.search(rf"(?:\b{_CUE}\s+|[\[(\"]\s*)$", before, re.IGNORECASE)
    strong = re.search(r"\b(?:state|area|code|zone|estado|codigo)\s*(?:of|is|de|:|=)?\s*$", before, re.IGNORECASE)
    ends = not re.match(r"\s*[\w'’]", after)
    if code in MARINE:
        # "5 PM", "I AM", "GM!": a marine code is meant only where it is called one, or cued in capitals.
        return match.group().isupper() and bool(strong or (cue and code not in {"AM", "PM", "AN", "PS"}))
    if not match.group().isupper():
        if match.group().lower() != text[match.start() : match.end()] or code in _NEVER_SMALL:
            return bool(strong) and ends and match.group().islower() and code not in {"ME", "IN"}
        listed = _in_list(text, match, found)
        return bool(cue or listed or strong) and (code not in _WORDS or ends) and not _said_before(before, code)
    if code not in _WORDS:
        return True
    if only_codes:
        return not (code in _INTERJECTIONS and not strong and text.strip(" ?!.").upper() == code)
    followed = re.match(r"\s+(?:[A-Z]{2,}\b|[A-Z]\w+)", after)
    if shouted:
        return (
            bool(strong)
            or (code != "ME" and bool(cue) and ends)
            or (_in_list(text, match, found, commas=True) and ends)
        )
    if (
        followed
        and not re.match(rf"\s+{_ALERT}", after, re.IGNORECASE)
        and code in {"IN", "OR", "ME", "AS"}
        and not cue
    ):
        return False
    if code in {"IN", "OR"} and _name_follows(match, found):
        return False
    city = re.search(r"(?:\b[A-Z][a-z]+,?|,)\s*$", before)
    subject = re.match(rf"\s+{_ALERT}\b", after, re.IGNORECASE)
    topic = re.search(rf"\b{_ALERT}[:,]?\s*$", before, re.IGNORECASE)
    ended = ends and bool(before.strip()) and code not in _INTERJECTIONS
    return bool(cue or strong or city or subject or topic or ended or _in_list(text, match, found))


def _in_list(
    text: str, match: re.Match[str], found: list[tuple[int, int, tuple[str, ...]]], commas: bool = False
) -> bool:
    """Whether the code stands beside a mention that counts: "TX, OR and ok"."""
    for start, end, _ in found:
        between = text[end : match.start()] if end <= match.start() else text[match.end() : start]
        if _GLUE.fullmatch(between) and (not commas or "," in between):
            return True
    return False


def _name_follows(match: re.Match[str], found: list[tuple[int, int, tuple[str, ...]]]) -> bool:
    return any(0 < start - match.end() <= 2 for start, _, _ in found)


def _said_before(before: str, code: str) -> bool:
    # "pour ca" is "pour ça", "de la", "para mi": cues of other languages do not make a small-letter word a state.
    return code in {"CA", "LA", "MI", "IL", "VA", "NE"} and bool(
        re.search(r"\b(?:pour|de|en|para|por|sobre|dans|sur)\s+$", before, re.IGNORECASE)
    )
