"""The roles and bindings every cluster starts with: upstream's, and the few that `kubeadm init` would add.

The server creates them when it starts, and adds to existing ones what they lack (`policy_reconcile.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding
from controlplane.auth.controller_policy import CONTROLLER_NAMES, CONTROLLER_ROLES
from controlplane.auth.policy import (
    EVENTS,
    READ,
    READ_WRITE,
    WRITE,
    aggregated,
    bind,
    bind_in,
    namespaced_role,
    paths,
    role,
    rule,
)

PolicyObject: TypeAlias = ClusterRole | ClusterRoleBinding | Role | RoleBinding

_AUTHN, _AUTHZ, _RBAC = "authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io"
_CSR, _LEASES, _DISCOVERY = "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io"
_STORAGE, _NETWORKING, _RESOURCE = "storage.k8s.io", "networking.k8s.io", "resource.k8s.io"
_BOOTSTRAPPERS = "system:bootstrappers:kubeadm:default-node-token"

_MAY_CHECK_ACCESS = (
    rule("create", "tokenreviews", groups=_AUTHN),
    rule("create", "subjectaccessreviews", groups=_AUTHZ),
)

NODE_RULES: tuple[PolicyRule, ...] = (
    rule("create", "tokenreviews", groups=_AUTHN),
    rule("create", "localsubjectaccessreviews subjectaccessreviews", groups=_AUTHZ),
    rule(READ, "services"),
    rule(f"create {READ} patch update", "nodes"),
    rule("patch update", "nodes/status"),
    rule("create patch update", "events", groups="core events.k8s.io"),
    rule(f"create delete {READ}", "pods"),
    rule("patch update", "pods/status"),
    rule("create", "pods/eviction"),
    rule(READ, "configmaps secrets"),
    rule("get", "persistentvolumeclaims persistentvolumes"),
    rule("get", "endpoints"),
    rule(f"create {READ}", "certificatesigningrequests", groups=_CSR),
    rule("create delete get patch update", "leases", groups=_LEASES),
    rule("get", "volumeattachments", groups=_STORAGE),
    rule("get patch update", "persistentvolumeclaims/status"),
    rule("create", "serviceaccounts/token"),
    rule(READ, "csidrivers", groups=_STORAGE),
    rule("create delete get patch update", "csinodes", groups=_STORAGE),
    rule(READ, "runtimeclasses", groups="node.k8s.io"),
    rule("get", "resourceclaims", groups=_RESOURCE),
    rule("deletecollection", "resourceslices", groups=_RESOURCE),
    rule(READ, "clustertrustbundles", groups=_CSR),
    rule(f"create {READ}", "podcertificaterequests", groups=_CSR),
    rule("get", "serviceaccounts"),
)
"""What a node may do with objects that the node authorizer does not look at one by one."""

_APPS_SCALABLE = "deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"

_AGGREGATE_TO_VIEW = role(
    "system:aggregate-to-view",
    rule(
        READ,
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status",
    ),
    rule(
        READ,
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
    ),
    # In a RoleBinding this covers the one namespace: how a user finds out where there is something to see.
    rule(READ, "namespaces"),
    rule(READ, "endpointslices", groups=_DISCOVERY),
    rule(
        READ,
        "controllerrevisions daemonsets daemonsets/status deployments/status replicasets/status statefulsets/status "
        + _APPS_SCALABLE,
        groups="apps",
    ),
    rule(READ, "horizontalpodautoscalers horizontalpodautoscalers/status", groups="autoscaling"),
    rule(READ, "cronjobs cronjobs/status jobs jobs/status", groups="batch"),
    rule(
        READ,
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status "
        "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
        groups="extensions",
    ),
    rule(READ, "poddisruptionbudgets poddisruptionbudgets/status", groups="policy"),
    rule(READ, "ingresses ingresses/status networkpolicies", groups=_NETWORKING),
    rule(READ, "resourceclaims resourceclaims/status resourceclaimtemplates", groups=_RESOURCE),
    aggregate_to="view",
)

_METRICS_READER = role(
    "system:aggregated-metrics-reader",
    rule(READ, "pods nodes", groups="metrics.k8s.io"),
    aggregate_to="admin edit view",
)
"""metrics-server's own, by its name: what it would add is here from the start."""

