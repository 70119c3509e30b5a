"""/etc/sampan/nodeagent.yaml: every setting, its default and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import yaml

from controlplane.api import quantity
from controlplane.kit.durations import parse_duration
from controlplane.kit.explained import Explained
from nodeagent.pods.eviction.thresholds import DEFAULT_HARD, BadThreshold, Settings, parse_settings
from nodeagent.pods.image_plan import ImagePolicy

CONFIG_FILE = Path("/etc/sampan/nodeagent.yaml")


class ConfigError(Explained):
    """The configuration cannot be used; the message names the file and the setting."""


def _setting(default: Any, note: str) -> Any:
    return dataclass_field(default=default, metadata={"note": note})


@dataclass(frozen=True, slots=True)
class NodeAgentConfig:
    """Names are kubelet's, kube-proxy's and flannel's flags."""

    kubeconfig: str = _setting("/etc/sampan/nodeagent.conf", "who this node is and where the API server is")
    client_ca_file: str = _setting("/etc/sampan/pki/ca.crt", "the CA of those who may ask this node for logs and exec")
    cert_dir: str = _setting("/var/lib/sampan/pki", "where the rotating certificates live")
    state_dir: str = _setting("/var/lib/sampan/nodeagent", "what the agent remembers over a restart")
    pod_dir: str = _setting("/var/lib/kubelet/pods", "volumes and files of pods")
    pod_manifest_path: str = _setting("/etc/sampan/manifests", "static pods: one manifest a file; or a single file")
    manifest_url: str = _setting(
        "", "static pods: a URL that answers with a Pod or PodList, asked every 20 s; empty: none"
    )
    manifest_url_header: str = _setting("", "what to send with it: name:value,name:value")
    hostname_override: str = _setting("", "the node's name; empty: the machine's host name")
    node_ip: str = _setting("", "the node's address; empty: that of the interface that routes to the API server")
    node_labels: str = _setting("", "labels at registration: key=value,key=value")
    register_with_taints: str = _setting("", "taints at first registration: key=value:Effect,…")
    container_runtime_endpoint: str = _setting("unix:///run/containerd/containerd.sock", "the CRI socket")
    cgroup_driver: str = _setting("cgroupfs", "cgroupfs or systemd; must be what containerd's SystemdCgroup says")
    max_pods: int = _setting(110, "how many pods fit on this node")
    cluster_dns: str = _setting(
        "10.96.0.10", "the cluster's DNS address, which every node answers itself; comma-separated"
    )
    cluster_domain: str = _setting("cluster.local", "the domain of Services")
    cluster_cidr: str = _setting("10.244.0.0/16", "the addresses of all pods; comma-separated for dual stack")
    iface_vxlan_id: int = _setting(1, "the VXLAN network identifier of the overlay")
    iface_vxlan_port: int = _setting(8472, "the overlay's UDP port")
    iptables_variant: str = _setting("auto", "legacy, nft, or auto: whichever the machine's iptables command is")
    proxy_mode: str = _setting("iptables", "how Services are served; iptables is the one mode there is")
    bind_address: str = _setting("", "where the node's API listens; empty: everywhere")
    port: int = _setting(10250, "the node's API: logs, exec, metrics (HTTPS)")
    healthz_port: int = _setting(10248, "health (HTTP); 0: none")
    proxy_metrics_port: int = _setting(10249, "the service proxy's metrics (HTTPS); 0: none")
    proxy_healthz_port: int = _setting(10256, "the service proxy's health (HTTP); 0: none")
    healthz_bind_address: str = _setting("127.0.0.1", "where both health ports listen; load balancers may need more")
    dns_metrics_port: int = _setting(9153, "the DNS server's metrics (HTTPS); 0: none")
    allowed_unsafe_sysctls: str = _setting("", "sysctls that pods may set beyond the safe ones: name,prefix*,…")
    max_parallel_image_pulls: int = _setting(4, "images pulled at once")
    system_reserved: str = _setting(
        "", "kept from pods for the system: cpu=200m,memory=500Mi,ephemeral-storage=1Gi,pid=1k"
    )
    kube_reserved: str = _setting("", "likewise, for this agent and the container runtime")
    eviction_hard: str = _setting(DEFAULT_HARD, "with less than this left, pods are ended at once")
    eviction_soft: str = _setting("", "with less than this left for its grace period, pods are ended: SIGNAL<VALUE,…")
    eviction_soft_grace_period: str = _setting("", "how long that is borne: SIGNAL=1m30s,…")
    eviction_minimum_reclaim: str = _setting("", "how much more must be left again: SIGNAL=VALUE,…")
    eviction_max_pod_grace_period: int = _setting(0, "seconds a pod gets at most to end then; -1: its own grace period")
    eviction_pressure_transition_period: str = _setting("5m", "how long the node's condition outlives the shortage")
    image_gc_high_threshold: int = _setting(85, "per cent of the disk used from which images are removed; 100: never")
    image_gc_low_threshold: int = _setting(80, "per cent of the disk used at which that stops")
    image_minimum_gc_age: str = _setting("2m", "how long an image stays at least")
    image_maximum_gc_age: str = _setting("0s", "how long an unused image stays at most; 0s: however long")
    container_log_max_size: str = _setting("10Mi", "a container's log is rotated beyond this; negative: never")
    container_log_max_files: int = _setting(5, "how many files of a container's log are kept, the present one included")
    shutdown_grace_period: str = _setting(
        "0s", "how long a shutdown of the machine waits for its pods to end, such as 30s; 0s: not at all"
    )
    shutdown_grace_period_critical_pods: str = _setting("0s", "how much of that is for critical pods, which end last")
    v: int = _setting(2, "log verbosity; 4 and more shows debug lines")

    @property
    def dns_addresses(self) -> list[str]:
        return self.cluster_dns.split(",")

    @property
    def dns_interface_addresses(self) -> list[str]:
        """The DNS addresses with the prefix length of a single one: `10.96.0.10/32`."""
        return [f"{address}/{128 if ':' in address else 32}" for address in self.dns_addresses]

    @property
    def eviction(self) -> Settings:
        """When pods are ended for want of something. Raises ConfigError."""
        try:
            return parse_settings(
                self.eviction_hard,
                self.eviction_soft,
                self.eviction_soft_grace_period,
                self.eviction_minimum_reclaim,
                self.eviction_max_pod_grace_period,
                self.eviction_pressure_transition_period,
            )
        except BadThreshold as error:
            raise ConfigError(f"eviction: {error}") from error

    @property
    def image_policy(self) -> ImagePolicy:
        """When images are removed. Raises ConfigError."""
        high, low = self.image_gc_high_threshold, self.image_gc_low_threshold
        if not 0 <= low < high <= 100:
            raise ConfigError(
                f"image-gc-low-threshold ({low}) must be below image-gc-high-threshold ({high}), 0 to 100"
            )
        ages = (
            _seconds("image-minimum-gc-age", self.image_minimum_gc_age),
            _seconds("image-maximum-gc-age", self.image_maximum_gc_age),
        )
        if 0 < ages[1] < ages[0]:
            raise ConfigError("image-maximum-gc-age must not be less than image-minimum-gc-age")
        return ImagePolicy(high, low, *ages)

    @property
    def reserved(self) -> dict[str, int]:
        """What is kept from pods: bytes, thousandths of a core, process ids. Raises ConfigError."""
        system = parse_reserved("system-reserved", self.system_reserved)
        kube = parse_reserved("kube-reserved", self.kube_reserved)
        return {name: system.get(name, 0) + kube.get(name, 0) for name in {**system, **kube}}

    @property
    def log_max_bytes(self) -> int:
        """The size from which a log is rotated. Raises ConfigError."""
        try:
            return quantity.value(self.container_log_max_size)
        except quantity.QuantityError as error:
            raise ConfigError(f"container-log-max-size: {self.container_log_max_size!r}: {error}") from error

    def check(self) -> None:
        """Raises ConfigError for a value that means nothing."""
        if self.proxy_mode != "iptables":
            raise ConfigError(f"proxy-mode must be iptables, not {self.proxy_mode!r}")
        if self.container_log_max_files <= 1:
            raise ConfigError(f"container-log-max-files must be more than 1, not {self.container_log_max_files}")
        _ = self.eviction, self.image_policy, self.reserved, self.log_max_bytes


