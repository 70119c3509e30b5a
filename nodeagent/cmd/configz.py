"""/configz: the settings in the words of KubeletConfiguration (kubelet.config.k8s.io/v1beta1), which tools read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Settings of ours that upstream gives to kube-proxy and flannel, or to kubelet as flags only.
_NOT_KUBELETS = frozenset({
    "cert_dir", "cluster_cidr", "dns_metrics_port", "hostname_override", "iface_vxlan_id", "iface_vxlan_port",
    "iptables_variant", "kubeconfig", "node_ip", "node_labels", "pod_dir", "proxy_healthz_port",
    "proxy_metrics_port", "proxy_mode", "state_dir", "v",
})  # fmt: skip
# Where the name is not simply ours in another notation.
_NAMES: Mapping[str, str] = {
    "bind_address": "address",
    "cluster_dns": "clusterDNS",
    "image_gc_high_threshold": "imageGCHighThresholdPercent",
    "image_gc_low_threshold": "imageGCLowThresholdPercent",
    "image_maximum_gc_age": "imageMaximumGCAge",
    "image_minimum_gc_age": "imageMinimumGCAge",
    "manifest_url": "staticPodURL",
    "manifest_url_header": "staticPodURLHeader",
    "max_parallel_image_pulls": "maxParallelImagePulls",
    "pod_manifest_path": "staticPodPath",
}
_LISTS = frozenset({"allowedUnsafeSysctls", "clusterDNS"})
_MAPS = frozenset({
    "evictionHard", "evictionMinimumReclaim", "evictionSoft", "evictionSoftGracePeriod", "kubeReserved",
    "systemReserved",
})  # fmt: skip


def kubelet_configuration(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, given by the names of their fields, as KubeletConfiguration has them."""
    shown: dict[str, Any] = {
        "enableServer": True,
        "authentication": {
            "x509": {"clientCAFile": settings.get("client_ca_file", "")},
            "webhook": {"enabled": True, "cacheTTL": "10s"},
            "anonymous": {"enabled": True},
        },
        "authorization": {"mode": "Webhook"},
        "rotateCertificates": True,
        "serverTLSBootstrap": True,
        "serializeImagePulls": settings.get("max_parallel_image_pulls") == 1,
        "registerWithTaints": _taints(settings.get("register_with_taints", "")),
        "logging": {"format": "text", "verbosity": settings.get("v", 0)},
    }
    for field, value in settings.items():
        if field not in _NOT_KUBELETS and field not in ("client_ca_file", "register_with_taints"):
            name = _NAMES.get(field) or _camel(field)
            shown[name] = _converted(name, value)
    shown["address"] = shown.get("address") or "0.0.0.0"
    return shown


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _converted(name: str, value: Any) -> Any:
    if name == "staticPodURLHeader":  # whose values may be passwords: masked, as upstream masks them
        return {part.partition(":")[0].strip(): ["<masked>"] for part in str(value).split(",") if part}
    if name in _LISTS:
        return [part for part in str(value).split(",") if part]
    if name in _MAPS:
        parts = (re.split(r"[=<]", part, maxsplit=1) for part in str(value).split(",") if part)
        return {pair[0].strip(): pair[-1].strip() for pair in parts}
    return value


def _taints(text: str) -> list[dict[str, str]]:
    found = []
    for part in filter(None, text.split(",")):
        head, _, effect = part.rpartition(":")
        key, _, value = head.partition("=")
        found.append({"key": key, **({"value": value} if value else {}), "effect": effect})
    return found
