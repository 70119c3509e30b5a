"""What a node may do: run the pods bound to it, and touch nothing that they do not use.

    node n1 ◄── spec.nodeName ── pod web-0 ──► Secret web-tls, ConfigMap web, claim data, ServiceAccount web

A node is the user system:node:<name> in group system:nodes. Objects on the right of the picture it may read while a pod
on it names them; Leases, Nodes and pods it may handle its own; the rest is a plain list of rules. `admission` narrows
writes further (NodeRestriction), for it sees the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from controlplane.api.certificates_v1 import PodCertificateRequest
from controlplane.api.core_v1 import Container, EphemeralContainer, PersistentVolumeClaim, Pod, PodStatus, Volume
from controlplane.api.reader import ObjectReader
from controlplane.api.resource_v1 import ResourceSlice
from controlplane.api.selectors import SelectorError, parse_field_selector
from controlplane.api.storage_v1 import VolumeAttachment
from controlplane.auth.bootstrap_policy import NODE_RULES
from controlplane.auth.interface import NODES, AccessRequest, Decision, User
from controlplane.auth.rules import compile_rule

_PREFIX = "system:node:"
_LEASE_NAMESPACE = "kube-node-lease"
_READ = frozenset({"get", "list", "watch"})

Reference: TypeAlias = tuple[str, str]
"""(plural, name) of an object in the pod's namespace."""

_YES = Decision(True)


def node_name(user: User) -> str | None:
    """Return the node that calls: "" for a member of system:nodes with a name of another kind, None for all others."""
    if NODES not in user.groups:
        return None
    return user.name.removeprefix(_PREFIX) if user.name.startswith(_PREFIX) else ""


