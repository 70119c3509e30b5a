"""Rules of pods, each with a pod that breaks it and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Pod
from controlplane.api.defaults import apply_defaults
from controlplane.api.resources import BY_KIND
from controlplane.api.validation import validate, validate_subresource_update, validate_update

PODS = BY_KIND["v1", "Pod"]


def a_pod(changes: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    """Return a valid pod with `changes` to its spec and to its one container."""
    spec = {"containers": [{"name": "web", "image": "nginx:1", **container}], **(changes or {})}
    pod = {"metadata": {"name": "web-0", "namespace": "shop", "resourceVersion": "7"}, "spec": spec}
    apply_defaults(PODS, pod)
    return pod


def errors(pod: dict[str, Any]) -> list[str]:
    return [error.text for error in validate(PODS, from_document(pod, Pod))]


def test_a_valid_pod() -> None:
    assert errors(a_pod()) == []


C = "spec.containers[0]"
BOUNDS = "must be between 1 and 65535, inclusive"


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        pytest.param({"name": ""}, f"{C}.name: Required value", id="no name"),
        pytest.param({"image": ""}, f"{C}.image: Required value", id="no image"),
        pytest.param(
            {"image": " x"},
            f'{C}.image: Invalid value: " x": must not have leading or trailing whitespace',
            id="blank image",
        ),
        pytest.param(
            {"imagePullPolicy": "Maybe"},
            f'{C}.imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
            id="pull policy",
        ),
        pytest.param({"ports": [{}]}, f"{C}.ports[0].containerPort: Required value", id="no port"),
        pytest.param(
            {"ports": [{"containerPort": 70000}]},
            f"{C}.ports[0].containerPort: Invalid value: 70000: {BOUNDS}",
            id="port",
        ),
        pytest.param(
            {"ports": [{"containerPort": 1, "protocol": "QUIC"}]},
            f'{C}.ports[0].protocol: Unsupported value: "QUIC": supported values: "SCTP", "TCP", "UDP"',
            id="protocol",
        ),
        pytest.param(
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            f'{C}.ports[1].name: Duplicate value: "a"',
            id="port name twice",
        ),
        pytest.param(
            {"ports": [{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}]},
            f'{C}.ports[1].hostPort: Duplicate value: "TCP//9"',
            id="host port twice",
        ),
        pytest.param({"env": [{"value": "x"}]}, f"{C}.env[0].name: Required value", id="variable without name"),
        pytest.param(
            {"env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
            id="two values",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.foo"}}}]},
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": '
            "error converting fieldPath: field label not supported: spec.foo",
            id="no such field",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]},
            f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "2": '
            "only divisor's values 1m and 1 are supported with the cpu resource",
            id="divisor",
        ),
        pytest.param(
            {"envFrom": [{}]},
            f'{C}.envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
            id="variables from nowhere",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "no", "mountPath": "/a"}]},
            f'{C}.volumeMounts[0].name: Not found: "no"',
            id="mount of no volume",
        ),
        pytest.param(
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
            id="requests above limits",
        ),
        pytest.param(
            {"resources": {"requests": {"cpu": "-1"}}},
            f'{C}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            id="negative request",
        ),
        pytest.param(
            {"livenessProbe": {}}, f"{C}.livenessProbe: Required value: must specify a handler type", id="probe"
        ),
        pytest.param(
            {"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}},
            f"{C}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            id="two handlers",
        ),
        pytest.param(
            {"livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}},
            f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
            id="liveness succeeds once",
        ),
        pytest.param(
            {"readinessProbe": {"tcpSocket": {"port": "a_b"}}},
            f'{C}.readinessProbe.tcpSocket.port: Invalid value: "a_b": '
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
            id="port name of a probe",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": -1}},
            f"{C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            id="user",
        ),
        pytest.param(
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            f'{C}.securityContext: Invalid value: {{"allowPrivilegeEscalation":false,"privileged":true}}: '
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            id="privileged without escalation",
        ),
        pytest.param(
            {"lifecycle": {"preStop": {"httpGet": {}}}},
            f"{C}.lifecycle.preStop.httpGet.port: Invalid value: 0: {BOUNDS}",
            id="hook",
        ),
    ],
)
def test_container(container: dict[str, Any], expected: str) -> None:
    assert errors(a_pod(**container)) == [expected]


OTHER = {"name": "other", "image": "busybox:1"}
TERM = {"labelSelector": {}, "topologyKey": "zone"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"containers": []}, ["spec.containers: Required value"], id="no containers"),
        pytest.param(
            {"containers": [{**OTHER, "resources": {"limits": {"example.com/gpu": "500m"}}}]},
            [
                f'{C}.resources.{field}[example.com/gpu]: Invalid value: "500m": must be an integer'
                for field in ("limits", "requests")
            ],
            id="half a device",
        ),
        pytest.param(
            {"initContainers": [{"name": "web", "image": "x"}]},
            ['spec.initContainers[0].name: Duplicate value: "web"'],
            id="a name twice",
        ),
        pytest.param(
            {"initContainers": [{**OTHER, "livenessProbe": {"exec": {"command": ["a"]}}}]},
            [
                "spec.initContainers[0].livenessProbe: Forbidden: "
                "may not be set for init containers without restartPolicy=Always"
            ],
            id="probe of an init container",
        ),
        pytest.param(
            {"initContainers": [{**OTHER, "restartPolicy": "Always", "livenessProbe": {"exec": {"command": ["a"]}}}]},
            [],
            id="probe of a sidecar",
        ),
        pytest.param(
            {"restartPolicy": "Sometimes"},
            ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
            id="restart policy",
        ),
        pytest.param(
            {"dnsPolicy": "None"},
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
            id="no DNS at all",
        ),
        pytest.param(
            {"volumes": [{"name": "v"}, {"name": "v"}]},
            ['spec.volumes[1].name: Duplicate value: "v"'],
            id="volume twice",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/a"}}]},
            ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
            id="two sources",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "hostPath": {"path": "/a/../b"}}]},
            ["spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
            id="host path that climbs",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 512}}]},
            [
                "spec.volumes[0].configMap.defaultMode: Invalid value: 512: "
                "must be a number between 0 and 0777 (octal), both inclusive"
            ],
            id="mode",
        ),
        pytest.param(
            {
                "volumes": [
                    {
                        "name": "v",
                        "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 60}}]},
                    }
                ]
            },
            [
                "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: "
                "may not specify a duration less than 10 minutes"
            ],
            id="short-lived token",
        ),
        pytest.param(
            {"tolerations": [{"operator": "Equal", "value": "x"}]},
            [
                'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
                'which means "match all values and all keys"'
            ],
            id="toleration of any key",
        ),
        pytest.param(
            {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}]},
            [
                'spec.tolerations[0].effect: Invalid value: "NoSchedule": '
                "effect must be 'NoExecute' when `tolerationSeconds` is set"
            ],
            id="toleration for a while",
        ),
        pytest.param(
            {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}},
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: "
                "Required value: must have at least one node selector term"
            ],
            id="node affinity without terms",
        ),
        pytest.param(
            {
                "affinity": {
                    "podAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "podAffinityTerm": TERM}]
                    }
                }
            },
            [
                "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
                "Invalid value: 0: must be in the range 1-100"
            ],
            id="weight",
        ),
        pytest.param(
            {
                "topologySpreadConstraints": [
                    {"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
                ]
            },
            ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
            id="spread",
        ),
        pytest.param(
            {"activeDeadlineSeconds": 0},
            ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
            id="deadline",
        ),
        pytest.param(
            {
                "hostNetwork": True,
                "containers": [{"name": "a", "image": "a", "ports": [{"containerPort": 1, "hostPort": 2}]}],
            },
            [
                "spec.containers[0].ports[0].containerPort: Invalid value: 1: "
                "must match `hostPort` when `hostNetwork` is true"
            ],
            id="host network",
        ),
        pytest.param(
            {"hostPID": True, "shareProcessNamespace": True},
            [
                "spec.shareProcessNamespace: Invalid value: true: "
                "ShareProcessNamespace and HostPID cannot both be enabled"
            ],
            id="two process namespaces",
        ),
        pytest.param(
            {"securityContext": {"sysctls": [{"name": "Foo"}]}},
            [
                'spec.securityContext.sysctls[0].name: Invalid value: "Foo": must have at most 253 characters and '
                r"match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
            ],
            id="sysctl",
        ),
    ],
)
def test_spec(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(a_pod(spec)) == expected


FIXED = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param(("containers", 0, "image"), "nginx:2", [], id="another image"),
        pytest.param(("activeDeadlineSeconds",), 5, [], id="a deadline"),
        pytest.param(("tolerations",), [{"key": "a", "operator": "Exists"}], [], id="one more toleration"),
        pytest.param(("nodeName",), "n2", [FIXED], id="another node"),
        pytest.param(("containers", 0, "command"), ["sh"], [FIXED], id="another command"),
        pytest.param(
            ("containers",),
            [{"name": "a", "image": "a"}] * 2,
            ["spec.containers: Forbidden: pod updates may not add or remove containers"],
            id="another container",
        ),
    ],
)
def test_update(path: tuple[Any, ...], value: Any, expected: list[str]) -> None:
    old, new = a_pod(), a_pod()
    target: Any = new["spec"]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    apply_defaults(PODS, new)
    found = [one.text for one in validate_update(PODS, from_document(new, Pod), from_document(old, Pod))]
    found = [one for one in found if "Duplicate" not in one]
    assert len(found) == len(expected), found
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True)), found


def test_a_container_that_was_right_before_is_looked_at_again_for_what_its_pod_decides() -> None:
    right = {"ports": [{"containerPort": 80}], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = {"volumes": [{"name": "data", "emptyDir": {}}]}
    assert errors(a_pod(volumes, **right)) == []
    assert errors(a_pod(**right)) == [f'{C}.volumeMounts[0].name: Not found: "data"']
    twice = a_pod(volumes, **right)
    twice["spec"]["containers"] *= 2
    assert errors(twice) == ['spec.containers[1].name: Duplicate value: "web"']
    on_host = a_pod(volumes, **right)
    on_host["spec"]["hostNetwork"] = True  # without the defaults, which would publish the port
    why = "must match `hostPort` when `hostNetwork` is true"
    assert errors(on_host) == [f"{C}.ports[0].containerPort: Invalid value: 80: {why}"]
    unmasked = {"securityContext": {"procMount": "Unmasked"}}
    assert errors(a_pod({"hostUsers": False}, **unmasked)) == []
    assert len(errors(a_pod(**unmasked))) == 1


def test_forbidden_update_shows_what_changed() -> None:
    old, new = a_pod(), a_pod({"priority": 5})
    (error,) = validate_update(PODS, from_document(new, Pod), from_document(old, Pod))
    assert error.reason == "FieldValueForbidden"
    assert error.message.splitlines()[1:] == ["- priority: null", "+ priority: 5"]


def test_ephemeral_containers_are_only_added() -> None:
    debugger = {"name": "debug", "image": "busybox:1"}
    old, new = a_pod({"ephemeralContainers": [debugger]}), a_pod({"ephemeralContainers": []})
    arguments = PODS, "ephemeralcontainers"
    removed = validate_subresource_update(*arguments, from_document(new, Pod), from_document(old, Pod))
    added = validate_subresource_update(*arguments, from_document(old, Pod), from_document(new, Pod))
    assert [error.text for error in removed] == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'
    ]
    assert added == []


def test_validation_changes_nothing() -> None:
    pod = a_pod({"volumes": [{"name": "v", "hostPath": {"path": "/a"}}]})
    before = copy.deepcopy(pod)
    errors(pod)
    assert pod == before
