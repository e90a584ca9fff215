"""How numbers, rates and names are put into text files."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote
from xml.etree import ElementTree as Xml

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2

_DEVICE = re.compile("con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)  # no names of files on Windows, however they end


def number(value: float | Fraction, digits: int = 4) -> str:
    """A number without needless zeros: `12`, `12.5`, never `-0` nor `1e-05`."""
    text = f"{float(value):.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, which a class name of a stranger's log may be."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def rate_label(rate: Fraction) -> str:
    """A frame rate as people write it: `25`, `23.976`, `29.97`."""
    return number(rate, 3)


def identifier(name: str) -> str:
    """A name with nothing but letters, digits and underscores, starting with a letter: `person_3`."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    return plain if plain[:1].isalpha() else f"object_{plain}".rstrip("_")


def file_name(name: str) -> str:
    """A name that every file system takes."""
    plain = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).strip(". ") or "object"
    return f"_{plain}" if _DEVICE.fullmatch(plain.partition(".")[0].rstrip()) else plain


def file_url(path: str) -> str:
    """The URL of a clip; a relative path stays relative."""
    for kind in (PurePosixPath(path), PureWindowsPath(path)):
        if kind.is_absolute():
            return kind.as_uri()
    return quote(path.replace("\\", "/"), errors="surrogateescape")


def xml_text(root: Xml.Element, doctype: str = "") -> str:
    """An indented document; characters that XML cannot hold become U+FFFD."""
    Xml.indent(root)
    text = _NOT_XML.sub("\ufffd", Xml.tostring(root, "unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{text}\n'


def hex_colour(colour: tuple[int, int, int]) -> str:
    """`ff8000` of (255, 128, 0)."""
    return bytes(colour).hex()
