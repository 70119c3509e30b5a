"""The base of every API type, and the rule that turns our field names into the wire's.

Types hold what the wire holds. A field's default means "absent on the wire", as Go's `omitempty` does for upstream:
"" for text, [] and {} for lists and maps, None for numbers, booleans, times and objects (whose zero is meaningful).
What upstream fills in when a field is absent lives in `controlplane.api.defaults`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, dataclass_transform

import msgspec

Int32: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Numbers as wide as upstream's: a wider one could not be read by any other client."""

Number: TypeAlias = int | float
"""A number that is written as it was read: 10 stays 10."""

Quantity: TypeAlias = str | int | float
"""An amount with a unit, such as "500m" or "64Mi"; `controlplane.api.quantity` computes with it."""


def zero_quantity() -> str:
    return "0"


def always(zero: Callable[[], Any], *, name: str | None = None) -> Any:
    """Declare a field that is written even when it is zero, as Go writes it; `zero` makes that value."""
    return msgspec.field(default_factory=zero, name=name)


IntOrString: TypeAlias = int | str
"""A port number or its name; a count or a percentage such as "25%"."""

Time: TypeAlias = Annotated[str, "Time"]
"""RFC 3339 in UTC with seconds, such as 2026-11-21T06:30:00Z."""

MicroTime: TypeAlias = Annotated[str, "MicroTime"]
"""RFC 3339 in UTC with microseconds; Leases and Events use it."""

# The words that upstream writes in capitals when they do not start a name: pod_ip is podIP.
_CAPITALS = {
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "dns": "DNS",
    "fqdn": "FQDN",
    "id": "ID",
    "ids": "IDs",
    "io": "IO",
    "ip": "IP",
    "ipc": "IPC",
    "ips": "IPs",
    "pid": "PID",
    "tls": "TLS",
    "uid": "UID",
    "uri": "URI",
    "url": "URL",
    "urls": "URLs",
    "uuid": "UUID",
}


def wire_name(field: str) -> str:
    """Return the JSON name of a field: pod_ip gives podIP, from_ gives from."""
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(_CAPITALS.get(word, word.capitalize()) for word in rest)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _KubeStructMeta(msgspec.StructMeta):
    """Tells type checkers what `KubeStruct` below tells msgspec: every subclass is frozen and takes keywords only."""


class KubeStruct(
    msgspec.Struct, metaclass=_KubeStructMeta, rename=wire_name, frozen=True, kw_only=True, omit_defaults=True
):
    """Base of every API type; change a value with `msgspec.structs.replace`."""


@dataclass(frozen=True, slots=True)
class ListMap:
    """Marks a list whose entries are identified by some of their fields.

    Strategic merge patch merges by `merge_key` (absent: the list is replaced); server-side apply by `keys`.
    """

    keys: tuple[str, ...] = ()
    merge_key: str = ""
    retain_keys: bool = False


@dataclass(frozen=True, slots=True)
class ListSet:
    """Marks a list of scalars that has no duplicates; a merge adds to it."""

    merge: bool = False


@dataclass(frozen=True, slots=True)
class Atomic:
    """Marks a list, map or object that server-side apply replaces as a whole."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Marks an object that a strategic merge patch replaces as a whole."""


@dataclass(frozen=True, slots=True)
class RetainKeys:
    """Marks an object of which a strategic merge patch says which keys to keep."""


def is_always_there(field: msgspec.structs.FieldInfo) -> bool:
    """Whether an object's field holds an object even where the wire has none."""
    zero = field.default_factory
    return isinstance(field.default, KubeStruct) or (isinstance(zero, type) and issubclass(zero, KubeStruct))
