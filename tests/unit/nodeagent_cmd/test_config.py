"""/etc/sampan/nodeagent.yaml and the command line."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
import yaml

from nodeagent.cmd.config import ConfigError, NodeAgentConfig, parse, parse_headers, parse_labels, parse_taints, render
from nodeagent.cmd.configz import kubelet_configuration
from nodeagent.cmd.main import main
from nodeagent.pods.image_plan import ImagePolicy


def test_a_rendered_file_reads_back_as_it_was() -> None:
    config = NodeAgentConfig(hostname_override="node1", max_pods=50, node_labels="a=b")
    assert parse(yaml.safe_load(render(config)), "x") == config


def test_every_setting_is_explained() -> None:
    lines = render(NodeAgentConfig()).splitlines()
    for above, line in pairwise(lines):
        if not line.startswith("#"):
            assert above.startswith("# "), line


@pytest.mark.parametrize(
    ("document", "word"),
    [
        pytest.param({"max-pod": 3}, "unknown setting 'max-pod'", id="a misspelt setting"),
        pytest.param({"proxy-mode": "ipvs"}, "proxy-mode must be iptables", id="a proxy mode that there is not"),
        pytest.param({"max-pods": "many"}, "must be a number", id="text for a number"),
        pytest.param({"kubeconfig": 3}, "must be text", id="a number for text"),
        pytest.param({"port": True}, "must be a number", id="a truth value for a number"),
        pytest.param({"shutdown-grace-period": "soon"}, "shutdown-grace-period: .*not a duration", id="no duration"),
        pytest.param(
            {"shutdown-grace-period": "5s", "shutdown-grace-period-critical-pods": "9s"}, "must not exceed", id="a part"
        ),
        pytest.param([], "expected a mapping", id="a list"),
        pytest.param({"eviction-hard": "memory<1Gi"}, "eviction: there is no signal 'memory'", id="a bad threshold"),
        pytest.param({"image-gc-low-threshold": 85}, "image-gc-low-threshold", id="marks the wrong way round"),
        pytest.param({"image-gc-high-threshold": 101}, "0 to 100", id="more than everything"),
        pytest.param({"image-minimum-gc-age": "long"}, "image-minimum-gc-age", id="no duration"),
        pytest.param({"image-maximum-gc-age": "1m"}, "must not be less", id="too old before old enough"),
        pytest.param({"system-reserved": "disk=1Gi"}, "system-reserved: expected cpu", id="what cannot be reserved"),
        pytest.param({"kube-reserved": "cpu=lots"}, "kube-reserved", id="no amount"),
        pytest.param({"kube-reserved": "cpu=-1"}, "is negative", id="less than nothing"),
        pytest.param({"container-log-max-size": "big"}, "container-log-max-size", id="no size"),
        pytest.param({"container-log-max-files": 1}, "more than 1", id="no file to rotate to"),
    ],
)
def test_a_bad_file_is_named(document: Any, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        parse(document, "/etc/sampan/nodeagent.yaml")


def test_what_is_reserved_adds_up() -> None:
    config = NodeAgentConfig(system_reserved="cpu=200m,memory=1Gi", kube_reserved="memory=512Mi, pid=1k")
    assert config.reserved == {"cpu": 200, "memory": 1536 * 2**20, "pid": 1000}


def test_sizes_and_ages_in_the_kernels_units() -> None:
    config = NodeAgentConfig(container_log_max_size="-1", image_maximum_gc_age="12h", image_gc_high_threshold=100)
    assert config.log_max_bytes == -1
    assert NodeAgentConfig().log_max_bytes == 10 * 2**20
    assert config.image_policy == ImagePolicy(100, 80, 120.0, 12 * 3600.0)


def test_labels_and_taints() -> None:
    assert parse_labels("a=b,c=") == {"a": "b", "c": ""}
    key = "node-role.kubernetes.io/control-plane"
    assert parse_taints(f"{key}=:NoSchedule,x=y:NoExecute") == [(key, "", "NoSchedule"), ("x", "y", "NoExecute")]
    for bad in ("x=y", "x=y:Never", ":NoSchedule"):
        with pytest.raises(ConfigError):
            parse_taints(bad)
    with pytest.raises(ConfigError):
        parse_labels("a")


def test_headers() -> None:
    assert parse_headers("") == []
    assert parse_headers("a:b, c: d:e,a:f") == [("a", "b"), ("c", "d:e"), ("a", "f")]
    for bad in ("secret", ":secret"):
        with pytest.raises(ConfigError, match="name:value") as failure:
            parse_headers(bad)
        assert "secret" not in str(failure.value)


@pytest.mark.parametrize("command", ["join", "run", "reset", "proxy"])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"nodeagent {command}" in capsys.readouterr().out.partition("example")[2]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(
            ["run", "--config", "/nowhere/nodeagent.yaml"], "cannot read /nowhere/nodeagent.yaml", id="no file"
        ),
        pytest.param(
            ["join", "127.0.0.1:1", "--token", "short", "--discovery-token-ca-cert-hash", "sha256:00"],
            "must look like abcdef.0123456789abcdef",
            id="a bad token",
        ),
    ],
)
def test_failures_are_one_clear_sentence(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    shown = capsys.readouterr().err
    assert word in shown and "Traceback" not in shown


def test_the_command_line_is_read_without_the_stubs_of_the_container_runtime() -> None:
    """`nodeagent proxy` never talks to one, and loading them takes half a second."""
    program = "import sys, nodeagent.cmd.main; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"port": 10250, "max_pods": 110}, {"port": 10250, "maxPods": 110}),
        ({"cluster_dns": "10.96.0.10,fd00::10"}, {"clusterDNS": ["10.96.0.10", "fd00::10"]}),
        ({"pod_manifest_path": "/etc/m", "bind_address": ""}, {"staticPodPath": "/etc/m", "address": "0.0.0.0"}),
        ({"manifest_url": "https://h/p", "manifest_url_header": "Authorization:Basic x,B:y"},
         {"staticPodURL": "https://h/p", "staticPodURLHeader": {"Authorization": ["<masked>"], "B": ["<masked>"]}}),
        ({"allowed_unsafe_sysctls": "kernel.msg*,net.core.somaxconn"},
         {"allowedUnsafeSysctls": ["kernel.msg*", "net.core.somaxconn"]}),
        ({"healthz_bind_address": "127.0.0.1"}, {"healthzBindAddress": "127.0.0.1"}),
        ({"max_parallel_image_pulls": 1}, {"maxParallelImagePulls": 1, "serializeImagePulls": True}),
        ({"eviction_hard": "memory.available<100Mi,nodefs.available<10%"},
         {"evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%"}}),
        ({"system_reserved": "cpu=200m,memory=1Gi"}, {"systemReserved": {"cpu": "200m", "memory": "1Gi"}}),
        ({"register_with_taints": "a=b:NoSchedule,c:NoExecute"},
         {"registerWithTaints": [{"key": "a", "value": "b", "effect": "NoSchedule"},
                                 {"key": "c", "effect": "NoExecute"}]}),
    ],
)  # fmt: skip
def test_configz(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    assert kubelet_configuration(settings).items() >= expected.items()


def test_configz_has_kubelet_configurations_names_only() -> None:
    """Upstream's fields, as far as we have such settings."""
    known = {
        "address", "allowedUnsafeSysctls", "authentication", "authorization", "cgroupDriver", "clusterDNS",
        "clusterDomain", "containerLogMaxFiles", "containerLogMaxSize", "containerRuntimeEndpoint", "enableServer",
        "evictionHard", "evictionMaxPodGracePeriod", "evictionMinimumReclaim", "evictionPressureTransitionPeriod",
        "evictionSoft", "evictionSoftGracePeriod", "featureGates", "healthzBindAddress", "healthzPort",
        "imageGCHighThresholdPercent", "imageGCLowThresholdPercent", "imageMaximumGCAge", "imageMinimumGCAge",
        "kubeReserved", "logging", "podPidsLimit", "resolvConf", "seccompDefault", "systemReserved",
        "maxParallelImagePulls", "maxPods", "port", "registerWithTaints", "rotateCertificates", "serializeImagePulls",
        "serverTLSBootstrap", "shutdownGracePeriod", "shutdownGracePeriodCriticalPods", "staticPodPath",
        "staticPodURL", "staticPodURLHeader",
    }  # fmt: skip
    assert set(kubelet_configuration(dataclasses.asdict(NodeAgentConfig()))) <= known
