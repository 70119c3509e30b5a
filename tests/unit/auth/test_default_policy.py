"""Which roles and bindings every cluster starts with, by name: those of v1.37, kubeadm's, and ours."""

from __future__ import annotations

import pytest

from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from controlplane.auth.bootstrap_policy import default_policy
from controlplane.auth.interface import AccessRequest, User
from controlplane.auth.rbac import RbacAuthorizer
from tests.fakes.reader import FakeReader


def listed(names: str) -> list[str]:
    return names.split()


CSR = "system:certificates.k8s.io"

CLUSTER_ROLES = listed(f"""
    admin cluster-admin edit system:aggregate-to-admin system:aggregate-to-edit system:aggregate-to-view
    system:auth-delegator system:basic-user system:cluster-trust-bundle-discovery system:discovery
    system:heapster system:kube-aggregator system:kube-controller-manager system:kube-dns
    system:kube-scheduler system:kubelet-api-admin system:monitoring system:node system:node-bootstrapper
    system:node-problem-detector system:node-proxier system:persistent-volume-provisioner
    system:public-info-viewer system:service-account-issuer-discovery system:volume-scheduler view
    {CSR}:certificatesigningrequests:nodeclient {CSR}:certificatesigningrequests:selfnodeclient
    {CSR}:kube-apiserver-client-approver {CSR}:kube-apiserver-client-kubelet-approver
    {CSR}:kubelet-serving-approver {CSR}:legacy-unknown-approver
""")

CONTROLLERS = listed("""
    attachdetach-controller certificate-controller clusterrole-aggregation-controller cronjob-controller
    daemon-set-controller deployment-controller device-taint-eviction-controller disruption-controller
    endpoint-controller endpointslice-controller endpointslicemirroring-controller ephemeral-volume-controller
    expand-controller generic-garbage-collector horizontal-pod-autoscaler job-controller
    kube-apiserver-serving-clustertrustbundle-publisher legacy-service-account-token-cleaner
    namespace-controller node-controller persistent-volume-binder pod-garbage-collector
    podcertificaterequestcleaner-controller pv-protection-controller pvc-protection-controller
    replicaset-controller replication-controller resource-claim-controller resourcequota-controller
    root-ca-cert-publisher route-controller selinux-warning-controller service-account-controller
    service-cidrs-controller service-controller statefulset-controller storage-version-migrator-controller
    ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller
    volumeattributesclass-protection-controller
""")

CLUSTER_BINDINGS = listed("""
    cluster-admin system:basic-user system:cluster-trust-bundle-discovery system:discovery
    system:kube-controller-manager system:kube-dns system:kube-scheduler system:monitoring system:node
    system:node-proxier system:public-info-viewer system:service-account-issuer-discovery
    system:volume-scheduler
""")

ROLES = {
    ("kube-public", "system:controller:bootstrap-signer"),
    ("kube-system", "extension-apiserver-authentication-reader"),
    ("kube-system", "system::leader-locking-kube-controller-manager"),
    ("kube-system", "system::leader-locking-kube-scheduler"),
    ("kube-system", "system:controller:bootstrap-signer"),
    ("kube-system", "system:controller:cloud-provider"),
    ("kube-system", "system:controller:token-cleaner"),
}

# What `kubeadm init` adds, and what our node agent needs because it is proxy, overlay and DNS in one.
OURS = {"kubeadm:get-nodes", "sampan:node-network"}
# What metrics-server would add, were it installed.
METRICS = "system:aggregated-metrics-reader"
OUR_BINDINGS = OURS | {
    "kubeadm:cluster-admins",
    "kubeadm:kubelet-bootstrap",
    "kubeadm:node-autoapprove-bootstrap",
    "kubeadm:node-autoapprove-certificate-rotation",
}


def names(type_: type) -> set[str]:
    return {one.metadata.name for one in default_policy() if isinstance(one, type_)}


def test_cluster_roles() -> None:
    assert names(ClusterRole) == {
        *CLUSTER_ROLES,
        *(f"system:controller:{name}" for name in CONTROLLERS),
        *OURS,
        METRICS,
    }


def test_cluster_role_bindings() -> None:
    controllers = {f"system:controller:{name}" for name in CONTROLLERS}
    assert names(ClusterRoleBinding) == {*CLUSTER_BINDINGS, *controllers, *OUR_BINDINGS}


def test_namespaced_roles_and_their_bindings() -> None:
    roles = {(one.metadata.namespace, one.metadata.name) for one in default_policy() if isinstance(one, Role)}
    assert roles == ROLES | {("kube-public", "kubeadm:bootstrap-signer-clusterinfo")}
    bound = {(one.metadata.namespace, one.role_ref.name) for one in default_policy()
             if isinstance(one, RoleBinding) and one.role_ref is not None}  # fmt: skip
    assert bound == roles


def test_every_controller_is_its_own_account() -> None:
    bindings = {one.metadata.name: one for one in default_policy() if isinstance(one, ClusterRoleBinding)}
    for name in CONTROLLERS:
        binding = bindings[f"system:controller:{name}"]
        assert [(one.kind, one.namespace, one.name) for one in binding.subjects] == [
            ("ServiceAccount", "kube-system", name)
        ]


def account(name: str) -> User:
    return User(f"system:serviceaccount:kube-system:{name}")


@pytest.mark.parametrize(
    ("user", "request_", "allowed"),
    [
        pytest.param("horizontal-pod-autoscaler", ("update", "apps", "deployments", "scale"), True, id="scaling"),
        pytest.param("horizontal-pod-autoscaler", ("list", "external.metrics.k8s.io", "queue", ""), True, id="metrics"),
        pytest.param("horizontal-pod-autoscaler", ("delete", "", "pods", ""), False, id="not deleting"),
        pytest.param("persistent-volume-binder", ("create", "", "persistentvolumes", ""), True, id="binding volumes"),
        pytest.param(
            "resource-claim-controller", ("create", "resource.k8s.io", "resourceclaims", ""), True, id="claims"
        ),
        pytest.param(
            "storage-version-migrator-controller", ("patch", "example.com", "widgets", ""), True, id="migrating"
        ),
        pytest.param("storage-version-migrator-controller", ("delete", "", "secrets", ""), False, id="not removing"),
        pytest.param("cronjob-controller", ("watch", "", "pods", ""), True, id="lists are watches by now"),
        pytest.param("ttl-controller", ("delete", "", "nodes", ""), False, id="nor ending nodes"),
    ],
)
def test_what_controllers_may(user: str, request_: tuple[str, str, str, str], allowed: bool) -> None:
    verb, group, resource, subresource = request_
    rbac = RbacAuthorizer(FakeReader(*default_policy()))
    asked = AccessRequest(account(user), verb, group, "v1", resource, subresource, namespace="shop")
    assert rbac.authorize(asked).allowed is allowed


def test_every_service_account_finds_the_trust_bundles() -> None:
    rbac = RbacAuthorizer(FakeReader(*default_policy()))
    pod = User("system:serviceaccount:shop:web", groups=("system:serviceaccounts",))
    assert rbac.authorize(AccessRequest(pod, "list", "certificates.k8s.io", "v1", "clustertrustbundles")).allowed
    assert not rbac.authorize(AccessRequest(pod, "delete", "certificates.k8s.io", "v1", "clustertrustbundles")).allowed
