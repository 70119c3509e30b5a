"""What a node may do: with its own pods on the table, and those of its neighbour."""

from __future__ import annotations

import pytest

from controlplane.api.certificates_v1 import PodCertificateRequest, PodCertificateRequestSpec
from controlplane.api.core_v1 import (
    ConfigMapEnvSource,
    ConfigMapKeySelector,
    ConfigMapProjection,
    Container,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    LocalObjectReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource,
    Pod,
    PodResourceClaim,
    PodResourceClaimStatus,
    PodSpec,
    PodStatus,
    ProjectedVolumeSource,
    SecretKeySelector,
    SecretVolumeSource,
    Volume,
    VolumeProjection,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resource_v1 import ResourceSlice, ResourceSliceSpec
from controlplane.api.storage_v1 import VolumeAttachment, VolumeAttachmentSpec
from controlplane.auth.interface import AccessRequest, User
from controlplane.auth.node import NodeAuthorizer
from tests.fakes.reader import FakeReader

N1 = User("system:node:n1", groups=("system:nodes", "system:authenticated"))

WEB = Pod(
    metadata=ObjectMeta(name="web", namespace="prod"),
    spec=PodSpec(
        node_name="n1",
        service_account_name="web",
        image_pull_secrets=[LocalObjectReference(name="pull")],
        containers=[
            Container(
                name="c",
                env=[
                    EnvVar(name="A", value_from=EnvVarSource(secret_key_ref=SecretKeySelector(name="env", key="k"))),
                    EnvVar(
                        name="B", value_from=EnvVarSource(config_map_key_ref=ConfigMapKeySelector(name="one", key="k"))
                    ),
                ],
                env_from=[EnvFromSource(config_map_ref=ConfigMapEnvSource(name="all"))],
            )
        ],
        volumes=[
            Volume(name="tls", secret=SecretVolumeSource(secret_name="tls")),
            Volume(name="data", persistent_volume_claim=PersistentVolumeClaimVolumeSource(claim_name="data")),
            Volume(
                name="p",
                projected=ProjectedVolumeSource(
                    sources=[VolumeProjection(config_map=ConfigMapProjection(name="kube-root-ca.crt"))]
                ),
            ),
        ],
    ),
)
OTHER = Pod(
    metadata=ObjectMeta(name="other", namespace="prod"),
    spec=PodSpec(
        node_name="n2",
        service_account_name="other",
        volumes=[Volume(name="s", secret=SecretVolumeSource(secret_name="theirs"))],
    ),
)
MIRROR = Pod(
    metadata=ObjectMeta(name="mirror", namespace="prod", annotations={"kubernetes.io/config.mirror": "x"}),
    spec=PodSpec(node_name="n1", volumes=[Volume(name="s", secret=SecretVolumeSource(secret_name="wanted"))]),
)
CLAIM = PersistentVolumeClaim(
    metadata=ObjectMeta(name="data", namespace="prod"), spec=PersistentVolumeClaimSpec(volume_name="pv-1")
)
STORAGE = "storage.k8s.io"
MINE, THEIRS = (
    VolumeAttachment(metadata=ObjectMeta(name=name), spec=VolumeAttachmentSpec(node_name=node))
    for name, node in (("mine", "n1"), ("theirs", "n2"))
)
LEASES, LEASE_NAMESPACE = "coordination.k8s.io", "kube-node-lease"


def ask(
    verb: str, resource: str, name: str = "", namespace: str = "prod", group: str = "", fields: str = ""
) -> AccessRequest:
    plural, _, subresource = resource.partition("/")
    return AccessRequest(N1, verb, group, "v1", plural, subresource, namespace, name, field_selector=fields)


ALLOWED = [
    pytest.param(ask("get", "secrets", "tls"), id="a secret its pod mounts"),
    pytest.param(ask("watch", "secrets", "tls"), id="watched by name"),
    pytest.param(ask("get", "secrets", "pull"), id="a pull secret"),
    pytest.param(ask("get", "secrets", "env"), id="a secret in an environment"),
    pytest.param(ask("get", "configmaps", "one"), id="a config map in an environment"),
    pytest.param(ask("list", "configmaps", "all"), id="a config map as environment"),
    pytest.param(ask("get", "configmaps", "kube-root-ca.crt"), id="a projected config map"),
    pytest.param(ask("get", "persistentvolumeclaims", "data"), id="a claim"),
    pytest.param(ask("patch", "persistentvolumeclaims/status", "data"), id="the status of a claim"),
    pytest.param(ask("get", "persistentvolumes", "pv-1", ""), id="the volume behind a claim"),
    pytest.param(ask("create", "serviceaccounts/token", "web"), id="a token for its pod's account"),
    pytest.param(ask("list", "pods", fields="spec.nodeName=n1", namespace=""), id="its pods"),
    pytest.param(ask("watch", "pods", fields="spec.nodeName=n1", namespace=""), id="its pods, watched"),
    pytest.param(ask("get", "pods", "web"), id="one of its pods"),
    pytest.param(ask("create", "pods"), id="a mirror pod"),
    pytest.param(ask("patch", "pods/status", "web"), id="status of a pod"),
    pytest.param(ask("create", "pods/eviction", "web"), id="eviction"),
    pytest.param(ask("create", "nodes", "", ""), id="itself, at registration"),
    pytest.param(ask("get", "nodes", "n1", ""), id="itself"),
    pytest.param(ask("watch", "nodes", "", "", fields="metadata.name=n1"), id="itself, watched"),
    pytest.param(ask("patch", "nodes/status", "n1", ""), id="its status"),
    pytest.param(ask("create", "leases", "", LEASE_NAMESPACE, LEASES), id="a lease"),
    pytest.param(ask("update", "leases", "n1", LEASE_NAMESPACE, LEASES), id="its lease"),
    pytest.param(ask("create", "csinodes", "", "", STORAGE), id="its drivers, at registration"),
    pytest.param(ask("patch", "csinodes", "n1", "", STORAGE), id="its drivers"),
    pytest.param(ask("get", "volumeattachments", "mine", "", STORAGE), id="what is attached to it"),
    pytest.param(ask("create", "events"), id="events"),
    pytest.param(ask("list", "services", "", ""), id="services"),
    pytest.param(ask("create", "certificatesigningrequests", "", "", "certificates.k8s.io"), id="a CSR"),
    pytest.param(ask("create", "subjectaccessreviews", "", "", "authorization.k8s.io"), id="asking about callers"),
]
REFUSED = [
    pytest.param(ask("patch", "csinodes", "n2", "", STORAGE), id="the drivers of another node"),
    pytest.param(ask("list", "csinodes", "", "", STORAGE), id="the drivers of all nodes"),
    pytest.param(ask("get", "volumeattachments", "theirs", "", STORAGE), id="what is attached elsewhere"),
    pytest.param(ask("list", "volumeattachments", "", "", STORAGE), id="what is attached anywhere"),
    pytest.param(ask("get", "secrets", "theirs"), id="a secret of a pod elsewhere"),
    pytest.param(ask("get", "secrets", "wanted"), id="a secret that its own mirror pod names"),
    pytest.param(ask("get", "secrets", "tls", "test"), id="a namesake in another namespace"),
    pytest.param(ask("list", "secrets"), id="all secrets"),
    pytest.param(ask("update", "secrets", "tls"), id="writing a secret"),
    pytest.param(ask("create", "serviceaccounts/token", "other"), id="a token for somebody else"),
    pytest.param(ask("create", "serviceaccounts", "x"), id="an account"),
    pytest.param(ask("get", "persistentvolumes", "pv-2", ""), id="another volume"),
    pytest.param(ask("list", "pods", namespace=""), id="all pods"),
    pytest.param(ask("list", "pods", fields="spec.nodeName=n2", namespace=""), id="another node's pods"),
    pytest.param(ask("list", "pods", fields="spec.nodeName!=n1", namespace=""), id="everybody else's pods"),
    pytest.param(ask("get", "pods", "other"), id="another node's pod"),
    pytest.param(ask("get", "nodes", "n2", ""), id="another node"),
    pytest.param(ask("list", "nodes", "", ""), id="all nodes"),
    pytest.param(ask("delete", "nodes", "n1", ""), id="deleting itself"),
    pytest.param(ask("get", "leases", "n2", LEASE_NAMESPACE, LEASES), id="another node's lease"),
    pytest.param(ask("get", "leases", "n1", "kube-system", LEASES), id="a lease elsewhere"),
    pytest.param(ask("get", "deployments", "web", "prod", "apps"), id="anything else"),
    pytest.param(ask("approve", "signers", "", "", "certificates.k8s.io"), id="approving CSRs"),
]


@pytest.fixture
def authorizer() -> NodeAuthorizer:
    return NodeAuthorizer(FakeReader(WEB, OTHER, MIRROR, CLAIM, MINE, THEIRS))


@pytest.mark.parametrize("request_", ALLOWED)
def test_a_node_may(authorizer: NodeAuthorizer, request_: AccessRequest) -> None:
    assert authorizer.authorize(request_).allowed


@pytest.mark.parametrize("request_", REFUSED)
def test_a_node_may_not(authorizer: NodeAuthorizer, request_: AccessRequest) -> None:
    assert not authorizer.authorize(request_).allowed


def test_when_the_pod_is_gone_so_is_the_right() -> None:
    reader = FakeReader(WEB)
    authorizer = NodeAuthorizer(reader)
    reader.remove(WEB)
    decision = authorizer.authorize(ask("get", "secrets", "tls"))
    assert (decision.allowed, decision.reason) == (
        False,
        "no relationship found between node 'n1' and this object",
    )


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(User("system:node:n1"), id="the name without the group"),
        pytest.param(User("n1", groups=("system:nodes",)), id="the group without the name"),
        pytest.param(User("jane", groups=("system:authenticated",)), id="a person"),
    ],
)
def test_others_are_not_nodes(authorizer: NodeAuthorizer, user: User) -> None:
    request = AccessRequest(user, "get", "", "v1", "secrets", "", "prod", "tls")
    assert not authorizer.authorize(request).allowed


