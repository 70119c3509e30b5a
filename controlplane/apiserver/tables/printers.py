"""Which printer a type has."""

from __future__ import annotations

from controlplane.api import (
    apps_v1,
    autoscaling_v1,
    autoscaling_v2,
    batch_v1,
    certificates_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    events_v1,
    networking_v1,
    node_v1,
    policy_v1,
    rbac_v1,
    scheduling_v1,
)
from controlplane.api.base import KubeStruct
from controlplane.apiserver.tables import (
    access,
    autoscalers,
    batch,
    configuration,
    events,
    networking,
    nodes,
    pod_classes,
    pods,
    services,
    storage,
    workloads,
)
from controlplane.apiserver.tables.printer import Printer

_PRINTERS: dict[type[KubeStruct], Printer] = {
    apps_v1.ControllerRevision: workloads.CONTROLLER_REVISION,
    apps_v1.DaemonSet: workloads.DAEMON_SET,
    apps_v1.Deployment: workloads.DEPLOYMENT,
    apps_v1.ReplicaSet: workloads.REPLICA_SET,
    apps_v1.StatefulSet: workloads.STATEFUL_SET,
    autoscaling_v1.HorizontalPodAutoscaler: autoscalers.OLD_AUTOSCALER,
    autoscaling_v2.HorizontalPodAutoscaler: autoscalers.AUTOSCALER,
    batch_v1.CronJob: batch.CRON_JOB,
    batch_v1.Job: batch.JOB,
    certificates_v1.CertificateSigningRequest: access.CERTIFICATE_SIGNING_REQUEST,
    coordination_v1.Lease: configuration.LEASE,
    core_v1.ConfigMap: configuration.CONFIG_MAP,
    core_v1.Endpoints: services.ENDPOINTS,
    core_v1.Event: events.CORE_EVENT,
    core_v1.Namespace: configuration.NAMESPACE,
    core_v1.Node: nodes.NODE,
    core_v1.PersistentVolume: storage.PERSISTENT_VOLUME,
    core_v1.PersistentVolumeClaim: storage.PERSISTENT_VOLUME_CLAIM,
    core_v1.Pod: pods.POD,
    core_v1.PodTemplate: pods.POD_TEMPLATE,
    core_v1.ReplicationController: workloads.REPLICATION_CONTROLLER,
    core_v1.ResourceQuota: configuration.RESOURCE_QUOTA,
    core_v1.Secret: configuration.SECRET,
    core_v1.Service: services.SERVICE,
    core_v1.ServiceAccount: access.SERVICE_ACCOUNT,
    discovery_v1.EndpointSlice: services.ENDPOINT_SLICE,
    events_v1.Event: events.NEW_EVENT,
    networking_v1.Ingress: networking.INGRESS,
    networking_v1.IngressClass: networking.INGRESS_CLASS,
    networking_v1.IPAddress: networking.IP_ADDRESS,
    networking_v1.NetworkPolicy: networking.NETWORK_POLICY,
    networking_v1.ServiceCIDR: networking.SERVICE_CIDR,
    node_v1.RuntimeClass: pod_classes.RUNTIME_CLASS,
    policy_v1.PodDisruptionBudget: autoscalers.DISRUPTION_BUDGET,
    rbac_v1.ClusterRoleBinding: access.ROLE_BINDING,
    rbac_v1.RoleBinding: access.ROLE_BINDING,
    scheduling_v1.PriorityClass: pod_classes.PRIORITY_CLASS,
}


def printer_of(type_: type[KubeStruct]) -> Printer:
    """Return the printer of a type; kinds that have none show name and creation time."""
    return _PRINTERS.get(type_, configuration.DEFAULT)
