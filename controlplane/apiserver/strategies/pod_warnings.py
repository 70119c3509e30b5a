"""What kubectl prints as `Warning:` about a pod that is accepted all the same."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.core_v1 import Container, PodSpec, Volume
from controlplane.api.meta_v1 import ObjectMeta

_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "seccomp.security.alpha.kubernetes.io/pod": 'non-functional in v1.27+; use the "seccompProfile" field instead',
}
OLD_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}


def warnings_for_pod_spec(spec: PodSpec, path: str, metadata: ObjectMeta) -> list[str]:
    return [
        *_about_annotations(metadata),
        *_about_node_selector(spec, path),
        *_about_volumes(spec, path),
        *_about_containers(spec, path),
        *_about_pull_secrets(spec, path),
    ]


def _about_annotations(metadata: ObjectMeta) -> Iterator[str]:
    for key, why in _OLD_ANNOTATIONS.items():
        if key in metadata.annotations:
            yield f"metadata.annotations[{key}]: {why}"


def _about_node_selector(spec: PodSpec, path: str) -> Iterator[str]:
    for key, why in OLD_NODE_LABELS.items():
        if key in spec.node_selector:
            yield f"{path}.nodeSelector[{key}]: {why}"


def _about_volumes(spec: PodSpec, path: str) -> Iterator[str]:
    for index, volume in enumerate(spec.volumes):
        yield from (f"{path}.volumes[{index}].{why}" for why in _volume(volume))


def _volume(volume: Volume) -> Iterator[str]:
    if volume.git_repo is not None:
        yield "gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    if volume.glusterfs is not None:
        yield "glusterfs: deprecated in v1.25, non-functional in v1.26+"
    if volume.cephfs is not None:
        yield "cephfs: deprecated in v1.28, non-functional in v1.31+"
    if volume.rbd is not None:
        yield "rbd: deprecated in v1.28, non-functional in v1.31+"


def _about_containers(spec: PodSpec, path: str) -> Iterator[str]:
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            yield from _container(container, f"{path}.{field}[{index}]")


def _container(container: Container, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(container.env):
        if variable.name in seen:
            hidden = f'hides previous definition of "{variable.name}", which may be dropped when using apply'
            yield f"{path}.env[{index}]: {hidden}"
        seen.add(variable.name)
    first: dict[object, int] = {}
    for index, port in enumerate(container.ports):
        key = (port.container_port, port.protocol, port.host_port, port.host_ip)
        if key in first:
            yield f"{path}.ports[{index}]: duplicate port definition with {path}.ports[{first[key]}]"
        first.setdefault(key, index)


def _about_pull_secrets(spec: PodSpec, path: str) -> Iterator[str]:
    for index, secret in enumerate(spec.image_pull_secrets):
        if not secret.name:
            yield f'{path}.imagePullSecrets[{index}].name: invalid empty name ""'