# What nodes do with devices and with certificates of pods ------------------------------------------------

DEVICE_POD = Pod(
    metadata=ObjectMeta(name="gpu", namespace="prod"),
    spec=PodSpec(
        node_name="n1",
        containers=[],
        resource_claims=[PodResourceClaim(name="a", resource_claim_name="named"), PodResourceClaim(name="b")],
    ),
    status=PodStatus(resource_claim_statuses=[PodResourceClaimStatus(name="b", resource_claim_name="made")]),
)


def slice_of(node: str) -> ResourceSlice:
    return ResourceSlice(metadata=ObjectMeta(name=f"slice-{node}"), spec=ResourceSliceSpec(node_name=node))


def request_of(node: str) -> PodCertificateRequest:
    spec = PodCertificateRequestSpec(node_name=node)
    return PodCertificateRequest(metadata=ObjectMeta(name=f"pcr-{node}", namespace="prod"), spec=spec)


DEVICES = FakeReader(DEVICE_POD, *(make(n) for make in (slice_of, request_of) for n in ("n1", "n2")))


def on(verb: str, group: str, plural: str, name: str = "", selector: str = "", subresource: str = "") -> AccessRequest:
    return AccessRequest(N1, verb, group, "v1", plural, subresource, "prod", name, field_selector=selector)


