"""The cluster that a Python program runs: the fixtures as a stranger's test suite gets them, kubectl, typed clients."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from controlplane.api.admissionregistration_v1 import (
    MatchResources,
    NamedRuleWithOperations,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicySpec,
    Validation,
)
from controlplane.api.apps_v1 import Deployment
from controlplane.api.core_v1 import ConfigMap, Namespace, Pod
from controlplane.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import NotFound
from controlplane.testing import Cluster, cluster
from tests.waiting import until_blocking

KUBECTL = str(Path(sys.executable).parent / "kubectl")


def kubectl(cluster: Cluster, *arguments: str) -> str:
    done = subprocess.run(
        [KUBECTL, *arguments], env=cluster.environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_controllers_work(cluster: Cluster, namespace: str) -> None:
    kubectl(cluster, "create", "deployment", "web", "--image=nginx", "--replicas=2", "-n", namespace)

    def both() -> list[Pod]:
        pods = cluster.run(lambda client: client.list(Pod, namespace)).items
        return list(pods) if len(pods) == 2 else []

    pods = until_blocking(both)
    assert {pod.metadata.owner_references[0].kind for pod in pods} == {"ReplicaSet"}
    web = cluster.run(lambda client: client.get(Deployment, "web", namespace))
    assert web.spec.replicas == 2


def test_the_scheduler_says_why_a_pod_waits() -> None:
    with cluster() as alone:  # nobody else's nodes
        until_blocking(lambda: kubectl(alone, "get", "serviceaccounts", "-o", "name"))
        kubectl(alone, "run", "web", "--image=nginx")
        until_blocking(lambda: "no nodes available" in kubectl(alone, "get", "events"))


def test_kubectl_describes_a_service_whose_port_has_no_name(cluster: Cluster, namespace: str) -> None:
    """kubectl panics where an EndpointSlice's port has no name at all: upstream's always have one, if an empty one."""
    kubectl(cluster, "create", "service", "clusterip", "web", "--tcp=80:80", "-n", namespace)
    changes = '[{"op": "remove", "path": "/spec/ports/0/name"}, {"op": "remove", "path": "/spec/selector"}]'
    kubectl(cluster, "patch", "service", "web", "--type=json", "-n", namespace, f"--patch={changes}")
    by_hand = EndpointSlice(
        metadata=ObjectMeta(name="web-1", namespace=namespace, labels={"kubernetes.io/service-name": "web"}),
        address_type="IPv4",
        endpoints=[Endpoint(addresses=["192.0.2.1"])],
        ports=[EndpointPort(port=80)],
    )
    cluster.run(lambda client: client.create(by_hand))
    assert "192.0.2.1:80" in kubectl(cluster, "describe", "service", "web", "-n", namespace)


def test_what_the_cluster_cannot_do_without_stays_or_comes_back() -> None:
    with cluster() as alone:
        environ = alone.environ
        gone = subprocess.run(
            [KUBECTL, "delete", "priorityclass", "system-node-critical"],
            env=environ, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert "this is a system priority class and cannot be deleted" in gone.stderr
        kubectl(alone, "delete", "service", "kubernetes")
        until_blocking(lambda: "10.96.0.1" in kubectl(alone, "get", "services"))


def test_a_deleted_namespace_goes_with_what_is_in_it(cluster: Cluster) -> None:
    cluster.run(lambda client: client.create(Namespace(metadata=ObjectMeta(name="short-lived"))))
    inside = ConfigMap(metadata=ObjectMeta(name="inside", namespace="short-lived"))
    cluster.run(lambda client: client.create(inside))
    kubectl(cluster, "delete", "namespace", "short-lived", "--timeout=20s")
    with pytest.raises(NotFound):
        cluster.run(lambda client: client.get(ConfigMap, "inside", "short-lived"))


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_a_claim_that_nobody_uses_goes_at_once(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    manifest = tmp_path / "claim.yaml"
    manifest.write_text(CLAIM)
    kubectl(cluster, "create", "-f", str(manifest), "-n", namespace)
    found = kubectl(cluster, "get", "pvc", "data", "-n", namespace, "-o", "jsonpath={.metadata.finalizers}")
    assert found == '["kubernetes.io/pvc-protection"]'
    kubectl(cluster, "delete", "pvc", "data", "-n", namespace, "--timeout=20s")


def test_several_clusters_side_by_side_and_nothing_left_of_them() -> None:
    with cluster(controllers=False) as one, cluster(controllers=False) as two:
        files = one.kubeconfig.parent
        one.run(lambda client: client.create(Namespace(metadata=ObjectMeta(name="only-here"))))
        assert "only-here" in kubectl(one, "get", "namespaces")
        assert "only-here" not in kubectl(two, "get", "namespaces")
    assert not files.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "sampan" and thread.is_alive()][1:]


def test_without_controllers_everything_stays_as_it_was_written() -> None:
    with cluster(controllers=False) as quiet:
        kubectl(quiet, "create", "deployment", "web", "--image=nginx")
        assert quiet.run(lambda client: client.list(Pod, "default")).items == []


def test_what_fails_inside_comes_out() -> None:
    with pytest.raises(RuntimeError, match="my own"), cluster(controllers=False):
        raise RuntimeError("my own")


def test_a_policys_author_is_told_what_does_not_fit(cluster: Cluster) -> None:
    rule = NamedRuleWithOperations(
        api_groups=["apps"], api_versions=["v1"], operations=["CREATE"], resources=["deployments"]
    )
    spec = ValidatingAdmissionPolicySpec(
        match_constraints=MatchResources(resource_rules=[rule]),
        validations=[Validation(expression="object.spec.replica > 1")],
    )
    policy = ValidatingAdmissionPolicy(metadata=ObjectMeta(name="typo"), spec=spec)
    cluster.run(lambda client: client.create(policy))
    read = "validatingadmissionpolicy/typo", "-o", "jsonpath={.status.typeChecking.expressionWarnings[*].warning}"
    assert "undefined field 'replica'" in until_blocking(lambda: kubectl(cluster, "get", *read))
