"""From a definition to what serves it: one storage for each version that is served.

storages_of(definition, …)      [CustomStorage(widgets v1), CustomStorage(widgets v1beta1)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from controlplane.api.apiextensions_v1 import (
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionVersion,
    CustomResourceSubresourceScale,
)
from controlplane.api.codec import to_document
from controlplane.api.custom import CustomResource
from controlplane.api.resources import Resource
from controlplane.api.structural.schema import Node, compile_schema
from controlplane.apiserver.customresources.columns import printer_for
from controlplane.apiserver.customresources.conversion import ByName, Converter
from controlplane.apiserver.customresources.rules import Rules, rules_of
from controlplane.apiserver.customresources.shape import CustomShape
from controlplane.apiserver.customresources.storage import CustomStorage, Versions
from controlplane.apiserver.customresources.strategy import CustomStrategy, Life
from controlplane.apiserver.watch_cache import REGISTRY, WatchCache
from controlplane.store.interface import Store


@dataclass(frozen=True, slots=True)
class Materials:
    """What storages are made of, besides the definition."""

    store: Store
    cache: WatchCache
    converter_for: Callable[[CustomResourceDefinition], Converter] = lambda _: ByName()
    rules_for: Callable[[Node], Rules] = rules_of


def storage_prefix(definition: CustomResourceDefinition) -> str:
    return f"{definition.spec.group}/{accepted(definition).plural}"


def prefix_of(definition: CustomResourceDefinition) -> str:
    """Return the prefix of its objects' keys in the store."""
    return f"{REGISTRY}{storage_prefix(definition)}/"


def accepted(definition: CustomResourceDefinition) -> CustomResourceDefinitionNames:
    return definition.status.accepted_names or CustomResourceDefinitionNames()


def nodes_of(definition: CustomResourceDefinition) -> dict[str, Node]:
    """Return the schema of every version, by apiVersion; what has none keeps whatever it is given."""
    found = {}
    for version in definition.spec.versions:
        schema = version.schema.open_api_v3_schema if version.schema else None
        raw = to_document(schema) if schema is not None else {"x-kubernetes-preserve-unknown-fields": True}
        found[f"{definition.spec.group}/{version.name}"] = compile_schema(raw)
    return found


def resource_of(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> Resource:
    """Return how a version is announced and found."""
    names = accepted(definition)
    return Resource(
        definition.spec.group,
        version.name,
        names.kind,
        names.plural,
        CustomResource,
        namespaced=definition.spec.scope == "Namespaced",
        short_names=tuple(names.short_names),
        categories=tuple(names.categories),
        subresources=subresources_of(version),
        storage_prefix=storage_prefix(definition),
        singular_name=names.singular,
        list_name=names.list_kind,
        deprecation=_deprecation(definition, version),
        custom=True,
        selectable=tuple(one.json_path.removeprefix(".") for one in version.selectable_fields),
    )


def subresources_of(version: CustomResourceDefinitionVersion) -> tuple[str, ...]:
    wanted = version.subresources
    if wanted is None:
        return ()
    found = {"scale": wanted.scale is not None, "status": wanted.status is not None}
    return tuple(name for name, there in found.items() if there)


def scale_of(version: CustomResourceDefinitionVersion) -> CustomResourceSubresourceScale | None:
    return version.subresources.scale if version.subresources else None


def _deprecation(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> str:
    if not version.deprecated:
        return ""
    default = f"{definition.spec.group}/{version.name} {accepted(definition).kind} is deprecated"
    return version.deprecation_warning or default


def storages_of(definition: CustomResourceDefinition, life: Life, materials: Materials) -> list[CustomStorage]:
    """Return the storages of all served versions. Raises PatternError."""
    nodes = nodes_of(definition)
    stored = next(one.name for one in definition.spec.versions if one.storage)
    versions = Versions(nodes, f"{definition.spec.group}/{stored}", materials.converter_for(definition))
    return [
        _storage(definition, version, versions, life, materials)
        for version in definition.spec.versions
        if version.served
    ]


def _storage(
    definition: CustomResourceDefinition,
    version: CustomResourceDefinitionVersion,
    versions: Versions,
    life: Life,
    materials: Materials,
) -> CustomStorage:
    resource = resource_of(definition, version)
    node = versions.nodes[resource.api_version]
    return CustomStorage(
        resource,
        CustomStrategy(resource, node, life, materials.rules_for(node), scale_of(version)),
        materials.store,
        materials.cache,
        CustomShape(node, own_status="status" in resource.subresources),
        versions,
        printer_for(version.additional_printer_columns),
    )


def signature(definition: CustomResourceDefinition) -> Mapping[str, object]:
    """Return what of a definition makes its resource be served anew when it changes."""
    return {
        "uid": definition.metadata.uid,
        "spec": msgspec.to_builtins(definition.spec),
        "names": msgspec.to_builtins(accepted(definition)),
    }
