"""Making and changing objects: apply, create, edit, patch, scale, label, set, rollout, replace, delete."""

from __future__ import annotations

import json

import pytest

from tests.fakes.manifests import NGINX
from tests.integration.kubectl.conftest import Kubectl

FOUR = NGINX.replace("replicas: 3", "replicas: 4")
MISSPELT = NGINX.replace("replicas:", "replica:")


def test_apply_from_the_client(kubectl: Kubectl) -> None:
    assert kubectl.ok("apply -f -", stdin=NGINX).splitlines() == [
        "deployment.apps/nginx-deployment created",
        "service/nginx-service created",
    ]
    assert kubectl.ok("apply -f -", stdin=NGINX).splitlines() == [
        "deployment.apps/nginx-deployment unchanged",
        "service/nginx-service unchanged",
    ]
    assert kubectl("diff -f -", stdin=NGINX).code == 0
    differs = kubectl("diff -f -", stdin=FOUR)
    assert (differs.code, "-  replicas: 3\n+  replicas: 4" in differs.out) == (1, True)
    assert kubectl.ok("apply -f - --dry-run=server", stdin=FOUR).splitlines()[0].endswith("configured (server dry run)")
    assert kubectl.ok("get deploy nginx-deployment -o jsonpath={.spec.replicas}") == "3"
    assert kubectl.ok("apply -f -", stdin=FOUR).splitlines()[0] == "deployment.apps/nginx-deployment configured"


def test_apply_on_the_server(kubectl: Kubectl) -> None:
    kubectl.ok("apply --server-side -f -", stdin=NGINX)
    assert kubectl.ok("apply --server-side -f -", stdin=NGINX).splitlines() == [
        "deployment.apps/nginx-deployment serverside-applied",
        "service/nginx-service serverside-applied",
    ]
    conflict = kubectl.refused("apply --server-side --field-manager=other -f -", stdin=FOUR)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in conflict
    kubectl.ok("apply --server-side --field-manager=other --force-conflicts -f -", stdin=FOUR)
    found = json.loads(kubectl.ok("get deploy nginx-deployment -o json --show-managed-fields"))
    managers = {one["manager"]: one for one in found["metadata"]["managedFields"]}
    assert "f:replicas" in managers["other"]["fieldsV1"]["f:spec"]
    assert "f:replicas" not in managers["kubectl"]["fieldsV1"]["f:spec"]


@pytest.mark.parametrize(
    ("validate", "code", "complaint"),
    [
        pytest.param("strict", 1, 'strict decoding error: unknown field "spec.replica"', id="strict"),
        pytest.param("warn", 0, 'Warning: unknown field "spec.replica"', id="warn"),
        pytest.param("ignore", 0, "", id="ignore"),
    ],
)
def test_validation_of_fields(kubectl: Kubectl, validate: str, code: int, complaint: str) -> None:
    said = kubectl(f"create -f - --validate={validate}", stdin=MISSPELT)
    assert (said.code, complaint in said.err) == (code, True)
    assert bool(said.err) == bool(complaint)


@pytest.mark.parametrize(
    ("command", "made"),
    [
        pytest.param("deployment d --image=nginx --replicas=2 --port=80", "deployment.apps/d", id="deployment"),
        pytest.param("service clusterip s --tcp=80:80", "service/s", id="service"),
        pytest.param("service clusterip h --clusterip=None", "service/h", id="headless service"),
        pytest.param("service nodeport s --tcp=80:80", "service/s", id="node port"),
        pytest.param("service loadbalancer s --tcp=80:80", "service/s", id="load balancer"),
        pytest.param("service externalname s --external-name=a.b", "service/s", id="external name"),
        pytest.param("configmap c --from-literal=a=b", "configmap/c", id="config map"),
        pytest.param("secret generic s --from-literal=a=b", "secret/s", id="secret"),
        pytest.param("secret docker-registry s --docker-server=a --docker-username=u --docker-password=p", "secret/s",
                     id="registry secret"),
        pytest.param("serviceaccount a", "serviceaccount/a", id="service account"),
        pytest.param("role r --verb=get,list --resource=pods,deployments.apps", "role.rbac.authorization.k8s.io/r",
                     id="role"),
        pytest.param("rolebinding b --clusterrole=view --user=jane", "rolebinding.rbac.authorization.k8s.io/b",
                     id="role binding"),
        pytest.param("quota q --hard=pods=2,cpu=1", "resourcequota/q", id="quota"),
    ],
)  # fmt: skip
def test_create(kubectl: Kubectl, command: str, made: str) -> None:
    assert kubectl.ok(f"create {command}") == f"{made} created\n"
    assert "already exists" in kubectl.refused(f"create {command}")
    assert made.split("/")[1] in kubectl.ok(f"get {made}")