class NodeAuthorizer:
    """Allows nodes what the pods bound to them need."""

    def __init__(self, reader: ObjectReader):
        self._reader = reader
        self._rules = [compile_rule(rule) for rule in NODE_RULES]
        self._special: dict[tuple[str, str], Callable[[str, AccessRequest], Decision]] = {
            ("", "secrets"): self._read_related,
            ("", "configmaps"): self._read_related,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._get_related,
            ("", "serviceaccounts"): self._service_account,
            ("", "pods"): self._pod,
            ("", "nodes"): self._node,
            ("coordination.k8s.io", "leases"): _lease,
            ("resource.k8s.io", "resourceclaims"): self._get_related,
            ("resource.k8s.io", "resourceslices"): self._slice,
            ("certificates.k8s.io", "podcertificaterequests"): self._certificate_request,
            ("storage.k8s.io", "csinodes"): _csi_node,
            ("storage.k8s.io", "volumeattachments"): self._attachment,
        }

    def authorize(self, request: AccessRequest) -> Decision:
        name = node_name(request.user)
        if name is None:
            return Decision(False)
        if not name:
            return _no(f'unknown node for user "{request.user.name}"')
        special = self._special.get((request.group, request.resource))
        return special(name, request) if special else self._by_rules(request)

    def _by_rules(self, request: AccessRequest) -> Decision:
        return Decision(any(rule.allows(request) for rule in self._rules))

    def _read_related(self, node: str, request: AccessRequest) -> Decision:
        """A node watches one object at a time, by name; it never lists them all."""
        if request.verb not in _READ:
            return _no("can only read resources of this type")
        if request.subresource:
            return _no("cannot read subresource")
        if not request.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, request, request.resource)

    def _get_related(self, node: str, request: AccessRequest) -> Decision:
        if request.verb != "get":
            return _no("can only get individual resources of this type")
        if request.subresource:
            return _no("cannot get subresource")
        return self._related(node, request, request.resource)

    def _claim(self, node: str, request: AccessRequest) -> Decision:
        if request.subresource != "status":
            return self._get_related(node, request)
        if request.verb not in ("get", "update", "patch"):
            return _no("can only get/update/patch this subresource")
        return self._related(node, request, request.resource)

    def _service_account(self, node: str, request: AccessRequest) -> Decision:
        if (request.verb, request.subresource) not in (("create", "token"), ("get", "")):
            return _no("can only create tokens for individual service accounts")
        return self._related(node, request, request.resource)

    def _pod(self, node: str, request: AccessRequest) -> Decision:
        match request.subresource, request.verb:
            case "", "create" | "delete":
                return _YES  # of mirror pods; NodeRestriction looks at them
            case "", "get":
                return self._own_pod(node, request)
            case "", "list" | "watch":
                if _selects(request, "spec.nodeName", node):
                    return _YES
                if request.name:
                    return self._own_pod(node, request)
                return _no("can only list/watch pods with spec.nodeName field selector")
            case "status", "update" | "patch":
                return _YES
            case "eviction", "create":
                return _YES
        return Decision(False)

    def _own_pod(self, node: str, request: AccessRequest) -> Decision:
        pod = self._reader.get(Pod, request.namespace, request.name)
        bound_here = pod is not None and pod.spec is not None and pod.spec.node_name == node
        return _YES if bound_here else _unrelated(node)

    def _node(self, node: str, request: AccessRequest) -> Decision:
        match request.subresource, request.verb:
            case "", "create" | "update" | "patch":
                return _YES
            case "", "get" | "list" | "watch" if request.name == node or _selects(request, "metadata.name", node):
                return _YES
            case "", "get" | "list" | "watch":
                return _no(f"node '{node}' cannot read '{request.name}', only its own Node object")
            case "status", "update" | "patch":
                return _YES
        return Decision(False)

    def _slice(self, node: str, request: AccessRequest) -> Decision:
        if request.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        match request.verb:
            case "create":
                return _YES  # NodeRestriction looks at whose devices they are
            case "get" | "update" | "patch" | "delete":
                found = self._reader.get(ResourceSlice, "", request.name)
                return _own(node, found.spec.node_name if found and found.spec else "")
            case "list" | "watch" | "deletecollection" if _selects(request, "spec.nodeName", node):
                return _YES
        return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")

    def _certificate_request(self, node: str, request: AccessRequest) -> Decision:
        if request.subresource:
            return _no("cannot authorize PodCertificateRequest subresources")
        match request.verb:
            case "create":
                return _YES  # NodeRestriction looks at whose pod it is for
            case "get":
                found = self._reader.get(PodCertificateRequest, request.namespace, request.name)
                return _own(node, found.spec.node_name if found and found.spec else "")
            case "list" | "watch" if _selects(request, "spec.nodeName", node):
                return _YES
        return _no("can only list/watch podcertificaterequests with nodeName field selector")

    def _attachment(self, node: str, request: AccessRequest) -> Decision:
        """A node sees what is attached to itself."""
        if request.verb != "get" or not request.name:
            return _no("can only get individual resources of this type")
        attachment = self._reader.get(VolumeAttachment, "", request.name)
        return _YES if attachment is not None and attachment.spec.node_name == node else _unrelated(node)

    def _related(self, node: str, request: AccessRequest, plural: str) -> Decision:
        if not request.name:
            return _no("No Object name found")
        if plural == "persistentvolumes":
            return _YES if request.name in self._volumes(node) else _unrelated(node)
        wanted = (plural, request.name)
        # A claim that is made for a pod has a name that is put together, and so does not stand in it.
        named = () if plural == "persistentvolumeclaims" else (request.name,)
        for pod in self._pods(node, request.namespace, *named):
            if wanted in references(pod):
                return _YES
        return _unrelated(node)

    def _pods(self, node: str, namespace: str, *named: str) -> Iterator[Pod]:
        """Yield the pods bound to a node in which some names stand."""
        # A mirror pod stands for a file on the node: it must not be a way for the node to name any Secret it likes.
        for pod in self._reader.mentioning(Pod, namespace, node, *named):
            if (
                pod.spec is not None
                and pod.spec.node_name == node
                and "kubernetes.io/config.mirror" not in pod.metadata.annotations
            ):
                yield pod

    def _volumes(self, node: str) -> Iterator[str]:
        for pod in self._pods(node, ""):
            for plural, name in references(pod):
                if plural == "persistentvolumeclaims":
                    claim = self._reader.get(PersistentVolumeClaim, pod.metadata.namespace, name)
                    if claim is not None and claim.spec is not None and claim.spec.volume_name:
                        yield claim.spec.volume_name


