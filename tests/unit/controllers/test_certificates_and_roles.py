"""Certificate requests from question to answer; aggregated roles; bootstrap tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from controlplane.api.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestSpec,
    CertificateSigningRequestStatus,
)
from controlplane.api.core_v1 import ConfigMap, Node, NodeAddress, NodeStatus, Secret
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.api.rbac_v1 import AggregationRule, ClusterRole, PolicyRule
from controlplane.controllers.aggregation.controller import ClusterRoleAggregation
from controlplane.controllers.bootstrap.controller import BootstrapSigner, TokenCleaner
from controlplane.controllers.bootstrap.plan import TOKEN_TYPE
from controlplane.controllers.certificates import requests
from controlplane.controllers.certificates.clean import is_stale
from controlplane.controllers.certificates.controller import CsrApprover, CsrCleaner, CsrSigner
from controlplane.controllers.certificates.requests import KUBELET_CLIENT, KUBELET_SERVING, wanted_by, why_not
from controlplane.kit.timestamps import format_time
from controlplane.pki import csr
from controlplane.pki.issue import Leaf, new_key
from tests.unit.controllers.objects import NOW, ago
from tests.unit.controllers.world import World

KEY = new_key()
CLIENT_USAGES, SERVER_USAGES = ("digital signature", "client auth"), ("digital signature", "server auth")


def a_request(signer: str = KUBELET_CLIENT, *, name: str = "system:node:n1", groups: Sequence[str] = ("system:nodes",),
              dns: Sequence[str] = (), addresses: Sequence[str] = (), usages: Sequence[str] = CLIENT_USAGES,
              username: str = "system:bootstrap:abcdef", **spec: Any) -> CertificateSigningRequest:  # fmt: skip
    leaf = Leaf(name, tuple(groups), tuple(dns), tuple(addresses))
    return CertificateSigningRequest(
        metadata=ObjectMeta(name="req"),
        spec=CertificateSigningRequestSpec(
            request=base64.b64encode(csr.make(leaf, KEY)).decode(),
            signer_name=signer,
            usages=list(usages),
            username=username,
            groups=["system:nodes"] if username.startswith("system:node:") else ["system:bootstrappers"],
            **spec,
        ),
    )


def serving(**more: Any) -> CertificateSigningRequest:
    return a_request(
        KUBELET_SERVING,
        **{"dns": ["n1"], "addresses": ["10.0.0.1"], "usages": SERVER_USAGES, "username": "system:node:n1", **more},
    )


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        pytest.param(a_request(), "", id="a node's client certificate"),
        pytest.param(a_request(usages=[*CLIENT_USAGES, "key encipherment"]), "", id="with an RSA key"),
        pytest.param(a_request(name="admin"), "common name", id="not a node's name"),
        pytest.param(a_request(groups=["system:masters"]), "organization", id="another group"),
        pytest.param(a_request(groups=["system:nodes", "system:masters"]), "organization", id="one group too many"),
        pytest.param(a_request(dns=["n1"]), "subject alternative names", id="a client with names"),
        pytest.param(a_request(usages=SERVER_USAGES), "usages", id="a client that wants to serve"),
        pytest.param(serving(), "", id="a node's serving certificate"),
        pytest.param(serving(dns=[], addresses=[]), "required", id="a server without names"),
        pytest.param(serving(usages=CLIENT_USAGES), "usages", id="a server that wants to call"),
        pytest.param(a_request(requests.CLIENT, name="jane", groups=["dev"]), "", id="anybody's client certificate"),
        pytest.param(
            a_request(requests.CLIENT, usages=["client auth", "server auth"]), "usages", id="that also serves"
        ),
        pytest.param(a_request(requests.LEGACY_UNKNOWN, usages=["any"]), "", id="no promises"),
    ],
)
def test_what_signers_sign(request_: CertificateSigningRequest, rule: str) -> None:
    found = why_not(request_.spec.signer_name, wanted_by(request_), request_.spec.usages)
    assert rule in found and bool(rule) == bool(found)


class Signs:
    def __init__(self) -> None:
        self.durations: list[timedelta] = []

    def sign(self, der: bytes, usages: Sequence[str], duration: timedelta) -> bytes:
        self.durations.append(duration)
        return b"PEM"


def conditions(world: World) -> dict[str, str]:
    found = world.api.get(CertificateSigningRequest, "req")
    assert found is not None
    return {one.type: one.reason for one in found.status.conditions}


@pytest.mark.parametrize(
    ("request_", "allowed", "asked"),
    [
        pytest.param(a_request(), True, ["nodeclient"], id="joins"),
        pytest.param(a_request(), False, ["nodeclient"], id="joins without the right"),
        pytest.param(a_request(username="system:node:n1"), True, ["selfnodeclient"], id="renews"),
        pytest.param(a_request(name="admin"), True, [], id="is no node: left to a person"),
    ],
)
async def test_client_certificates(request_: CertificateSigningRequest, allowed: bool, asked: list[str]) -> None:
    world, reviewed = World(), list[str]()

    def allows(spec: Any) -> bool:
        reviewed.append(spec["resourceAttributes"]["subresource"])
        return allowed

    world.api.allows = allows
    world.api.add(request_)
    async with world.running(CsrApprover(world.environment)):
        assert reviewed == asked
        assert conditions(world) == ({"Approved": "AutoApproved"} if allowed and asked else {})


@pytest.mark.parametrize(
    ("request_", "approved"),
    [
        pytest.param(serving(), True, id="its own names"),
        pytest.param(serving(dns=["n1", "other"]), False, id="somebody else's name"),
        pytest.param(serving(addresses=["10.0.0.2"]), False, id="somebody else's address"),
        pytest.param(serving(username="system:node:n2"), False, id="asked by another node"),
    ],
)
async def test_serving_certificates(request_: CertificateSigningRequest, approved: bool) -> None:
    world = World()
    addresses = [NodeAddress(type="Hostname", address="n1"), NodeAddress(type="InternalIP", address="10.0.0.1")]
    world.api.add(Node(metadata=ObjectMeta(name="n1"), status=NodeStatus(addresses=addresses)))
    world.api.add(request_)
    async with world.running(CsrApprover(world.environment)):
        assert bool(conditions(world)) == approved


async def test_a_serving_request_may_come_before_the_address() -> None:
    world = World()
    node = world.api.add(Node(metadata=ObjectMeta(name="n1")))
    world.api.add(serving(addresses=[]))
    async with world.running(CsrApprover(world.environment)):
        assert conditions(world) == {}
        status = NodeStatus(addresses=[NodeAddress(type="Hostname", address="n1")])
        world.api.update(Node(metadata=node.metadata, status=status))
        await world.settle(11)
        assert conditions(world) == {"Approved": "AutoApproved"}


def approved(request_: CertificateSigningRequest, *types: str) -> CertificateSigningRequest:
    found = [CertificateSigningRequestCondition(type=type_, status="True") for type_ in ("Approved", *types)]
    return CertificateSigningRequest(
        metadata=request_.metadata, spec=request_.spec, status=CertificateSigningRequestStatus(conditions=found)
    )


@pytest.mark.parametrize(
    ("request_", "certificate", "failed"),
    [
        pytest.param(approved(a_request()), "PEM", False, id="approved"),
        pytest.param(a_request(), "", False, id="not approved yet"),
        pytest.param(approved(a_request(), "Denied"), "", False, id="denied"),
        pytest.param(approved(a_request(name="admin")), "", True, id="approved, but not what this signer signs"),
        pytest.param(approved(a_request("example.com/mine")), "", False, id="another signer's"),
    ],
)
async def test_signing(request_: CertificateSigningRequest, certificate: str, failed: bool) -> None:
    world = World()
    world.api.add(request_)
    async with world.running(CsrSigner(world.environment, {KUBELET_CLIENT: Signs()}, timedelta(days=365))):
        found = world.api.get(CertificateSigningRequest, "req")
        assert found is not None
        assert base64.b64decode(found.status.certificate).decode() == certificate
        assert ("Failed" in conditions(world)) == failed


async def test_a_request_may_ask_for_less_time_but_not_for_more() -> None:
    for asked, expected in ((3600, timedelta(hours=1)), (10**9, timedelta(days=365))):
        world, signer = World(), Signs()
        world.api.add(approved(a_request(expiration_seconds=asked)))
        async with world.running(CsrSigner(world.environment, {KUBELET_CLIENT: signer}, timedelta(days=365))):
            assert signer.durations == [expected]


def aged(hours: float, *types: str, certificate: str = "") -> CertificateSigningRequest:
    found = [
        CertificateSigningRequestCondition(type=type_, status="True", last_update_time=ago(hours * 3600))
        for type_ in types
    ]
    return CertificateSigningRequest(
        metadata=ObjectMeta(name="req", creation_timestamp=ago(hours * 3600)),
        status=CertificateSigningRequestStatus(conditions=found, certificate=certificate),
    )


@pytest.mark.parametrize(
    ("request_", "stale"),
    [
        pytest.param(aged(23), False, id="waits for an answer"),
        pytest.param(aged(25), True, id="has waited for a day"),
        pytest.param(aged(0.9, "Approved", certificate="PEM"), False, id="was answered just now"),
        pytest.param(aged(1.1, "Approved", certificate="PEM"), True, id="was answered an hour ago"),
        pytest.param(aged(1.1, "Denied"), True, id="was denied an hour ago"),
        pytest.param(aged(1.1, "Approved"), False, id="is approved and waits for its signer"),
    ],
)
def test_which_requests_are_swept_away(request_: CertificateSigningRequest, stale: bool) -> None:
    assert is_stale(request_, NOW) == stale


async def test_the_sweep() -> None:
    world = World()
    world.api.add(a_request())
    async with world.running(CsrCleaner(world.environment)):
        await world.settle(3600 * 23)
        assert len(world.api.list(CertificateSigningRequest)) == 1
        await world.settle(3600 * 3)
        assert world.api.list(CertificateSigningRequest) == []


# Roles


def a_role(name: str, *resources: str, labels: dict[str, str] | None = None, sums: str = "") -> ClusterRole:
    rule = AggregationRule(cluster_role_selectors=[LabelSelector(match_labels={sums: "true"})]) if sums else None
    rules = [PolicyRule(verbs=["get"], resources=[resource]) for resource in resources]
    return ClusterRole(metadata=ObjectMeta(name=name, labels=labels or {}), rules=rules, aggregation_rule=rule)


async def test_a_role_is_the_sum_of_those_it_selects() -> None:
    world = World()
    world.api.add(a_role("view", sums="to-view"))
    world.api.add(a_role("b", "pods", labels={"to-view": "true"}))
    async with world.running(ClusterRoleAggregation(world.environment)):
        world.api.add(a_role("a", "widgets", "pods", labels={"to-view": "true"}))
        world.api.add(a_role("other", "secrets"))
        await world.settle()
        view = world.api.get(ClusterRole, "view")
        assert view is not None
        assert [rule.resources for rule in view.rules] == [["widgets"], ["pods"]]


# Bootstrap tokens


def a_token(expires_in: float, world: World) -> Secret:
    expiry = format_time(world.clock.now() + timedelta(seconds=expires_in))
    values = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true",
              "expiration": expiry}  # fmt: skip
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = ObjectMeta(name="bootstrap-token-abcdef", namespace="kube-system")
    return Secret(metadata=metadata, type=TOKEN_TYPE, data=data)


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def test_cluster_info_is_signed_with_every_token_for_as_long_as_there_is_one() -> None:
    world = World()
    world.api.add(a_token(600, world))
    info = ConfigMap(metadata=ObjectMeta(name="cluster-info", namespace="kube-public"), data={"kubeconfig": "text"})
    world.api.add(info)
    async with world.running(BootstrapSigner(world.environment), TokenCleaner(world.environment)):
        signed = world.api.list(ConfigMap)[0].data["jws-kubeconfig-abcdef"]
        header, payload, signature = signed.split(".")
        expected = hmac.new(b"0123456789abcdef", f"{header}.{urlsafe(b'text')}".encode(), hashlib.sha256).digest()
        assert (payload, signature) == ("", urlsafe(expected))

        await world.settle(601)
        assert world.api.list(Secret) == []
        assert world.api.list(ConfigMap)[0].data == {"kubeconfig": "text"}
