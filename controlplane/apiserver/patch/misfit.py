"""A strategic merge patch that puts a value of the wrong type somewhere: 422, in the words of upstream's converter.

    misfit({"spec": {"replicas": "x"}}, "... cannot unmarshal string into ... of type int32").message
    == '"" is invalid: patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32'

The other patches go through JSON again and fail there, with 400; this one is merged into Go values.
"""

from __future__ import annotations

import re
from typing import Any

from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.status import Invalid

_MISTAKE = re.compile(r"json: cannot unmarshal (?P<found>\w+)(?: (?P<number>\S+))? into .* of type (?P<wanted>.+)")


def misfit(patch: Any, mistake: str) -> Invalid | None:
    """Return the refusal of a patch that leads to a type mistake; None if the mistake is another."""
    parts = _MISTAKE.search(mistake)
    if parts is None:
        return None
    shown = go_value(patch).replace("\\", "\\\\").replace('"', '\\"')
    message = f'Invalid value: "{shown}": {_why(parts["found"], parts["number"] or "", parts["wanted"])}'
    cause = StatusCause(reason="FieldValueInvalid", field="patch", message=message)
    return Invalid(f' "" is invalid: patch: {message}', details=StatusDetails(causes=[cause]))


def _why(found: str, number: str, wanted: str) -> str:
    if wanted.startswith("[]"):
        return f"cannot restore slice from {_GO_KINDS.get(found, found)}"
    if wanted.startswith("map["):
        return f"cannot restore map from {_GO_KINDS.get(found, found)}"
    if wanted.startswith("v1."):
        return f"cannot restore struct from: {_GO_KINDS.get(found, found)}"
    if found == "number" and (number or wanted == "string"):
        whole = number.lstrip("-").isdigit() or not number
        return f"cannot convert {'int64' if whole else 'float64'} to {wanted}"
    return f"unrecognized type: {wanted}"


_GO_KINDS = {"number": "int64", "object": "map", "array": "slice"}


def go_value(value: Any) -> str:
    """Return a value as Go prints it: map[spec:map[replicas:x]]."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_value(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_value, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
