"""The formats that text in a custom resource may be asked to have; one that is not known says nothing."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

from controlplane.api import names

_HEX = "[0-9a-f]"
_HOST = re.compile(
    r"(?=.{1,255}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ](?P<clock>\d\d:\d\d(:\d\d([.,]\d+)?)?)([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|0"
    r"|\d+(\.\d+)?\s*(ns|nanosec(ond)?s?|us|µs|microsec(ond)?s?|ms|millisec(ond)?s?|s|sec(ond)?s?|m|min(ute)?s?"
    r"|h|hrs?|hours?|d|days?|w|wks?|weeks?)"
)
_COLOUR = r"(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])"


def _matches(pattern: str, flags: int = re.ASCII) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.fullmatch(text) is not None


def _uuid(version: str = "") -> Callable[[str], bool]:
    third = f"{version}{_HEX}{{3}}" if version else f"{_HEX}{{4}}"
    fourth = f"[89ab]{_HEX}{{3}}" if version in ("4", "5") else f"{_HEX}{{4}}"
    return _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{third}-?{fourth}-?{_HEX}{{12}}", re.IGNORECASE | re.ASCII)


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme or text.startswith("/")) and " " not in text


def _email(text: str) -> bool:
    local, sign, domain = text.rpartition("@")
    return bool(sign and local and domain) and not re.search(r"[\s<>,;]", text)


def _date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text):
        return False
    return _parses(lambda one: datetime.fromisoformat(one.upper().replace(",", ".").replace("Z", "+00:00")))(text)


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _card(text: str) -> bool:
    digits = re.sub(r"[^0-9]", "", text)
    total = sum(int(one) if place % 2 == 0 else sum(divmod(2 * int(one), 10)) for place, one in enumerate(digits[::-1]))
    return 13 <= len(digits) <= 19 and total % 10 == 0


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    return sum((10 - place) * (10 if one == "X" else int(one)) for place, one in enumerate(digits)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits)) % 10 == 0


# By name without dashes, as upstream compares them.
FORMATS: Mapping[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches("[0-9a-fA-F]{24}"),
    "byte": _byte,
    "cidr": _parses(lambda text: ipaddress.ip_interface(text if "/" in text else "")),
    "creditcard": _card,
    "date": _parses(lambda text: date.fromisoformat(text) if len(text) == 10 else date.fromisoformat("")),
    "datetime": _date_time,
    "duration": lambda text: _DURATION.fullmatch(text.strip()) is not None,
    "email": _email,
    "hexcolor": _matches("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": lambda text: _HOST.fullmatch(text) is not None,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "k8slongname": lambda text: not names.dns1123_subdomain(text),
    "k8sshortname": lambda text: not names.dns1123_label(text),
    "mac": _matches(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,7}|([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}"),
    "password": lambda text: True,
    "rgbcolor": _matches(rf"rgb\(\s*{_COLOUR}\s*,\s*{_COLOUR}\s*,\s*{_COLOUR}\s*\)"),
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
}
_OF_NUMBERS = {"integer": ("int32", "int64"), "number": ("float", "double")}


def is_known(format_: str, type_: str) -> bool:
    """Return whether a format means something for values of a type."""
    if type_ in ("", "string"):
        return format_.replace("-", "") in FORMATS
    return format_ in _OF_NUMBERS.get(type_, ())


def has_format(text: str, format_: str) -> bool:
    """Return whether text has a format; one that is not known asks for nothing."""
    check = FORMATS.get(format_.replace("-", ""))
    return check is None or check(text)