def test_create_token(kubectl: Kubectl) -> None:
    kubectl.ok("create serviceaccount robot")
    assert kubectl.ok("create token robot --duration=20m --audience=vault").count(".") == 2
    assert 'serviceaccounts "nobody" not found' in kubectl.refused("create token nobody")


def test_run_and_expose(kubectl: Kubectl) -> None:
    both = kubectl.ok("run web --image=nginx --port=80 --expose").splitlines()
    assert sorted(both) == ["pod/web created", "service/web created"]
    kubectl.ok("create deployment d --image=nginx --port=80")
    assert kubectl.ok("expose deployment d --name=outside --type=NodePort") == "service/outside exposed\n"
    assert kubectl.ok("run dry --image=nginx --dry-run=server -o jsonpath={.status.phase}") == "Pending"
    assert 'pods "dry" not found' in kubectl.refused("get pod dry")


def test_edit(kubectl: Kubectl) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    edited = kubectl.ok("edit deployment nginx-deployment", editor="sed -i s/replicas:.3/replicas:\\ 5/")
    assert edited == "deployment.apps/nginx-deployment edited\n"
    assert "no changes made" in kubectl("edit deployment nginx-deployment").err
    wrong = kubectl.refused("edit deployment nginx-deployment", editor="sed -i s/replicas:.5/replicas:\\ -1/")
    assert 'deployments.apps "nginx-deployment" is invalid' in wrong


@pytest.mark.parametrize(
    ("type_", "patch", "code", "says"),
    [
        pytest.param("strategic", '{"spec":{"replicas":2}}', 0, "patched", id="strategic"),
        pytest.param("strategic", '{"spec":{"replicas":3}}', 0, "patched (no change)", id="nothing new"),
        pytest.param("merge", '{"spec":{"replicas":2}}', 0, "patched", id="merge"),
        pytest.param("json", '[{"op":"replace","path":"/spec/replicas","value":2}]', 0, "patched", id="json"),
        pytest.param("json", '[{"op":"test","path":"/spec/replicas","value":9}]', 1, "The request is invalid",
                     id="a test that fails"),
        pytest.param("merge", '{"spec":{"replicas":-1}}', 1, 'The Deployment "nginx-deployment" is invalid: '
                     "spec.replicas: Invalid value: -1: must be greater than or equal to 0", id="invalid"),
        pytest.param("strategic", '{"spec":{"replicas":"x"}}', 1, "The request is invalid: patch: Invalid value: "
                     '"map[spec:map[replicas:x]]": unrecognized type: int32', id="of the wrong type"),
        pytest.param("merge", '{"spec":{"replicas":"x"}}', 1, "of type int32", id="merge of the wrong type"),
    ],
)  # fmt: skip
def test_patch(kubectl: Kubectl, type_: str, patch: str, code: int, says: str) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    said = kubectl(f"patch deployment nginx-deployment --type={type_} -p", patch)
    assert (said.code, says in said.out + said.err) == (code, True), said


def test_patch_of_an_address(kubectl: Kubectl) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    refused = kubectl.refused('patch service nginx-service -p {"spec":{"clusterIP":"10.96.0.77"}}')
    assert 'spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set' in refused


