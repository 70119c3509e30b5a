"""The options of each verb, as they come in the query (and, for DELETE, in the body)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.api.meta_v1 import DeleteOptions, StatusCause, StatusDetails
from controlplane.api.selectors import (
    EVERYTHING,
    FieldSelector,
    Selector,
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)
from controlplane.api.status import BadRequest, FieldError, Invalid
from controlplane.apiserver.bodies import FieldValidation
from controlplane.apiserver.messages import Query

_EVERY_FIELD = FieldSelector()
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_LONGEST = 100  # digits of a number worth looking at


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """CreateOptions, UpdateOptions and PatchOptions: upstream has them alike."""

    dry_run: bool = False
    field_manager: str = ""  # who is noted as the manager of what is written; empty: the program, by its User-Agent
    field_validation: FieldValidation = FieldValidation.WARN
    force: bool = False
    tracked: bool = False  # who manages which field has been noted already: by a server-side apply

    def document(self, kind: str) -> Document:
        """Return the same as a meta.k8s.io/v1 object of this kind, as admission sees it."""
        said: Document = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            said["dryRun"] = ["All"]
        if self.field_manager:
            said["fieldManager"] = self.field_manager
        if self.force:
            said["force"] = True
        return said


def write_options(query: Query, kind: str) -> WriteOptions:
    """Return the options of a write. Raises Invalid."""
    if not query.pairs:
        return WriteOptions()
    errors = []
    dry_run, wrong = _dry_run(query.all("dryRun"))
    errors += wrong
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        errors.append(_unsupported("fieldValidation", validation, ("Ignore", "Strict", "Warn")))
    manager = query.get("fieldManager")
    if len(manager) > 128:
        errors.append(FieldError("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes"))
    if not manager.isprintable():
        why = f"Invalid value: {msgspec.json.encode(manager).decode()}: should only contain printable characters"
        errors.append(FieldError("FieldValueInvalid", "fieldManager", why))
    if errors:
        raise invalid_options(kind, errors)
    return WriteOptions(dry_run, manager, FieldValidation(validation), query.flag("force"))


def _dry_run(values: list[str]) -> tuple[bool, list[FieldError]]:
    wrong = [value for value in values if value != "All"]
    return bool(values), [_unsupported("dryRun", value, ("All",)) for value in wrong]


def _unsupported(path: str, value: str, supported: tuple[str, ...]) -> FieldError:
    listed = ", ".join(f'"{one}"' for one in supported)
    return FieldError("FieldValueNotSupported", path, f'Unsupported value: "{value}": supported values: {listed}')


def invalid_options(kind: str, errors: list[FieldError]) -> Invalid:
    texts = [error.text for error in errors]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [StatusCause(reason=e.reason, field=e.path, message=e.message) for e in errors]
    details = StatusDetails(group="meta.k8s.io", kind=kind, causes=causes)
    return Invalid(f'{kind}.meta.k8s.io "" is invalid: {listed}', details=details)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What of a collection is wanted, as of when, and how much at a time."""

    labels: Selector = EVERYTHING
    fields: FieldSelector = _EVERY_FIELD
    resource_version: str = ""
    resource_version_match: str = ""
    limit: int = 0
    continue_: str = ""
    timeout_seconds: int | None = None
    allow_watch_bookmarks: bool = False
    send_initial_events: bool | None = None

    @property
    def revision(self) -> int:
        """The resource version as a number; 0 for none."""
        return int(self.resource_version or 0)


_WHOLE = ListOptions()


def list_options(query: Query, *, watching: bool = False) -> ListOptions:
    """Return the options of a LIST or WATCH. Raises BadRequest, Invalid."""
    if not query.pairs:
        return _WHOLE
    options = ListOptions(
        labels=_selector(parse_label_selector, query.get("labelSelector")),
        fields=_selector(parse_field_selector, query.get("fieldSelector")),
        resource_version=_version(query.get("resourceVersion")),
        resource_version_match=query.get("resourceVersionMatch"),
        limit=max(0, _integer(query, "limit") or 0),
        continue_=query.get("continue"),
        timeout_seconds=_integer(query, "timeoutSeconds"),
        allow_watch_bookmarks=query.flag("allowWatchBookmarks"),
        send_initial_events=query.flag("sendInitialEvents") if "sendInitialEvents" in query else None,
    )
    _check(options, watching)
    return options


