"""Which pods stand behind a Service, and at which address and port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from controlplane.api.core_v1 import Container, Pod, Service, ServicePort
from controlplane.client.informer import Informer
from controlplane.controllers.pods import has_finished, is_ready, is_terminating

HEADLESS_LABEL = "service.kubernetes.io/headless"
LAST_CHANGE_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


def has_managed_endpoints(service: Service) -> bool:
    """Without a selector somebody else keeps the endpoints; an ExternalName has none."""
    return bool(service.spec.selector) and service.spec.type != "ExternalName"


def selects(service: Service, pod: Pod) -> bool:
    return service.spec.selector.items() <= pod.metadata.labels.items()


def pods_of(service: Service, pods: Informer[Pod]) -> list[Pod]:
    return [pod for pod in pods.lister.list(service.metadata.namespace) if selects(service, pod)]


def is_headless(service: Service) -> bool:
    return service.spec.cluster_ip == "None"


def can_be_endpoint(pod: Pod, *, terminating_too: bool) -> bool:
    """It has an address at which something may still answer."""
    if has_finished(pod) or not addresses_of(pod):
        return False
    return terminating_too or not is_terminating(pod)


def addresses_of(pod: Pod) -> list[str]:
    """Return the pod's addresses, one per family."""
    addresses = [one.ip for one in pod.status.pod_ips if one.ip]
    return addresses or ([pod.status.pod_ip] if pod.status.pod_ip else [])


def address_in(pod: Pod, family: str) -> str:
    """Return the pod's address of a family, "IPv4" or "IPv6"; "" if it has none."""
    wants_colon = family == "IPv6"
    return next((address for address in addresses_of(pod) if (":" in address) == wants_colon), "")


def families_of(service: Service) -> list[str]:
    """Return the address families of a Service, the primary one first."""
    if service.spec.ip_families:
        return list(service.spec.ip_families)
    return ["IPv6" if ":" in service.spec.cluster_ip else "IPv4"]


def target_port(pod: Pod, port: ServicePort) -> int | None:
    """Return the pod's port behind a port of the Service; None if the pod names no such port."""
    target = port.target_port
    if isinstance(target, int) and target:
        return target
    if not target:
        return port.port
    named = (
        declared.container_port
        for container in _serving_containers(pod)
        for declared in container.ports
        if declared.name == target and (declared.protocol or "TCP") == (port.protocol or "TCP")
    )
    return next(named, None)


def _serving_containers(pod: Pod) -> Iterator[Container]:
    """An init container that restarts always is a sidecar, and may serve as well."""
    sidecars = (one for one in pod.spec.init_containers if one.restart_policy == "Always")
    return chain(pod.spec.containers, sidecars)


def published_hostname(service: Service, pod: Pod) -> str:
    """Return the name under which DNS knows this pod within the Service, if it asked for one."""
    return pod.spec.hostname if pod.spec.hostname and pod.spec.subdomain == service.metadata.name else ""


def copied_labels(service: Service, reserved: Iterable[str]) -> dict[str, str]:
    """Return the Service's labels as its endpoints carry them."""
    labels = {key: value for key, value in service.metadata.labels.items() if key not in reserved}
    return {**labels, HEADLESS_LABEL: ""} if is_headless(service) else labels


def notable_change(old: Pod, new: Pod) -> bool:
    """Whether anything changed that endpoints show; most status updates change nothing of it."""
    return _visible(old) != _visible(new)


def _visible(pod: Pod) -> tuple[object, ...]:
    return (
        is_ready(pod),
        is_terminating(pod),
        has_finished(pod),
        addresses_of(pod),
        pod.spec.node_name,
        pod.metadata.labels,
        pod.spec.hostname,
        pod.spec.subdomain,
        pod.metadata.uid,
    )


def wake_services_of(
    services: Informer[Service], add: Callable[[Service], None]
) -> Callable[[Pod | None, Pod | None], None]:
    """Return a handler of pod changes that adds every Service whose endpoints may look different now."""

    def changed(old: Pod | None, new: Pod | None) -> None:
        if old is not None and new is not None and not notable_change(old, new):
            return
        versions = [pod for pod in (old, new) if pod is not None]
        for service in services.lister.list(versions[0].metadata.namespace):
            if has_managed_endpoints(service) and any(selects(service, pod) for pod in versions):
                add(service)

    return changed


TriggerTimes = Mapping[str, str]
"""When each pod (by UID) and the Service ("") last changed what endpoints show."""


def trigger_times(service: Service, pods: Iterable[Pod]) -> dict[str, str]:
    """Return when the Service was created, and when each of its pods last became ready or stopped being so."""
    times = {"": service.metadata.creation_timestamp or ""}
    for pod in pods:
        for condition in pod.status.conditions:
            if condition.type == "Ready" and condition.last_transition_time:
                times[pod.metadata.uid] = condition.last_transition_time
    return times


def earliest_change(before: TriggerTimes, after: TriggerTimes) -> str:
    """Return the first moment among what is newer in `after`; "" if nothing is. RFC 3339 sorts as text."""
    return min((time for who, time in after.items() if time > before.get(who, "")), default="")
