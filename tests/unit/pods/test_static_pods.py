"""Static pods from manifests, and their copies in the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import Node, Pod, PodStatus
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.kernel.inotify import Inotify
from nodeagent.pods.mirror import MirrorPlan, mirror_of, plan_mirrors
from nodeagent.pods.names import is_mirror
from nodeagent.pods.static import BadManifest, StaticPods, parse_manifest

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


def _with(more: str, namespace: str = "d") -> str:
    meta = f"{{name: x, namespace: {namespace}}}"
    return f"kind: Pod\nmetadata: {meta}\nspec: {{containers: [{{name: c, image: 'e:1'}}], {more}}}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not a Pod", id="empty"),
        pytest.param("[", "not YAML", id="not YAML"),
        pytest.param("kind: Service\nmetadata: {name: x}", "not a Pod", id="something else"),
        pytest.param("kind: Pod\nspec: {}", "without a name", id="no name"),
        pytest.param("kind: Pod\nmetadata: 3", "no attribute", id="no metadata"),
        pytest.param("kind: Pod\nmetadata: {name: x}\nspec: {containers: 3}", "", id="no containers"),
        pytest.param(
            _with("volumes: [{name: ../../etc, emptyDir: {}}]"),
            r"invalid pod: spec\.volumes\[0\]\.name: Invalid value",
            id="a volume outside the volumes",
        ),
        pytest.param(
            _with("", namespace="../y"),
            r"metadata\.namespace: Invalid value",
            id="logs outside the logs",
        ),
        pytest.param(
            _with("volumes: [{name: v, secret: {secretName: s}}]"),
            "static pods may not reference secrets",
            id="a secret",
        ),
        pytest.param(
            _with("serviceAccountName: s"),
            "static pods may not reference serviceaccounts",
            id="a service account",
        ),
    ],
)
def test_what_is_no_pod_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadManifest, match=rf"/m/etcd\.yaml: .*{why}"):
        _static(text)


def test_the_status_of_a_copied_manifest_is_nothing_to_us() -> None:
    assert _static(_MANIFEST + "status: {phase: Failed, startTime: '2020-01-01T00:00:00Z'}\n").status == PodStatus()


class _Following:
    """Static pods below a path, looked at when told."""

    def __init__(self, path: Path):
        self.inotify, self.changes = Inotify(), 0
        self.clock = ManualClock()
        self.pods = StaticPods(path, "n1", self.clock, self.inotify, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def names(self) -> list[str]:
        return sorted(pod.metadata.name for pod in self.pods.pods.values())


@asynccontextmanager
async def _following(path: Path) -> AsyncIterator[_Following]:
    world = _Following(path)
    try:
        async with running(world.pods.run()):
            await world.clock.advance(0)
            yield world
    finally:
        world.inotify.close()


def _manifest(name: str) -> str:
    return _MANIFEST.replace("name: etcd", f"name: {name}")


async def test_every_file_that_is_not_hidden_is_read(tmp_path: Path) -> None:
    for name in ("a.yaml", "b", ".c.yaml", "d.conf"):
        (tmp_path / name).write_text(_manifest(name[-6:].strip(".").replace(".", "-")))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    async with _following(tmp_path) as world:
        assert world.names == ["a-yaml-n1", "b-n1", "d-conf-n1"]


async def test_a_single_file(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(_MANIFEST)
    (tmp_path / "other.yaml").write_text(_manifest("other"))
    async with _following(path) as world:
        assert world.names == ["etcd-n1"]
        path.write_text(_manifest("newer"))
        await world.clock.advance(20)
        assert world.names == ["newer-n1"]
        path.unlink()
        await world.clock.advance(20)
        assert world.names == []


async def test_what_is_wrong_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "bad"
    async with _following(tmp_path) as world:
        for text in ("kind: Service", "kind: Service", _MANIFEST, "kind: Service"):
            path.write_text(text)
            await world.clock.advance(20)
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"static pod ignored: {path}: not a Pod"] * 2  # once more after it was right for a while


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
