"""The fixture alerts of the practice weather: made up by us, of no real place or storm.

Each is (event, severity, headline, places, description). None leaves a field out, as the real service sometimes does.
Areas that are not named here have no active alerts.
"""

from typing import NamedTuple


class Alert(NamedTuple):
    """One made-up alert."""

    event: str
    severity: str
    headline: str | None
    places: str | None
    description: str | None


_LONG = " ".join(
    f"Segment {number}: snow of {2 + number % 7} to {6 + number % 7} inches is expected above {800 + number * 25} "
    "feet; travel between the made-up villages of this segment could be very difficult."
    for number in range(1, 81)
)

ALERTS: dict[str, tuple[Alert, ...]] = {
    "CA": (
        Alert(
            "High Wind Warning",
            "Severe",
            "High Wind Warning for the Amber Ridge hills",
            "Amber Ridge; Lower Vale",
            "North winds of 35 to 45 mph with gusts up to 65 mph. Branches may fall; drive slowly.",
        ),
        Alert(
            "Beach Hazards Statement",
            "Moderate",
            "Beach Hazards Statement for Cañón de la Niña and Peñasco Azul",
            "Cañón de la Niña; Peñasco Azul",
            "Sneaker waves and strong rip currents. Stay off the rocks.",
        ),
        Alert(
            "Red Flag Warning",
            "Severe",
            "Red Flag Warning for the Old Mission foothills",
            "Old Mission foothills",
            "Dry air and gusty winds: a fire would spread fast.",
        ),
    ),
    "TX": tuple(
        Alert(
            "Severe Thunderstorm Warning" if number % 3 else "Flash Flood Warning",
            "Severe",
            f"{'Severe Thunderstorm' if number % 3 else 'Flash Flood'} Warning for Practice County {number}",
            f"Practice County {number}",
            f"Quarter-size hail and gusts of {50 + number} mph are possible.",
        )
        for number in range(1, 15)
    ),
    "FL": (
        Alert(
            "Rip Current Statement",
            "Moderate",
            "Rip Current Statement for the Pelican Keys",
            "Pelican Keys",
            "Dangerous rip currents. Swim near a lifeguard.",
        ),
        Alert(
            "Heat Advisory",
            "Moderate",
            "Heat Advisory for inland Mangrove County",
            "Inland Mangrove County",
            "Heat index values up to 108 °F (42 °C). Drink water and rest in the shade.",
        ),
    ),
    "NY": (
        Alert(
            "Winter Weather Advisory",
            "Moderate",
            "Winter Weather Advisory for the Upper Falls district",
            "Upper Falls district",
            "Snow of 3 to 5 inches; slippery roads in the morning.",
        ),
    ),
    "WA": (
        Alert(
            "Flood Watch",
            "Moderate",
            "Flood Watch for the Cedar and Otter rivers",
            "Otter River basin",
            "Two to four inches of rain; rivers may leave their banks.",
        ),
    ),
    "OK": (
        Alert(
            "Tornado Watch",
            "Extreme",
            "Tornado Watch for the Red Plains counties",
            "Red Plains",
            "Conditions favor tornadoes. Know where your shelter is.",
        ),
    ),
    "CO": (
        Alert(
            "Blizzard Warning",
            "Extreme",
            "Blizzard Warning for the Silver Pass",
            "Silver Pass",
            "Whiteout conditions. Do not travel.",
        ),
        Alert(
            "Wind Advisory", "Minor", "Wind Advisory for the eastern slopes", "Eastern slopes", "Gusts up to 50 mph."
        ),
    ),
    "LA": (
        Alert(
            "Coastal Flood Advisory",
            "Minor",
            "Coastal Flood Advisory for Heron Bayou",
            "Heron Bayou",
            "Up to one foot of water above ground level in low areas.",
        ),
    ),
    "HI": (
        Alert(
            "High Surf Advisory",
            "Minor",
            "High Surf Advisory for the shores of Pu\u02bbu Lani and \u02bbŌhi\u02bba Bay",
            "Pu\u02bbu Lani; \u02bbŌhi\u02bba Bay",
            "Surf of 12 to 18 feet along north-facing shores.",
        ),
    ),
    "PR": (
        Alert(
            "Aviso de Inundaciones",
            "Moderate",
            "Aviso de inundaciones para Río Ejemplo y Añasquillo",
            "Río Ejemplo; Añasquillo",
            "Se esperan lluvias fuertes. ¡No cruce carreteras inundadas!",
        ),
    ),
    "AK": (
        Alert(
            "Winter Storm Warning",
            "Severe",
            "Winter Storm Warning for eighty made-up mountain segments",
            "Eighty mountain segments",
            _LONG,
        ),
    ),
    "GU": (
        Alert("Special Weather Statement", "Unknown", None, "Coral Point", None),
        Alert("Small Craft Advisory", "Minor", "Small Craft Advisory for Coral Point", None, None),
    ),
    "KS": (
        Alert(
            "Flood Warning",
            "Severe",
            "[URGENT] Flood [/all counties] [bold red]now",
            "[All] counties",
            "Text in [square brackets] is part of this alert.",
        ),
    ),
    "GM": (
        Alert(
            "Gale Warning",
            "Severe",
            "Gale Warning for the northern waters",
            "Northern waters, out 60 NM",
            "Winds of 35 to 40 kt and seas of 10 to 14 feet.",
        ),
    ),
    "LM": (
        Alert(
            "Small Craft Advisory",
            "Minor",
            "Small Craft Advisory for the southern lake",
            "Southern lake",
            "Waves of 4 to 7 feet.",
        ),
    ),
}
