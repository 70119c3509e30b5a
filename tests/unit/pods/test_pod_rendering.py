"""Pods as the runtime's configurations, compared with files in tests/golden/pods.

To write the files anew after a wanted change: UPDATE_GOLDEN=1 pytest tests/unit/pods/test_pod_rendering.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Container, Pod, PodSecurityContext, PodSpec, SecurityContext, VolumeMount
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri import cri_pb2 as cri
from nodeagent.cri.records import Image
from nodeagent.pods.cgroups import CgroupDriver
from nodeagent.pods.container import Prepared, render_container
from nodeagent.pods.env import ConfigError
from nodeagent.pods.sandbox import NodeSettings, claimed, render_sandbox
from nodeagent.pods.security import Hardening, container_security, sandbox_security

_GOLDEN = Path(__file__).parents[2] / "golden" / "pods"
_IMAGE = Image("sha256:feed", uid=101)

_PODS = {
    "plain": "spec: {containers: [{name: c, image: nginx}]}",
    "host": """
        spec:
          hostNetwork: true
          hostPID: true
          hostIPC: true
          containers:
          - {name: c, image: nginx, ports: [{containerPort: 80, hostPort: 80}], securityContext: {privileged: true}}
        """,
    "everything": """
        metadata: {labels: {app: web}, annotations: {note: hello}}
        spec:
          hostname: boat
          subdomain: fleet
          shareProcessNamespace: true
          terminationGracePeriodSeconds: 12
          securityContext:
            runAsUser: 1000
            runAsGroup: 1001
            fsGroup: 2000
            supplementalGroups: [3000]
            seccompProfile: {type: RuntimeDefault}
            sysctls: [{name: net/ipv4/ip_unprivileged_port_start, value: "80"}]
          containers:
          - name: c
            image: nginx
            command: [serve, $(WHO)]
            args: [--literal=$$(WHO)]
            workingDir: /srv
            tty: true
            stdin: true
            ports:
            - {name: http, containerPort: 80, hostPort: 8080, protocol: TCP}
            - {containerPort: 53, hostPort: 53, protocol: UDP, hostIP: 127.0.0.1}
            resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: "1", memory: 2Gi}}
            terminationMessagePath: /tmp/last-words
            terminationMessagePolicy: FallbackToLogsOnError
            volumeMounts: [{name: data, mountPath: /data, readOnly: true, mountPropagation: HostToContainer}]
            securityContext:
              runAsUser: 65534
              readOnlyRootFilesystem: true
              allowPrivilegeEscalation: false
              capabilities: {add: [NET_ADMIN], drop: [ALL]}
              seccompProfile: {type: Localhost, localhostProfile: audit.json}
        """,
}  # fmt: skip


def _pod(text: str) -> Pod:
    document: dict[str, Any] = yaml.safe_load(text)
    document["metadata"] = {"name": "web", "namespace": "shop", "uid": "1-2", **document.get("metadata", {})}
    return from_document(document, Pod)


def _compare(name: str, message: Message) -> None:
    rendered = MessageToJson(message, sort_keys=True, preserving_proto_field_name=True) + "\n"
    path = _GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered)
    assert rendered == path.read_text()


@pytest.mark.parametrize("name", _PODS)
def test_rendering(name: str) -> None:
    pod = _pod(_PODS[name])
    node = NodeSettings(name="n1", memory_capacity=8 << 30)
    _compare(f"{name}-sandbox", render_sandbox(pod, 1, node))
    container = pod.spec.containers[0]
    prepared = Prepared(
        attempt=3,
        image=_IMAGE,
        image_ref="sha256:feed",
        variables={"WHO": "all"},
        mounts=[(mount, f"/host/{mount.name}") for mount in container.volume_mounts],
        etc_hosts="/host/etc-hosts",
        termination_message="/host/termination",
    )
    _compare(f"{name}-container", render_container(pod, container, prepared, node))


def test_the_cgroup_driver_decides_the_notation() -> None:
    node = NodeSettings(name="n1", cgroup_driver=CgroupDriver.SYSTEMD)
    rendered = render_sandbox(_pod(_PODS["plain"]), 0, node)
    assert rendered.linux.cgroup_parent == "kubepods-besteffort-pod1_2.slice"


@pytest.mark.parametrize(
    ("user", "image", "message"),
    [
        pytest.param(0, _IMAGE, "breaks non-root policy", id="the spec says root"),
        pytest.param(None, Image("i", uid=0), "image will run as root", id="the image is root's"),
        pytest.param(None, Image("i", username="www"), "non-numeric user", id="the image names a user"),
        pytest.param(None, Image("i"), "image will run as root", id="the image says nothing"),
        pytest.param(7, Image("i", uid=0), "", id="the spec says another"),
        pytest.param(None, _IMAGE, "", id="the image is another's"),
    ],
)
def test_run_as_non_root(user: int | None, image: Image, message: str) -> None:
    container = Container(name="c", security_context=SecurityContext(run_as_non_root=True, run_as_user=user))
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container]))
    if message:
        with pytest.raises(ConfigError, match=message):
            container_security(pod, container, image)
    else:
        assert container_security(pod, container, image).run_as_user.value == (user or 101)


@pytest.mark.parametrize(
    ("context", "masked"),
    [
        pytest.param(None, True, id="a container that says nothing"),
        pytest.param(SecurityContext(proc_mount="Default"), True, id="one that says it"),
        pytest.param(SecurityContext(proc_mount="Unmasked"), False, id="one that asks for all of /proc"),
        pytest.param(SecurityContext(privileged=True), False, id="one that may do everything anyway"),
    ],
)
def test_the_kernels_secrets_are_kept_from_containers(context: SecurityContext | None, masked: bool) -> None:
    container = Container(name="c", security_context=context)
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container]))
    hardening = Hardening(masked_paths=("/proc/kcore", "/sys/hot"))
    rendered = container_security(pod, container, _IMAGE, hardening=hardening)
    assert list(rendered.masked_paths) == (["/proc/kcore", "/sys/hot"] if masked else [])
    assert ("/proc/sysrq-trigger" in rendered.readonly_paths) is masked


@pytest.mark.parametrize(
    ("wanted", "possible", "expected"),
    [
        pytest.param("Enabled", True, True, id="wanted and possible"),
        pytest.param("Enabled", False, "", id="wanted and impossible is refused"),
        pytest.param("IfPossible", True, True, id="wished for and possible"),
        pytest.param("IfPossible", False, False, id="wished for only"),
        pytest.param("Disabled", True, False, id="not wanted"),
        pytest.param("", True, False, id="not spoken of"),
    ],
)
def test_recursive_read_only(wanted: str, possible: bool, expected: bool | str) -> None:
    mount = VolumeMount(name="data", mount_path="/data", read_only=True, recursive_read_only=wanted)
    container = Container(name="c")
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container]))
    prepared = Prepared(0, _IMAGE, "i", mounts=[(mount, "/host")], recursive_read_only=possible)
    if expected == "":
        with pytest.raises(ConfigError, match='"data" requested recursive read-only mode'):
            render_container(pod, container, prepared, NodeSettings(name="n1"))
    else:
        (rendered,) = render_container(pod, container, prepared, NodeSettings(name="n1")).mounts
        assert (rendered.readonly, rendered.recursive_read_only) == (True, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("spec: {}", [], id="claims nothing"),
        pytest.param("spec: {resourceClaims: [{name: gpu, resourceClaimName: a}]}", ["gpu"], id="a claim by name"),
        pytest.param(
            "spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: t}]}", ["gpu"], id="one not made yet"
        ),
        pytest.param(
            """
            spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: t}]}
            status: {resourceClaimStatuses: [{name: gpu, resourceClaimName: web-gpu}]}
            """,
            ["gpu"],
            id="one that was made",
        ),
        pytest.param(
            """
            spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: t}]}
            status: {resourceClaimStatuses: [{name: gpu}]}
            """,
            [],
            id="a template that made none",
        ),
        pytest.param(
            "status: {extendedResourceClaimStatus: {resourceClaimName: web-extended}}",
            ["web-extended"],
            id="devices that stand for an extended resource",
        ),
    ],
)
def test_claims(text: str, expected: list[str]) -> None:
    assert claimed(_pod(text)) == expected


def test_a_mount_with_options_is_not_made_without_them() -> None:
    mount = VolumeMount(name="data", mount_path="/data", bind_mount_options=["noexec", "nosuid"])
    container = Container(name="c")
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container]))
    with pytest.raises(ConfigError, match=r'"data" has bindMountOptions \(noexec, nosuid\)'):
        render_container(pod, container, Prepared(0, _IMAGE, "i", mounts=[(mount, "/host")]), NodeSettings(name="n1"))


def test_strict_groups_are_refused_where_the_runtime_adds_the_images() -> None:
    container = Container(name="c")
    context = PodSecurityContext(supplemental_groups_policy="Strict")
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container], security_context=context))
    with pytest.raises(ConfigError, match="SupplementalGroupsPolicy=Strict"):
        container_security(pod, container, _IMAGE)
    rendered = container_security(pod, container, _IMAGE, hardening=Hardening(strict_groups=True))
    assert rendered.supplemental_groups_policy == cri.Strict
    assert sandbox_security(pod).supplemental_groups_policy == cri.Strict


def test_the_pods_user_holds_where_the_container_has_none() -> None:
    container = Container(name="c")
    context = PodSecurityContext(run_as_user=5, run_as_group=6)
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[container], security_context=context))
    rendered = container_security(pod, container, _IMAGE)
    assert (rendered.run_as_user.value, rendered.run_as_group.value) == (5, 6)