def test_scale(kubectl: Kubectl) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    assert kubectl.ok("scale deployment nginx-deployment --replicas=5") == "deployment.apps/nginx-deployment scaled\n"
    assert "Expected replicas to be 9" in kubectl.refused(
        "scale deployment nginx-deployment --replicas=1 --current-replicas=9"
    )
    assert kubectl.ok("get deployment nginx-deployment --subresource=scale -o jsonpath={.spec.replicas}") == "5"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("set image deployment/nginx-deployment nginx=nginx:2", "image updated", id="image"),
        pytest.param("set env deployment/nginx-deployment A=B", "env updated", id="env"),
        pytest.param(
            "set resources deployment/nginx-deployment --limits=cpu=1", "resource requirements", id="resources"
        ),
        pytest.param("set serviceaccount deployment/nginx-deployment a", "serviceaccount updated", id="account"),
        pytest.param("set selector service/nginx-service x=y", "selector updated", id="selector"),
        pytest.param("label deployment nginx-deployment a=b", "labeled", id="label"),
        pytest.param("label deployment nginx-deployment app-", "unlabeled", id="unlabel"),
        pytest.param("annotate deployment nginx-deployment a=b", "annotated", id="annotate"),
        pytest.param("rollout pause deployment/nginx-deployment", "paused", id="pause"),
        pytest.param("rollout restart deployment/nginx-deployment", "restarted", id="restart"),
    ],
)
def test_small_changes(kubectl: Kubectl, command: str, says: str) -> None:
    kubectl.ok("apply -f -", stdin=NGINX)
    assert says in kubectl.ok(command)


def test_labels_that_are_none(kubectl: Kubectl) -> None:
    kubectl.ok("create configmap c")
    kubectl.ok("label configmap c a=b")
    assert "already has a value (b), and --overwrite is false" in kubectl.refused("label configmap c a=c")
    assert 'metadata.annotations: Invalid value: "bad key"' in kubectl.refused("annotate configmap c", "bad key=x")


def test_replace(kubectl: Kubectl) -> None:
    kubectl.ok("create -f -", stdin=NGINX)
    assert kubectl.ok("replace -f -", stdin=FOUR).splitlines()[0] == "deployment.apps/nginx-deployment replaced"
    before = kubectl.ok("get deployment nginx-deployment -o jsonpath={.metadata.uid}")
    kubectl.ok("replace --force -f -", stdin=NGINX)
    assert kubectl.ok("get deployment nginx-deployment -o jsonpath={.metadata.uid}") != before


def test_delete(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c", "d"):
        kubectl.ok(f"create configmap {name}")
        kubectl.ok(f"label configmap {name} keep={'yes' if name == 'd' else 'no'}")
    assert kubectl.ok("delete configmap a --dry-run=server").endswith("(server dry run)\n")
    assert kubectl.ok("delete configmap a").startswith('configmap "a" deleted')
    assert 'configmaps "a" not found' in kubectl.refused("delete configmap a")
    kubectl.ok("delete configmap a --ignore-not-found")
    assert len(kubectl.ok("delete configmap -l keep=no").splitlines()) == 2
    assert len(kubectl.ok("delete configmap --all").splitlines()) == 1
    kubectl.ok("run web --image=nginx")
    assert "force deleted" in kubectl.ok("delete pod web --grace-period=0 --force")


def test_delete_waits_for_finalizers(kubectl: Kubectl) -> None:
    kubectl.ok("create configmap held")
    kubectl.ok('patch configmap held --type=merge -p {"metadata":{"finalizers":["example.com/hold"]}}')
    assert "timed out waiting" in kubectl.refused("delete configmap held --timeout=1s")
    kubectl.ok("delete configmap held --wait=false")
    kubectl.ok('patch configmap held --type=merge -p {"metadata":{"finalizers":null}}')
    kubectl.ok("wait configmap/held --for=delete --timeout=10s")