def _selector(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except SelectorError as error:
        raise BadRequest(str(error)) from error


def _version(text: str) -> str:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BadRequest(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return text


def _integer(query: Query, name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if len(text) > _LONGEST or not -(2**63) <= int(text) < 2**63:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def _check(options: ListOptions, watching: bool) -> None:
    """Refuse combinations that have no meaning, in upstream's words."""
    errors = []
    match, version = options.resource_version_match, options.resource_version
    if watching:
        errors += _check_watch(options)
    elif match:
        if match not in ("Exact", "NotOlderThan"):
            errors.append(_unsupported("resourceVersionMatch", match, ("Exact", "NotOlderThan")))
        if not version:
            why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.append(FieldError("FieldValueForbidden", "resourceVersionMatch", why))
        if options.continue_:
            why = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
            errors.append(FieldError("FieldValueForbidden", "resourceVersionMatch", why))
        if match == "Exact" and version == "0":
            why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.append(FieldError("FieldValueForbidden", "resourceVersionMatch", why))
    elif options.send_initial_events is not None:
        why = "Forbidden: sendInitialEvents is forbidden for list"
        errors.append(FieldError("FieldValueForbidden", "sendInitialEvents", why))
    if errors:
        raise invalid_options("ListOptions", errors)
    if options.continue_ and version not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")


def _check_watch(options: ListOptions) -> list[FieldError]:
    match = options.resource_version_match
    if options.send_initial_events is None:
        if match:
            why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            return [FieldError("FieldValueForbidden", "resourceVersionMatch", why)]
        return []
    if match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        return [FieldError("FieldValueForbidden", "resourceVersionMatch", why)]
    return []


def delete_options(query: Query, body: bytes, decode_body: Any) -> DeleteOptions:
    """Return the options of a DELETE: the body's, or without one the query's. Raises BadRequest, Invalid."""
    options: DeleteOptions = decode_body(body) if body else _delete_options_of(query)
    errors = [_unsupported("dryRun", value, ("All",)) for value in options.dry_run if value != "All"]
    policy = options.propagation_policy
    if policy and options.orphan_dependents is not None:
        why = "Invalid value: orphanDependents and deletionPropagation cannot be both set"
        errors.append(FieldError("FieldValueInvalid", "propagationPolicy", why))
    if policy and policy not in ("Foreground", "Background", "Orphan"):
        errors.append(_unsupported("propagationPolicy", policy, ("Background", "Foreground", "Orphan")))
    errors += _unread_errors(options)
    if errors:
        raise invalid_options("DeleteOptions", errors)
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
        options = msgspec.structs.replace(options, orphan_dependents=None, propagation_policy=policy)
    return options


def _unread_errors(options: DeleteOptions) -> list[FieldError]:
    """Return what cannot be asked of an object that is to be deleted without having been read."""
    field = "ignoreStoreReadErrorWithClusterBreakingPotential"
    if not options.ignore_store_read_error_with_cluster_breaking_potential:
        return []
    given = {
        "propagationPolicy": options.propagation_policy,
        "orphanDependents": options.orphan_dependents,
        "gracePeriodSeconds": options.grace_period_seconds,
        "preconditions": options.preconditions,
    }
    return [
        FieldError("FieldValueInvalid", field, f"Invalid value: true: cannot be set together with .{name}")
        for name, value in given.items()
        if value is not None and value != ""
    ]


def _delete_options_of(query: Query) -> DeleteOptions:
    if not query.pairs:
        return DeleteOptions()
    return DeleteOptions(
        dry_run=query.all("dryRun"),
        grace_period_seconds=_integer(query, "gracePeriodSeconds"),
        orphan_dependents=query.flag("orphanDependents") if "orphanDependents" in query else None,
        propagation_policy=query.get("propagationPolicy"),
        ignore_store_read_error_with_cluster_breaking_potential=query.flag(
            "ignoreStoreReadErrorWithClusterBreakingPotential"
        ),
    )
