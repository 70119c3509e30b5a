"""A server with a definition in it, asked in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controlplane.testing import memory_api
from tests.integration.apiserver.conftest import Asker, Told

Document = dict[str, Any]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"

SCHEMA: Document = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["colour"],
            "properties": {
                "colour": {"type": "string", "enum": ["red", "green"]},
                "size": {"type": "integer", "minimum": 1, "default": 3},
                "replicas": {"type": "integer"},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port"],
                    "items": {
                        "type": "object",
                        "required": ["port"],
                        "properties": {"port": {"type": "integer"}, "name": {"type": "string"}},
                    },
                },
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
SUBRESOURCES: Document = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
}


def a_version(name: str = "v1", **more: Any) -> Document:
    version = {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": SCHEMA}}
    return version | {"subresources": SUBRESOURCES} | more


def a_definition(*versions: Document, plural: str = "widgets", kind: str = "Widget", **more: Any) -> Document:
    names = {"plural": plural, "kind": kind, "shortNames": [plural[:2]]} | more.pop("names", {})
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [*versions] or [a_version()]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": spec | more,
    }


def a_widget(name: str = "a", **spec: Any) -> Document:
    document = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}}
    return document | {"spec": {"colour": "red"} | spec}


async def define(ask: Asker, definition: Document) -> Document:
    """Create a definition and return it once it is established."""
    made = await ask("POST", DEFINITIONS, definition)
    assert made.status == 201, made.body
    return await established(ask, definition["metadata"]["name"])


async def established(ask: Asker, name: str) -> Document:
    return (await until(ask, name, "Established", "True")).body


async def until(ask: Asker, name: str, type_: str, status: str) -> Told:
    """Watch a definition until it has a condition."""

    def says_so(told: Told) -> bool:
        return any((one["type"], one["status"]) == (type_, status) for one in conditions(told.body))

    return await eventually(ask, f"{DEFINITIONS}/{name}", says_so)


async def eventually(ask: Asker, path: str, holds: Callable[[Told], bool]) -> Told:
    """Ask again until the answer is as it should be: a definition takes effect a moment after it is written."""
    for _ in range(1000):
        told = await ask("GET", path)
        if holds(told):
            return told
        await asyncio.sleep(0.01)
    raise AssertionError(f"GET {path} still answers {told}")


def conditions(definition: Document) -> list[Document]:
    found: list[Document] = definition.get("status", {}).get("conditions", [])
    return found


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with memory_api() as api:
        yield Asker(api)


@pytest.fixture
async def widgets(ask: Asker) -> Asker:
    await define(ask, a_definition())
    return ask
