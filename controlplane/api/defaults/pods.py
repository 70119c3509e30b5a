"""Pods and pod templates. Requests follow limits, and service links are switched on, in pods only."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.codec import Document
from controlplane.api.defaults.containers import default_container
from controlplane.api.defaults.volumes import default_volume

_GRACE_SECONDS = 30


def default_pod(pod: Document) -> None:
    spec = pod.setdefault("spec", {})
    for container in _lasting_containers(spec):
        _request_limits(container)
    default_pod_spec(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    if "status" in pod:
        _agree_on_addresses(pod["status"])


def default_pod_template(template: Document) -> None:
    """A PodTemplate object: its template."""
    default_template(template.setdefault("template", {}))


def default_template(template: Document) -> None:
    """The `template` of a workload."""
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Document) -> None:
    spec["dnsPolicy"] = spec.get("dnsPolicy") or "ClusterFirst"
    spec["restartPolicy"] = spec.get("restartPolicy") or "Always"
    spec["schedulerName"] = spec.get("schedulerName") or "default-scheduler"
    spec.setdefault("securityContext", {})
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = _GRACE_SECONDS
    agree_on_account(spec)
    for container in _every_container(spec):
        default_container(container)
    for volume in spec.get("volumes", ()):
        default_volume(volume)
    if spec.get("hostNetwork"):
        _publish_ports(spec)


def _lasting_containers(spec: Document) -> Iterator[Document]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def _every_container(spec: Document) -> Iterator[Document]:
    yield from _lasting_containers(spec)
    yield from spec.get("ephemeralContainers") or ()


def _request_limits(container: Document) -> None:
    """What a container may at most have, it also asks for, unless it says how much it asks for."""
    resources = container.get("resources") or {}
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def _publish_ports(spec: Document) -> None:
    for container in _lasting_containers(spec):
        for port in container.get("ports", ()):
            if not port.get("hostPort") and port.get("containerPort"):
                port["hostPort"] = port["containerPort"]


def agree_on_account(spec: Document) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`: the API shows both, the new one decides."""
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _agree_on_addresses(status: Document) -> None:
    """The single address is the first of the list; where they differ the single one counts."""
    for one, many in (("podIP", "podIPs"), ("hostIP", "hostIPs")):
        address, addresses = status.get(one), status.get(many)
        if address and (not addresses or addresses[0].get("ip") != address):
            status[many] = [{"ip": address}]
        elif addresses and not address:
            status[one] = addresses[0].get("ip", "")
