"""A pod's volumes, and where containers mount them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from controlplane.api import names, quantity
from controlplane.api.core_v1 import (
    Container,
    DownwardAPIVolumeFile,
    EphemeralContainer,
    KeyToPath,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
    VolumeMount,
    VolumeProjection,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.environment import validate_field_reference, validate_resource_reference
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_DOWNWARD_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def validate_volumes(volumes: Sequence[Volume], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        if not volume.name:
            yield required(f"{at}.name")
        else:
            yield from checked(f"{at}.name", volume.name, names.dns1123_label(volume.name))
        if volume.name in seen:
            yield duplicate(f"{at}.name", volume.name)
        seen.add(volume.name)
        yield from _validate_source(volume, at)


_SOURCES = [field for field in msgspec.structs.fields(Volume) if field.name != "name"]


def _validate_source(volume: Volume, path: str) -> Iterator[FieldError]:
    found = [(field.encode_name, source) for field in _SOURCES if (source := getattr(volume, field.name)) is not None]
    if not found:
        yield required(path, "must specify a volume type")
        return
    for name, _ in found[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
    name, source = found[0]
    check = _CHECKS.get(name)
    if check is not None:
        yield from check(source, f"{path}.{name}")


def _mode(mode: int | None, path: str) -> Iterator[FieldError]:
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(path, mode, _MODE)


def _config_map(source: Any, path: str) -> Iterator[FieldError]:
    if not source.name:
        yield required(f"{path}.name")
    yield from _mode(source.default_mode, f"{path}.defaultMode")
    yield from _items(source.items, path)


def _secret(source: Any, path: str) -> Iterator[FieldError]:
    if not source.secret_name:
        yield required(f"{path}.secretName")
    yield from _mode(source.default_mode, f"{path}.defaultMode")
    yield from _items(source.items, path)


def _items(items: Sequence[KeyToPath], path: str) -> Iterator[FieldError]:
    for index, item in enumerate(items):
        at = f"{path}.items[{index}]"
        if not item.key:
            yield required(f"{at}.key")
        yield from _file_path(item.path, f"{at}.path")
        yield from _mode(item.mode, f"{at}.mode")


def _file_path(file: str, path: str) -> Iterator[FieldError]:
    if not file:
        yield required(path)
    yield from validate_descending_path(file, path)


def validate_descending_path(file: str, path: str) -> Iterator[FieldError]:
    """A path inside a volume stays inside it."""
    if file.startswith("/"):
        yield invalid(path, file, "must be a relative path")
    parts = file.split("/")
    if ".." in parts:
        yield invalid(path, file, "must not contain '..'")
    elif parts[0].startswith(".."):
        yield invalid(path, file, "must not start with '..'")


def _host_path(source: Any, path: str) -> Iterator[FieldError]:
    if not source.path:
        yield required(f"{path}.path")
    elif ".." in source.path.split("/"):
        yield invalid(f"{path}.path", source.path, "must not contain '..'")
    if source.type not in _HOST_PATH_TYPES:
        yield not_supported(f"{path}.type", source.type, _HOST_PATH_TYPES)


def _empty_dir(source: Any, path: str) -> Iterator[FieldError]:
    if source.size_limit is not None and quantity.amount(source.size_limit).nanos < 0:
        yield forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _downward(source: Any, path: str) -> Iterator[FieldError]:
    yield from _mode(source.default_mode, f"{path}.defaultMode")
    for index, item in enumerate(source.items):
        yield from _downward_item(item, f"{path}[{index}]")


def _downward_item(item: DownwardAPIVolumeFile, path: str) -> Iterator[FieldError]:
    yield from _file_path(item.path, f"{path}.path")
    if item.field_ref is not None:
        yield from validate_field_reference(item.field_ref, f"{path}.fieldRef", _DOWNWARD_FIELDS, subscripts=True)
        if item.resource_field_ref is not None:
            yield invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif item.resource_field_ref is not None:
        yield from validate_resource_reference(item.resource_field_ref, f"{path}.resourceFieldRef", volume=True)
    else:
        yield required(path, "one of fieldRef and resourceFieldRef is required")
    yield from _mode(item.mode, f"{path}.mode")


def _projected(source: ProjectedVolumeSource, path: str) -> Iterator[FieldError]:
    yield from _mode(source.default_mode, f"{path}.defaultMode")
    for index, projection in enumerate(source.sources):
        yield from _projection(projection, f"{path}.sources[{index}]")


_PROJECTIONS = msgspec.structs.fields(VolumeProjection)


def _projection(projection: VolumeProjection, path: str) -> Iterator[FieldError]:
    found = [field for field in _PROJECTIONS if getattr(projection, field.name) is not None]
    if not found:
        yield required(path, "must specify a volume type")
    for field in found[1:]:
        yield forbidden(f"{path}.{field.encode_name}", "may not specify more than 1 volume type")
    for source, at in ((projection.config_map, "configMap"), (projection.secret, "secret")):
        if source is not None:
            if not source.name:
                yield required(f"{path}.{at}.name")
            yield from _items(source.items, f"{path}.{at}")
    if projection.downward_api is not None:
        for index, item in enumerate(projection.downward_api.items):
            yield from _downward_item(item, f"{path}.downwardAPI[{index}]")
    if projection.service_account_token is not None:
        yield from _token(projection.service_account_token, f"{path}.serviceAccountToken")


def _token(token: ServiceAccountTokenProjection, path: str) -> Iterator[FieldError]:
    seconds = token.expiration_seconds or 0
    if seconds < 600:
        yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    elif seconds > 2**32:
        yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    yield from _file_path(token.path, f"{path}.path")


def _claim(source: Any, path: str) -> Iterator[FieldError]:
    if not source.claim_name:
        yield required(f"{path}.claimName")


def _nfs(source: Any, path: str) -> Iterator[FieldError]:
    if not source.server:
        yield required(f"{path}.server")
    if not source.path:
        yield required(f"{path}.path")
    elif not source.path.startswith("/"):
        yield invalid(f"{path}.path", source.path, "must be an absolute path")


def _csi(source: Any, path: str) -> Iterator[FieldError]:
    if not source.driver:
        yield required(f"{path}.driver")


_CHECKS: Mapping[str, Callable[[Any, str], Iterator[FieldError]]] = {
    "configMap": _config_map,
    "csi": _csi,
    "downwardAPI": _downward,
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "nfs": _nfs,
    "persistentVolumeClaim": _claim,
    "projected": _projected,
    "secret": _secret,
}


def validate_mounts(container: Container | EphemeralContainer, volumes: set[str], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, mount in enumerate(container.volume_mounts):
        at = f"{path}.volumeMounts[{index}]"
        if not mount.name:
            yield required(f"{at}.name")
        if mount.name not in volumes:
            yield not_found(f"{at}.name", mount.name)
        if not mount.mount_path:
            yield required(f"{at}.mountPath")
        if mount.mount_path in seen:
            yield invalid(f"{at}.mountPath", mount.mount_path, "must be unique")
        seen.add(mount.mount_path)
        if mount.sub_path or mount.sub_path_expr:
            yield from _validate_sub_path(mount, at)
        if mount.mount_propagation:
            yield from _validate_propagation(mount, container, at)


def _validate_sub_path(mount: VolumeMount, path: str) -> Iterator[FieldError]:
    if mount.sub_path and mount.sub_path_expr:
        yield invalid(f"{path}.subPathExpr", mount.sub_path_expr, "subPathExpr and subPath are mutually exclusive")
    for field, file in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
        if file.startswith("/"):
            yield invalid(f"{path}.{field}", file, "must be a relative path")
        if ".." in file.split("/"):
            yield invalid(f"{path}.{field}", file, "must not contain '..'")


def _validate_propagation(
    mount: VolumeMount, container: Container | EphemeralContainer, path: str
) -> Iterator[FieldError]:
    if mount.mount_propagation not in _PROPAGATIONS:
        yield not_supported(f"{path}.mountPropagation", mount.mount_propagation, _PROPAGATIONS)
    privileged = container.security_context is not None and container.security_context.privileged
    if mount.mount_propagation == "Bidirectional" and not privileged:
        why = "Bidirectional mount propagation is available only to privileged containers"
        yield forbidden(f"{path}.mountPropagation", why)
