"""What NodeRestriction asks of what a node writes about itself: devices, and certificates of its pods."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Node, Pod, ServiceAccount
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import resource_of
from controlplane.api.status import not_found

_MIRROR = "kubernetes.io/config.mirror"


def check_resource_slice(attributes: Attributes, node: str) -> None:
    """Raise Forbidden unless the devices are the node's; of one that is there the authorizer has seen whose it is."""
    words = {Operation.CREATE: ("create", attributes.document), Operation.DELETE: ("delete", attributes.old)}
    if attributes.operation not in words:
        return
    word, document = words[attributes.operation]
    if _spec(document).get("nodeName") != node:
        raise attributes.forbidden(f"can only {word} ResourceSlice with the same NodeName as the requesting node")


def check_certificate_request(attributes: Attributes, node: str, reader: ObjectReader) -> None:
    """Raise Forbidden unless a certificate is for a pod that runs on the node, in all it says of that pod."""
    if attributes.operation is not Operation.CREATE:
        return
    spec = _spec(attributes.document)
    if spec.get("nodeName") != node:
        raise attributes.forbidden(
            f'PodCertificateRequest.Spec.NodeName="{spec.get("nodeName", "")}", which is not the requesting node '
            f'"{node}"'
        )
    name = spec.get("podName", "")
    pod = reader.get(Pod, attributes.namespace, name)
    if pod is None or pod.spec is None:
        raise not_found(resource_of(Pod), name)
    if pod.spec.node_name != node:
        raise attributes.forbidden(f'pod "{name}" is not running on node "{node}"')
    if _MIRROR in pod.metadata.annotations:
        raise attributes.forbidden(f'pod "{name}" is a mirror pod')
    account = reader.get(ServiceAccount, attributes.namespace, pod.spec.service_account_name)
    machine = reader.get(Node, "", node)
    _same(attributes, spec, "podUID", pod.metadata.uid)
    _same(attributes, spec, "serviceAccountName", pod.spec.service_account_name)
    _same(attributes, spec, "serviceAccountUID", account.metadata.uid if account else "")
    _same(attributes, spec, "nodeUID", machine.metadata.uid if machine else "")
    if not any(
        source.pod_certificate is not None and source.pod_certificate.signer_name == spec.get("signerName")
        for volume in pod.spec.volumes
        if volume.projected is not None
        for source in volume.projected.sources
    ):
        raise attributes.forbidden(f'pod "{name}" does not reference signer "{spec.get("signerName", "")}"')


def _same(attributes: Attributes, spec: Document, field: str, actual: str) -> None:
    said = spec.get(field, "")
    if said != actual:
        shown = field[0].upper() + field[1:]
        raise attributes.forbidden(f'PodCertificateRequest.Spec.{shown} ("{said}") does not match "{actual}"')


def _spec(document: Document | None) -> Document:
    return (document or {}).get("spec") or {}
