"""Looking at objects: get in every form, describe, explain, watch, wait, events, raw paths, what one may do."""

from __future__ import annotations

import json

import pytest

from controlplane.testing import HttpsApi
from tests.fakes.manifests import NGINX
from tests.integration.kubectl.conftest import Kubectl, columns

EVENT = """
apiVersion: v1
kind: Event
metadata: {name: e1}
involvedObject: {apiVersion: v1, kind: ConfigMap, name: a}
reason: Happened
message: it happened
type: Warning
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:00Z"
count: 3
source: {component: test}
"""


@pytest.fixture
def three(kubectl: Kubectl) -> Kubectl:
    """Three ConfigMaps, whose order by label is not that by name."""
    for name, order in (("a", "3"), ("b", "1"), ("c", "2")):
        kubectl.ok(f"create configmap {name} --from-literal=key={order}")
        kubectl.ok(f"label configmap {name} order={order}")
    return kubectl


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param("-o name", ["configmap/a", "configmap/b", "configmap/c"], id="names"),
        pytest.param("-o name --chunk-size=1", ["configmap/a", "configmap/b", "configmap/c"], id="in chunks"),
        pytest.param("-o name --sort-by=.data.key", ["configmap/b", "configmap/c", "configmap/a"], id="sorted"),
        pytest.param("-o name -l order=1", ["configmap/b"], id="a label"),
        pytest.param("-o name -l order!=1,order", ["configmap/a", "configmap/c"], id="all labels but one"),
        pytest.param("-o name --field-selector=metadata.name=c", ["configmap/c"], id="a field"),
        pytest.param("-o jsonpath={.items[*].data.key}", ["3 1 2"], id="jsonpath"),
        pytest.param("-o custom-columns=N:.metadata.name,K:.data.key --no-headers", ["a     3", "b     1", "c     2"],
                     id="columns"),
        pytest.param("-o go-template={{range.items}}{{.data.key}}{{end}}", ["312"], id="template"),
    ],
)  # fmt: skip
def test_get(three: Kubectl, flags: str, expected: list[str]) -> None:
    assert three.ok(f"get configmaps {flags}").splitlines() == expected


def test_tables(kubectl: Kubectl) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    header, row = kubectl.ok("get deployments -o wide").splitlines()
    assert columns(header) == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert columns(row)[0:4] + columns(row)[5:] == [
        "nginx-deployment", "0/3", "0", "0", "nginx", "nginx:1.14.2", "app=nginx",
    ]  # fmt: skip
    header, row = kubectl.ok("get services -L app --show-labels").splitlines()
    assert columns(header) == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "APP", "LABELS"]
    assert columns(row)[0:2] + columns(row)[3:5] == ["nginx-service", "ClusterIP", "<none>", "80/TCP"]
    assert columns(kubectl.ok("get services -A").splitlines()[0])[0] == "NAMESPACE"
    both = kubectl.ok("get deploy,svc")
    assert "deployment.apps/nginx-deployment" in both
    assert "service/nginx-service" in both


def test_json_and_yaml_say_the_same(three: Kubectl) -> None:
    import yaml

    found = json.loads(three.ok("get configmap a -o json"))
    assert (found["apiVersion"], found["kind"], found["data"]) == ("v1", "ConfigMap", {"key": "3"})
    assert yaml.safe_load(three.ok("get configmap a -o yaml")) == found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param("pod none", 'Error from server (NotFound): pods "none" not found', id="no such object"),
        pytest.param("nothing", 'the server doesn\'t have a resource type "nothing"', id="no such type"),
        pytest.param("pods --field-selector=spec.foo=1", "field label not supported: spec.foo", id="no such field"),
        pytest.param("pods -l a=(", "unable to parse requirement", id="no selector"),
    ],
)
def test_get_refuses(kubectl: Kubectl, arguments: str, says: str) -> None:
    assert says in kubectl.refused(f"get {arguments}")


def test_watch(three: Kubectl) -> None:
    shown = three("get configmaps --watch --request-timeout=1s").lines
    assert [columns(line)[0] for line in shown] == ["NAME", "a", "b", "c"]
    assert three("get configmaps --watch-only --request-timeout=1s").out == ""
    events = three("get configmaps --watch --output-watch-events -o json --request-timeout=1s").lines
    assert [json.loads(line)["type"] for line in events] == ["ADDED"] * 3


def test_wait(kubectl: Kubectl) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    kubectl.ok("wait deployment/nginx-deployment --for=create --timeout=5s")
    kubectl.ok("wait deployment/nginx-deployment --for=jsonpath={.spec.replicas}=3 --timeout=5s")
    refused = kubectl.refused("wait deployment/nginx-deployment --for=condition=Available --timeout=1s")
    assert "timed out waiting for the condition on deployments/nginx-deployment" in refused
    waiting = kubectl.refused("rollout status deployment/nginx-deployment --timeout=1s")
    assert "timed out waiting" in waiting or "deadline" in waiting


