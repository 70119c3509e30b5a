"""Named text formats: `format.dns1123Label().validate(name)` gives the mistakes, or none."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from controlplane.api import names
from controlplane.cel import costs, types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.library.urls import parse_url
from controlplane.cel.types import STRING, Type
from controlplane.cel.values import NONE, Optional, Timestamp

FORMAT_TYPE = Type("kubernetes.NamedFormat")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

Check = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class NamedFormat:
    name: str
    check: Check
    cel_type: ClassVar[Type] = FORMAT_TYPE


def _prefix(check: Check) -> Check:
    return lambda text: check(names.without_trailing_dash(text))


def _uri(text: str) -> list[str]:
    try:
        parse_url(text)
    except EvaluationError as error:
        return [str(error).removeprefix("URL parse error during conversion from string: ")]
    return []


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return ["invalid base64"]
    return [] if text else ["invalid base64"]


def _date(text: str) -> list[str]:
    try:
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return [] if len(text) == 10 else ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        Timestamp.parse(text)
    except EvaluationError:
        return ["invalid datetime"]
    return []


FORMATS: dict[str, NamedFormat] = {
    name: NamedFormat(name, check)
    for name, check in {
        "dns1123Label": names.dns1123_label,
        "dns1123Subdomain": names.dns1123_subdomain,
        "dns1035Label": names.dns1035_label,
        "qualifiedName": names.qualified_name,
        "dns1123LabelPrefix": _prefix(names.dns1123_label),
        "dns1123SubdomainPrefix": _prefix(names.dns1123_subdomain),
        "dns1035LabelPrefix": _prefix(names.dns1035_label),
        "labelValue": names.label_value,
        "uri": _uri,
        "uuid": lambda text: [] if _UUID.fullmatch(text) else ["does not match the UUID format"],
        "byte": _byte,
        "date": _date,
        "datetime": _datetime,
    }.items()
}


def _validate(format_: NamedFormat, text: str) -> Optional:
    mistakes = list(format_.check(text))
    return Optional(mistakes) if mistakes else NONE


def _named(name: str) -> Optional:
    return Optional(FORMATS[name]) if name in FORMATS else NONE


def add_to(functions: Functions) -> None:
    functions.knows(FORMAT_TYPE, NamedFormat)
    functions.add("format.named", function(STRING, gives=types.optional_of(FORMAT_TYPE)), _named)
    for name, one in FORMATS.items():
        functions.add(f"format.{name}", function(gives=FORMAT_TYPE), lambda one=one: one)
    mistakes = types.optional_of(types.list_of(STRING))
    functions.add("validate", method(FORMAT_TYPE, STRING, gives=mistakes), _validate, costs.of_second)
