"""The scale subresource of a custom resource: its definition says where in an object the counts are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controlplane.api.apiextensions_v1 import CustomResourceSubresourceScale
from controlplane.api.codec import Document
from controlplane.api.status import FieldError, InternalError
from controlplane.api.validation.errors import invalid
from controlplane.apiserver.strategies.scale import scale_document

_MOST = 2**31 - 1


def at(document: Document, path: str) -> Any:
    """Return what is at a path such as .spec.replicas; None where nothing is."""
    value: Any = document
    for key in path.removeprefix(".").split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def put(document: Document, path: str, value: Any) -> None:
    """Write a value at a path, making the objects that lead to it."""
    *above, last = path.removeprefix(".").split(".")
    for key in above:
        inner = document.get(key)
        if not isinstance(inner, dict):
            inner = document[key] = {}
        document = inner
    document[last] = value


def scale_of(scale: CustomResourceSubresourceScale, document: Document) -> Document:
    """Return a custom resource as a Scale. Raises InternalError."""
    replicas = at(document, scale.spec_replicas_path)
    if replicas is None:
        raise InternalError(
            f'Internal error occurred: the spec replicas field "{scale.spec_replicas_path}" does not exist'
        )
    status: Document = {"replicas": at(document, scale.status_replicas_path) or 0}
    if scale.label_selector_path and (selector := at(document, scale.label_selector_path)):
        status["selector"] = selector
    return scale_document(document, replicas, status)


def mistakes_of_scale(
    scale: CustomResourceSubresourceScale | None, document: Document, *, with_spec: bool
) -> list[FieldError]:
    """Return what is wrong with the values that the scale subresource shows."""
    if scale is None:
        return []
    errors = [*_of_count(document, scale.spec_replicas_path)] if with_spec else []
    errors += _of_count(document, scale.status_replicas_path)
    if scale.label_selector_path:
        selector = at(document, scale.label_selector_path)
        if selector is not None and not isinstance(selector, str):
            errors.append(
                invalid(scale.label_selector_path, "", _wrong_type(scale.label_selector_path, selector, "string"))
            )
    return errors


def _of_count(document: Document, path: str) -> Iterator[FieldError]:
    count = at(document, path)
    if count is None:
        return
    if type(count) is not int:
        yield invalid(path, 0, _wrong_type(path, count, "int64"))
    elif count < 0:
        yield invalid(path, count, "should be a non-negative integer")
    elif count > _MOST:
        yield invalid(path, count, f"should be less than or equal to {_MOST}")


def _wrong_type(path: str, value: Any, wanted: str) -> str:
    names = {str: "string", float: "float64", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return f"{path} accessor error: {value} is of the type {names.get(type(value), 'int64')}, expected {wanted}"
