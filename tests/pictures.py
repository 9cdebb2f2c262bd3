"""What a picture holds, read from its SVG."""

import base64
from xml.etree import ElementTree


def parts(svg: str, name: str) -> list[ElementTree.Element]:
    """The elements of a picture that stand for a kill, a band "no worker", a lane ..."""
    return [one for one in ElementTree.fromstring(svg).iter() if one.get("data-part") == name]


def dots(svg: str, witness: str) -> list[str]:
    """What a witness says, dot by dot."""
    rows = [one for one in ElementTree.fromstring(svg).iter() if one.get("data-witness") == witness]
    return [mark for row in rows for one in row.iter() if (mark := one.get("data-mark"))]


def embedded(html: str) -> tuple[str, str]:
    """The picture of a page, and its alternative text."""
    image = ElementTree.fromstring(html).find(".//img")
    assert image is not None
    kind, _, data = (image.get("src") or "").partition(";base64,")
    assert kind == "data:image/svg+xml"
    return base64.b64decode(data).decode(), image.get("alt") or ""
