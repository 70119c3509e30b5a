"""Several sources in one directory; later sources win."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import ConfigMap, Pod, ProjectedVolumeSource, Secret, VolumeProjection
from nodeagent.volumes import config_map, downward, secret, trust_bundle, written
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.objects import Found, Reference
from nodeagent.volumes.payload import File, Payload, checked, mode_of
from nodeagent.volumes.tokens import DEFAULT_SECONDS


def set_up(job: Job) -> Path:
    """Write the volume. Raises VolumeFailed, OSError."""
    return written.write(job, payload(job.pod, job.source, job.objects, job.tokens, job.allocatable))


def token_requests(source: ProjectedVolumeSource) -> list[tuple[str, int]]:
    """Return the (audience, seconds) of every token the volume holds."""
    wanted = [one.service_account_token for one in source.sources]
    return [(one.audience, one.expiration_seconds or DEFAULT_SECONDS) for one in wanted if one]


def payload(
    pod: Pod,
    source: ProjectedVolumeSource,
    objects: Found,
    tokens: Mapping[tuple[str, int], str],
    allocatable: Mapping[str, Quantity],
) -> Payload:
    """Return the files of a projected volume. Raises VolumeFailed."""
    mode = mode_of(source.default_mode)
    files: dict[str, File] = {}
    for one in source.sources:
        files.update(_source(pod, one, objects, tokens, allocatable, mode))
    return files


def _source(
    pod: Pod,
    one: VolumeProjection,
    objects: Found,
    tokens: Mapping[tuple[str, int], str],
    allocatable: Mapping[str, Quantity],
    mode: int,
) -> Payload:
    namespace = pod.metadata.namespace
    if one.config_map:
        found = objects.get(Reference(ConfigMap, namespace, one.config_map.name))
        assert found is None or isinstance(found, ConfigMap)
        optional = bool(one.config_map.optional)
        return config_map.payload(one.config_map.name, found, one.config_map.items, mode, optional=optional)
    if one.secret:
        secret_found = objects.get(Reference(Secret, namespace, one.secret.name))
        assert secret_found is None or isinstance(secret_found, Secret)
        optional = bool(one.secret.optional)
        return secret.payload(one.secret.name, secret_found, one.secret.items, mode, optional=optional)
    if one.downward_api:
        return downward.payload(pod, one.downward_api.items, mode, allocatable)
    if one.service_account_token:
        wanted = one.service_account_token
        text = tokens[(wanted.audience, wanted.expiration_seconds or DEFAULT_SECONDS)]
        return {checked(wanted.path): File(text.encode(), *_token_access(pod, mode))}
    if one.cluster_trust_bundle:
        bundles = one.cluster_trust_bundle
        return {checked(bundles.path): File(trust_bundle.anchors(bundles, objects), *_token_access(pod, mode))}
    raise VolumeFailed("a projected volume's source is of a type that this node does not support")


def _token_access(pod: Pod, mode: int) -> tuple[int, int | None]:
    """Return the mode and owner of a file for the pod alone: as narrow as the users of its containers allow."""
    context = pod.spec.security_context
    user = one_user(pod)
    if user is not None or (context and context.fs_group is not None):
        return 0o600, user
    return mode, None


def one_user(pod: Pod) -> int | None:
    """Return the user that all containers of the pod run as, if the pod says so and it is one."""
    context = pod.spec.security_context
    default = context.run_as_user if context else None
    containers = [*pod.spec.init_containers, *pod.spec.containers]
    users = {
        own.run_as_user if (own := container.security_context) and own.run_as_user is not None else default
        for container in containers
    }
    return users.pop() if len(users) == 1 else None