def references(pod: Pod) -> set[Reference]:
    """Return every object of its namespace that a pod names."""
    spec = pod.spec
    if spec is None:
        return set()
    found: set[Reference] = {("secrets", secret.name) for secret in spec.image_pull_secrets}
    if spec.service_account_name:
        found.add(("serviceaccounts", spec.service_account_name))
    containers: tuple[Container | EphemeralContainer, ...] = (
        *spec.containers,
        *spec.init_containers,
        *spec.ephemeral_containers,
    )
    for container in containers:
        for source in container.env_from:
            if source.config_map_ref is not None:
                found.add(("configmaps", source.config_map_ref.name))
            if source.secret_ref is not None:
                found.add(("secrets", source.secret_ref.name))
        for variable in container.env:
            if variable.value_from is None:
                continue
            if variable.value_from.config_map_key_ref is not None:
                found.add(("configmaps", variable.value_from.config_map_key_ref.name))
            if variable.value_from.secret_key_ref is not None:
                found.add(("secrets", variable.value_from.secret_key_ref.name))
    found.update(_claim_references(pod))
    for volume in spec.volumes:
        found.update(_volume_references(volume, pod.metadata.name))
    return found


def _claim_references(pod: Pod) -> Iterator[Reference]:
    """Yield the ResourceClaims of a pod: those it names, and those that were made for it."""
    for claim in pod.spec.resource_claims if pod.spec else ():
        if claim.resource_claim_name:
            yield ("resourceclaims", claim.resource_claim_name)
    status = pod.status or PodStatus()
    for made in status.resource_claim_statuses:
        if made.resource_claim_name:
            yield ("resourceclaims", made.resource_claim_name)
    if status.extended_resource_claim_status is not None:
        yield ("resourceclaims", status.extended_resource_claim_status.resource_claim_name)


def _volume_references(volume: Volume, pod_name: str) -> Iterator[Reference]:
    if volume.secret is not None:
        yield ("secrets", volume.secret.secret_name)
    if volume.config_map is not None:
        yield ("configmaps", volume.config_map.name)
    if volume.persistent_volume_claim is not None:
        yield ("persistentvolumeclaims", volume.persistent_volume_claim.claim_name)
    if volume.ephemeral is not None:
        yield ("persistentvolumeclaims", f"{pod_name}-{volume.name}")
    for source in volume.projected.sources if volume.projected is not None else ():
        if source.secret is not None:
            yield ("secrets", source.secret.name)
        if source.config_map is not None:
            yield ("configmaps", source.config_map.name)
    secret_ref = volume.csi.node_publish_secret_ref if volume.csi is not None else None
    if secret_ref is not None:
        yield ("secrets", secret_ref.name)


def _lease(node: str, request: AccessRequest) -> Decision:
    if request.verb not in ("get", "create", "update", "patch", "delete"):
        return _no("can only get, create, update, patch, or delete a node lease")
    if request.namespace != _LEASE_NAMESPACE:
        return _no(f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace')
    # The name of an object to be created is in the body, which NodeRestriction looks at.
    if request.verb != "create" and request.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return _YES


def _csi_node(node: str, request: AccessRequest) -> Decision:
    if request.verb not in ("get", "create", "update", "patch", "delete"):
        return _no("can only get, create, update, patch, or delete a CSINode")
    if request.subresource:
        return _no("cannot authorize CSINode subresources")
    if request.verb != "create" and request.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return _YES


def _selects(request: AccessRequest, field: str, value: str) -> bool:
    try:
        return bool(request.field_selector) and parse_field_selector(request.field_selector).exact(field) == value
    except SelectorError:
        return False  # the request is a bad one anyhow, and its handler says why


def _own(node: str, named: str) -> Decision:
    return _YES if named == node else _unrelated(node)


def _no(reason: str) -> Decision:
    return Decision(False, reason)


def _unrelated(node: str) -> Decision:
    return _no(f"no relationship found between node '{node}' and this object")
