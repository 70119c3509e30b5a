"""Who set which field: the entries of metadata.managedFields.

An entry belongs to a manager, an operation (Apply or Update) and a subresource. Whoever writes a field by an ordinary
update takes it over from everybody; whoever applies shares it with those who want the same value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from controlplane.api.codec import Document
from controlplane.apiserver.patch.field_changes import added_fields, changed_fields
from controlplane.apiserver.patch.field_set import FieldSet, difference, merge_sets
from controlplane.apiserver.patch.schema import Schema

APPLY, UPDATE = "Apply", "Update"

# Nobody manages what names an object or what the server alone writes.
UNMANAGED: FieldSet = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        f"f:{name}": {}
        for name in (
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generation",
            "managedFields",
            "name",
            "namespace",
            "resourceVersion",
            "selfLink",
            "uid",
        )
    },
}


class Manager(msgspec.Struct, frozen=True):
    """Who changes an object, and through which door."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def same(self, other: Manager) -> bool:
        """One who applies is the same at every version of the API."""
        if self.operation == APPLY == other.operation:
            return self.name == other.name and self.subresource == other.subresource
        return self == other


class Entry(msgspec.Struct, frozen=True):
    """The fields of one manager, and when it took the last of them."""

    manager: Manager
    fields: FieldSet
    time: str = ""

    def encode(self) -> Document:
        manager = self.manager
        entry: Document = {"manager": manager.name} if manager.name else {}
        entry |= {"operation": manager.operation, "apiVersion": manager.api_version}
        if self.time:
            entry["time"] = self.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields}
        return entry | ({"subresource": manager.subresource} if manager.subresource else {})


def decode_entries(document: Document) -> list[Entry]:
    """Return the entries of an object; what is malformed is left out, so that the next write repairs it."""
    found = (document.get("metadata") or {}).get("managedFields") or []
    return [_decode(entry) for entry in found if isinstance(entry, dict) and isinstance(entry.get("fieldsV1"), dict)]


def _decode(entry: Document) -> Entry:
    manager = Manager(
        entry.get("manager") or "",
        entry.get("operation") or UPDATE,
        entry.get("apiVersion") or "",
        entry.get("subresource") or "",
    )
    return Entry(manager, entry["fieldsV1"], entry.get("time") or "")


def encode_entries(document: Document, entries: Iterable[Entry]) -> None:
    """Write the entries into an object, in upstream's order: who applies first, then by age and name."""
    kept = sorted((entry for entry in entries if entry.fields), key=_rank)
    metadata = document.setdefault("metadata", {})
    if kept:
        metadata["managedFields"] = [entry.encode() for entry in kept]
    else:
        metadata.pop("managedFields", None)


def _rank(entry: Entry) -> tuple[Any, ...]:
    manager = entry.manager
    return manager.operation, entry.time, manager.name, manager.api_version, manager.subresource


def track_update(
    new: Document,
    old: Document | None,
    manager: str,
    subresource: str,
    time: str,
    schema: Schema,
) -> None:
    """Write into `new` who manages what after an ordinary create, update or patch by `manager`.

    `time` is RFC 3339. An update that sends managedFields as `[{}]` forgets everybody, as upstream allows.
    """
    if _resets(new):
        new["metadata"].pop("managedFields")
        return
    changed, removed = changed_fields(old or {}, new, schema) if old else (_everything(new, schema), {})
    changed, removed = difference(changed, UNMANAGED), difference(removed, UNMANAGED)
    me = Manager(manager, UPDATE, new.get("apiVersion") or "", subresource)
    entries = decode_entries(old) if old else []
    if changed or removed:
        entries = list(_taken_over(entries, me, changed, removed, time))
    encode_entries(new, entries)


def _everything(new: Document, schema: Schema) -> FieldSet:
    fields = added_fields(new, schema)
    return {key: node for key, node in fields.items() if key != "."}


def _resets(new: Document) -> bool:
    return bool((new.get("metadata") or {}).get("managedFields") == [{}])


def _taken_over(
    entries: Iterable[Entry], me: Manager, changed: FieldSet, removed: FieldSet, time: str
) -> Iterable[Entry]:
    mine: FieldSet = {}
    my_time = ""
    for entry in entries:
        fields = difference(entry.fields, removed) if removed else entry.fields
        if entry.manager.same(me):
            mine, my_time = fields, entry.time
        else:
            yield replace(entry, fields=difference(fields, changed) if changed else fields)
    yield Entry(me, merge_sets(mine, changed), time if changed else my_time)


def forget_idle_time(new: Document, old: Document) -> None:
    """Undo the new time of an entry in `new` if that is all there is new.

    What is applied may lack what the server filled in when it was applied before, so that this shows only now.
    """
    ours, theirs = new.get("metadata") or {}, old.get("metadata") or {}
    entries = theirs.get("managedFields")
    if entries and _timeless(new, ours) == _timeless(old, theirs):
        ours["managedFields"] = entries


def _timeless(document: Document, metadata: Document) -> tuple[Document, Document, list[Document]]:
    entries = [{**entry, "time": ""} for entry in metadata.get("managedFields") or () if isinstance(entry, dict)]
    rest = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {name: value for name, value in document.items() if name != "metadata"}, rest, entries


def default_manager(user_agent: str) -> str:
    """Return the manager of a request that names none: kubectl, of kubectl/v1.37.1 (linux/amd64)."""
    return "".join(character for character in user_agent.partition("/")[0] if character.isprintable())[:128]
