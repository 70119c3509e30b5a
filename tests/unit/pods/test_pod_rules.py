"""The smaller rules: back-off, names, DNS, hosts, cgroups, resources, images."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    Container,
    HostAlias,
    Pod,
    PodDNSConfig,
    PodDNSConfigOption,
    PodSpec,
    PodStatus,
    ResourceRequirements,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri.records import Container as Run
from nodeagent.cri.records import State
from nodeagent.pods import restart
from nodeagent.pods.cgroups import CgroupDriver, cgroup_parent, cgroup_path
from nodeagent.pods.describe import last_exit, signal_name
from nodeagent.pods.dns import ClusterDns, ResolverConfig, parse_resolv_conf, resolver_config
from nodeagent.pods.hosts import hostname, kernel_hostname, render_hosts
from nodeagent.pods.log_rotation import RotationPlan, plan_rotation
from nodeagent.pods.puller import default_policy, is_image_name, tagged
from nodeagent.pods.resources import linux_resources

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
_GIB = 1 << 30


def _pod(**spec: Any) -> Pod:
    return Pod(metadata=ObjectMeta(name="web", namespace="shop", uid="1-2"), spec=PodSpec(**spec))


def test_back_off_doubles_to_five_minutes() -> None:
    crashes, delays = None, []
    for _ in range(8):
        crashes = restart.restarted(crashes, NOW, NOW)
        delays.append(crashes.delay.total_seconds())
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]


def test_a_container_that_ran_for_ten_minutes_is_forgiven() -> None:
    crashes = restart.Crashes(timedelta(seconds=300), NOW)
    soon, late = NOW + timedelta(minutes=9), NOW + timedelta(minutes=11)
    assert restart.ready_at(crashes, soon) == soon + timedelta(minutes=5)
    assert restart.ready_at(crashes, late) == late
    assert restart.restarted(crashes, late, late).delay == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("policy", "code", "expected"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_restart_policy(policy: str, code: int, expected: bool) -> None:
    assert restart.wanted_after_exit(policy, code) is expected


_CLUSTER = ClusterDns(node=ResolverConfig(("192.168.56.1",), ("lan",), ("rotate",)))
_SEARCH = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan")
_OWN = PodDNSConfig(nameservers=["1.1.1.1"], searches=["x"], options=[PodDNSConfigOption(name="ndots", value="2")])


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(_pod(), ResolverConfig(("10.96.0.10",), _SEARCH, ("ndots:5",)), id="the cluster first"),
        pytest.param(_pod(dns_policy="Default"), _CLUSTER.node, id="as the node"),
        pytest.param(_pod(host_network=True, dns_policy="ClusterFirst"), _CLUSTER.node, id="on the node's network"),
        pytest.param(
            _pod(host_network=True, dns_policy="ClusterFirstWithHostNet"),
            ResolverConfig(("10.96.0.10",), _SEARCH, ("ndots:5",)),
            id="on the node's network, but the cluster's names",
        ),
        pytest.param(
            _pod(dns_policy="None", dns_config=_OWN), ResolverConfig(("1.1.1.1",), ("x",), ("ndots:2",)), id="its own"
        ),
        pytest.param(
            _pod(dns_config=_OWN),
            ResolverConfig(("10.96.0.10", "1.1.1.1"), (*_SEARCH, "x"), ("ndots:2",)),
            id="the cluster's, and its own on top",
        ),
    ],
)
def test_resolver_config(pod: Pod, expected: ResolverConfig) -> None:
    assert resolver_config(pod, _CLUSTER) == expected


def test_parse_resolv_conf() -> None:
    text = "# made by hand\nnameserver 10.0.0.1\ndomain old\nsearch a b\noptions ndots:2 rotate\n"
    assert parse_resolv_conf(text) == ResolverConfig(("10.0.0.1",), ("a", "b"), ("ndots:2", "rotate"))


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(_pod(), "web", id="its name"),
        pytest.param(_pod(hostname="boat"), "boat", id="its wish"),
        pytest.param(_pod(host_network=True), "", id="the node's"),
        pytest.param(
            _pod(hostname="boat", subdomain="fleet", set_hostname_as_fqdn=True),
            "boat.fleet.shop.svc.cluster.local",
            id="its full name",
        ),
    ],
)
def test_kernel_hostname(pod: Pod, expected: str) -> None:
    assert kernel_hostname(pod, "cluster.local") == expected


def test_long_names_are_cut_to_a_label() -> None:
    assert hostname(Pod(metadata=ObjectMeta(name="a" * 62 + "-b"))) == "a" * 62


def test_hosts_file() -> None:
    pod = _pod(hostname="boat", subdomain="fleet", host_aliases=[HostAlias(ip="1.2.3.4", hostnames=["x", "y"])])
    lines = render_hosts(pod, ["10.244.1.2"], "cluster.local", "").splitlines()
    assert lines[0] == "# Kubernetes-managed hosts file."
    assert "10.244.1.2\tboat.fleet.shop.svc.cluster.local\tboat" in lines
    assert lines[-2:] == ["# Entries added by HostAliases.", "1.2.3.4\tx\ty"]
    on_the_node = render_hosts(_pod(host_network=True), ["10.0.0.1"], "cluster.local", "127.0.0.1 localhost\n")
    assert on_the_node.splitlines() == ["# Kubernetes-managed hosts file (host network).", "127.0.0.1 localhost"]


@pytest.mark.parametrize(
    ("qos", "driver", "parent", "path"),
    [
        ("Guaranteed", CgroupDriver.CGROUPFS, "/kubepods/pod1-2", "/kubepods/pod1-2"),
        ("Burstable", CgroupDriver.CGROUPFS, "/kubepods/burstable/pod1-2", "/kubepods/burstable/pod1-2"),
        (
            "BestEffort",
            CgroupDriver.SYSTEMD,
            "kubepods-besteffort-pod1_2.slice",
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice",
        ),
    ],
)
def test_cgroups(qos: str, driver: CgroupDriver, parent: str, path: str) -> None:
    assert (cgroup_parent("1-2", qos, driver), cgroup_path("1-2", qos, driver)) == (parent, path)


def _limits(**amounts: dict[str, str]) -> Container:
    return Container(name="c", resources=ResourceRequirements(**amounts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("container", "shares", "quota", "memory", "score"),
    [
        pytest.param(Container(name="c"), 2, 0, 0, 1000, id="best effort"),
        pytest.param(_limits(requests={"cpu": "500m"}), 512, 0, 0, 999, id="a share of the CPU"),
        pytest.param(_limits(limits={"cpu": "250m"}), 256, 25000, 0, 999, id="a limit is a request too"),
        pytest.param(_limits(requests={"memory": "1Gi"}), 2, 0, 0, 750, id="a quarter of the memory"),
        pytest.param(_limits(limits={"cpu": "1", "memory": "1Gi"}), 1024, 100000, _GIB, -997, id="guaranteed"),
        pytest.param(_limits(limits={"cpu": "1m"}), 2, 1000, 0, 999, id="the least that the kernel takes"),
    ],
)
def test_linux_resources(container: Container, shares: int, quota: int, memory: int, score: int) -> None:
    rendered = linux_resources(_pod(containers=[container]), container, 4 * _GIB)
    found = (rendered.cpu_shares, rendered.cpu_quota, rendered.memory_limit_in_bytes, rendered.oom_score_adj)
    assert found == (shares, quota, memory, score)


@pytest.mark.parametrize(
    ("image", "name", "policy"),
    [
        ("nginx", "nginx:latest", "Always"),
        ("nginx:1.27", "nginx:1.27", "IfNotPresent"),
        ("r.example:5000/nginx", "r.example:5000/nginx:latest", "Always"),
        ("nginx@sha256:0", "nginx@sha256:0", "IfNotPresent"),
    ],
)
def test_image_names(image: str, name: str, policy: str) -> None:
    assert (tagged(image), default_policy(image)) == (name, policy)


@pytest.mark.parametrize(("code", "name"), [(0, ""), (1, ""), (137, "SIGKILL"), (143, "SIGTERM"), (255, "")])
def test_signal_name(code: int, name: str) -> None:
    assert signal_name(code) == name


@pytest.mark.parametrize(
    ("rotated", "expected"),
    [
        pytest.param([], RotationPlan(), id="the first rotation"),
        pytest.param(["0.log.1"], RotationPlan((), ("0.log.1",)), id="the last one is packed"),
        pytest.param(
            ["0.log.1.gz", "0.log.2.gz", "0.log.3.gz", "0.log.4"],
            RotationPlan(("0.log.1.gz",), ("0.log.4",)),
            id="the oldest goes",
        ),
    ],
)
def test_log_rotation(rotated: list[str], expected: RotationPlan) -> None:
    assert plan_rotation(rotated, 5) == expected


def test_status_patch_takes_away_what_is_no_longer_so() -> None:
    from controlplane.api.core_v1 import PodCondition, PodIP
    from nodeagent.pods.writer import status_patch

    before = PodStatus(
        message="old",
        conditions=[PodCondition(type="Ready", status="False", reason="No"), PodCondition(type="Theirs")],
        pod_ips=[PodIP(ip="1.1.1.1")],
    )
    after = PodStatus(conditions=[PodCondition(type="Ready", status="True")], pod_ips=[PodIP(ip="2.2.2.2")])
    assert status_patch(before, after) == {
        "message": None,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": None, "lastProbeTime": None, "lastTransitionTime": None}
        ],
        "podIPs": [{"$patch": "replace"}, {"ip": "2.2.2.2"}],
    }


def _ended(code: int, reason: str = "Error", state: State = State.EXITED) -> Run:
    return Run(id="a0", sandbox_id="s0", name="a", state=state, exit_code=code, reason=reason)


@pytest.mark.parametrize(
    ("run", "log", "expected"),
    [
        pytest.param(_ended(1), "", "last exit: code 1", id="a log that says nothing"),
        pytest.param(_ended(137, "OOMKilled"), "", "last exit: code 137 (SIGKILL), OOMKilled", id="out of memory"),
        pytest.param(_ended(1), "a\n\n b\x1b[2J\n", "last exit: code 1; its log ends: a | b [2J", id="one line"),
        pytest.param(_ended(0, state=State.UNKNOWN), "", "last exit: unknown", id="nobody knows"),
    ],
)
def test_last_exit(run: Run, log: str, expected: str) -> None:
    assert last_exit(run, log) == expected


def test_a_long_log_leaves_room_for_the_names() -> None:
    said = last_exit(_ended(1), "x" * 5000 + "end")
    assert said.endswith("xend") and "ends: …x" in said and len(said) < 450


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", True),
        ("nginx:1.27", True),
        ("localhost:5000/a/b_c__d-e.f:v1", True),
        ("Registry.example:443/a", True),
        ("[fd00::1]:5000/a", True),
        (f"a/b@sha256:{'0' * 64}", True),
        (f"a/b:v1@sha256:{'0' * 64}", True),
        (f"sha256:{'0' * 64}", True),
        ("Nginx", False),
        ("a//b", False),
        ("a/b:", False),
        ("a/b:-x", False),
        ("a/b@sha256:00", False),
        ("-a", False),
        ("a b", False),
        ("https://a/b", False),
        ("", False),
        (f"a/{'b' * 256}", False),
    ],
)
def test_is_image_name(image: str, expected: bool) -> None:
    assert is_image_name(image) == expected