def load(path: Path) -> NodeAgentConfig:
    """Return the settings of a file. Raises ConfigError."""
    try:
        document = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    return parse(document, str(path))


def parse(document: Any, where: str) -> NodeAgentConfig:
    """Return the settings of a parsed file. Raises ConfigError."""
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where}: expected a mapping of settings")
    known = {key_of(one.name): one for one in fields(NodeAgentConfig)}
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown setting {key!r}")
        expected = type(known[key].default)
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise ConfigError(f"{where}: {key} must be {'a number' if expected is int else 'text'}, not {value!r}")
        values[known[key].name] = value
    config = NodeAgentConfig(**values)
    try:
        config.check()
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    _shutdown_periods(config, where)
    return config


def _shutdown_periods(config: NodeAgentConfig, where: str) -> None:
    try:
        total, critical = map(
            parse_duration, (config.shutdown_grace_period, config.shutdown_grace_period_critical_pods)
        )
    except ValueError as error:
        raise ConfigError(f"{where}: shutdown-grace-period: {error}") from error
    if critical > total:
        raise ConfigError(f"{where}: shutdown-grace-period-critical-pods must not exceed shutdown-grace-period")


def render(config: NodeAgentConfig) -> str:
    """Return the file, every setting with what it means above it."""
    lines = ["# Settings of the node agent (nodeagent run --config FILE). Restart sampan-nodeagent after a change."]
    for one in fields(NodeAgentConfig):
        default = f" (default: {one.default!r})" if getattr(config, one.name) != one.default else ""
        value = yaml.safe_dump(getattr(config, one.name), default_flow_style=True).removesuffix("...\n").strip()
        lines += [f"# {one.metadata['note']}{default}", f"{key_of(one.name)}: {value}"]
    return "\n".join(lines) + "\n"