@pytest.mark.parametrize(
    ("what", "says"),
    [
        pytest.param("deployment nginx-deployment", "3 desired | 0 updated | 0 total", id="deployment"),
        pytest.param("service nginx-service", "app=nginx", id="service"),
        pytest.param("pod web", "PodScheduled|nginx|Node-Selectors", id="pod"),
        pytest.param("configmap c", "key:", id="config map"),
        pytest.param("secret s", "a:  1 bytes", id="secret"),
        pytest.param("serviceaccount a", "Image pull secrets:", id="service account"),
        pytest.param("role r", "[get list]", id="role"),
        pytest.param("rolebinding b", "jane", id="role binding"),
        pytest.param("namespace default", "Active", id="namespace"),
        pytest.param("node n1", "Failed to get lease", id="node"),
    ],
)
def test_describe(described: Kubectl, what: str, says: str) -> None:
    shown = described.ok(f"describe {what}")
    assert any(one in shown for one in says.split("|"))


@pytest.fixture(scope="module")
def described(api: HttpsApi) -> Kubectl:
    user = Kubectl(api, "described")
    user.ok("create namespace described")
    user.ok("apply -f -", stdin=NGINX)
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
    user.ok("create -f -", stdin=node)
    for command in (
        "run web --image=nginx",
        "create configmap c --from-literal=key=value",
        "create secret generic s --from-literal=a=b",
        "create serviceaccount a",
        "create role r --verb=get,list --resource=pods",
        "create rolebinding b --role=r --user=jane",
    ):
        user.ok(command)
    return user


def test_events(three: Kubectl) -> None:
    three.ok("create -f -", stdin=EVENT.replace("name: a}", f"name: a, namespace: {three.namespace}}}"))
    (_, row) = three.ok("get events").splitlines()
    assert columns(row)[1:] == ["Warning", "Happened", "configmap/a", "it happened"]
    assert "it happened" in three.ok("events --for=configmap/a --types=Warning")
    assert "No events found" in three("events --for=configmap/b").err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("version", "Server Version: v1.37.", id="version"),
        pytest.param("cluster-info", "Kubernetes control plane", id="cluster-info"),
        pytest.param("api-resources --namespaced=false -o name", "nodes", id="api-resources"),
        pytest.param("api-resources --api-group=apps --verbs=list -o name", "deployments.apps", id="of a group"),
        pytest.param("api-versions", "discovery.k8s.io/v1", id="api-versions"),
        pytest.param("get --raw /", '"/healthz"', id="paths"),
        pytest.param("get --raw /livez?verbose", "livez check passed", id="livez"),
        pytest.param("get --raw /metrics", "apiserver_request_total", id="metrics"),
        pytest.param("explain deployment.spec.strategy", "FIELD: strategy <DeploymentStrategy>", id="explain"),
        pytest.param("auth can-i create pods --subresource=exec", "yes", id="can-i"),
        pytest.param("auth whoami -o jsonpath={.status.userInfo.username}", "admin", id="whoami"),
    ],
)
def test_the_cluster(kubectl: Kubectl, command: str, says: str) -> None:
    assert says in kubectl.ok(command)


def test_deprecated(kubectl: Kubectl) -> None:
    warning = "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert kubectl("get endpoints").err.splitlines()[0] == warning
    assert "Warning" not in kubectl("get endpointslices").err


def test_strangers(kubectl: Kubectl) -> None:
    said = kubectl("get pods", user="jane")
    assert said.err == (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" '
        f'in the namespace "{kubectl.namespace}"\n'
    )
    assert kubectl("auth can-i list pods", user="jane").out == "no\n"
    kubectl.ok("create rolebinding jane --clusterrole=view --user=jane")
    assert kubectl("get pods", user="jane").code == 0
    assert "secrets is forbidden" in kubectl("get secrets", user="jane").err
    assert "pods" in kubectl("auth can-i --list", user="jane").out


def test_reconcile(kubectl: Kubectl) -> None:
    role = (
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: {kubectl.namespace}}}\n"
        'rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]\n'
    )
    assert "reconciliation required create" in kubectl("auth reconcile -f -", stdin=role).err
    assert kubectl("auth reconcile -f -", stdin=role).err == ""


def test_nodes(kubectl: Kubectl) -> None:
    node = 'apiVersion: v1\nkind: Node\nmetadata: {name: n2, labels: {"node-role.kubernetes.io/control-plane": ""}}\n'
    kubectl.ok("create -f -", stdin=node)
    assert kubectl.ok("taint node n2 a=b:NoSchedule") == "node/n2 tainted\n"
    assert kubectl.ok("taint node n2 a-") == "node/n2 untainted\n"
    assert kubectl.ok("cordon n2") == "node/n2 cordoned\n"
    assert columns(kubectl.ok("get node n2").splitlines()[1])[1:3] == ["Unknown,SchedulingDisabled", "control-plane"]
    assert "node/n2 drained (server dry run)" in kubectl.ok("drain n2 --dry-run=server --ignore-daemonsets")
    assert kubectl.ok("uncordon n2") == "node/n2 uncordoned\n"
