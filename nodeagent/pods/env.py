"""A container's environment: its own variables, those of config maps and secrets, and those of services.

env:  GREETING=hello   TEXT="$(GREETING) $(NOBODY) $$(GREETING)"    →    TEXT="hello $(NOBODY) $(GREETING)"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import (
    ConfigMap,
    Container,
    EnvFromSource,
    EnvVarSource,
    EphemeralContainer,
    Pod,
    Secret,
    Service,
)
from nodeagent.volumes import config_map, downward, secret
from nodeagent.volumes.objects import Found, Reference

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_NOT_IN_NAMES = re.compile(r"[-.]")


class ConfigError(Exception):
    """A container cannot be configured as its spec says: CreateContainerConfigError."""


@dataclass(frozen=True, slots=True)
class EnvSources:
    """Everything that a variable's value may come from."""

    services: Sequence[Service] = ()
    objects: Found = field(default_factory=dict)
    pod_ips: Sequence[str] = ()
    host_ips: Sequence[str] = ()
    allocatable: Mapping[str, Quantity] = field(default_factory=dict)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with each $(NAME) replaced; unknown names stay, and $$ stands for one $."""

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(replacement, text)


def environment(pod: Pod, container: Container | EphemeralContainer, sources: EnvSources) -> dict[str, str]:
    """Return a container's variables in order. Raises ConfigError."""
    links = pod.spec.enable_service_links
    services = service_environment(pod.metadata.namespace, sources.services, all_services=links is not False)
    variables: dict[str, str] = {}
    for source in container.env_from:
        variables.update(_from_object(pod, source, sources.objects))
    for variable in container.env:
        if variable.value_from is not None:
            value = _value_from(pod, container, variable.value_from, sources)
            if value is None:
                continue  # an optional key that is not there
        else:
            value = expand(variable.value, {**services, **variables})
        variables[variable.name] = value
    return variables | {name: value for name, value in services.items() if name not in variables}


def _from_object(pod: Pod, source: EnvFromSource, objects: Found) -> dict[str, str]:
    namespace = pod.metadata.namespace
    data: Mapping[str, bytes] = {}
    if wanted := source.config_map_ref:
        found = objects.get(Reference(ConfigMap, namespace, wanted.name))
        if isinstance(found, ConfigMap):
            data = {key: value.encode() for key, value in found.data.items()}
        elif not wanted.optional:
            raise ConfigError(f'configmap "{wanted.name}" not found')
    elif secret_wanted := source.secret_ref:
        kept = objects.get(Reference(Secret, namespace, secret_wanted.name))
        if isinstance(kept, Secret):
            data = secret.contents(kept)
        elif not secret_wanted.optional:
            raise ConfigError(f'secret "{secret_wanted.name}" not found')
    return {source.prefix + key: value.decode(errors="replace") for key, value in data.items()}


def _value_from(
    pod: Pod, container: Container | EphemeralContainer, source: EnvVarSource, sources: EnvSources
) -> str | None:
    try:
        if source.field_ref is not None:
            path = source.field_ref.field_path
            return downward.field(pod, path, pod_ips=sources.pod_ips, host_ips=sources.host_ips)
        if source.resource_field_ref is not None:
            wanted = source.resource_field_ref
            owner = _container(pod, wanted.container_name or container.name)
            return downward.resource(owner, wanted.resource, wanted.divisor, sources.allocatable)
    except downward.UnknownField as error:
        raise ConfigError(str(error)) from error
    return _key(pod, source, sources.objects)


def _container(pod: Pod, name: str) -> Container:
    for container in [*pod.spec.containers, *pod.spec.init_containers]:
        if container.name == name:
            return container
    raise ConfigError(f"container {name} not found")


def _key(pod: Pod, source: EnvVarSource, objects: Found) -> str | None:
    namespace = pod.metadata.namespace
    if one := source.config_map_key_ref:
        found = objects.get(Reference(ConfigMap, namespace, one.name))
        data = config_map.contents(found) if isinstance(found, ConfigMap) else None
        return _picked(data, "ConfigMap", namespace, one.name, one.key, optional=bool(one.optional))
    if other := source.secret_key_ref:
        kept = objects.get(Reference(Secret, namespace, other.name))
        data = secret.contents(kept) if isinstance(kept, Secret) else None
        return _picked(data, "Secret", namespace, other.name, other.key, optional=bool(other.optional))
    raise ConfigError("a variable's valueFrom is of a kind that this node does not support")


def _picked(
    data: Mapping[str, bytes] | None, kind: str, namespace: str, name: str, key: str, *, optional: bool
) -> str | None:
    if data is not None and key in data:
        return data[key].decode(errors="replace")
    if optional:
        return None
    if data is None:
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    raise ConfigError(f"couldn't find key {key} in {kind} {namespace}/{name}")


def service_environment(namespace: str, services: Iterable[Service], *, all_services: bool) -> dict[str, str]:
    """Return the variables about services: always those of the API server, and those of the pod's own namespace."""
    variables: dict[str, str] = {}
    chosen: dict[str, Service] = {}
    for service in sorted(services, key=lambda one: one.metadata.namespace == namespace):
        meta = service.metadata
        if service.spec.cluster_ip in ("", "None") or not service.spec.ports:
            continue
        is_api_server = (meta.namespace, meta.name) == ("default", "kubernetes")
        if is_api_server or (all_services and meta.namespace == namespace):
            chosen[meta.name] = service  # the namespace's own "kubernetes" comes later in the order, and wins
    for name in sorted(chosen):
        variables.update(_service_variables(chosen[name]))
    return variables


def _service_variables(service: Service) -> dict[str, str]:
    prefix = _NOT_IN_NAMES.sub("_", service.metadata.name).upper()
    ip, ports = service.spec.cluster_ip, service.spec.ports
    variables = {f"{prefix}_SERVICE_HOST": ip, f"{prefix}_SERVICE_PORT": str(ports[0].port)}
    for port in ports:
        if port.name:
            variables[f"{prefix}_SERVICE_PORT_{_NOT_IN_NAMES.sub('_', port.name).upper()}"] = str(port.port)
    host = f"[{ip}]" if ":" in ip else ip
    for number, port in enumerate(ports):
        protocol = (port.protocol or "TCP").lower()
        url = f"{protocol}://{host}:{port.port}"
        if number == 0:
            variables[f"{prefix}_PORT"] = url
        link = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        variables |= {link: url, f"{link}_PROTO": protocol, f"{link}_PORT": str(port.port), f"{link}_ADDR": ip}
    return variables
