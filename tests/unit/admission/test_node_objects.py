"""What a node writes of its devices and its pods' certificates."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.admission.interface import Attributes
from controlplane.admission.node_restriction import NodeRestriction
from controlplane.api.core_v1 import (
    Node,
    Pod,
    PodCertificateProjection,
    PodSpec,
    ProjectedVolumeSource,
    ServiceAccount,
    Volume,
    VolumeProjection,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import Forbidden, NotFound
from tests.fakes.reader import FakeReader
from tests.unit.admission.test_node_restriction import CREATE, DELETE, asked


def a_pod(name: str, node: str, signer: str = "example.com/s", **annotations: str) -> Pod:
    source = VolumeProjection(pod_certificate=PodCertificateProjection(signer_name=signer))
    volume = Volume(name="c", projected=ProjectedVolumeSource(sources=[source]))
    spec = PodSpec(node_name=node, service_account_name="web", volumes=[volume])
    metadata = ObjectMeta(name=name, namespace="prod", uid=f"u-{name}", annotations=annotations)
    return Pod(metadata=metadata, spec=spec)


READER = FakeReader(
    Node(metadata=ObjectMeta(name="n1", uid="u-n1")),
    ServiceAccount(metadata=ObjectMeta(name="web", namespace="prod", uid="u-web")),
    a_pod("mine", "n1"),
    a_pod("theirs", "n2"),
    a_pod("mirror", "n1", **{"kubernetes.io/config.mirror": "h"}),
)


def request(**changes: Any) -> Any:
    spec = {"nodeName": "n1", "nodeUID": "u-n1", "podName": "mine", "podUID": "u-mine", "serviceAccountName": "web",
            "serviceAccountUID": "u-web", "signerName": "example.com/s"}  # fmt: skip
    return {"metadata": {"name": "r"}, "spec": spec | changes}


def slice_of(node: str) -> Any:
    return {"metadata": {"name": "s"}, "spec": {"nodeName": node} if node else {"allNodes": True}}


PCR = "podcertificaterequests"


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(asked(CREATE, "resourceslices", slice_of("n1")), id="its slice"),
        pytest.param(asked(DELETE, "resourceslices", old=slice_of("n1"), name="s"), id="the end of its slice"),
        pytest.param(asked(CREATE, PCR, request()), id="a certificate for its pod"),
    ],
)
async def test_allowed(attributes: Attributes) -> None:
    await NodeRestriction(READER).validate(attributes)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        pytest.param(asked(CREATE, "resourceslices", slice_of("n2")),
                     "can only create ResourceSlice with the same NodeName as the requesting node", id="not its own"),
        pytest.param(asked(CREATE, "resourceslices", slice_of("")),
                     "can only create ResourceSlice with the same NodeName as the requesting node", id="for all"),
        pytest.param(asked(DELETE, "resourceslices", old=slice_of("n2"), name="s"),
                     "can only delete ResourceSlice with the same NodeName as the requesting node", id="its end"),
        pytest.param(asked(CREATE, PCR, request(nodeName="n2")), "which is not the requesting node", id="another node"),
        pytest.param(asked(CREATE, PCR, request(podName="theirs")), 'pod "theirs" is not running on node "n1"',
                     id="another's pod"),
        pytest.param(asked(CREATE, PCR, request(podName="mirror")), 'pod "mirror" is a mirror pod', id="a mirror pod"),
        pytest.param(asked(CREATE, PCR, request(podUID="u-old")), 'PodUID ("u-old") does not match "u-mine"',
                     id="a pod that was"),
        pytest.param(asked(CREATE, PCR, request(serviceAccountName="admin")), 'ServiceAccountName ("admin")',
                     id="another account"),
        pytest.param(asked(CREATE, PCR, request(serviceAccountUID="x")), 'ServiceAccountUID ("x")', id="a past one"),
        pytest.param(asked(CREATE, PCR, request(nodeUID="x")), 'NodeUID ("x")', id="a node that was"),
        pytest.param(asked(CREATE, PCR, request(signerName="example.com/other")),
                     'pod "mine" does not reference signer "example.com/other"', id="a signer that nobody asked for"),
    ],
)  # fmt: skip
async def test_refused(attributes: Attributes, why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await NodeRestriction(READER).validate(attributes)
    assert why in str(refused.value)


async def test_a_pod_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        await NodeRestriction(READER).validate(asked(CREATE, PCR, request(podName="none")))
