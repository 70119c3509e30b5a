"""The official Python client, as programs use it: typed and dynamic, watches, patches, errors, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes.utils import create_from_dict

from controlplane.testing import Cluster


@pytest.fixture
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as connected:
        yield connected


def a_deployment(name: str) -> client.V1Deployment:
    labels = {"app": name}
    container = client.V1Container(name="main", image="nginx", ports=[client.V1ContainerPort(container_port=80)])
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(replicas=1, selector=client.V1LabelSelector(match_labels=labels), template=template)
    return client.V1Deployment(metadata=client.V1ObjectMeta(name=name, labels=labels), spec=spec)


def test_a_deployment_from_create_to_delete(api: client.ApiClient, namespace: str) -> None:
    apps = client.AppsV1Api(api)
    made = apps.create_namespaced_deployment(namespace, a_deployment("web"))
    assert (made.spec.replicas, made.spec.strategy.type) == (1, "RollingUpdate")
    scaled = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    assert scaled.spec.replicas == 3
    while True:
        made = apps.read_namespaced_deployment("web", namespace)
        made.metadata.labels["tier"] = "front"
        try:
            assert apps.replace_namespaced_deployment("web", namespace, made).metadata.labels["tier"] == "front"
            break
        except ApiException as error:
            assert error.status == 409  # a controller was quicker: read it again
    listed = apps.list_namespaced_deployment(namespace, label_selector="tier=front").items
    assert [one.metadata.name for one in listed] == ["web"]
    apps.delete_namespaced_deployment("web", namespace)
    with pytest.raises(ApiException):
        apps.read_namespaced_deployment("web", namespace)


def test_errors_are_statuses(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_pod("nobody", namespace)
    assert missing.value.status == 404 and '"reason":"NotFound"' in missing.value.body
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "twice"}})
    with pytest.raises(ApiException) as twice:
        core.create_namespaced_config_map(namespace, {"metadata": {"name": "twice"}})
    assert twice.value.status == 409


def test_a_watch_sees_each_change(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "one"}})
    core.patch_namespaced_config_map("one", namespace, {"data": {"a": "b"}})
    core.delete_namespaced_config_map("one", namespace)
    seen: list[tuple[str, Any]] = []
    watching = watch.Watch()
    events = watching.stream(
        core.list_namespaced_config_map, namespace, resource_version=start, field_selector="metadata.name=one",
        timeout_seconds=20,
    )  # fmt: skip
    for event in events:
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            watching.stop()
    assert seen == [("ADDED", None), ("MODIFIED", {"a": "b"}), ("DELETED", {"a": "b"})]


def test_pages(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    for number in range(5):
        core.create_namespaced_config_map(namespace, {"metadata": {"name": f"c{number}"}})
    names, more = [], ""
    while more is not None:
        page = core.list_namespaced_config_map(
            namespace, limit=2, _continue=more or None, field_selector="metadata.name!=kube-root-ca.crt"
        )
        names += [one.metadata.name for one in page.items]
        more = page.metadata._continue
    assert names == [f"c{number}" for number in range(5)]


def test_the_dynamic_client_discovers_and_applies(api: client.ApiClient, namespace: str) -> None:
    found = dynamic.DynamicClient(api)
    config_maps = found.resources.get(api_version="v1", kind="ConfigMap")
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    applied = config_maps.server_side_apply(
        body=wanted, name="applied", namespace=namespace, field_manager="tests", force_conflicts=True
    )
    assert applied.data.a == "1"
    assert [one.metadata.name for one in config_maps.get(namespace=namespace).items if one.data.a == "1"] == ["applied"]
    config_maps.delete(name="applied", namespace=namespace)


def test_manifests_from_documents(api: client.ApiClient, namespace: str) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    create_from_dict(api, service, namespace=namespace)
    assert client.CoreV1Api(api).read_namespaced_service("web", namespace).spec.cluster_ip.startswith("10.")


def test_a_service_account_token_is_believed(api: client.ApiClient, cluster: Cluster, namespace: str) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "robot"}})
    request = {"spec": {"expirationSeconds": 600}}
    token = core.create_namespaced_service_account_token("robot", namespace, request).status.token
    settings = client.Configuration(host=cluster.url, api_key={"authorization": token})
    settings.api_key_prefix["authorization"] = "Bearer"
    settings.ssl_ca_cert = str(cluster.api.ca_file)
    with client.ApiClient(settings) as robot:
        review = client.AuthenticationV1Api(robot).create_self_subject_review({})
        assert review.status.user_info.username == f"system:serviceaccount:{namespace}:robot"
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(robot).list_namespaced_secret(namespace)
    assert refused.value.status == 403


def test_leader_election(cluster: Cluster, namespace: str, api: client.ApiClient) -> None:
    config.load_kube_config(str(cluster.kubeconfig))  # the locks make their own clients

    def candidate(name: str) -> leaderelection.LeaderElection:
        lock = LeaseLock("lead", namespace, name)
        return leaderelection.LeaderElection(
            electionconfig.Config(lock, 30, 20, 5, onstarted_leading=lambda: None, onstopped_leading=None)
        )

    assert candidate("one").try_acquire_or_renew()
    assert not candidate("two").try_acquire_or_renew()
    lease = client.CoordinationV1Api(api).read_namespaced_lease("lead", namespace)
    assert lease.spec.holder_identity == "one"
