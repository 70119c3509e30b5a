"""Each plug-in's rule, from what comes in to what goes on, or to the sentence that refuses it."""

from __future__ import annotations

import asyncio
import base64
import copy
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controlplane.admission.certificate_approval import CertificateApproval
from controlplane.admission.certificate_signing import CertificateSigning
from controlplane.admission.certificate_subject_restriction import CertificateSubjectRestriction
from controlplane.admission.chain import KNOWN, OFF_BY_DEFAULT, Materials, UnknownPlugin, default_chain, selected
from controlplane.admission.default_ingress_class import DefaultIngressClass
from controlplane.admission.default_toleration_seconds import DefaultTolerationSeconds
from controlplane.admission.interface import Attributes, Caller, Chain, Operation, Plugin
from controlplane.admission.limit_ranger import LimitRanger, pod_total
from controlplane.admission.namespace_lifecycle import NamespaceLifecycle
from controlplane.admission.priority import Priority
from controlplane.admission.runtime_class import RuntimeClassAdmission, merged_tolerations
from controlplane.admission.service_account import ServiceAccount
from controlplane.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from controlplane.admission.taint_nodes_by_condition import TaintNodesByCondition
from controlplane.api.codec import Document
from controlplane.api.core_v1 import (
    LimitRange,
    LimitRangeItem,
    LimitRangeSpec,
    LocalObjectReference,
    Namespace,
    NamespaceStatus,
    Toleration,
)
from controlplane.api.core_v1 import ServiceAccount as Account
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.networking_v1 import IngressClass
from controlplane.api.node_v1 import Overhead, RuntimeClass, Scheduling
from controlplane.api.resources import BY_PATH
from controlplane.api.scheduling_v1 import PriorityClass
from controlplane.api.status import Forbidden, NotFound
from controlplane.api.system_priorities import SYSTEM_PRIORITIES
from controlplane.kit.clock import ManualClock
from tests.fakes.reader import FakeReader

CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE
CSR = "certificates.k8s.io"


@dataclass(frozen=True)
class Someone:
    name: str = "jane"
    groups: tuple[str, ...] = ()


def attributes(
    operation: Operation,
    plural: str,
    document: Document | None = None,
    *,
    group: str = "",
    namespace: str = "prod",
    name: str = "x",
    subresource: str = "",
    old: Document | None = None,
    user: Caller = Someone(),
) -> Attributes:
    resource = BY_PATH[group, "v1", plural]
    document = copy.deepcopy(document)
    if document is not None:
        document.setdefault("metadata", {}).setdefault("name", name)
    return Attributes(
        operation, resource, name, user, namespace if resource.namespaced else "", subresource, document, old
    )


async def admit(plugin: Plugin, asked: Attributes) -> Document:
    await Chain([plugin]).mutate(asked)
    await Chain([plugin]).validate(asked)
    return asked.document or {}


def a_namespace(name: str, phase: str = "Active", deleted: str = "") -> Namespace:
    metadata = ObjectMeta(name=name, deletion_timestamp=deleted or None)
    return Namespace(metadata=metadata, status=NamespaceStatus(phase=phase))


# NamespaceLifecycle ---------------------------------------------------------------------------------------------------


