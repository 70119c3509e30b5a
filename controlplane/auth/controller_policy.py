"""The roles of the controllers, each bound to a service account of its own name in kube-system."""

from __future__ import annotations

from controlplane.api.rbac_v1 import ClusterRole, PolicyRule
from controlplane.auth.policy import EVENTS, READ, role, rule

_CSR, _STORAGE = "certificates.k8s.io", "storage.k8s.io"
_ADMISSION, _RESOURCE = "admissionregistration.k8s.io", "resource.k8s.io"
_SIGNERS = (
    "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving "
    "kubernetes.io/legacy-unknown"
)

_RULES: dict[str, tuple[PolicyRule, ...]] = {
    "attachdetach-controller": (
        rule("list watch", "persistentvolumeclaims persistentvolumes pods"),
        rule(READ, "nodes"),
        rule("patch update", "nodes/status"),
        rule(f"create delete {READ}", "volumeattachments", groups=_STORAGE),
        rule(READ, "csidrivers csinodes", groups=_STORAGE),
    ),
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
        rule("delete list watch", "pods"),
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
    "device-taint-eviction-controller": (
        rule(f"delete {READ}", "pods"),
        rule("patch update", "pods/status"),
        rule(READ, "deviceclasses devicetaintrules resourceclaims resourceslices", groups=_RESOURCE),
        rule("patch update", "devicetaintrules/status", groups=_RESOURCE),
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
        rule(f"create delete {READ} update", "endpoints"),
        rule("create", "endpoints/restricted"),
    ),
    "endpointslice-controller": (
        rule(READ, "nodes pods services"),
        rule("update", "services/finalizers"),
        rule(f"create delete {READ} update", "endpointslices", groups="discovery.k8s.io"),
    ),
    "endpointslicemirroring-controller": (
        rule(READ, "endpoints services"),
        rule("update", "endpoints/finalizers services/finalizers"),
        rule(f"create delete {READ} update", "endpointslices", groups="discovery.k8s.io"),
    ),
    "ephemeral-volume-controller": (
        rule(READ, "pods"),
        rule("update", "pods/finalizers"),
        rule(f"create {READ}", "persistentvolumeclaims"),
    ),
    "expand-controller": (
        rule(f"{READ} patch update", "persistentvolumes"),
        rule("patch update", "persistentvolumeclaims/status"),
        rule(READ, "persistentvolumeclaims"),
    ),
    "generic-garbage-collector": (rule(f"delete {READ} patch update", "*", groups="*"),),
    "horizontal-pod-autoscaler": (
        rule(READ, "horizontalpodautoscalers", groups="autoscaling"),
        rule("update", "horizontalpodautoscalers/status", groups="autoscaling"),
        rule("get update", "*/scale", groups="*"),
        rule("list watch", "pods"),
        rule("list watch", "pods", groups="metrics.k8s.io"),
        rule(READ, "*", groups="custom.metrics.k8s.io external.metrics.k8s.io"),
    ),
    "job-controller": (
        rule(f"{READ} patch update", "jobs", groups="batch"),
        rule("update", "jobs/finalizers jobs/status", groups="batch"),
        rule("create delete list patch watch", "pods"),
    ),
    "kube-apiserver-serving-clustertrustbundle-publisher": (
        rule("attest", "signers", groups=_CSR, names="kubernetes.io/kube-apiserver-serving"),
        rule(f"create delete {READ} update", "clustertrustbundles", groups=_CSR),
    ),
    "legacy-service-account-token-cleaner": (
        rule("get", "configmaps", names="kube-apiserver-legacy-service-account-token-tracking"),
        rule("delete patch", "secrets"),
    ),
    "namespace-controller": (
        rule(f"delete {READ}", "namespaces"),
        rule("update", "namespaces/finalize namespaces/status"),
        rule(f"delete deletecollection {READ}", "*", groups="*"),
    ),
    "node-controller": (
        rule(f"delete {READ} patch update", "nodes"),
        rule("patch update", "nodes/status pods/status"),
        rule(f"delete {READ}", "pods"),
    ),
    "persistent-volume-binder": (
        rule(f"create delete {READ} update", "persistentvolumes"),
        rule("update", "persistentvolumes/status persistentvolumeclaims/status"),
        rule(f"{READ} update", "persistentvolumeclaims"),
        rule(f"create delete {READ}", "pods"),
        rule(READ, "storageclasses", groups=_STORAGE),
        rule("list watch", "nodes"),
        rule("watch", "events"),
    ),
    "pod-garbage-collector": (
        rule("delete list watch", "pods"),
        rule(READ, "nodes"),
        rule("patch", "pods/status"),
    ),
    "podcertificaterequestcleaner-controller": (rule(f"delete {READ}", "podcertificaterequests", groups=_CSR),),
    "pv-protection-controller": (rule(f"{READ} update", "persistentvolumes"),),
    "pvc-protection-controller": (
        rule(f"{READ} update", "persistentvolumeclaims"),
        rule("update", "persistentvolumeclaims/status"),
        rule(READ, "pods"),
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
    "resource-claim-controller": (
        rule(READ, "pods"),
        rule("update", "pods/finalizers"),
        rule(f"create delete {READ}", "resourceclaims", groups=_RESOURCE),
        rule("patch update", "resourceclaims resourceclaims/binding resourceclaims/status", groups=_RESOURCE),
        rule("patch update", "pods/status"),
    ),
    "resourcequota-controller": (
        rule("list watch", "*", groups="*"),
        rule("update", "resourcequotas/status"),
    ),
    "root-ca-cert-publisher": (rule("create update", "configmaps"),),
    "route-controller": (rule("list watch", "nodes"), rule("patch", "nodes/status")),
    "selinux-warning-controller": (
        rule(READ, "persistentvolumeclaims persistentvolumes pods"),
        rule(READ, "csidrivers", groups=_STORAGE),
    ),
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
        rule(f"create delete {READ} update", "persistentvolumeclaims"),
        rule("update", "pods/finalizers"),
    ),
    "storage-version-migrator-controller": (
        rule(f"{READ} patch", "*", groups="*"),
        rule("update", "storageversionmigrations/status", groups="storagemigration.k8s.io"),
    ),
    "ttl-after-finished-controller": (rule(f"delete {READ}", "jobs", groups="batch"),),
    "ttl-controller": (rule("list patch update watch", "nodes"),),
    "validatingadmissionpolicy-status-controller": (
        rule(READ, "validatingadmissionpolicies", groups=_ADMISSION),
        rule("get patch update", "validatingadmissionpolicies/status", groups=_ADMISSION),
    ),
    "volumeattributesclass-protection-controller": (
        rule(READ, "persistentvolumeclaims persistentvolumes"),
        rule(f"{READ} update", "volumeattributesclasses", groups=_STORAGE),
    ),
}

_WITHOUT_EVENTS = (
    "clusterrole-aggregation-controller",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "pod-garbage-collector",
)

CONTROLLER_ROLES: tuple[ClusterRole, ...] = tuple(
    role(f"system:controller:{name}", *rules, *(() if name in _WITHOUT_EVENTS else (EVENTS,)))
    for name, rules in _RULES.items()
)
CONTROLLER_NAMES: tuple[str, ...] = tuple(_RULES)
