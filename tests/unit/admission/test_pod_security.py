"""The Pod Security Standards, check by check, and what the plug-in makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.admission.interface import Attributes, Operation
from controlplane.admission.pod_security import PodSecurity
from controlplane.admission.pod_security.evaluate import shown, violations
from controlplane.admission.pod_security.plugin import existing_warnings
from controlplane.admission.pod_security.policy import (
    DEFAULT_SETTINGS,
    LATEST,
    Exemptions,
    Level,
    PodSecuritySettings,
    Policy,
    Standard,
    policy_of,
)
from controlplane.api.codec import Document, from_document
from controlplane.api.core_v1 import Namespace, Pod
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import BY_PATH
from controlplane.api.status import Forbidden, Invalid
from tests.fakes.reader import FakeReader
from tests.unit.admission.test_admission import Someone

BASELINE, RESTRICTED = Level.BASELINE, Level.RESTRICTED
LABEL = "pod-security.kubernetes.io/"

GOOD: Document = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def a_pod(context: Any = None, *, annotations: Any = None, container: Any = None, name: str = "p", **spec: Any) -> Pod:
    """Return a pod of one container a."""
    one = {"name": "a", "image": "x", **({"securityContext": context} if context else {}), **(container or {})}
    metadata = {"name": name, "annotations": annotations or {}}
    return from_document({"metadata": metadata, "spec": {"containers": [one], **spec}}, Pod)


def found(pod: Pod, level: Level, version: int = LATEST) -> str:
    return shown(violations(Standard(level, version), pod.metadata, pod.spec))


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        pytest.param(a_pod(), "", id="an ordinary pod"),
        pytest.param(
            a_pod(hostNetwork=True, hostPID=True),
            "host namespaces (hostNetwork=true, hostPID=true)",
            id="host namespaces",
        ),
        pytest.param(
            a_pod({"privileged": True}),
            'privileged (container "a" must not set securityContext.privileged=true)',
            id="privileged",
        ),
        pytest.param(
            a_pod({"capabilities": {"add": ["NET_ADMIN", "CHOWN", "BPF"]}}),
            'non-default capabilities (container "a" must not include "BPF", "NET_ADMIN" '
            "in securityContext.capabilities.add)",
            id="capabilities",
        ),
        pytest.param(
            a_pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "hostPath": {"path": "/"}}]),
            'hostPath volumes (volumes "v", "w")',
            id="host paths",
        ),
        pytest.param(
            a_pod(container={"ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 9, "hostPort": 9}]}),
            'hostPort (container "a" uses hostPorts 80, 9)',
            id="host ports",
        ),
        pytest.param(
            a_pod(container={"livenessProbe": {"httpGet": {"port": 80, "host": "10.0.0.1"}}}),
            'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
            id="probes of other hosts",
        ),
        pytest.param(
            a_pod(container={"lifecycle": {"preStop": {"tcpSocket": {"port": 80, "host": "x"}}}}),
            'probe or lifecycle host (container "a" uses probe or lifecycle host "x")',
            id="hooks to other hosts",
        ),
        pytest.param(
            a_pod({"procMount": "Unmasked"}),
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
            id="proc mount",
        ),
        pytest.param(a_pod({"procMount": "Unmasked"}, hostUsers=False), "", id="proc mount, its own users"),
        pytest.param(
            a_pod(
                {"seLinuxOptions": {"type": "spc_t", "user": "u"}}, securityContext={"seLinuxOptions": {"role": "r"}}
            ),
            'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; '
            "user may not be set; role may not be set)",
            id="SELinux",
        ),
        pytest.param(a_pod({"seLinuxOptions": {"type": "container_engine_t"}}), "", id="SELinux since 1.31"),
        pytest.param(
            a_pod({"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
            id="seccomp",
        ),
        pytest.param(
            a_pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
            "forbidden sysctls (kernel.msgmax)",
            id="sysctls",
        ),
        pytest.param(
            a_pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}]}),
            "",
            id="sysctls since 1.37",
        ),
        pytest.param(
            a_pod(securityContext={"windowsOptions": {"hostProcess": True}}),
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
            id="host processes",
        ),
        pytest.param(
            a_pod(
                {"appArmorProfile": {"type": "Unconfined"}},
                annotations={"container.apparmor.security.beta.kubernetes.io/a": "unconfined"},
            ),
            'forbidden AppArmor profiles (container "a" and annotation must not set AppArmor profile type to '
            '"Unconfined", "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
            id="AppArmor",
        ),
        pytest.param(
            from_document(
                {
                    "metadata": {"name": "p"},
                    "spec": {
                        "initContainers": [{"name": "i", "securityContext": {"privileged": True}}],
                        "containers": [{"name": "c", "securityContext": {"privileged": True}}],
                        "ephemeralContainers": [{"name": "e", "securityContext": {"privileged": True}}],
                    },
                },
                Pod,
            ),
            'privileged (containers "i", "c", "e" must not set securityContext.privileged=true)',
            id="every container counts",
        ),
    ],
)
def test_baseline(pod: Pod, why: str) -> None:
    assert found(pod, BASELINE) == why
    assert found(pod, Level.PRIVILEGED) == ""


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        pytest.param(a_pod(GOOD), "", id="gives up what it should"),
        pytest.param(
            a_pod(),
            'allowPrivilegeEscalation != false (container "a" must set '
            'securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set '
            'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set '
            'securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set '
            'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
            id="says nothing",
        ),
        pytest.param(
            a_pod({**GOOD, "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "NET_BIND_SERVICE"]}}),
            'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
            id="adds what baseline allows",
        ),
        pytest.param(
            a_pod({**GOOD, "runAsNonRoot": False}),
            'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
            id="root",
        ),
        pytest.param(a_pod({**GOOD, "runAsNonRoot": False}, hostUsers=False), "", id="root of its own users"),
        pytest.param(
            a_pod({**GOOD, "runAsUser": 0}, securityContext={"runAsUser": 0}),
            'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
            id="user 0",
        ),
        pytest.param(
            a_pod(GOOD, volumes=[{"name": "v", "hostPath": {"path": "/"}}, {"name": "n", "nfs": {"path": "/"}}]),
            'restricted volume types (volumes "v", "n" use restricted volume types "hostPath", "nfs")',
            id="volumes, told once",
        ),
        pytest.param(
            a_pod(GOOD, volumes=[{"name": "v", "emptyDir": {}}, {"name": "i", "image": {"reference": "x"}}]),
            "",
            id="volumes of its own",
        ),
        pytest.param(
            a_pod({"runAsNonRoot": True}, os={"name": "windows"}), "", id="Windows has nothing of what Linux gives up"
        ),
        pytest.param(
            a_pod({**GOOD, "procMount": "Unmasked"}, hostUsers=False),
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
            id="proc mount, whoever its users are",
        ),
    ],
)
def test_restricted(pod: Pod, why: str) -> None:
    assert found(pod, RESTRICTED) == why


@pytest.mark.parametrize(
    ("pod", "level", "version", "violates"),
    [
        (a_pod(container={"livenessProbe": {"httpGet": {"port": 80, "host": "x"}}}), BASELINE, 33, False),
        (a_pod({"procMount": "Unmasked"}, hostUsers=False), BASELINE, 34, True),
        (a_pod({"seLinuxOptions": {"type": "container_engine_t"}}), BASELINE, 30, True),
        (a_pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}), BASELINE, 31, True),
        (a_pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}), BASELINE, 18, True),
        (a_pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}), BASELINE, 19, False),
        (a_pod({"runAsNonRoot": True}), RESTRICTED, 7, False),
        (a_pod({**GOOD, "runAsUser": 0}), RESTRICTED, 22, False),
        (a_pod({"runAsNonRoot": True}, os={"name": "windows"}), RESTRICTED, 24, True),
        (a_pod(), RESTRICTED, 99, True),
    ],
)
def test_versions(pod: Pod, level: Level, version: int, violates: bool) -> None:
    assert bool(found(pod, level, version)) is violates


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({}, "privileged:latest privileged:latest privileged:latest", id="none"),
        pytest.param(
            {"enforce": "baseline", "enforce-version": "v1.30"},
            "baseline:v1.30 privileged:latest baseline:v1.30",
            id="what is enforced is warned of",
        ),
        pytest.param(
            {"enforce": "restricted", "warn": "baseline", "audit": "restricted", "audit-version": "v1.0"},
            "restricted:latest restricted:v1.0 baseline:latest",
            id="each on its own",
        ),
        pytest.param({"enforce": "x"}, "restricted:latest privileged:latest privileged:latest", id="unknown level"),
        pytest.param(
            {"enforce": "baseline", "enforce-version": "1.2"},
            "baseline:latest privileged:latest baseline:latest",
            id="unknown version",
        ),
    ],
)
def test_labels(labels: dict[str, str], expected: str) -> None:
    policy, errors = policy_of({f"{LABEL}{key}": value for key, value in labels.items()}, Policy())
    assert " ".join(str(standard) for _, standard in policy.modes) == expected
    assert bool(errors) is any(value in ("x", "1.2") for value in labels.values())


def a_namespace(**labels: str) -> Namespace:
    return Namespace(metadata=ObjectMeta(name="prod", labels={f"{LABEL}{k}": v for k, v in labels.items()}))


def a_request(
    document: Document,
    plural: str = "pods",
    *,
    group: str = "",
    old: Document | None = None,
    subresource: str = "",
    user: str = "jane",
) -> Attributes:
    resource = BY_PATH[group, "v1", plural]
    operation = Operation.CREATE if old is None else Operation.UPDATE
    name = document["metadata"]["name"]
    place = "prod" if resource.namespaced else ""
    return Attributes(operation, resource, name, Someone(user), place, subresource, document, old)


def plain(**metadata: Any) -> Document:
    return {"metadata": {"name": "x", **metadata}, "spec": {"containers": [{"name": "a", "image": "x"}]}}


def bad(image: str = "x") -> Document:
    return {"metadata": {"name": "x"}, "spec": {"hostPID": True, "containers": [{"name": "a", "image": image}]}}


async def test_a_pod_that_violates_is_refused() -> None:
    plugin = PodSecurity(FakeReader(a_namespace(enforce="baseline")), DEFAULT_SETTINGS)
    request = a_request(bad())
    with pytest.raises(Forbidden) as refused:
        await plugin.validate(request)
    assert refused.value.message == (
        'pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)'
    )
    assert request.annotations == {f"{LABEL}enforce-policy": "baseline:latest"}
    assert request.warnings == []


async def test_a_pod_that_may_be_is_warned_of_and_audited() -> None:
    plugin = PodSecurity(FakeReader(a_namespace(warn="baseline", audit="baseline")), DEFAULT_SETTINGS)
    request = a_request(bad())
    await plugin.validate(request)
    would = 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)'
    assert request.warnings == [would]
    assert request.annotations == {
        f"{LABEL}enforce-policy": "privileged:latest",
        f"{LABEL}audit-violations": would,
    }


@pytest.mark.parametrize(
    ("group", "plural", "document"),
    [
        ("apps", "deployments", {"metadata": {"name": "x"}, "spec": {"template": bad()}}),
        ("", "podtemplates", {"metadata": {"name": "x"}, "template": bad()}),
        ("batch", "cronjobs", {"metadata": {"name": "x"}, "spec": {"jobTemplate": {"spec": {"template": bad()}}}}),
    ],
)
async def test_of_a_workload_its_maker_is_warned(group: str, plural: str, document: Document) -> None:
    plugin = PodSecurity(FakeReader(a_namespace(enforce="baseline")), DEFAULT_SETTINGS)
    request = a_request(document, plural, group=group)
    await plugin.validate(request)
    assert request.warnings == ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']


@pytest.mark.parametrize(
    ("new", "old", "subresource", "refused"),
    [
        (bad("new"), bad(), "", True),
        (bad(), bad(), "", False),
        (bad("new"), bad(), "status", False),
        ({**bad(), "spec": {**bad()["spec"], "ephemeralContainers": [{"name": "e", "image": "y"}]}}, bad(),
         "ephemeralcontainers", True),
    ],
    ids=["a new image", "nothing of interest", "its status", "one to debug"],
)  # fmt: skip
async def test_updates_of_pods(new: Document, old: Document, subresource: str, refused: bool) -> None:
    plugin = PodSecurity(FakeReader(a_namespace(enforce="baseline")), DEFAULT_SETTINGS)
    request = a_request(new, old=old, subresource=subresource)
    if refused:
        with pytest.raises(Forbidden):
            await plugin.validate(request)
    else:
        await plugin.validate(request)


@pytest.mark.parametrize(
    ("exemptions", "why"),
    [
        (Exemptions(usernames=frozenset({"jane"})), "user"),
        (Exemptions(namespaces=frozenset({"prod"})), "namespace"),
        (Exemptions(runtime_classes=frozenset({"kata"})), "runtimeClass"),
    ],
)
async def test_who_is_exempt(exemptions: Exemptions, why: str) -> None:
    plugin = PodSecurity(FakeReader(a_namespace(enforce="baseline")), PodSecuritySettings(Policy(), exemptions))
    pod = bad()
    pod["spec"]["runtimeClassName"] = "kata"
    request = a_request(pod)
    await plugin.validate(request)
    assert request.annotations == {f"{LABEL}exempt": why}


async def test_defaults_are_for_namespaces_that_say_nothing() -> None:
    settings = PodSecuritySettings(Policy(enforce=Standard(RESTRICTED, 30)))
    with pytest.raises(Forbidden, match=r'violates PodSecurity "restricted:v1\.30"'):
        await PodSecurity(FakeReader(a_namespace()), settings).validate(a_request(plain()))
    await PodSecurity(FakeReader(a_namespace(enforce="baseline")), settings).validate(a_request(plain()))


def labelled(**labels: str) -> Document:
    return {"metadata": {"name": "prod", "labels": {f"{LABEL}{key}": value for key, value in labels.items()}}}


async def test_labels_that_mean_nothing_are_refused() -> None:
    plugin = PodSecurity(FakeReader(), DEFAULT_SETTINGS)
    with pytest.raises(Invalid) as refused:
        await plugin.validate(a_request(labelled(enforce="strict"), "namespaces"))
    assert refused.value.message == (
        'Namespace "prod" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: '
        'Invalid value: "strict": must be one of privileged, baseline, restricted'
    )
    # What was there before may stay, or nobody could change anything else.
    await plugin.validate(a_request(labelled(enforce="strict"), "namespaces", old=labelled(enforce="strict")))


async def test_whoever_tightens_a_namespace_is_told_of_the_pods_in_it() -> None:
    pods = [from_document({**bad(), "metadata": {"name": name, "namespace": "prod"}}, Pod) for name in ("b", "a")]
    quiet = from_document({**plain(), "metadata": {"name": "c", "namespace": "prod"}}, Pod)
    plugin = PodSecurity(FakeReader(*pods, quiet), DEFAULT_SETTINGS)
    request = a_request(labelled(enforce="baseline"), "namespaces", old=labelled())
    await plugin.validate(request)
    told = [
        'existing pods in namespace "prod" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    ]
    assert request.warnings == told
    eased = a_request(labelled(enforce="privileged"), "namespaces", old=labelled(enforce="baseline"))
    await plugin.validate(eased)
    assert eased.warnings == []


def test_of_very_many_pods_some_are_looked_at() -> None:
    pods = [a_pod(name=f"p{number}") for number in range(3001)]
    told = existing_warnings("prod", pods, Standard(BASELINE))
    assert told == ["new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods"]


async def test_an_exempt_namespace_is_told_that_its_labels_do_nothing() -> None:
    settings = PodSecuritySettings(exemptions=Exemptions(namespaces=frozenset({"prod"})))
    request = a_request(labelled(enforce="baseline", warn="restricted"), "namespaces")
    await PodSecurity(FakeReader(), settings).validate(request)
    assert request.warnings == [
        'namespace "prod" is exempt from Pod Security, and the policy (enforce=baseline:latest, '
        "warn=restricted:latest) will be ignored"
    ]
