"""A container's environment."""

from __future__ import annotations

import base64

import pytest

from controlplane.api.core_v1 import (
    ConfigMap,
    ConfigMapEnvSource,
    ConfigMapKeySelector,
    Container,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    ObjectFieldSelector,
    Pod,
    PodSpec,
    ResourceFieldSelector,
    ResourceRequirements,
    Secret,
    SecretEnvSource,
    SecretKeySelector,
    Service,
    ServicePort,
    ServiceSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.pods.env import ConfigError, EnvSources, environment, expand, service_environment
from nodeagent.volumes.objects import Reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="nothing to do"),
        pytest.param("$(A) and $(B)", "1 and 2", id="references"),
        pytest.param("$(NO)", "$(NO)", id="unknown names stay"),
        pytest.param("$$(A)", "$(A)", id="escaped"),
        pytest.param("$$$(A)", "$1", id="an escape, then a reference"),
        pytest.param("$A $", "$A $", id="not a reference"),
        pytest.param("$(A", "$(A", id="unfinished"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


_OBJECTS = {
    Reference(ConfigMap, "d", "cm"): ConfigMap(data={"color": "blue"}),
    Reference(Secret, "d", "sec"): Secret(data={"key": base64.b64encode(b"hush").decode()}),
    Reference(ConfigMap, "d", "gone"): None,
    Reference(Secret, "d", "gone"): None,
}
_SOURCES = EnvSources(
    objects=_OBJECTS,
    pod_ips=("10.244.1.2",),
    host_ips=("192.168.56.11",),
    allocatable={"cpu": "2", "memory": "4Gi"},
)


def _env(*variables: EnvVar, env_from: tuple[EnvFromSource, ...] = ()) -> dict[str, str]:
    limits = ResourceRequirements(limits={"memory": "64Mi"}, requests={"cpu": "250m"})
    container = Container(name="c", env=list(variables), env_from=list(env_from), resources=limits)
    spec = PodSpec(containers=[container], node_name="n1", service_account_name="default")
    pod = Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u", labels={"app": "web"}), spec=spec)
    return environment(pod, container, _SOURCES)


def _from(**source: object) -> EnvVar:
    return EnvVar(name="X", value_from=EnvVarSource(**source))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "d"),
        ("metadata.uid", "u"),
        ("metadata.labels['app']", "web"),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", "default"),
        ("status.podIP", "10.244.1.2"),
        ("status.hostIP", "192.168.56.11"),
        ("status.hostIPs", "192.168.56.11"),
    ],
)
def test_fields(path: str, expected: str) -> None:
    assert _env(_from(field_ref=ObjectFieldSelector(field_path=path))) == {"X": expected}


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        pytest.param("limits.memory", "1Mi", "64", id="in the unit asked for"),
        pytest.param("limits.memory", None, "67108864", id="in bytes"),
        pytest.param("requests.cpu", "1m", "250", id="in thousandths"),
        pytest.param("requests.cpu", "1", "1", id="rounded up"),
        pytest.param("limits.cpu", "1", "2", id="no limit: what the node has"),
    ],
)
def test_resources(resource: str, divisor: str | None, expected: str) -> None:
    selector = ResourceFieldSelector(resource=resource, divisor=divisor)
    assert _env(_from(resource_field_ref=selector)) == {"X": expected}


def test_keys_of_objects() -> None:
    assert _env(_from(config_map_key_ref=ConfigMapKeySelector(name="cm", key="color"))) == {"X": "blue"}
    assert _env(_from(secret_key_ref=SecretKeySelector(name="sec", key="key"))) == {"X": "hush"}
    assert _env(_from(config_map_key_ref=ConfigMapKeySelector(name="gone", key="k", optional=True))) == {}


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        pytest.param(
            _from(config_map_key_ref=ConfigMapKeySelector(name="gone", key="k")), 'configmap "gone" not found', id="map"
        ),
        pytest.param(
            _from(secret_key_ref=SecretKeySelector(name="sec", key="k")),
            "couldn't find key k in Secret d/sec",
            id="key",
        ),
        pytest.param(
            _from(field_ref=ObjectFieldSelector(field_path="spec.x")), "unsupported fieldPath: spec.x", id="field"
        ),
    ],
)
def test_what_is_missing_is_named(variable: EnvVar, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        _env(variable)


def test_all_keys_with_a_prefix_and_own_variables_win() -> None:
    everything = EnvFromSource(prefix="P_", config_map_ref=ConfigMapEnvSource(name="cm"))
    secret = EnvFromSource(secret_ref=SecretEnvSource(name="sec"))
    own = EnvVar(name="key", value="$(P_color)!")
    assert _env(own, env_from=(everything, secret)) == {"P_color": "blue", "key": "blue!"}


def _service(name: str, namespace: str, ip: str, *ports: ServicePort) -> Service:
    made = list(ports) or [ServicePort(name="http", port=80, protocol="TCP")]
    spec = ServiceSpec(cluster_ip=ip, ports=made)
    return Service(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)


_SERVICES = [
    _service("kubernetes", "default", "10.96.0.1", ServicePort(name="https", port=443, protocol="TCP")),
    _service("my-web", "d", "10.96.0.7"),
    _service("headless", "d", "None"),
    _service("elsewhere", "other", "10.96.0.9"),
]


def test_service_variables() -> None:
    variables = service_environment("d", _SERVICES, all_services=True)
    assert {name: value for name, value in variables.items() if name.startswith("MY_WEB")} == {
        "MY_WEB_SERVICE_HOST": "10.96.0.7",
        "MY_WEB_SERVICE_PORT": "80",
        "MY_WEB_SERVICE_PORT_HTTP": "80",
        "MY_WEB_PORT": "tcp://10.96.0.7:80",
        "MY_WEB_PORT_80_TCP": "tcp://10.96.0.7:80",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80",
        "MY_WEB_PORT_80_TCP_ADDR": "10.96.0.7",
    }
    assert variables["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert not [name for name in variables if name.startswith(("HEADLESS", "ELSEWHERE"))]


def test_without_links_only_the_api_server_is_known() -> None:
    variables = service_environment("d", _SERVICES, all_services=False)
    assert {name.split("_")[0] for name in variables} == {"KUBERNETES"}
