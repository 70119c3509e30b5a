"""What a CSI driver is told, and what is said of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from controlplane.api.core_v1 import Node, Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.storage_v1 import CSIDriverSpec, CSINode, TokenRequest
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from nodeagent.volumes.csi import csi_pb2 as csi
from nodeagent.volumes.csi.node_object import NodeObject, with_node_id
from nodeagent.volumes.csi.prepare import Prepared, about_the_pod, attachment_name, inline_handle, wishes, with_tokens
from nodeagent.volumes.csi.volume import capability, given_by_us
from nodeagent.volumes.tokens import Token
from tests.fakes.api import FakeApi

_RPC, _Mode = csi.NodeServiceCapability.RPC, csi.VolumeCapability.AccessMode
_SEVERAL = frozenset({_RPC.SINGLE_NODE_MULTI_WRITER})


def _prepared(**settings: Any) -> Prepared:
    return Prepared("driver", "handle", **settings)


@pytest.mark.parametrize(
    ("mode", "capabilities", "expected"),
    [
        ("", frozenset(), _Mode.SINGLE_NODE_WRITER),
        ("ReadWriteOnce", frozenset(), _Mode.SINGLE_NODE_WRITER),
        ("ReadWriteOncePod", frozenset(), _Mode.SINGLE_NODE_WRITER),
        ("ReadWriteOnce", _SEVERAL, _Mode.SINGLE_NODE_MULTI_WRITER),
        ("ReadWriteOncePod", _SEVERAL, _Mode.SINGLE_NODE_SINGLE_WRITER),
        ("ReadOnlyMany", _SEVERAL, _Mode.MULTI_NODE_READER_ONLY),
        ("ReadWriteMany", frozenset(), _Mode.MULTI_NODE_MULTI_WRITER),
    ],
)
def test_access_modes(mode: str, capabilities: frozenset[int], expected: int) -> None:
    assert capability(_prepared(access_mode=mode), None, capabilities).access_mode.mode == expected


def test_a_driver_that_can_is_told_of_the_group() -> None:
    assert capability(_prepared(), 2000, frozenset()).mount.volume_mount_group == ""
    assert capability(_prepared(), 2000, frozenset({_RPC.VOLUME_MOUNT_GROUP})).mount.volume_mount_group == "2000"


@pytest.mark.parametrize(
    ("settings", "capabilities", "expected"),
    [
        pytest.param({"fs_type": "ext4", "access_mode": "ReadWriteOnce"}, (), True, id="a file system of its own"),
        pytest.param({"access_mode": "ReadWriteOnce"}, (), False, id="perhaps a share"),
        pytest.param({"fs_type": "ext4", "access_mode": "ReadWriteMany"}, (), False, id="others write there"),
        pytest.param({"fs_group_policy": "File"}, (), True, id="the driver says so"),
        pytest.param(
            {"fs_group_policy": "None", "fs_type": "ext4", "access_mode": "ReadWriteOnce"}, (), False, id="or not"
        ),
        pytest.param({"fs_group_policy": "File", "read_only": True}, (), False, id="nothing can be changed"),
        pytest.param({"fs_group_policy": "File"}, (_RPC.VOLUME_MOUNT_GROUP,), False, id="the driver does it"),
    ],
)
def test_who_gives_files_to_the_group(settings: dict[str, Any], capabilities: tuple[int, ...], expected: bool) -> None:
    assert given_by_us(_prepared(**settings), frozenset(capabilities)) is expected


def test_names_are_what_everybody_else_computes() -> None:
    # sha256 of "h" + "d" + "n", and of "u" + "v"
    assert attachment_name("h", "d", "n") == "csi-9072ed11cc1acb5fa433a877ff339b6311d013f33bddd1d0092711a8ace5b16d"
    assert inline_handle("u", "v") == "csi-e6184ce10e266134fdcfa401e8f1a95005bcd4f18d16b62b757323e2833fe9a9"


def test_a_driver_that_asks_is_told_of_the_pod() -> None:
    pod = Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u"), spec=PodSpec(service_account_name="sa"))
    assert about_the_pod(pod, CSIDriverSpec(), ephemeral=True) == {}
    assert about_the_pod(pod, CSIDriverSpec(pod_info_on_mount=True), ephemeral=True) == {
        "csi.storage.k8s.io/pod.name": "p",
        "csi.storage.k8s.io/pod.namespace": "d",
        "csi.storage.k8s.io/pod.uid": "u",
        "csi.storage.k8s.io/serviceAccount.name": "sa",
        "csi.storage.k8s.io/ephemeral": "true",
    }


@pytest.mark.parametrize("in_secrets", [False, True])
def test_where_a_driver_finds_the_pods_tokens(in_secrets: bool) -> None:
    requests = [TokenRequest(audience="vault", expiration_seconds=600), TokenRequest(audience="")]
    driver = CSIDriverSpec(token_requests=requests, service_account_token_in_secrets=in_secrets)
    prepared = _prepared(volume_context={"a": "b"}, **wishes(driver))
    assert prepared.token_requests == (("vault", 600), ("", 3600))
    end = datetime(2026, 1, 1, tzinfo=UTC)
    told = with_tokens(prepared, {"vault": Token("text", end, end)})
    holder, other = (told.publish_secrets, told.volume_context) if in_secrets else (told.volume_context, {})
    text = '{"vault": {"token": "text", "expirationTimestamp": "2026-01-01T00:00:00Z"}}'
    assert holder["csi.storage.k8s.io/serviceAccount.tokens"] == text
    assert "csi.storage.k8s.io/serviceAccount.tokens" not in other


@pytest.mark.parametrize(
    ("before", "node_id", "after"),
    [
        ({}, "me", {"d": "me"}),
        ({"other": "x"}, "me", {"d": "me", "other": "x"}),
        ({"d": "old", "other": "x"}, None, {"other": "x"}),
        ({"d": "old"}, None, None),
    ],
)
def test_what_drivers_call_a_node(before: dict[str, str], node_id: str | None, after: dict[str, str] | None) -> None:
    key = "csi.volume.kubernetes.io/nodeid"
    annotations = {"a": "b"} | ({key: json.dumps(before)} if before else {})
    found = with_node_id(annotations, "d", node_id)
    assert found["a"] == "b"
    assert (json.loads(found[key]) if key in found else None) == after


async def test_a_driver_is_announced_and_withdrawn() -> None:
    api = FakeApi(ManualClock())
    api.add(Node(metadata=ObjectMeta(name="n1")))
    node = NodeObject(Client(api), "n1")
    await node.add("one", "id-1", 0, {"zone": "a"})
    await node.add("two", "id-2", 7, {})
    await node.add("two", "id-2", 7, {})
    found = api.get(CSINode, "n1")
    assert found is not None
    described = [(one.name, one.node_id, one.topology_keys, one.allocatable) for one in found.spec.drivers]
    assert [one[:3] for one in described] == [("one", "id-1", ["zone"]), ("two", "id-2", [])]
    assert described[0][3] is None
    assert described[1][3] is not None and described[1][3].count == 7
    own = api.get(Node, "n1")
    assert own is not None
    owner = found.metadata.owner_references[0]
    assert (owner.kind, owner.uid) == ("Node", own.metadata.uid)
    assert own.metadata.labels["zone"] == "a"
    assert json.loads(own.metadata.annotations["csi.volume.kubernetes.io/nodeid"]) == {"one": "id-1", "two": "id-2"}
    await node.remove("one")
    found = api.get(CSINode, "n1")
    assert found is not None and [one.name for one in found.spec.drivers] == ["two"]