_AGGREGATE_TO_EDIT = role(
    "system:aggregate-to-edit",
    rule(READ, "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    rule("impersonate", "serviceaccounts"),
    rule(WRITE, "pods pods/attach pods/exec pods/portforward pods/proxy"),
    rule("create", "pods/eviction"),
    rule(
        WRITE,
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
    ),
    rule("create", "serviceaccounts/token"),
    rule(WRITE, f"daemonsets deployments/rollback {_APPS_SCALABLE}", groups="apps"),
    rule(WRITE, "horizontalpodautoscalers", groups="autoscaling"),
    rule(WRITE, "cronjobs jobs", groups="batch"),
    rule(
        WRITE,
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
        "replicasets/scale replicationcontrollers/scale",
        groups="extensions",
    ),
    rule(WRITE, "poddisruptionbudgets", groups="policy"),
    rule(WRITE, "ingresses networkpolicies", groups=_NETWORKING),
    rule(READ_WRITE, "leases", groups=_LEASES),
    rule(WRITE, "resourceclaims resourceclaimtemplates", groups=_RESOURCE),
    aggregate_to="edit",
)

_AGGREGATE_TO_ADMIN = role(
    "system:aggregate-to-admin",
    rule("create", "localsubjectaccessreviews", groups=_AUTHZ),
    rule(READ_WRITE, "rolebindings roles", groups=_RBAC),
    aggregate_to="admin",
)


def _approver(signer: str) -> ClusterRole:
    return role(
        f"system:certificates.k8s.io:{signer}-approver",
        rule("approve", "signers", groups=_CSR, names=f"kubernetes.io/{signer}"),
    )


def _leader_locking(component: str) -> Role:
    return namespaced_role(
        "kube-system",
        f"system::leader-locking-{component}",
        rule(f"create {READ} update", "leases", groups=_LEASES),
        rule(f"create {READ} update", "leasecandidates", groups=_LEASES),
    )


_HEALTH = "/healthz /livez /readyz"
_VERSION = "/version /version/"

_USER_FACING = (
    role("cluster-admin", rule("*", "*", groups="*"), paths("*", "*")),
    aggregated("admin", _AGGREGATE_TO_ADMIN, _AGGREGATE_TO_EDIT, _AGGREGATE_TO_VIEW, _METRICS_READER),
    aggregated("edit", _AGGREGATE_TO_EDIT, _AGGREGATE_TO_VIEW, _METRICS_READER, aggregate_to="admin"),
    aggregated("view", _AGGREGATE_TO_VIEW, _METRICS_READER, aggregate_to="edit"),
    _AGGREGATE_TO_ADMIN,
    _AGGREGATE_TO_EDIT,
    _AGGREGATE_TO_VIEW,
    _METRICS_READER,
)

_DISCOVERING = (
    role(
        "system:basic-user",
        rule("create", "selfsubjectaccessreviews selfsubjectrulesreviews", groups=_AUTHZ),
        rule("create", "selfsubjectreviews", groups=_AUTHN),
    ),
    role(
        "system:discovery",
        paths("get", f"/api /api/* /apis /apis/* {_HEALTH} /openapi /openapi/* {_VERSION}"),
    ),
    role("system:public-info-viewer", paths("get", f"{_HEALTH} {_VERSION}")),
    role("system:monitoring", paths("get", f"{_HEALTH} /healthz/* /livez/* /readyz/* /metrics /metrics/slis")),
    role(
        "system:service-account-issuer-discovery",
        paths("get", "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks"
              " /openid/v1/jwks/"),
    ),
    role("system:auth-delegator", *_MAY_CHECK_ACCESS),
    role("system:cluster-trust-bundle-discovery", rule(READ, "clustertrustbundles", groups=_CSR)),
)  # fmt: skip

_OF_NODES = (
    role("system:node", *NODE_RULES),
    role("system:node-bootstrapper", rule(f"create {READ}", "certificatesigningrequests", groups=_CSR)),
    role("system:node-problem-detector", rule("get", "nodes"), rule("patch", "nodes/status"), EVENTS),
    role(
        "system:node-proxier",
        rule("list watch", "endpoints services"),
        rule(READ, "nodes"),
        EVENTS,
        rule("list watch", "endpointslices", groups=_DISCOVERY),
        rule("list watch", "servicecidrs", groups=_NETWORKING),
    ),
    role(
        "system:kubelet-api-admin",
        rule(READ, "nodes"),
        rule("proxy", "nodes"),
        rule("*", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
        rule("*", "nodes/configz nodes/healthz nodes/pods"),
    ),
    role("system:kube-dns", rule("list watch", "endpoints services")),
    # Our node agent holds the proxy, the overlay and the DNS of its node, all under the node's one identity.
    role(
        "sampan:node-network",
        rule(READ, "nodes endpoints namespaces services"),
        rule(READ, "endpointslices", groups=_DISCOVERY),
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        rule("create", "certificatesigningrequests/nodeclient", groups=_CSR),
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        rule("create", "certificatesigningrequests/selfnodeclient", groups=_CSR),
    ),
    _approver("kube-apiserver-client"),
    _approver("kube-apiserver-client-kubelet"),
    _approver("kubelet-serving"),
    _approver("legacy-unknown"),
    role("kubeadm:get-nodes", rule("get", "nodes")),
)

_OF_COMPONENTS = (
    role(
        "system:kube-controller-manager",
        EVENTS,
        rule("create", "leases", groups=_LEASES),
        rule("get update", "leases", groups=_LEASES, names="kube-controller-manager"),
        rule("create", "secrets serviceaccounts"),
        rule("delete", "secrets"),
        rule("get", "configmaps namespaces secrets serviceaccounts"),
        rule("update", "secrets serviceaccounts"),
        *_MAY_CHECK_ACCESS,
        rule("list watch", "*", groups="*"),
        rule("create", "serviceaccounts/token"),
    ),
    role(
        "system:kube-scheduler",
        EVENTS,
        rule("create", "leases", groups=_LEASES),
        rule("get update", "leases", groups=_LEASES, names="kube-scheduler"),
        rule(READ, "nodes"),
        rule(f"delete {READ}", "pods"),
        rule("create", "bindings pods/binding"),
        rule("patch update", "pods/status"),
        rule(READ, "namespaces replicationcontrollers services"),
        rule(READ, "replicasets", groups="apps extensions"),
        rule(READ, "statefulsets", groups="apps"),
        rule(READ, "poddisruptionbudgets", groups="policy"),
        rule(READ, "persistentvolumeclaims persistentvolumes"),
        *_MAY_CHECK_ACCESS,
        rule(READ, "csidrivers csinodes csistoragecapacities storageclasses volumeattachments", groups=_STORAGE),
        rule(READ, "deviceclasses devicetaintrules resourceslices", groups=_RESOURCE),
        rule(f"{READ} patch update", "resourceclaims resourceclaims/status", groups=_RESOURCE),
        rule(f"{READ} patch update", "pods/finalizers"),
        rule("patch update", "resourceclaims/binding", groups=_RESOURCE),
    ),
    role(
        "system:volume-scheduler",
        rule(f"{READ} patch update", "persistentvolumes"),
        rule(READ, "storageclasses", groups=_STORAGE),
        rule(f"{READ} patch update", "persistentvolumeclaims"),
    ),
    role("system:kube-aggregator", rule(READ, "endpoints services")),
    role(
        "system:heapster",
        rule(READ, "events namespaces nodes pods"),
        rule(READ, "deployments", groups="extensions"),
    ),
    role(
        "system:persistent-volume-provisioner",
        rule(f"create delete {READ}", "persistentvolumes"),
        rule(f"{READ} update", "persistentvolumeclaims"),
        rule(READ, "storageclasses", groups=_STORAGE),
        rule("watch", "events"),
        EVENTS,
    ),
)

_CLUSTER_BINDINGS = (
    bind("cluster-admin", groups="system:masters"),
    bind("system:basic-user", groups="system:authenticated"),
    bind("system:discovery", groups="system:authenticated"),
    bind("system:public-info-viewer", groups="system:authenticated system:unauthenticated"),
    bind("system:monitoring", groups="system:monitoring"),
    bind("system:service-account-issuer-discovery", groups="system:serviceaccounts"),
    bind("system:cluster-trust-bundle-discovery", groups="system:serviceaccounts"),
    bind("system:node-proxier", users="system:kube-proxy"),
    bind("system:kube-controller-manager", users="system:kube-controller-manager"),
    bind("system:kube-scheduler", users="system:kube-scheduler"),
    bind("system:volume-scheduler", users="system:kube-scheduler"),
    bind("system:kube-dns", accounts="kube-system/kube-dns"),
    # Bound to nobody: the node authorizer gives a node the same rules, narrowed to the node's own objects.
    bind("system:node"),
    bind("sampan:node-network", groups="system:nodes"),
    # As kubeadm leaves a cluster: administrators in a group that can be taken away, and nodes that can join.
    bind("cluster-admin", groups="kubeadm:cluster-admins", name="kubeadm:cluster-admins"),
    bind("system:node-bootstrapper", groups=_BOOTSTRAPPERS, name="kubeadm:kubelet-bootstrap"),
    bind("kubeadm:get-nodes", groups=_BOOTSTRAPPERS),
    bind(
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        groups=_BOOTSTRAPPERS,
        name="kubeadm:node-autoapprove-bootstrap",
    ),
    bind(
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        groups="system:nodes",
        name="kubeadm:node-autoapprove-certificate-rotation",
    ),
)

_NAMESPACED = (
    namespaced_role(
        "kube-system",
        "extension-apiserver-authentication-reader",
        rule(READ, "configmaps", names="extension-apiserver-authentication"),
    ),
    _leader_locking("kube-controller-manager"),
    _leader_locking("kube-scheduler"),
    namespaced_role("kube-system", "system:controller:bootstrap-signer", rule(READ, "secrets")),
    namespaced_role("kube-system", "system:controller:cloud-provider", rule(f"create {READ}", "configmaps")),
    namespaced_role("kube-system", "system:controller:token-cleaner", rule(f"delete {READ}", "secrets"), EVENTS),
    namespaced_role(
        "kube-public",
        "system:controller:bootstrap-signer",
        rule(READ, "configmaps"),
        rule("update", "configmaps", names="cluster-info"),
        EVENTS,
    ),
    namespaced_role(
        "kube-public", "kubeadm:bootstrap-signer-clusterinfo", rule("get", "configmaps", names="cluster-info")
    ),
    bind_in(
        "kube-system",
        "extension-apiserver-authentication-reader",
        users="system:kube-controller-manager system:kube-scheduler",
        name="system::extension-apiserver-authentication-reader",
    ),
    bind_in(
        "kube-system",
        "system::leader-locking-kube-controller-manager",
        users="system:kube-controller-manager",
        accounts="kube-system/kube-controller-manager kube-system/leader-election-controller",
    ),
    bind_in(
        "kube-system",
        "system::leader-locking-kube-scheduler",
        users="system:kube-scheduler",
        accounts="kube-system/kube-scheduler",
    ),
    bind_in("kube-system", "system:controller:bootstrap-signer", accounts="kube-system/bootstrap-signer"),
    bind_in("kube-system", "system:controller:cloud-provider", accounts="kube-system/cloud-provider"),
    bind_in("kube-system", "system:controller:token-cleaner", accounts="kube-system/token-cleaner"),
    bind_in("kube-public", "system:controller:bootstrap-signer", accounts="kube-system/bootstrap-signer"),
    # A node that joins knows nobody here yet: it reads the CA as system:anonymous and checks it against its pin.
    bind_in("kube-public", "kubeadm:bootstrap-signer-clusterinfo", users="system:anonymous"),
)


@cache
def default_policy() -> Sequence[PolicyObject]:
    """Return everything, roles before the bindings that name them."""
    controllers = [bind(f"system:controller:{name}", accounts=f"kube-system/{name}") for name in CONTROLLER_NAMES]
    roles = (*_USER_FACING, *_DISCOVERING, *_OF_NODES, *_OF_COMPONENTS, *CONTROLLER_ROLES)
    return (*roles, *_CLUSTER_BINDINGS, *controllers, *_NAMESPACED)
