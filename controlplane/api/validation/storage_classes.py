"""Storage classes, volume attributes classes and volume attachments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from controlplane.api import names
from controlplane.api.core_v1 import PersistentVolumeSpec, TopologySelectorTerm
from controlplane.api.status import FieldError
from controlplane.api.storage_v1 import StorageClass, VolumeAttachment, VolumeAttributesClass, VolumeError
from controlplane.api.validation.csi import validate_driver_name
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)

_PARAMETERS = 512
_PARAMETER_BYTES = 256 * 1024
_ATTACHMENT_BYTES = 256 * 1024
_MESSAGE_BYTES = 1024
_RECLAIM = ("Delete", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
_INLINE = "may not be specified in the context of inline volumes"


def validate_storage_class(storage_class: StorageClass) -> list[FieldError]:
    errors = _validate_provisioner(storage_class.provisioner, "provisioner")
    errors += _validate_parameters(storage_class.parameters)
    policy, mode = storage_class.reclaim_policy, storage_class.volume_binding_mode
    if policy not in ("", *_RECLAIM):
        errors.append(not_supported("reclaimPolicy", policy, _RECLAIM))
    if mode not in _BINDING:
        errors.append(not_supported("volumeBindingMode", mode, _BINDING))
    return errors + _validate_topologies(storage_class.allowed_topologies)


def validate_storage_class_update(new: StorageClass, old: StorageClass) -> list[FieldError]:
    return [
        *immutable("parameters", new.parameters, old.parameters),
        *immutable("provisioner", new.provisioner, old.provisioner),
        *immutable("reclaimPolicy", new.reclaim_policy, old.reclaim_policy),
        *immutable("volumeBindingMode", new.volume_binding_mode, old.volume_binding_mode),
    ]


def _validate_provisioner(name: str, path: str) -> list[FieldError]:
    return checked(path, name.lower(), names.qualified_name(name.lower())) if name else [required(path)]


def _validate_parameters(parameters: Mapping[str, str]) -> list[FieldError]:
    if len(parameters) > _PARAMETERS:
        return [too_long("parameters", _PARAMETERS)]
    errors = [invalid("parameters", key, "field can not be empty.") for key in parameters if not key]
    if _bytes_of(parameters) > _PARAMETER_BYTES:
        errors.append(too_long("parameters", _PARAMETER_BYTES))
    return errors


def _bytes_of(texts: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in texts.items())


def _validate_topologies(terms: Sequence[TopologySelectorTerm]) -> list[FieldError]:
    errors: list[FieldError] = []
    # Upstream compares with as many empty terms as there are terms, so an empty one is always a duplicate.
    seen: list[dict[str, set[str]]] = [{} for _ in terms]
    for index, term in enumerate(terms):
        path = f"allowedTopologies[{index}].matchLabelExpressions"
        errors += _validate_topology(term, path)
        wanted = {requirement.key: set(requirement.values) for requirement in term.match_label_expressions}
        errors += [duplicate(path, "") for other in seen if other == wanted]
        seen.append(wanted)
    return errors


def _validate_topology(term: TopologySelectorTerm, path: str) -> Iterator[FieldError]:
    keys: set[str] = set()
    for index, requirement in enumerate(term.match_label_expressions):
        at, values = f"{path}[{index}]", requirement.values
        if not values:
            yield required(f"{at}.values")
        for number, value in enumerate(values):
            if value in values[:number]:
                yield duplicate(f"{at}.values[{number}]", value)
        yield from checked(f"{at}.key", requirement.key, names.qualified_name(requirement.key))
        if requirement.key in keys:
            yield duplicate(f"{at}.key", requirement.key)
        keys.add(requirement.key)


def validate_attributes_class(attributes_class: VolumeAttributesClass) -> list[FieldError]:
    errors = _validate_provisioner(attributes_class.driver_name, "driverName")
    errors += _validate_parameters(attributes_class.parameters)
    if not attributes_class.parameters:
        errors.append(required("parameters", "must contain at least one key/value pair"))
    return errors


def validate_attributes_class_update(new: VolumeAttributesClass, old: VolumeAttributesClass) -> list[FieldError]:
    errors = []
    if new.driver_name != old.driver_name:
        errors.append(forbidden("driverName", "updates to driverName are forbidden."))
    if new.parameters != old.parameters:
        errors.append(forbidden("parameters", "updates to parameters are forbidden."))
    return errors


def validate_attachment(attachment: VolumeAttachment) -> list[FieldError]:
    """Check a new attachment, whose names must be good ones."""
    errors = _validate_attachment(attachment)
    spec = attachment.spec
    if spec.attacher:
        errors += validate_driver_name(spec.attacher, "spec.attacher")
    if spec.source is not None and spec.source.persistent_volume_name:
        volume = spec.source.persistent_volume_name
        errors += checked("spec.source.persistentVolumeName", volume, names.dns1123_subdomain(volume))
    return errors


def validate_attachment_update(new: VolumeAttachment, old: VolumeAttachment) -> list[FieldError]:
    return _validate_attachment(new) + immutable("spec", new.spec, old.spec)


def _validate_attachment(attachment: VolumeAttachment) -> list[FieldError]:
    spec = attachment.spec
    errors = [] if spec.attacher else [required("spec.attacher")]
    errors += _validate_source(attachment)
    errors += checked("spec.nodeName", spec.node_name, names.dns1123_subdomain(spec.node_name))
    return [*errors, *_validate_status(attachment)]


def _validate_source(attachment: VolumeAttachment) -> list[FieldError]:
    source, path = attachment.spec.source, "spec.source"
    inline = source.inline_volume_spec if source else None
    volume = source.persistent_volume_name if source else ""
    if inline is None and not volume:
        return [required(path, _ONE_SOURCE)]
    if inline is not None and volume:
        return [forbidden(path, _ONE_SOURCE)]
    return list(_validate_inline(inline, f"{path}.inlineVolumeSpec")) if inline is not None else []


def _validate_inline(spec: PersistentVolumeSpec, path: str) -> Iterator[FieldError]:
    if spec.claim_ref is not None:
        yield forbidden(f"{path}.claimRef", _INLINE)
    if spec.capacity:
        yield forbidden(f"{path}.capacity", _INLINE)
    if spec.csi is None:
        yield required(f"{path}.csi", "has to be specified in the context of inline volumes")
    if not spec.access_modes:
        yield required(f"{path}.accessModes")


def _validate_status(attachment: VolumeAttachment) -> Iterator[FieldError]:
    status = attachment.status
    if _bytes_of(status.attachment_metadata) > _ATTACHMENT_BYTES:
        yield too_long("status.attachmentMetadata", _ATTACHMENT_BYTES)
    yield from _validate_error(status.attach_error, "status.attachError")
    yield from _validate_error(status.detach_error, "status.detachError")


def _validate_error(error: VolumeError | None, path: str) -> Iterator[FieldError]:
    if error is None:
        return
    if len(error.message.encode()) > _MESSAGE_BYTES:
        yield too_long(f"{path}.message", _ATTACHMENT_BYTES)  # upstream names the limit of the metadata
    if error.error_code is not None and error.error_code < 0:
        yield invalid(f"{path}.errorCode", error.error_code, names.in_range(0, 2**31 - 1))