def key_of(field: str) -> str:
    return field.replace("_", "-")


def parse_labels(text: str) -> dict[str, str]:
    """Return the labels of `key=value,key=value`. Raises ConfigError."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    if any(not separator for _, separator, _ in pairs):
        raise ConfigError(f"node-labels: expected key=value,…, not {text!r}")
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_taints(text: str) -> list[tuple[str, str, str]]:
    """Return key, value and effect of each taint of `key=value:Effect,…`. Raises ConfigError."""
    found = []
    for part in filter(None, text.split(",")):
        head, colon, effect = part.rpartition(":")
        key, _, value = head.partition("=")
        if not colon or not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            raise ConfigError(f"register-with-taints: expected key=value:Effect, not {part!r}")
        found.append((key, value, effect))
    return found


def parse_reserved(setting: str, text: str) -> dict[str, int]:
    """Return the amounts of `cpu=200m,memory=500Mi`: bytes, thousandths of a core, process ids. Raises ConfigError."""
    found: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, separator, amount = (word.strip() for word in part.partition("="))
        if not separator or name not in ("cpu", "memory", "ephemeral-storage", "pid"):
            raise ConfigError(f"{setting}: expected cpu, memory, ephemeral-storage or pid with =AMOUNT, not {part!r}")
        try:
            found[name] = quantity.milli_value(amount) if name == "cpu" else quantity.value(amount)
        except quantity.QuantityError as error:
            raise ConfigError(f"{setting}: {part!r}: {error}") from error
        if found[name] < 0:
            raise ConfigError(f"{setting}: {part!r} is negative")
    return found


def _seconds(setting: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{setting}: {error}") from error


def parse_headers(text: str) -> list[tuple[str, str]]:
    """Return the headers of `name:value,name:value`, a name perhaps more than once. Raises ConfigError."""
    pairs = [part.partition(":") for part in text.split(",") if part]
    if any(not colon or not name.strip() for name, colon, _ in pairs):
        # What is wrong is not shown: a header may be a secret.
        raise ConfigError("manifest-url-header: expected name:value,name:value")
    return [(name.strip(), value.strip()) for name, _, value in pairs]