class Eager(ManualClock):
    """Time passes as soon as somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        self._elapsed += seconds


def lifecycle() -> NamespaceLifecycle:
    reader = FakeReader(
        a_namespace("prod"), a_namespace("ending", "Terminating"), a_namespace("going", deleted="2026-01-01T00:00:00Z")
    )
    return NamespaceLifecycle(reader, Eager())


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(attributes(CREATE, "pods", {}), id="in a living namespace"),
        pytest.param(attributes(UPDATE, "pods", {}, namespace="ending"), id="an update in an ending one"),
        pytest.param(attributes(DELETE, "pods", namespace="missing"), id="deletion is always fine"),
        pytest.param(attributes(CREATE, "nodes", {}), id="nothing to do with namespaces"),
        pytest.param(attributes(CREATE, "namespaces", {}, name="new"), id="a new namespace"),
        pytest.param(attributes(DELETE, "namespaces", name="prod"), id="deleting a namespace"),
    ],
)
async def test_namespace_lifecycle_lets_pass(asked: Attributes) -> None:
    await admit(lifecycle(), asked)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_three_namespaces_never_end(name: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await admit(lifecycle(), attributes(DELETE, "namespaces", name=name))
    assert refused.value.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


async def test_a_missing_namespace_is_not_found() -> None:
    with pytest.raises(NotFound, match='namespaces "missing" not found'):
        await admit(lifecycle(), attributes(CREATE, "pods", {}, namespace="missing"))


@pytest.mark.parametrize("namespace", ["ending", "going"])
async def test_nothing_new_in_an_ending_namespace(namespace: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await admit(lifecycle(), attributes(CREATE, "pods", {}, namespace=namespace))
    assert refused.value.message == (
        f'pods "x" is forbidden: unable to create new content in namespace {namespace} because it is being terminated'
    )
    details = refused.value.details
    assert details is not None
    assert [cause.reason for cause in details.causes] == ["NamespaceTerminating"]


async def test_a_namespace_made_a_moment_ago_is_waited_for() -> None:
    reader, clock = FakeReader(), ManualClock()
    asking = asyncio.create_task(
        admit(NamespaceLifecycle(reader, clock), attributes(CREATE, "pods", {}, namespace="new"))
    )
    await clock.advance(0.01)
    assert not asking.done()
    reader.add(a_namespace("new"))
    await clock.advance(0.05)
    assert asking.done() and asking.exception() is None


# ServiceAccount -------------------------------------------------------------------------------------------------------

DEFAULT = Account(metadata=ObjectMeta(name="default", namespace="prod"))


def accounts(*objects: Account) -> ServiceAccount:
    return ServiceAccount(FakeReader(*objects), Eager(), Random(1))


def a_pod(**spec: Any) -> Document:
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c"}], **spec}}


async def test_a_pod_gets_its_account_and_token() -> None:
    pod = await admit(accounts(DEFAULT), attributes(CREATE, "pods", a_pod(initContainers=[{"name": "i"}])))
    spec = pod["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    [volume] = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }
    mount = {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    assert spec["containers"][0]["volumeMounts"] == spec["initContainers"][0]["volumeMounts"] == [mount]


OPTED_OUT = Account(metadata=ObjectMeta(name="default", namespace="prod"), automount_service_account_token=False)


@pytest.mark.parametrize(
    ("account", "said", "mounted"),
    [
        pytest.param(DEFAULT, None, True, id="nobody says anything"),
        pytest.param(DEFAULT, False, False, id="the pod says no"),
        pytest.param(OPTED_OUT, None, False, id="the account says no"),
        pytest.param(OPTED_OUT, True, True, id="the pod overrules the account"),
    ],
)
async def test_opting_out_of_the_token(account: Account, said: bool | None, mounted: bool) -> None:
    said_so = {} if said is None else {"automountServiceAccountToken": said}
    pod = await admit(accounts(account), attributes(CREATE, "pods", a_pod(**said_so)))
    assert bool(pod["spec"].get("volumes")) is mounted


async def test_a_mount_of_ones_own_is_kept() -> None:
    own = {"name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    pod = await admit(
        accounts(DEFAULT), attributes(CREATE, "pods", a_pod(containers=[{"name": "c", "volumeMounts": [own]}]))
    )
    assert pod["spec"]["containers"][0]["volumeMounts"] == [own]
    assert "volumes" not in pod["spec"]


async def test_pull_secrets_come_from_the_account() -> None:
    account = Account(metadata=DEFAULT.metadata, image_pull_secrets=[LocalObjectReference(name="registry")])
    pod = await admit(accounts(account), attributes(CREATE, "pods", a_pod()))
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    pod = await admit(accounts(account), attributes(CREATE, "pods", a_pod(imagePullSecrets=[{"name": "own"}])))
    assert pod["spec"]["imagePullSecrets"] == [{"name": "own"}]


@pytest.mark.parametrize("name", ["nobody", "default"])
async def test_an_unknown_account_is_refused(name: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await admit(accounts(), attributes(CREATE, "pods", a_pod(serviceAccountName=name)))
    assert refused.value.message == (
        f'pods "x" is forbidden: error looking up service account prod/{name}: serviceaccount "{name}" not found'
    )


async def test_the_default_account_of_a_new_namespace_is_waited_for() -> None:
    reader, clock = FakeReader(), ManualClock()
    plugin = ServiceAccount(reader, clock, Random(1))
    asking = asyncio.create_task(admit(plugin, attributes(CREATE, "pods", a_pod())))
    await clock.advance(0.25)
    reader.add(DEFAULT)
    await clock.advance(0.1)
    assert (await asking)["spec"]["serviceAccountName"] == "default"


MIRROR = {"name": "x", "annotations": {"kubernetes.io/config.mirror": "hash"}}


async def test_a_mirror_pod_is_left_as_it_is() -> None:
    pod = await admit(accounts(), attributes(CREATE, "pods", a_pod() | {"metadata": MIRROR}))
    assert "serviceAccountName" not in pod["spec"]


@pytest.mark.parametrize(
    "spec",
    [
        {"serviceAccountName": "root"},
        {"volumes": [{"name": "s", "secret": {"secretName": "s"}}]},
        {"volumes": [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
    ],
)
async def test_a_mirror_pod_gets_no_secrets(spec: Document) -> None:
    with pytest.raises(Forbidden, match="a mirror pod may not"):
        await admit(accounts(), attributes(CREATE, "pods", a_pod(**spec) | {"metadata": MIRROR}))


# DefaultTolerationSeconds, TaintNodesByCondition, Priority, StorageObjectInUseProtection ------------------------------

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def toleration(key: str) -> Document:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}


@pytest.mark.parametrize(
    ("has", "added"),
    [
        pytest.param([], [NOT_READY, UNREACHABLE], id="none"),
        pytest.param([{"operator": "Exists"}], [], id="everything tolerated"),
        pytest.param(
            [{"key": NOT_READY, "operator": "Exists", "effect": "NoExecute"}], [UNREACHABLE], id="one of them"
        ),
        pytest.param([{"key": NOT_READY, "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE], id="of another effect"),
        pytest.param([{"key": "gpu", "operator": "Exists"}], [NOT_READY, UNREACHABLE], id="another taint"),
    ],
)
async def test_default_tolerations(has: list[Document], added: list[str]) -> None:
    pod = await admit(DefaultTolerationSeconds(), attributes(CREATE, "pods", a_pod(tolerations=has)))
    assert pod["spec"]["tolerations"] == [*has, *map(toleration, added)]


async def test_a_new_node_is_tainted_once() -> None:
    taint = {"key": NOT_READY, "effect": "NoSchedule"}
    for spec in ({}, {"taints": [taint]}):
        node = await admit(TaintNodesByCondition(), attributes(CREATE, "nodes", {"spec": spec}))
        assert node["spec"]["taints"] == [taint]


def a_priority(name: str, value: int, *, policy: str = "PreemptLowerPriority", default: bool = False) -> PriorityClass:
    metadata = ObjectMeta(name=name)
    return PriorityClass(metadata=metadata, value=value, preemption_policy=policy, global_default=default or None)


SYSTEM = [a_priority(name, value) for name, value in SYSTEM_PRIORITIES.items()]
GOLD = a_priority("gold", 1000, policy="Never")
FOR_ALL = a_priority("bronze", 10, default=True)


def priority(*classes: PriorityClass) -> Priority:
    return Priority(FakeReader(*SYSTEM, GOLD, *classes), Eager())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, (0, "PreemptLowerPriority"), id="no class"),
        pytest.param({"priorityClassName": "gold"}, (1000, "Never"), id="somebody's class"),
        pytest.param(
            {"priorityClassName": "system-cluster-critical"}, (2_000_000_000, "PreemptLowerPriority"), id="system"
        ),
        pytest.param(
            {"priorityClassName": "system-node-critical", "priority": 2_000_001_000},
            (2_000_001_000, "PreemptLowerPriority"),
            id="the number that is right",
        ),
    ],
)
async def test_priorities(spec: Document, expected: tuple[int, str]) -> None:
    pod = await admit(priority(), attributes(CREATE, "pods", a_pod(**spec)))
    assert (pod["spec"]["priority"], pod["spec"]["preemptionPolicy"]) == expected


async def test_a_class_for_everybody() -> None:
    lower = a_priority("copper", 5, default=True)  # made at the same moment as the other
    pod = await admit(priority(FOR_ALL, lower), attributes(CREATE, "pods", a_pod()))
    assert (pod["spec"]["priorityClassName"], pod["spec"]["priority"]) == ("copper", 5)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"priorityClassName": "silver"}, "no PriorityClass with name silver was found"),
        ({"priority": 5}, r"the integer value of priority \(5\) must not be provided in pod spec"),
        ({"preemptionPolicy": "Never"}, r"the string value of PreemptionPolicy \(Never\) must not be provided"),
    ],
)
async def test_priorities_that_are_refused(spec: Document, message: str) -> None:
    with pytest.raises(Forbidden, match=message):
        await admit(priority(), attributes(CREATE, "pods", a_pod(**spec)))


async def test_only_one_class_is_for_everybody() -> None:
    group = "scheduling.k8s.io"
    silver = attributes(CREATE, "priorityclasses", {"globalDefault": True}, group=group, name="silver")
    await admit(priority(), silver)
    with pytest.raises(Forbidden, match="PriorityClass bronze is already marked as default"):
        await admit(priority(FOR_ALL), silver)
    same = attributes(UPDATE, "priorityclasses", {"globalDefault": True}, group=group, name="bronze")
    await admit(priority(FOR_ALL), same)


async def test_an_update_from_a_manifest_keeps_the_priority() -> None:
    old = a_pod(priority=7, preemptionPolicy="Never")
    pod = await admit(priority(), attributes(UPDATE, "pods", a_pod(), old=old))
    assert (pod["spec"]["priority"], pod["spec"]["preemptionPolicy"]) == (7, "Never")


# RuntimeClass, DefaultIngressClass ------------------------------------------------------------------------------------

SANDBOX = RuntimeClass(
    metadata=ObjectMeta(name="sandbox"),
    handler="runsc",
    overhead=Overhead(pod_fixed={"cpu": "250m"}),
    scheduling=Scheduling(node_selector={"runtime": "runsc"}, tolerations=[Toleration(key="gpu", operator="Exists")]),
)


def runtime_classes() -> RuntimeClassAdmission:
    return RuntimeClassAdmission(FakeReader(SANDBOX), Eager())


async def test_a_runtime_costs_and_has_its_nodes() -> None:
    asked = attributes(CREATE, "pods", a_pod(runtimeClassName="sandbox", nodeSelector={"disk": "ssd"}))
    spec = (await admit(runtime_classes(), asked))["spec"]
    assert spec["overhead"] == {"cpu": "250m"}
    assert spec["nodeSelector"] == {"disk": "ssd", "runtime": "runsc"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param({"runtimeClassName": "x"}, 'pod rejected: RuntimeClass "x" not found', id="missing"),
        pytest.param(
            {"runtimeClassName": "sandbox", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
            id="another overhead",
        ),
        pytest.param(
            {"overhead": {"cpu": "1"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            id="an overhead of its own",
        ),
        pytest.param(
            {"runtimeClassName": "sandbox", "nodeSelector": {"runtime": "runc"}},
            r"conflict: runtimeClass.scheduling.nodeSelector\[runtime\] = runsc; "
            r"pod.spec.nodeSelector\[runtime\] = runc",
            id="other nodes",
        ),
    ],
)
async def test_runtime_classes_that_are_refused(spec: Document, message: str) -> None:
    with pytest.raises(Forbidden, match=message):
        await admit(runtime_classes(), attributes(CREATE, "pods", a_pod(**spec)))


ALL = {"operator": "Exists"}
GPU = {"key": "gpu", "operator": "Exists"}
GPU_A = {"key": "gpu", "operator": "Equal", "value": "a"}
SHORT = {"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
LONG = {**SHORT, "tolerationSeconds": 50}


@pytest.mark.parametrize(
    ("tolerations", "expected"),
    [
        pytest.param([GPU, GPU], [GPU], id="the same"),
        pytest.param([GPU_A, GPU], [GPU], id="any value covers one"),
        pytest.param([GPU, ALL, GPU_A], [ALL], id="everything covers all"),
        pytest.param([SHORT, LONG], [LONG], id="longer covers shorter"),
        pytest.param([GPU_A, SHORT], [GPU_A, SHORT], id="different"),
    ],
)
def test_merged_tolerations(tolerations: list[Document], expected: list[Document]) -> None:
    assert merged_tolerations(tolerations) == expected


def an_ingress_class(name: str, created: str, default: str = "true") -> IngressClass:
    annotations = {"ingressclass.kubernetes.io/is-default-class": default}
    return IngressClass(metadata=ObjectMeta(name=name, creation_timestamp=created, annotations=annotations))


@pytest.mark.parametrize(
    ("ingress", "expected"),
    [
        pytest.param({}, "b", id="the newest, and of those the first by name"),
        pytest.param({"spec": {"ingressClassName": "mine"}}, "mine", id="has one"),
        pytest.param({"metadata": {"annotations": {"kubernetes.io/ingress.class": "x"}}}, None, id="has an old one"),
    ],
)
async def test_default_ingress_class(ingress: Document, expected: str | None) -> None:
    reader = FakeReader(
        an_ingress_class("a", "2026-01-01T00:00:00Z"),
        an_ingress_class("c", "2026-01-02T00:00:00Z"),
        an_ingress_class("b", "2026-01-02T00:00:00Z"),
        an_ingress_class("d", "2026-01-03T00:00:00Z", "false"),
    )
    asked = attributes(CREATE, "ingresses", ingress, group="networking.k8s.io")
    assert (await admit(DefaultIngressClass(reader), asked))["spec"].get("ingressClassName") == expected


async def test_claims_are_protected_while_used() -> None:
    claim = await admit(StorageObjectInUseProtection(), attributes(CREATE, "persistentvolumeclaims", {}))
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


# LimitRanger ----------------------------------------------------------------------------------------------------------


def limits(type_: str = "Container", **item: Any) -> LimitRanger:
    spec = LimitRangeSpec(limits=[LimitRangeItem(type=type_, **item)])
    return LimitRanger(FakeReader(LimitRange(metadata=ObjectMeta(name="l", namespace="prod"), spec=spec)))


def sized(requests: Document | None = None, limits: Document | None = None) -> Document:
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return a_pod(containers=[{"name": "c", "resources": resources}])


async def test_containers_get_what_they_do_not_say() -> None:
    plugin = limits(default={"cpu": "1", "memory": "64Mi"}, default_request={"cpu": "100m"})
    pod = await admit(plugin, attributes(CREATE, "pods", sized(limits={"memory": "1Gi"})))
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    assert pod["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    }


async def test_limits_of_another_namespace_do_not_count() -> None:
    pod = await admit(limits(default={"cpu": "1"}), attributes(CREATE, "pods", a_pod(), namespace="test"))
    assert "resources" not in pod["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("plugin", "pod", "why"),
    [
        pytest.param(
            limits(max={"cpu": "1"}),
            sized(limits={"cpu": "2"}),
            "maximum cpu usage per Container is 1, but limit is 2",
            id="more than the maximum",
        ),
        pytest.param(
            limits(max={"cpu": "1"}),
            sized(),
            "maximum cpu usage per Container is 1.  No limit is specified",
            id="no limit where there is a maximum",
        ),
        pytest.param(
            limits(min={"memory": "10Mi"}),
            sized({"memory": "5Mi"}),
            "minimum memory usage per Container is 10Mi, but request is 5Mi",
            id="less than the minimum",
        ),
        pytest.param(
            limits(min={"cpu": "100m"}),
            sized(),
            "minimum cpu usage per Container is 100m.  No request is specified",
            id="no request where there is a minimum",
        ),
        pytest.param(
            limits(max_limit_request_ratio={"cpu": "2"}),
            sized({"cpu": "100m"}, {"cpu": "400m"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            id="a ratio",
        ),
        pytest.param(
            limits("Pod", max={"cpu": "1"}),
            a_pod(containers=[{"name": n, "resources": {"limits": {"cpu": "600m"}}} for n in "ab"]),
            "maximum cpu usage per Pod is 1, but limit is 1200m",
            id="a pod is the sum of its containers",
        ),
        pytest.param(
            limits(min={"cpu": "1"}, max={"memory": "1Gi"}),
            sized({"cpu": "500m"}, {"memory": "2Gi"}),
            "[minimum cpu usage per Container is 1, but request is 500m, maximum memory usage per Container is 1Gi, "
            "but limit is 2Gi]",
            id="everything that is wrong",
        ),
    ],
)
async def test_limits_that_are_broken(plugin: LimitRanger, pod: Document, why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await admit(plugin, attributes(CREATE, "pods", pod))
    assert refused.value.message == f'pods "x" is forbidden: {why}'


async def test_claims_have_limits_too() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    plugin = limits("PersistentVolumeClaim", max={"storage": "1Gi"})
    with pytest.raises(Forbidden, match="maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"):
        await admit(plugin, attributes(CREATE, "persistentvolumeclaims", claim))


def test_init_containers_count_once_and_sidecars_always() -> None:
    def container(cpu: str, **more: str) -> Document:
        return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}

    pod = a_pod(
        containers=[container("100m"), container("200m")],
        initContainers=[container("250m"), container("1"), container("50m", restartPolicy="Always")],
    )
    assert pod_total(pod, "requests") == {"cpu": "1"}
    pod["spec"]["initContainers"].pop(1)
    assert pod_total(pod, "requests") == {"cpu": "350m"}


# Certificates ---------------------------------------------------------------------------------------------------------

SIGNER = "example.com/one"


class Signers:
    """Who may do what with which signer."""

    def __init__(self, *allowed: tuple[str, str, str]):
        self._allowed = allowed

    async def __call__(self, user: Caller, verb: str, name: str) -> bool:
        return (user.name, verb, name) in self._allowed


STORED = {"spec": {"signerName": SIGNER}, "status": {}}
APPROVED = STORED | {"status": {"conditions": [{"type": "Approved"}]}}
ISSUED = STORED | {"status": {"certificate": "PEM"}}


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        pytest.param(Signers(("jane", "approve", SIGNER)), True, id="this signer"),
        pytest.param(Signers(("jane", "approve", "example.com/*")), True, id="the whole domain"),
        pytest.param(Signers(("jane", "sign", SIGNER)), False, id="signing is not approving"),
        pytest.param(Signers(("joe", "approve", SIGNER)), False, id="somebody else may"),
    ],
)
async def test_approving(policy: Signers, allowed: bool) -> None:
    asked = attributes(UPDATE, "certificatesigningrequests", APPROVED, group=CSR, subresource="approval", old=STORED)
    if allowed:
        await admit(CertificateApproval(policy), asked)
    else:
        with pytest.raises(Forbidden, match=f'user not permitted to approve requests with signerName "{SIGNER}"'):
            await admit(CertificateApproval(policy), asked)


async def test_signing_takes_a_right_and_other_status_does_not() -> None:
    def asked(document: Document) -> Attributes:
        return attributes(UPDATE, "certificatesigningrequests", document, group=CSR, subresource="status", old=STORED)

    nobody = CertificateSigning(Signers())
    await admit(nobody, asked(STORED))
    with pytest.raises(Forbidden, match="user not permitted to sign requests"):
        await admit(nobody, asked(ISSUED))
    await admit(CertificateSigning(Signers(("jane", "sign", SIGNER))), asked(ISSUED))


def a_request(*organizations: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations])
    csr = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
    return base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.mark.parametrize(
    ("signer", "request_", "refused"),
    [
        pytest.param("kubernetes.io/kube-apiserver-client", a_request("dev"), False, id="a group"),
        pytest.param("kubernetes.io/kube-apiserver-client", a_request("dev", "system:masters"), True, id="masters"),
        pytest.param("kubernetes.io/kube-apiserver-client", "?", True, id="not even a request"),
        pytest.param(SIGNER, a_request("system:masters"), False, id="another signer"),
    ],
)
async def test_nobody_becomes_master_by_csr(signer: str, request_: str, refused: bool) -> None:
    document = {"spec": {"signerName": signer, "request": request_}}
    asked = attributes(CREATE, "certificatesigningrequests", document, group=CSR)
    if refused:
        with pytest.raises(Forbidden):
            await admit(CertificateSubjectRestriction(), asked)
    else:
        await admit(CertificateSubjectRestriction(), asked)


# The chain ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enabled", "disabled", "missing", "idle"),
    [
        pytest.param((), (), set(), [], id="by default"),
        pytest.param((), ("LimitRanger",), {"LimitRanger"}, [], id="one less"),
        pytest.param(("AlwaysPullImages",), (), set(), [], id="one more"),
        pytest.param(
            ("Initializers", "NodeRestriction"),
            ("DefaultStorageClass",),
            {"DefaultStorageClass"},
            ["Initializers"],
            id="a unit of another age",
        ),
    ],
)
def test_choosing_plugins(
    enabled: tuple[str, ...], disabled: tuple[str, ...], missing: set[str], idle: list[str]
) -> None:
    run, without_effect = selected(enabled, disabled)
    wanted = (name for name in KNOWN if name in enabled or name not in OFF_BY_DEFAULT)
    assert run == [name for name in wanted if name not in missing]
    assert without_effect == idle


@pytest.mark.parametrize(
    ("enabled", "disabled"), [(("Wizardry",), ()), ((), ("Wizardry",)), (("Priority",), ("Priority",))]
)
def test_choosing_badly(enabled: tuple[str, ...], disabled: tuple[str, ...]) -> None:
    with pytest.raises(UnknownPlugin):
        selected(enabled, disabled)


async def test_a_pod_through_the_whole_chain() -> None:
    reader = FakeReader(a_namespace("prod"), DEFAULT)
    chain = default_chain(Materials(reader, Eager(), Random(1), Signers()))
    asked = attributes(CREATE, "pods", a_pod())
    await chain.mutate(asked)
    await chain.validate(asked)
    spec = (asked.document or {})["spec"]
    assert {"serviceAccountName", "volumes", "priority", "tolerations"} <= spec.keys()
    again = copy.deepcopy(asked)
    await chain.mutate(again)
    assert again.document == asked.document
