"""What a node writes: its own, and nothing else."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from controlplane.admission.interface import Attributes, Operation
from controlplane.admission.node_restriction import NodeRestriction, restricted_labels
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Node, Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import BY_PATH
from controlplane.api.status import Forbidden
from tests.fakes.reader import FakeReader

CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE


@dataclass(frozen=True)
class Someone:
    name: str = "system:node:n1"
    groups: tuple[str, ...] = ("system:nodes",)


READER = FakeReader(
    Node(metadata=ObjectMeta(name="n1", uid="u-n1")),
    Pod(metadata=ObjectMeta(name="mine", namespace="prod", uid="u-mine"), spec=PodSpec(node_name="n1")),
    Pod(metadata=ObjectMeta(name="theirs", namespace="prod", uid="u-theirs"), spec=PodSpec(node_name="n2")),
)


def asked(
    operation: Operation,
    resource: str,
    document: Document | None = None,
    old: Document | None = None,
    *,
    name: str = "",
    namespace: str = "prod",
    user: Someone = Someone(),
) -> Attributes:
    plural, _, subresource = resource.partition("/")
    found = next(value for (_, _, known), value in BY_PATH.items() if known == plural)
    return Attributes(operation, found, name, user, namespace if found.namespaced else "", subresource, document, old)


OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u-n1", "controller": True}


def mirror(owner: Document | None = OWNER, annotated: bool = True, **spec: Any) -> Document:
    metadata = {
        "name": "m",
        "annotations": {"kubernetes.io/config.mirror": "h"} if annotated else {},
        "ownerReferences": [owner] if owner else [],
    }
    return {"metadata": metadata, "spec": {"nodeName": "n1", "containers": [{"name": "c"}], **spec}}


def node(
    labels: Document | None = None, taints: list[Document] | None = None, name: str = "n1", **meta: Any
) -> Document:
    return {"metadata": {"name": name, "labels": labels or {}, **meta}, "spec": {"taints": taints or []}}


def token_for(name: str, uid: str) -> Document:
    return {"spec": {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}}}


MINE, THEIRS = {"metadata": {}, "spec": {"nodeName": "n1"}}, {"metadata": {}, "spec": {"nodeName": "n2"}}
LABELLED = {"metadata": {"labels": {"a": "b"}}, "spec": {"nodeName": "n1"}}
LEASE = "kube-node-lease"
ZONE, ROLE = {"topology.kubernetes.io/zone": "z"}, {"node-role.kubernetes.io/control-plane": ""}
TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(asked(CREATE, "pods", mirror()), id="a mirror pod"),
        pytest.param(asked(DELETE, "pods", old=MINE, name="mine"), id="deleting its pod"),
        pytest.param(asked(DELETE, "pods", name="mine"), id="deleting its pod, by name"),
        pytest.param(asked(UPDATE, "pods/status", MINE, MINE), id="status of its pod"),
        pytest.param(asked(CREATE, "pods/eviction", {}, name="mine"), id="evicting its pod"),
        pytest.param(asked(CREATE, "nodes", node(ZONE, [TAINT])), id="registering, with a zone and a taint"),
        pytest.param(asked(UPDATE, "nodes/status", node(), node(), name="n1"), id="its status"),
        pytest.param(asked(UPDATE, "nodes", node(ZONE), node(), name="n1"), id="its zone"),
        pytest.param(asked(UPDATE, "nodes", node({"team": "a"}), node(), name="n1"), id="a label of nobody's domain"),
        pytest.param(asked(UPDATE, "nodes", node(ROLE), node(ROLE), name="n1"), id="a role that it keeps"),
        pytest.param(asked(CREATE, "leases", {"metadata": {"name": "n1"}}, namespace=LEASE), id="its lease"),
        pytest.param(asked(CREATE, "csinodes", {"metadata": {"name": "n1"}}), id="its drivers"),
        pytest.param(asked(CREATE, "serviceaccounts/token", token_for("mine", "u-mine"), name="web"), id="a token"),
        pytest.param(asked(CREATE, "events", {"metadata": {"name": "e"}}), id="anything else"),
        pytest.param(
            asked(UPDATE, "nodes", node(ROLE), node(), name="n1", user=Someone("jane", ())), id="a person, anything"
        ),
    ],
)
async def test_allowed(attributes: Attributes) -> None:
    await NodeRestriction(READER).validate(attributes)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        pytest.param(
            asked(CREATE, "pods", mirror(annotated=False)),
            'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
            id="a pod that is no mirror",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(nodeName="n2")),
            'node "n1" can only create pods with spec.nodeName set to itself',
            id="a mirror pod elsewhere",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(None)),
            "with an owner reference set to itself",
            id="a mirror pod without owner",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(OWNER | {"uid": "old"})), "node n1 UID mismatch", id="of a former node"
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(OWNER | {"controller": False})),
            "with a controller owner reference",
            id="of an owner that is no controller",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(serviceAccountName="root")),
            "reference a service account",
            id="with an account",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(volumes=[{"name": "s", "secret": {"secretName": "s"}}])),
            'node "n1" can not create pods that reference secrets',
            id="with a secret",
        ),
        pytest.param(
            asked(CREATE, "pods", mirror(containers=[{"name": "c", "envFrom": [{"configMapRef": {"name": "c"}}]}])),
            "reference configmaps",
            id="with a config map",
        ),
        pytest.param(asked(UPDATE, "pods", MINE, MINE), "can only create and delete mirror pods", id="changing a pod"),
        pytest.param(
            asked(DELETE, "pods", old=THEIRS, name="theirs"), "can only delete pods with spec.nodeName", id="their pod"
        ),
        pytest.param(
            asked(UPDATE, "pods/status", THEIRS, THEIRS), "can only update pod status for pods", id="their pod's status"
        ),
        pytest.param(
            asked(UPDATE, "pods/status", LABELLED, MINE), "cannot update labels through pod status", id="labels"
        ),
        pytest.param(asked(CREATE, "pods/eviction", {}, name="theirs"), "can only evict pods", id="evicting theirs"),
        pytest.param(
            asked(UPDATE, "nodes", node(name="n2"), node(name="n2"), name="n2"),
            'node "n1" is not allowed to modify node "n2"',
            id="another node",
        ),
        pytest.param(
            asked(CREATE, "nodes", node(ROLE)), "not allowed to set the following labels: node-role", id="a role"
        ),
        pytest.param(
            asked(UPDATE, "nodes", node(ROLE), node(), name="n1"), "is not allowed to modify labels", id="a role, later"
        ),
        pytest.param(
            asked(UPDATE, "nodes", node(), node({"node-restriction.kubernetes.io/pci": "1"}), name="n1"),
            "is not allowed to modify labels: node-restriction.kubernetes.io/pci",
            id="a label that keeps it out",
        ),
        pytest.param(
            asked(UPDATE, "nodes", node(), node(taints=[TAINT]), name="n1"), "not allowed to modify taints", id="taints"
        ),
        pytest.param(
            asked(UPDATE, "nodes", node(ownerReferences=[OWNER]), node(), name="n1"),
            "not allowed to modify ownerReferences",
            id="owners",
        ),
        pytest.param(
            asked(CREATE, "csinodes", {"metadata": {"name": "n2"}}),
            "can only access CSINode with the same name as the requesting node",
            id="the drivers of another node",
        ),
        pytest.param(
            asked(CREATE, "leases", {"metadata": {"name": "n2"}}, namespace=LEASE),
            "with the same name",
            id="their lease",
        ),
        pytest.param(
            asked(CREATE, "leases", {"metadata": {"name": "n1"}}, namespace="kube-system"),
            'can only access leases in the "kube-node-lease" system namespace',
            id="a lease elsewhere",
        ),
        pytest.param(
            asked(CREATE, "serviceaccounts/token", {"spec": {}}, name="web"), "token not bound to a pod", id="any token"
        ),
        pytest.param(
            asked(CREATE, "serviceaccounts/token", token_for("mine", ""), name="web"), "without a uid", id="without uid"
        ),
        pytest.param(
            asked(CREATE, "serviceaccounts/token", token_for("mine", "old"), name="web"), "does not match", id="old uid"
        ),
        pytest.param(
            asked(CREATE, "serviceaccounts/token", token_for("theirs", "u-theirs"), name="web"),
            "node requested token bound to a pod scheduled on a different node",
            id="a token for their pod",
        ),
        pytest.param(
            asked(CREATE, "nodes", node(), user=Someone("n1")), 'could not determine node from user "n1"', id="no name"
        ),
    ],
)
async def test_refused(attributes: Attributes, why: str) -> None:
    before = copy.deepcopy(attributes.document)
    with pytest.raises(Forbidden) as refused:
        await NodeRestriction(READER).validate(attributes)
    assert why in refused.value.message
    assert attributes.document == before


@pytest.mark.parametrize(
    ("label", "restricted"),
    [
        ("team", False),
        ("example.com/team", False),
        ("kubernetes.io/hostname", False),
        ("topology.kubernetes.io/zone", False),
        ("kubelet.kubernetes.io/x", False),
        ("node.kubernetes.io/instance-type", False),
        ("sub.node.kubernetes.io/x", False),
        ("node-role.kubernetes.io/worker", True),
        ("kubernetes.io/x", True),
        ("x.k8s.io/y", True),
        ("node-restriction.kubernetes.io/x", True),
        ("a.node-restriction.kubernetes.io/x", True),
        ("notkubernetes.io/x", False),
    ],
)
def test_labels(label: str, restricted: bool) -> None:
    assert restricted_labels({label: ""}) == ([label] if restricted else [])
