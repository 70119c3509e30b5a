"""`jsonpatch.escapeKey`: a map key as a step of a JSON pointer (RFC 6901)."""

from __future__ import annotations

from controlplane.cel import costs
from controlplane.cel.functions import Functions, function
from controlplane.cel.types import STRING


def add_to(functions: Functions) -> None:
    functions.add("jsonpatch.escapeKey", function(STRING, gives=STRING), _escape, costs.of_first)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
