"""Which kernel settings a pod may have."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.core_v1 import Pod, PodSecurityContext, PodSpec, Sysctl
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.pods.sysctls import NotNamespaced, dotted, parse_patterns, refusal


def _pod(name: str, **spec: Any) -> Pod:
    context = PodSecurityContext(sysctls=[Sysctl(name=name, value="1")])
    return Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(security_context=context, **spec))


@pytest.mark.parametrize(
    ("name", "allowed", "spec", "why"),
    [
        pytest.param("net.ipv4.tcp_syncookies", "", {}, "", id="a safe one"),
        pytest.param("net/ipv4/tcp_syncookies", "", {}, "", id="a safe one with slashes"),
        pytest.param("kernel.msgmax", "", {}, "not allowlisted", id="an unsafe one"),
        pytest.param("kernel.msgmax", "kernel.msg*", {}, "", id="of an allowed family"),
        pytest.param("kernel.shmmax", "kernel.msg*", {}, "not allowlisted", id="of another family"),
        pytest.param("net.core.somaxconn", "net.core.somaxconn", {}, "", id="allowed by name"),
        pytest.param("net.core.somaxconn2", "net.core.somaxconn", {}, "not allowlisted", id="only just that name"),
        pytest.param("vm.swappiness", "net.*", {}, "not allowlisted", id="the whole machine's"),
        pytest.param(
            "net.core.somaxconn",
            "net.*",
            {"host_network": True},
            "not allowed with host net enabled",
            id="the node's own network",
        ),
        pytest.param(
            "kernel.shm_rmid_forced",
            "",
            {"host_ipc": True},
            "not allowed with host ipc enabled",
            id="the node's IPC",
        ),
    ],
)
def test_refusal(name: str, allowed: str, spec: dict[str, Any], why: str) -> None:
    found = refusal(_pod(name, **spec), parse_patterns(allowed))
    if not why:
        assert found is None
    else:
        assert found is not None
        assert found.reason == "SysctlForbidden"
        assert found.message == f'Pod was rejected: forbidden sysctl: "{name}" {why}'


def test_a_pod_that_asks_for_nothing_is_welcome() -> None:
    assert refusal(Pod(metadata=ObjectMeta(name="p"), spec=PodSpec()), ()) is None


@pytest.mark.parametrize("pattern", ["vm.*", "kernel.semaphores", "*", "fs.file-max"])
def test_settings_of_the_whole_machine_cannot_be_allowed(pattern: str) -> None:
    with pytest.raises(NotNamespaced, match="allowed-unsafe-sysctls"):
        parse_patterns(f"net.core.somaxconn,{pattern}")


def test_names() -> None:
    assert parse_patterns(" kernel.sem, net/core/* ,") == ("kernel.sem", "net.core.*")
    assert dotted("net/ipv4/conf/eth0.1/arp_filter") == "net.ipv4.conf.eth0/1.arp_filter"
