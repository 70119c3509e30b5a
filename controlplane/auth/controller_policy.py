"""The roles of the controllers, each bound to a service account of its own name in kube-system."""

from __future__ import annotations

from controlplane.api.rbac_v1 import ClusterRole, PolicyRule
from controlplane.auth.policy import EVENTS, READ, role, rule

_CSR = "certificates.k8s.io"
_SIGNERS = (
    "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving "
    "kubernetes.io/legacy-unknown"
)

_RULES: dict[str, tuple[PolicyRule, ...]] = {
    "certificate-controller": (
        rule(f"{READ} delete", "certificatesigningrequests", groups=_CSR),
        rule("update", "certificatesigningrequests/approval certificatesigningrequests/status", groups=_CSR),
        rule(
            "approve",
            "signers",
            groups=_CSR,
            # The second is ours: docs/decisions/0005-kubelet-serving-certificates.md.
            names="kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving",
        ),
        rule("sign", "signers", groups=_CSR, names=_SIGNERS),
        rule("create", "subjectaccessreviews", groups="authorization.k8s.io"),
    ),
    "clusterrole-aggregation-controller": (
        rule(f"escalate {READ} patch update", "clusterroles", groups="rbac.authorization.k8s.io"),
    ),
    "cronjob-controller": (
        rule(f"{READ} update", "cronjobs", groups="batch"),
        rule(f"create delete {READ} patch update", "jobs", groups="batch"),
        rule("update", "cronjobs/finalizers cronjobs/status", groups="batch"),
        rule("delete list", "pods"),
    ),
    "daemon-set-controller": (
        rule(READ, "daemonsets", groups="apps extensions"),
        rule("update", "daemonsets/finalizers daemonsets/status", groups="apps extensions"),
        rule("list watch", "nodes"),
        rule("create delete list patch watch", "pods"),
        rule("create", "pods/binding"),
        rule(f"create delete {READ} patch update", "controllerrevisions", groups="apps"),
    ),
    "deployment-controller": (
        rule(f"{READ} update", "deployments", groups="apps extensions"),
        rule("update", "deployments/finalizers deployments/status", groups="apps extensions"),
        rule(f"create delete {READ} patch update", "replicasets", groups="apps extensions"),
        rule(f"{READ} update", "pods"),
    ),
    "disruption-controller": (
        rule(READ, "deployments replicasets", groups="apps extensions"),
        rule(READ, "replicationcontrollers"),
        rule(READ, "poddisruptionbudgets", groups="policy"),
        rule(READ, "statefulsets", groups="apps"),
        rule("update", "poddisruptionbudgets/status", groups="policy"),
        rule("patch update", "pods/status"),
        rule("get", "*/scale", groups="*"),
    ),
    "endpoint-controller": (
        rule(READ, "pods services"),
        rule("create delete get list update", "endpoints"),
        rule("create", "endpoints/restricted"),
    ),
    "endpointslice-controller": (
        rule(READ, "nodes pods services"),
        rule("update", "services/finalizers"),
        rule("create delete get list update", "endpointslices", groups="discovery.k8s.io"),
    ),
    "endpointslicemirroring-controller": (
        rule(READ, "endpoints services"),
        rule("update", "endpoints/finalizers services/finalizers"),
        rule("create delete get list update", "endpointslices", groups="discovery.k8s.io"),
    ),
    "generic-garbage-collector": (rule(f"delete {READ} patch update", "*", groups="*"),),
    "horizontal-pod-autoscaler": (
        rule(READ, "horizontalpodautoscalers", groups="autoscaling"),
        rule("update", "horizontalpodautoscalers/status", groups="autoscaling"),
        rule("get update", "*/scale", groups="*"),
        rule("list", "pods"),
        rule("list", "pods", groups="metrics.k8s.io"),
        rule("get list", "*", groups="custom.metrics.k8s.io external.metrics.k8s.io"),
    ),
    "job-controller": (
        rule(f"{READ} patch update", "jobs", groups="batch"),
        rule("update", "jobs/finalizers jobs/status", groups="batch"),
        rule("create delete list patch watch", "pods"),
    ),
    "namespace-controller": (
        rule(f"delete {READ}", "namespaces"),
        rule("update", "namespaces/finalize namespaces/status"),
        rule("delete deletecollection get list", "*", groups="*"),
    ),
    "node-controller": (
        rule("delete get list patch update", "nodes"),
        rule("patch update", "nodes/status pods/status"),
        rule("delete get list", "pods"),
    ),
    "pod-garbage-collector": (
        rule("delete list watch", "pods"),
        rule("get list", "nodes"),
        rule("patch", "pods/status"),
    ),
    "replicaset-controller": (
        rule(f"{READ} update", "replicasets", groups="apps extensions"),
        rule("update", "replicasets/finalizers replicasets/status", groups="apps extensions"),
        rule("create delete list patch watch", "pods"),
    ),
    "replication-controller": (
        rule(f"{READ} update", "replicationcontrollers"),
        rule("update", "replicationcontrollers/finalizers replicationcontrollers/status"),
        rule("create delete list patch watch", "pods"),
    ),
    "resourcequota-controller": (
        rule("list watch", "*", groups="*"),
        rule("update", "resourcequotas/status"),
    ),
    "root-ca-cert-publisher": (rule("create update", "configmaps"),),
    "service-account-controller": (rule("create", "serviceaccounts"),),
    "service-cidrs-controller": (
        rule(f"{READ} patch update", "servicecidrs", groups="networking.k8s.io"),
        rule("patch update", "servicecidrs/finalizers servicecidrs/status", groups="networking.k8s.io"),
        rule(READ, "ipaddresses", groups="networking.k8s.io"),
    ),
    "service-controller": (
        rule(READ, "services"),
        rule("patch update", "services/status"),
        rule("list watch", "nodes"),
    ),
    "statefulset-controller": (
        rule("list watch", "pods"),
        rule(READ, "statefulsets", groups="apps"),
        rule("update", "statefulsets/finalizers statefulsets/status", groups="apps"),
        rule("create delete get patch update", "pods"),
        rule(f"create delete {READ} patch update", "controllerrevisions", groups="apps"),
        rule("create delete get update", "persistentvolumeclaims"),
    ),
    "ttl-after-finished-controller": (rule(f"delete {READ}", "jobs", groups="batch"),),
    "ttl-controller": (rule("list patch update watch", "nodes"),),
}

_WITHOUT_EVENTS = ("clusterrole-aggregation-controller", "namespace-controller", "pod-garbage-collector")

CONTROLLER_ROLES: tuple[ClusterRole, ...] = tuple(
    role(f"system:controller:{name}", *rules, *(() if name in _WITHOUT_EVENTS else (EVENTS,)))
    for name, rules in _RULES.items()
)
CONTROLLER_NAMES: tuple[str, ...] = tuple(_RULES)
