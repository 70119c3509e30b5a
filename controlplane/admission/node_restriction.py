"""NodeRestriction: a node writes its own Node, its own Lease and the status of its own pods.

The node authorizer knows names; this plug-in sees the objects. What it keeps a stolen node credential from: moving pods
to itself by labels (node-restriction.kubernetes.io/*), removing its taints, making pods that mount others' Secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controlplane.admission.interface import Attributes, Caller, Operation, Plugin
from controlplane.admission.node_objects import check_certificate_request, check_resource_slice
from controlplane.admission.service_account import MIRROR
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Node, Pod
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import resource_of
from controlplane.api.status import Forbidden, not_found

LEASE_NAMESPACE = "kube-node-lease"

# Labels under kubernetes.io and k8s.io that a node may put on itself.
OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.kubernetes.io/region", "failure-domain.kubernetes.io/zone",
    }
)  # fmt: skip
OWN_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
FORBIDDEN_LABEL_DOMAIN = "node-restriction.kubernetes.io"


class NodeRestriction(Plugin):
    """Refuses what a node does to others; callers that are not nodes pass."""

    name = "NodeRestriction"

    def __init__(self, reader: ObjectReader):
        self._reader = reader
        self._checks: dict[tuple[str, str, str], Callable[[Attributes, str], None]] = {
            ("", "pods", ""): self._pod,
            ("", "pods", "status"): self._pod_status,
            ("", "pods", "eviction"): self._eviction,
            ("", "nodes", ""): _node,
            ("", "nodes", "status"): _node,
            ("", "serviceaccounts", "token"): self._token,
            ("coordination.k8s.io", "leases", ""): _lease,
            ("resource.k8s.io", "resourceslices", ""): check_resource_slice,
            ("certificates.k8s.io", "podcertificaterequests", ""): self._certificate_request,
            ("storage.k8s.io", "csinodes", ""): _csi_node,
        }

    async def validate(self, attributes: Attributes) -> None:
        if "system:nodes" not in attributes.user.groups:
            return
        node = node_of(attributes.user)
        if not node:
            raise attributes.forbidden(f'could not determine node from user "{attributes.user.name}"')
        resource = attributes.resource
        check = self._checks.get((resource.group, resource.plural, attributes.subresource))
        if check is not None:
            check(attributes, node)

    def _pod(self, attributes: Attributes, node: str) -> None:
        match attributes.operation:
            case Operation.CREATE:
                self._new_pod(attributes, node)
            case Operation.DELETE:
                if _node_name(self._stored_pod(attributes)) != node:
                    raise attributes.forbidden(f'node "{node}" can only delete pods with spec.nodeName set to itself')
            case _:
                raise attributes.forbidden(
                    f'unexpected operation "{attributes.operation}", '
                    f'node "{node}" can only create and delete mirror pods'
                )

    def _new_pod(self, attributes: Attributes, node: str) -> None:
        pod = attributes.document or {}
        annotations = pod["metadata"].get("annotations") or {}
        if MIRROR not in annotations:
            raise attributes.forbidden(
                f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
            )
        if _node_name(pod) != node:
            raise attributes.forbidden(f'node "{node}" can only create pods with spec.nodeName set to itself')
        self._check_owner(attributes, pod, node)
        if what := _referenced(pod.get("spec") or {}):
            raise attributes.forbidden(f'node "{node}" can not create pods that reference {what}')

    def _check_owner(self, attributes: Attributes, pod: Document, node: str) -> None:
        """A mirror pod goes away with its node, so it must say whose it is."""
        owners = pod["metadata"].get("ownerReferences") or []
        if len(owners) != 1:
            raise attributes.forbidden(f'node "{node}" can only create pods with an owner reference set to itself')
        owner = owners[0]
        if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
            raise attributes.forbidden(f'node "{node}" can only create pods with an owner reference set to itself')
        if not owner.get("controller"):
            raise attributes.forbidden(
                f'node "{node}" can only create pods with a controller owner reference set to itself'
            )
        if owner.get("blockOwnerDeletion"):
            raise attributes.forbidden(f'node "{node}" must not set blockOwnerDeletion on an owner reference')
        stored = self._reader.get(Node, "", node)
        if stored is None:
            raise not_found(resource_of(Node), node)
        if owner.get("uid") != stored.metadata.uid:
            raise attributes.forbidden(
                f"node {node} UID mismatch: expected {stored.metadata.uid} got {owner.get('uid', '')}"
            )

    def _pod_status(self, attributes: Attributes, node: str) -> None:
        if attributes.operation is not Operation.UPDATE:
            raise attributes.forbidden(f'unexpected operation "{attributes.operation}"')
        old, new = attributes.old or {}, attributes.document or {}
        if _node_name(old) != node:
            raise attributes.forbidden(
                f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
            )
        if _labels(old) != _labels(new):
            raise attributes.forbidden(f'node "{node}" cannot update labels through pod status')

    def _eviction(self, attributes: Attributes, node: str) -> None:
        if _node_name(self._stored_pod(attributes)) != node:
            raise attributes.forbidden(f"node {node} can only evict pods with spec.nodeName set to itself")

    def _stored_pod(self, attributes: Attributes) -> Document:
        if attributes.old is not None:
            return attributes.old
        pod = self._reader.get(Pod, attributes.namespace, attributes.name)
        if pod is None:
            raise not_found(resource_of(Pod), attributes.name)
        return {"spec": {"nodeName": pod.spec.node_name if pod.spec is not None else ""}}

    def _certificate_request(self, attributes: Attributes, node: str) -> None:
        check_certificate_request(attributes, node, self._reader)

    def _token(self, attributes: Attributes, node: str) -> None:
        reference = ((attributes.document or {}).get("spec") or {}).get("boundObjectRef") or {}
        if (reference.get("apiVersion"), reference.get("kind")) != ("v1", "Pod") or not reference.get("name"):
            raise attributes.forbidden("node requested token not bound to a pod")
        if not reference.get("uid"):
            raise attributes.forbidden("node requested token with a pod binding without a uid")
        pod = self._reader.get(Pod, attributes.namespace, reference["name"])
        if pod is None:
            raise not_found(resource_of(Pod), reference["name"])
        if reference["uid"] != pod.metadata.uid:
            raise attributes.forbidden(
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record "
                f"({pod.metadata.uid}). The object might have been deleted and then recreated"
            )
        if pod.spec is None or pod.spec.node_name != node:
            raise attributes.forbidden("node requested token bound to a pod scheduled on a different node")


def node_of(user: Caller) -> str:
    """Return the node's name, or "" if the caller is none."""
    prefix, name = "system:node:", user.name
    return name.removeprefix(prefix) if name.startswith(prefix) and "system:nodes" in user.groups else ""


