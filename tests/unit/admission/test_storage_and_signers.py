"""Plug-ins of storage, trust bundles, pods' certificates, devices and topology."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controlplane.admission.cluster_trust_bundle_attest import ClusterTrustBundleAttest
from controlplane.admission.default_storage_class import DefaultStorageClass
from controlplane.admission.device_admin_access import LABEL, DeviceAdminAccess
from controlplane.admission.device_taint_times import DeviceTaintTimes
from controlplane.admission.interface import Attributes, Caller, Operation
from controlplane.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from controlplane.admission.pod_certificate_signing import PodCertificateSigning
from controlplane.admission.pod_topology_labels import PodTopologyLabels
from controlplane.api.core_v1 import Namespace, Node
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import Forbidden, Invalid
from controlplane.api.storage_v1 import StorageClass
from controlplane.kit.clock import ManualClock
from controlplane.kit.timestamps import format_time
from tests.fakes.reader import FakeReader
from tests.unit.admission.test_admission import CREATE, CSR, UPDATE, admit, attributes

DEFAULT = "storageclass.kubernetes.io/is-default-class"
DEVICES = "resource.k8s.io"


def a_class(name: str, default: str = "", born: str = "2026-01-01T00:00:00Z", grows: bool = False) -> StorageClass:
    annotations = {DEFAULT: default} if default else {}
    metadata = ObjectMeta(name=name, annotations=annotations, creation_timestamp=born)
    return StorageClass(metadata=metadata, provisioner="p", allow_volume_expansion=grows)


OLD, NEW = a_class("old", "true"), a_class("new", "true", "2026-02-01T00:00:00Z")
OTHER, UNMARKED = a_class("aaa", "true"), a_class("unmarked", "false", "2026-03-01T00:00:00Z")


@pytest.mark.parametrize(
    ("claim", "classes", "expected"),
    [
        pytest.param({}, [OLD], "old", id="the default"),
        pytest.param({}, [OLD, NEW, UNMARKED], "new", id="the newest of several"),
        pytest.param({}, [OLD, OTHER], "aaa", id="the first by name of equally old ones"),
        pytest.param({}, [UNMARKED], None, id="there is none"),
        pytest.param({"spec": {"storageClassName": "mine"}}, [OLD], "mine", id="named"),
        pytest.param({"spec": {"storageClassName": ""}}, [OLD], "", id="no class, said so"),
        pytest.param(
            {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "x"}}}, [OLD], None, id="as of old"
        ),
    ],
)
async def test_a_claim_gets_the_default_class(
    claim: dict[str, Any], classes: list[StorageClass], expected: str | None
) -> None:
    asked = attributes(CREATE, "persistentvolumeclaims", claim)
    found = await admit(DefaultStorageClass(FakeReader(*classes)), asked)
    assert found["spec"].get("storageClassName") == expected


def a_claim(size: str, phase: str = "Bound", name: str = "grows") -> dict[str, Any]:
    spec = {"storageClassName": name, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "x"}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        pytest.param(a_claim("2Gi"), a_claim("1Gi"), "", id="it grows"),
        pytest.param(a_claim("1024Mi", "Pending"), a_claim("1Gi", "Pending"), "", id="the same said otherwise"),
        pytest.param(a_claim("2Gi"), a_claim("1Gi", "Pending"), "Only bound persistent volume claims", id="not bound"),
        pytest.param(a_claim("2Gi", name="fixed"), a_claim("1Gi", name="fixed"), "only dynamically prov", id="fixed"),
        pytest.param(a_claim("2Gi", name=""), a_claim("1Gi", name=""), "only dynamically provisioned", id="no class"),
    ],
)
async def test_a_claim_grows_if_its_class_says_so(new: dict[str, Any], old: dict[str, Any], why: str) -> None:
    plugin = PersistentVolumeClaimResize(FakeReader(a_class("grows", grows=True), a_class("fixed")))
    asked = attributes(UPDATE, "persistentvolumeclaims", new, old=old)
    if not why:
        await admit(plugin, asked)
        return
    with pytest.raises(Forbidden, match=why):
        await admit(plugin, asked)


class Signers:
    """Lets one verb be used on one signer."""

    def __init__(self, verb: str, name: str):
        self._allowed = verb, name

    async def __call__(self, user: Caller, verb: str, name: str) -> bool:
        return (verb, name) == self._allowed


BUNDLE = {"spec": {"signerName": "a.io/s", "trustBundle": "x"}}


@pytest.mark.parametrize(
    ("asked", "signers", "allowed"),
    [
        pytest.param(
            attributes(CREATE, "clustertrustbundles", BUNDLE, group=CSR), ("attest", "a.io/s"), True, id="one"
        ),
        pytest.param(
            attributes(CREATE, "clustertrustbundles", BUNDLE, group=CSR), ("attest", "a.io/*"), True, id="all"
        ),
        pytest.param(
            attributes(CREATE, "clustertrustbundles", BUNDLE, group=CSR), ("sign", "a.io/s"), False, id="verb"
        ),
        pytest.param(
            attributes(CREATE, "clustertrustbundles", {"spec": {}}, group=CSR), ("", ""), True, id="nobody's bundle"
        ),
        pytest.param(
            attributes(UPDATE, "clustertrustbundles", BUNDLE, group=CSR, old=BUNDLE), ("", ""), True, id="only labels"
        ),
    ],
)
async def test_attesting(asked: Attributes, signers: tuple[str, str], allowed: bool) -> None:
    plugin = ClusterTrustBundleAttest(Signers(*signers))
    if allowed:
        await admit(plugin, asked)
        return
    with pytest.raises(Forbidden, match="user not permitted to attest for signerName"):
        await admit(plugin, asked)


@pytest.mark.parametrize(
    ("minutes", "verb", "why"),
    [
        pytest.param(4, "sign", "", id="now"),
        pytest.param(6, "sign", "must be set to within 5 minutes of kube-apiserver's current time", id="later"),
        pytest.param(0, "approve", 'is not permitted to "sign" for signer "a.io/s"', id="not a signer"),
    ],
)
async def test_signing_for_a_pod(minutes: int, verb: str, why: str) -> None:
    clock = ManualClock()
    begins = format_time(clock.now() + timedelta(minutes=minutes))
    old = {"spec": {"signerName": "a.io/s"}}
    new = {**old, "status": {"certificateChain": "x", "notBefore": begins}}
    asked = attributes(UPDATE, "podcertificaterequests", new, group=CSR, subresource="status", old=old)
    plugin = PodCertificateSigning(Signers(verb, "a.io/s"), clock)
    if not why:
        await admit(plugin, asked)
        return
    with pytest.raises(Invalid, match=why):
        await admit(plugin, asked)


CLAIM = {"spec": {"devices": {"requests": [{"exactly": {}}, {"exactly": {"adminAccess": True}}]}}}
ALLOCATED = {"status": {"allocation": {"devices": {"results": [{"device": "d", "adminAccess": True}]}}}}


@pytest.mark.parametrize(
    ("operation", "plural", "document", "subresource", "path"),
    [
        pytest.param(CREATE, "resourceclaims", CLAIM, "", "spec.devices.requests[1].exactly.adminAccess", id="claim"),
        pytest.param(
            CREATE,
            "resourceclaimtemplates",
            {"spec": CLAIM},
            "",
            "spec.spec.devices.requests[1].exactly.adminAccess",
            id="template",
        ),
        pytest.param(
            UPDATE,
            "resourceclaims",
            ALLOCATED,
            "status",
            "status.allocation.devices.results[0].adminAccess",
            id="allocation",
        ),
    ],
)
async def test_looking_into_others_devices(
    operation: Operation, plural: str, document: dict[str, Any], subresource: str, path: str
) -> None:
    def asked(namespace: str) -> Attributes:
        return attributes(
            operation, plural, document, group=DEVICES, namespace=namespace, subresource=subresource, old={}
        )

    marked = Namespace(metadata=ObjectMeta(name="marked", labels={LABEL: "true"}))
    plugin = DeviceAdminAccess(FakeReader(marked, Namespace(metadata=ObjectMeta(name="prod"))))
    await admit(plugin, asked("marked"))
    with pytest.raises(Invalid, match="admin access to devices requires the") as refused:
        await admit(plugin, asked("prod"))
    details = refused.value.details
    assert details is not None
    assert [cause.field for cause in details.causes] == [path]


ZONE = "topology.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("operation", "subresource", "pod", "expected"),
    [
        pytest.param(CREATE, "", {"spec": {"nodeName": "n"}}, {ZONE: "z"}, id="made on a node"),
        pytest.param(CREATE, "", {"spec": {}}, {}, id="on none"),
        pytest.param(CREATE, "", {"spec": {"nodeName": "later"}}, {}, id="on one to come"),
        pytest.param(UPDATE, "binding", {"spec": {"nodeName": "n"}}, {ZONE: "z"}, id="bound"),
        pytest.param(
            UPDATE,
            "binding",
            {"metadata": {"labels": {ZONE: "mine"}}, "spec": {"nodeName": "n"}},
            {ZONE: "mine"},
            id="bound with a word of its own",
        ),
    ],
)
async def test_pods_know_their_zone(
    operation: Operation, subresource: str, pod: dict[str, Any], expected: dict[str, str]
) -> None:
    node = Node(metadata=ObjectMeta(name="n", labels={ZONE: "z", "other": "x"}))
    asked = attributes(operation, "pods", pod, subresource=subresource)
    found = await admit(PodTopologyLabels(FakeReader(node)), asked)
    assert found["metadata"].get("labels", {}) == expected


async def test_a_taint_is_dated() -> None:
    clock = ManualClock()
    told, untold = {"key": "a", "timeAdded": "2026-01-01T00:00:00Z"}, {"key": "b"}
    slice_ = {"spec": {"devices": [{"taints": [told, untold]}]}}
    found = await admit(DeviceTaintTimes(clock), attributes(CREATE, "resourceslices", slice_, group=DEVICES))
    assert found["spec"]["devices"][0]["taints"] == [told, {**untold, "timeAdded": format_time(clock.now())}]
    rule = {"spec": {"taint": {"key": "a"}}}
    found = await admit(DeviceTaintTimes(clock), attributes(UPDATE, "devicetaintrules", rule, group=DEVICES))
    assert found["spec"]["taint"]["timeAdded"] == format_time(clock.now())
