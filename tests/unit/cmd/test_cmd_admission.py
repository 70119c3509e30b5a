"""The file that tells admission plug-ins what they need to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from controlplane.admission.configuration import PluginConfiguration
from controlplane.cmd.admission import plugin_configuration
from controlplane.cmd.settings import SettingsError

HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n"

ALL = """
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, enforce-version: v1.30, warn: restricted}
    exemptions: {usernames: [jane], namespaces: [kube-system], runtimeClasses: [kata]}
- name: EventRateLimit
  path: events.yaml
- name: PodNodeSelector
  configuration:
    podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: env=any, prod: "env=prod,disk=ssd"}
- name: PodTolerationRestriction
  configuration:
    apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1
    kind: Configuration
    default: [{key: a, operator: Exists}]
    whitelist: [{key: b, operator: Exists}]
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - resource: pods
      matchScopes: [{scopeName: PriorityClass, operator: In, values: [high]}]
    - {apiGroup: apps, resource: deployments, matchContains: [count/]}
"""
EVENTS = """
apiVersion: eventratelimit.admission.k8s.io/v1alpha1
kind: Configuration
limits:
- {type: Server, qps: 50, burst: 100}
- {type: User, qps: 1, burst: 5, cacheSize: 10}
"""


def read(directory: Path, plugins: str, head: str = HEAD) -> PluginConfiguration:
    (directory / "admission.yaml").write_text(head + plugins)
    (directory / "events.yaml").write_text(EVENTS)
    return plugin_configuration(str(directory / "admission.yaml"))


def test_every_section(tmp_path: Path) -> None:
    told = read(tmp_path, ALL)
    modes = [str(standard) for _, standard in told.pod_security.defaults.modes]
    assert modes == ["baseline:v1.30", "privileged:latest", "restricted:latest"]
    assert told.pod_security.exemptions.namespaces == {"kube-system"}
    assert told.pod_security.exemptions.runtime_classes == {"kata"}
    assert [(one.type, one.qps, one.burst, one.cache_size) for one in told.event_limits] == [
        ("Server", 50, 100, 4096),
        ("User", 1, 5, 10),
    ]
    assert told.node_selectors == {"clusterDefaultNodeSelector": "env=any", "prod": "env=prod,disk=ssd"}
    assert [one.key for one in (*told.tolerations.default, *told.tolerations.whitelist)] == ["a", "b"]
    pods, deployments = told.limited
    assert (pods.resource, pods.match_scopes[0].values) == ("pods", ["high"])
    assert (deployments.group, deployments.match_contains) == ("apps", ("count/",))


def test_without_a_file_nothing_is_told() -> None:
    assert plugin_configuration("") == PluginConfiguration()


POD_SECURITY = "apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration"


@pytest.mark.parametrize(
    ("plugins", "why"),
    [
        (f"- {{name: PodSecurity, configuration: {{{POD_SECURITY}, defaults: {{audit: strict}}}}}}",
         'defaults.audit: Invalid value: "strict": must be one of privileged, baseline, restricted'),
        (f"- {{name: PodSecurity, configuration: {{{POD_SECURITY}, defaults: {{warn-version: '1'}}}}}}",
         'defaults.warn-version: Invalid value: "1": must be "latest" or "v1.x"'),
        (f"- {{name: PodSecurity, configuration: {{{POD_SECURITY}, exemptions: {{namespaces: [a, a]}}}}}}",
         'exemptions.namespaces[1]: Duplicate value: "a"'),
        (f"- {{name: PodSecurity, configuration: {{{POD_SECURITY}, other: 1}}}}", "unknown field `other`"),
        ("- {name: PodSecurity, configuration: {kind: Pod}}", 'no kind "Pod" is registered for version ""'),
        ("- {name: PodNodeSelector, configuration: {podNodeSelectorPluginConfig: {a: b}}}", "invalid selector: b"),
        ("- {name: EventRateLimit, path: missing.yaml}", "cannot read"),
        ("- {name: EventRateLimit, configuration: {apiVersion: eventratelimit.admission.k8s.io/v1alpha1, "
         "kind: Configuration, limits: [{type: All, qps: 0, burst: 1}]}}",
         'limits[0].type: Unsupported value: "All"'),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(tmp_path: Path, plugins: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, plugins)
    assert why in str(refused.value)
    assert "--admission-control-config-file" in str(refused.value)


def test_a_plugin_that_is_told_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(tmp_path, "- {name: LimitRanger, configuration: {}}") == PluginConfiguration()
    assert "LimitRanger" in caplog.text