def _node(attributes: Attributes, node: str) -> None:
    new, old = attributes.document or {}, attributes.old or {}
    name = attributes.name or (new.get("metadata") or {}).get("name", "")
    if name != node:
        raise attributes.forbidden(f'node "{node}" is not allowed to modify node "{name}"')
    if attributes.operation is Operation.CREATE:
        if restricted := restricted_labels(_labels(new)):
            raise _labels_refused(attributes, node, "set the following labels", restricted)
        if (new.get("spec") or {}).get("configSource"):
            raise attributes.forbidden(f'node "{node}" is not allowed to create pods with a non-nil configSource')
    elif attributes.operation is Operation.UPDATE:
        _node_update(attributes, node, old, new)


def _node_update(attributes: Attributes, node: str, old: Document, new: Document) -> None:
    if _taints(old) != _taints(new):
        raise attributes.forbidden(f'node "{node}" is not allowed to modify taints')
    if _owners(old) != _owners(new):
        raise attributes.forbidden(f'node "{node}" is not allowed to modify ownerReferences')
    before, after = _labels(old), _labels(new)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if restricted := restricted_labels(dict.fromkeys(changed, "")):
        raise _labels_refused(attributes, node, "modify labels", restricted)


def _labels_refused(attributes: Attributes, node: str, what: str, labels: list[str]) -> Forbidden:
    return attributes.forbidden(f'node "{node}" is not allowed to {what}: {", ".join(labels)}')


def restricted_labels(labels: Mapping[str, str]) -> list[str]:
    """Return the labels that a node may not give itself."""
    return sorted(key for key in labels if _is_restricted(key))


def _is_restricted(key: str) -> bool:
    domain, slash, _ = key.partition("/")
    if not slash:
        return False
    if _within(domain, FORBIDDEN_LABEL_DOMAIN):
        return True
    if not (_within(domain, "kubernetes.io") or _within(domain, "k8s.io")):
        return False
    return key not in OWN_LABELS and not any(_within(domain, own) for own in OWN_LABEL_DOMAINS)


def _within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")


def _lease(attributes: Attributes, node: str) -> None:
    if attributes.namespace != LEASE_NAMESPACE:
        raise attributes.forbidden(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
    if _name_of(attributes) != node:
        raise attributes.forbidden("can only access node lease with the same name as the requesting node")


def _csi_node(attributes: Attributes, node: str) -> None:
    if _name_of(attributes) != node:
        raise attributes.forbidden("can only access CSINode with the same name as the requesting node")


def _name_of(attributes: Attributes) -> str:
    name: str = attributes.name or ((attributes.document or {}).get("metadata") or {}).get("name", "")
    return name


def _referenced(spec: Document) -> str:
    """Return, in words, what kind of secret object a pod's spec names, if any."""
    if spec.get("serviceAccountName"):
        return "a service account"
    if spec.get("imagePullSecrets"):
        return "secrets"
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        sources = [
            *(container.get("envFrom") or ()),
            *((one.get("valueFrom") or {}) for one in container.get("env") or ()),
        ]
        for source in sources:
            if source.get("secretRef") or source.get("secretKeyRef"):
                return "secrets"
            if source.get("configMapRef") or source.get("configMapKeyRef"):
                return "configmaps"
    for volume in spec.get("volumes") or ():
        if what := _referenced_by_volume(volume):
            return what
    return ""


def _referenced_by_volume(volume: Document) -> str:
    words = {"secret": "secrets", "configMap": "configmaps", "persistentVolumeClaim": "persistentvolumeclaims"}
    words |= {"ephemeral": "persistentvolumeclaims", "serviceAccountToken": "a service account"}
    sources: list[Document] = [volume, *((volume.get("projected") or {}).get("sources") or ())]
    return next((words[key] for source in sources for key in words if source.get(key)), "")


def _labels(document: Document) -> dict[str, str]:
    return (document.get("metadata") or {}).get("labels") or {}


def _owners(document: Document) -> list[Any]:
    return (document.get("metadata") or {}).get("ownerReferences") or []


def _taints(document: Document) -> list[Any]:
    return (document.get("spec") or {}).get("taints") or []


def _node_name(document: Document) -> str:
    return (document.get("spec") or {}).get("nodeName") or ""
