"""Static pods from manifests, and their copies in the API."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import Node, Pod
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.pods.mirror import MirrorPlan, mirror_of, plan_mirrors
from nodeagent.pods.names import is_mirror
from nodeagent.pods.static import BadManifest, parse_manifest

_MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system}
spec: {containers: [{name: c, image: e:1}]}
"""
_NODE = Node(metadata=ObjectMeta(name="n1", uid="node-uid"))


def _static(text: str = _MANIFEST) -> Pod:
    return parse_manifest(text, "/m/etcd.yaml", "n1", "2026-01-01T00:00:00Z")


def test_a_static_pod_is_the_nodes() -> None:
    pod = _static()
    assert (pod.metadata.name, pod.metadata.namespace, pod.spec.node_name) == ("etcd-n1", "kube-system", "n1")
    assert pod.spec.restart_policy == "Always"  # defaults are filled in
    assert not is_mirror(pod)


def test_its_uid_is_its_contents() -> None:
    assert _static().metadata.uid == _static().metadata.uid
    assert _static().metadata.uid != _static(_MANIFEST.replace("e:1", "e:2")).metadata.uid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "kind: Service\nmetadata: {name: x}",
        "kind: Pod\nspec: {}",
        "kind: Pod\nmetadata: {name: x}\nspec: {containers: 3}",
    ],
)
def test_what_is_no_pod_is_refused(text: str) -> None:
    with pytest.raises(BadManifest, match=r"/m/etcd\.yaml"):
        _static(text)


_MIRROR = mirror_of(_static(), _NODE)


def test_a_mirror_belongs_to_the_node() -> None:
    assert is_mirror(_MIRROR)
    assert _MIRROR.metadata.owner_references[0].uid == "node-uid"


_DYING = replace(_MIRROR, metadata=replace(_MIRROR.metadata, deletion_timestamp="2026-01-01T00:00:00Z"))
_NEWER = _static(_MANIFEST.replace("e:1", "e:2"))


@pytest.mark.parametrize(
    ("static", "mirrors", "expected"),
    [
        pytest.param([_static()], [], MirrorPlan(create=(_static(),)), id="missing"),
        pytest.param([_static()], [_MIRROR], MirrorPlan(), id="there"),
        pytest.param([], [_MIRROR], MirrorPlan(delete=(_MIRROR,)), id="of a manifest that is gone"),
        pytest.param([_NEWER], [_MIRROR], MirrorPlan(delete=(_MIRROR,)), id="outdated: first the old one goes"),
        pytest.param([_static()], [_DYING], MirrorPlan(delete=(_DYING,)), id="deleted by somebody"),
    ],
)
def test_plan_mirrors(static: list[Pod], mirrors: list[Pod], expected: MirrorPlan) -> None:
    assert plan_mirrors(static, mirrors) == expected
