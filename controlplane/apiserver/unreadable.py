"""What callers are told of objects that are stored and cannot be decrypted or decoded."""

from __future__ import annotations

from collections.abc import Mapping

from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.resources import Resource
from controlplane.api.status import InternalError, StoreReadError
from controlplane.apiserver.cached_object import Unreadable

_MOST = 100  # objects that one answer names, as upstream's
_REGISTRY = "/registry"


def read_error(key: str, why: Unreadable) -> InternalError:
    """Return the 500 for one object; `key` is its key in the store."""
    return InternalError(f"Internal error occurred: {_storage_error(key.removeprefix(_REGISTRY), why)}")


def store_read_error(resource: Resource, wrong: Mapping[str, Unreadable]) -> StoreReadError:
    """Return the 500 for a list; `wrong` are the objects that cannot be read, by key in the store."""
    texts = {key: _storage_error(key, why) for key, why in list(wrong.items())[:_MOST]}
    causes = [StatusCause(reason="UnexpectedServerResponse", field=key, message=text) for key, text in texts.items()]
    if len(texts) >= _MOST:
        causes.append(StatusCause(reason="FieldValueTooMany", message="too many errors, the list is truncated"))
    name = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    others = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    message = f"failed to read one or more {name} from the storage: {next(iter(texts.values()))}{others}"
    details = StatusDetails(group=resource.group, kind=resource.plural, name="list", causes=causes)
    return StoreReadError(message, details=details)


def can_be_read(key: str) -> str:
    """Say that an object is not one to delete unread."""
    why = "unsafe deletion is not allowed because the object is decodable from storage"
    return f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"


def _storage_error(key: str, why: Unreadable) -> str:
    return f"StorageError: corrupt object, Code: 7, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