_DRA, _CSR = "resource.k8s.io", "certificates.k8s.io"
OWN, OTHERS = "spec.nodeName=n1", "spec.nodeName=n2"


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        pytest.param(on("get", _DRA, "resourceclaims", "named"), True, id="a claim that a pod names"),
        pytest.param(on("get", _DRA, "resourceclaims", "made"), True, id="a claim that was made for a pod"),
        pytest.param(on("get", _DRA, "resourceclaims", "other"), False, id="another claim"),
        pytest.param(on("list", _DRA, "resourceclaims"), False, id="all claims"),
        pytest.param(on("create", _DRA, "resourceslices"), True, id="a new slice"),
        pytest.param(on("update", _DRA, "resourceslices", "slice-n1"), True, id="its slice"),
        pytest.param(on("delete", _DRA, "resourceslices", "slice-n2"), False, id="its neighbour's slice"),
        pytest.param(on("deletecollection", _DRA, "resourceslices", selector=OWN), True, id="its slices"),
        pytest.param(on("list", _DRA, "resourceslices", selector=OTHERS), False, id="its neighbour's slices"),
        pytest.param(on("deletecollection", _DRA, "resourceslices"), False, id="all slices"),
        pytest.param(on("create", _CSR, "podcertificaterequests"), True, id="a certificate for a pod"),
        pytest.param(on("get", _CSR, "podcertificaterequests", "pcr-n1"), True, id="its request"),
        pytest.param(on("get", _CSR, "podcertificaterequests", "pcr-n2"), False, id="its neighbour's request"),
        pytest.param(on("watch", _CSR, "podcertificaterequests", selector=OWN), True, id="its requests"),
        pytest.param(on("watch", _CSR, "podcertificaterequests"), False, id="all requests"),
        pytest.param(on("update", _CSR, "podcertificaterequests", "pcr-n1", subresource="status"), False,
                     id="signing its request"),
        pytest.param(on("list", _CSR, "clustertrustbundles"), True, id="trust bundles are everybody's"),
    ],
)  # fmt: skip
def test_devices_and_certificates(request_: AccessRequest, allowed: bool) -> None:
    assert NodeAuthorizer(DEVICES).authorize(request_).allowed is allowed
