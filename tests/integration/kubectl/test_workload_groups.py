"""Jobs, autoscalers, budgets, ingresses, policies and classes as a user makes, lists and describes them."""

from __future__ import annotations

import json

import pytest

from tests.integration.kubectl.conftest import Kubectl, columns


def header_and_row(kubectl: Kubectl, command: str) -> tuple[list[str], list[str]]:
    header, row = kubectl.ok(command).splitlines()
    return columns(header), columns(row)


def test_a_job(kubectl: Kubectl) -> None:
    assert kubectl.ok("create job pi --image=busybox -- true") == "job.batch/pi created\n"
    header, row = header_and_row(kubectl, "get jobs -o wide")
    assert header == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert row[:3] == ["pi", "Running", "0/1"]
    assert row[-3:-1] == ["pi", "busybox"]
    assert row[-1].startswith("batch.kubernetes.io/controller-uid=")
    described = kubectl.ok("describe job pi")
    assert "batch.kubernetes.io/job-name=pi" in described
    assert "Completion Mode:  NonIndexed" in described
    refused = kubectl.refused("patch job pi --type=merge -p", '{"spec": {"completions": 5}}')
    assert "spec.completions: Invalid value: 5: field is immutable" in refused
    kubectl.ok("patch job pi --type=merge -p", '{"spec": {"parallelism": 2, "suspend": true}}')
    assert kubectl.ok("get job pi -o jsonpath={.metadata.generation}") == "2"
    assert kubectl.ok("get jobs --field-selector=status.successful=0 -o name") == "job.batch/pi\n"
    assert kubectl.ok("delete job pi --wait=false") == f'job.batch "pi" deleted from {kubectl.namespace} namespace\n'


def test_a_job_without_a_restart_policy_is_told_which_there_are(kubectl: Kubectl) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "pi"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "busybox"}]}}},
    }
    assert kubectl.refused("create -f -", stdin=json.dumps(job)).strip() == (
        'The Job "pi" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    )


def test_a_cron_job_and_a_job_of_it(kubectl: Kubectl) -> None:
    kubectl.ok("create cronjob nightly --image=busybox --schedule", "0 1 * * *", "--", "true")
    header, row = header_and_row(kubectl, "get cronjobs -o wide")
    assert header == [
        "NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"
    ]  # fmt: skip
    assert row[:6] == ["nightly", "0 1 * * *", "<none>", "False", "0", "<none>"]
    assert kubectl.ok("create job now --from=cronjob/nightly") == "job.batch/now created\n"
    assert kubectl.ok("get job now -o jsonpath={.metadata.ownerReferences[0].kind}") == "CronJob"
    assert "Concurrency Policy:            Allow" in kubectl.ok("describe cronjob nightly")
    refused = kubectl.refused("create cronjob never --image=busybox --schedule", "61 * * * *", "--", "true")
    assert 'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61' in refused


def test_an_ingress_and_the_class_it_gets(kubectl: Kubectl) -> None:
    ingress_class = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "main", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "example.com/ingress"},
    }
    kubectl.ok("apply -f -", stdin=json.dumps(ingress_class))
    kubectl.ok("create ingress web --rule=web.example.com/*=web:80,tls=secret")
    header, row = header_and_row(kubectl, "get ingress")
    assert header == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    assert row[:3] == ["web", "main", "web.example.com"]
    assert "80, 443" in row
    assert "web.example.com" in kubectl.ok("describe ingress web")
    assert header_and_row(kubectl, "get ingressclass")[1][:3] == ["main", "example.com/ingress", "<none>"]
    assert "path must" not in kubectl.ok("get ingress web -o yaml")
    old = kubectl(
        "create ingress old --rule=a.example.com/=a:80 --annotation=kubernetes.io/ingress.class=x",
    )
    assert old.err.strip() == (
        "Warning: annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
    )
    kubectl.ok("delete ingressclass main")


def test_a_disruption_budget(kubectl: Kubectl) -> None:
    kubectl.ok("create pdb web --selector=app=web --min-available=50%")
    header, row = header_and_row(kubectl, "get pdb")
    assert header == ["NAME", "MIN AVAILABLE", "MAX UNAVAILABLE", "ALLOWED DISRUPTIONS", "AGE"]
    assert row[:4] == ["web", "50%", "N/A", "0"]
    assert "Min available:  50%" in kubectl.ok("describe pdb web")
    refused = kubectl.refused("patch pdb web --type=merge -p", '{"spec": {"maxUnavailable": 1}}')
    assert "minAvailable and maxUnavailable cannot be both set" in refused


def test_priority_classes(kubectl: Kubectl) -> None:
    names = kubectl.ok("get priorityclasses -o name").splitlines()
    assert {
        "priorityclass.scheduling.k8s.io/system-cluster-critical",
        "priorityclass.scheduling.k8s.io/system-node-critical",
    } <= set(names)
    kubectl.ok("create priorityclass gold --value=1000 --preemption-policy=Never --description=mine")
    header, row = header_and_row(kubectl, "get priorityclass gold")
    assert header == ["NAME", "VALUE", "GLOBAL-DEFAULT", "AGE", "PREEMPTIONPOLICY"]
    assert (row[:3], row[-1]) == (["gold", "1000", "false"], "Never")
    overrides = '{"spec": {"priorityClassName": "gold"}}'
    kubectl.ok("run rich --image=busybox --overrides", overrides)
    assert kubectl.ok("get pod rich -o jsonpath={.spec.priority},{.spec.preemptionPolicy}") == "1000,Never"
    poor = kubectl.refused("run poor --image=busybox --overrides", overrides.replace("gold", "lead"))
    assert 'pods "poor" is forbidden: no PriorityClass with name lead was found' in poor
    kubectl.ok("delete priorityclass gold")
    high = kubectl.refused("create priorityclass high --value=1000000001")
    assert "value: Forbidden: maximum allowed value of a user defined priority is 1000000000" in high


def test_an_autoscaler_in_both_versions(kubectl: Kubectl) -> None:
    kubectl.ok("create deployment web --image=nginx")
    assert "autoscaling/v2" in kubectl.ok("api-resources --api-group=autoscaling")
    kubectl.ok("autoscale deployment web --min=2 --max=5 --cpu=60%")
    header, row = header_and_row(kubectl, "get hpa")
    assert header == ["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"]
    assert row[:6] == ["web", "Deployment/web", "cpu: <unknown>/60%", "2", "5", "0"]
    assert header_and_row(kubectl, "get horizontalpodautoscalers.v1.autoscaling")[1][:6] == row[:6]
    path = "-o jsonpath={.spec.targetCPUUtilizationPercentage}"
    assert kubectl.ok(f"get horizontalpodautoscalers.v1.autoscaling web {path}") == "60"
    described = kubectl.ok("describe hpa web")
    assert "resource cpu on pods  (as a percentage of request):  <unknown> / 60%" in described


def test_a_network_policy(kubectl: Kubectl) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "web"}},
            "egress": [{"to": [{"ipBlock": {"cidr": "2001:DB8::/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}],
        },
    }
    said = kubectl("create -f -", stdin=json.dumps(policy))
    assert said.code == 0, said.err
    assert 'should be in RFC 5952 canonical format ("2001:db8::/32")' in said.err
    assert header_and_row(kubectl, "get netpol")[1][:2] == ["web", "app=web"]
    assert "Policy Types: Ingress, Egress" in kubectl.ok("describe netpol web")


def test_where_services_have_their_addresses_from(kubectl: Kubectl) -> None:
    header, row = header_and_row(kubectl, "get servicecidrs")
    assert header == ["NAME", "CIDRS", "AGE"]
    assert row[:2] == ["kubernetes", "10.96.0.0/12"]
    ready = kubectl.ok(
        "get servicecidr kubernetes -o jsonpath={.status.conditions[0].type}={.status.conditions[0].status}"
    )
    assert ready == "Ready=True"
    refused = kubectl.refused("patch servicecidr kubernetes --type=merge -p", '{"spec": {"cidrs": ["10.0.0.0/16"]}}')
    assert 'spec.cidrs[0]: Invalid value: "10.0.0.0/16": field is immutable' in refused


def test_a_runtime_class(kubectl: Kubectl) -> None:
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "sandbox"},
        "handler": "runsc",
        "overhead": {"podFixed": {"memory": "120Mi"}},
    }
    kubectl.ok("apply -f -", stdin=json.dumps(runtime))
    assert header_and_row(kubectl, "get runtimeclass")[1][:2] == ["sandbox", "runsc"]
    kubectl.ok("run boxed --image=busybox --overrides", '{"spec": {"runtimeClassName": "sandbox"}}')
    assert kubectl.ok("get pod boxed -o jsonpath={.spec.overhead.memory}") == "120Mi"
    lost = kubectl.refused("run lost --image=busybox --overrides", '{"spec": {"runtimeClassName": "none"}}')
    assert 'pods "lost" is forbidden: pod rejected: RuntimeClass "none" not found' in lost


@pytest.mark.parametrize(
    "field",
    [
        "job.spec.podFailurePolicy.rules",
        "cronjob.spec.timeZone",
        "hpa.spec.behavior.scaleUp",
        "pdb.spec.unhealthyPodEvictionPolicy",
        "ingress.spec.rules.http.paths.pathType",
        "networkpolicy.spec.egress.ports.endPort",
        "priorityclass.preemptionPolicy",
        "runtimeclass.scheduling.nodeSelector",
        "servicecidr.spec.cidrs",
        "ipaddress.spec.parentRef",
    ],
)
def test_explain(kubectl: Kubectl, field: str) -> None:
    assert f"FIELD: {field.rpartition('.')[2]}" in kubectl.ok(f"explain {field}")


def test_a_drain_waits_for_the_budget(kubectl: Kubectl) -> None:
    node = f"node-{kubectl.namespace}"
    kubectl.ok("create -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}))
    kubectl.ok("run web --image=busybox --labels=app=web --overrides", json.dumps({"spec": {"nodeName": node}}))
    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    kubectl.ok("patch pod web --subresource=status --type=merge -p", json.dumps(ready))
    kubectl.ok("create pdb web --selector=app=web --min-available=1")

    def allow(disruptions: int) -> None:
        status = {"observedGeneration": 1, "disruptionsAllowed": disruptions, "currentHealthy": 1, "desiredHealthy": 1}
        kubectl.ok("patch pdb web --subresource=status --type=merge -p", json.dumps({"status": status}))

    drain = f"drain {node} --force --grace-period=0 --pod-selector=app=web"
    allow(0)
    held = kubectl.refused(f"{drain} --timeout=1s")
    assert "Cannot evict pod as it would violate the pod's disruption budget." in held
    allow(1)
    assert "pod/web evicted" in kubectl.ok(drain)
    assert kubectl.ok("get pdb web -o jsonpath={.status.disruptionsAllowed}") == "0"


MANIFESTS = """
apiVersion: batch/v1
kind: Job
metadata: {name: a}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: a}
spec:
  schedule: "@daily"
  timeZone: Etc/UTC
  jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: busybox}]}}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: a}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
"""


@pytest.mark.parametrize(
    "flags", [pytest.param("", id="by the client"), pytest.param("--server-side", id="by the server")]
)
def test_what_is_applied_twice_is_applied_once(kubectl: Kubectl, flags: str) -> None:
    made = kubectl.ok(f"apply {flags} -f -", stdin=MANIFESTS).splitlines()
    assert len(made) == 6
    kinds = "jobs,cronjobs,hpa,pdb,ingress,networkpolicies"
    versions = kubectl.ok(f"get {kinds} -o jsonpath={{.items[*].metadata.resourceVersion}}")
    # Lists and selectors that are replaced as a whole are sent again by the client; the server finds nothing new.
    kubectl.ok(f"apply {flags} -f -", stdin=MANIFESTS)
    assert kubectl.ok(f"get {kinds} -o jsonpath={{.items[*].metadata.resourceVersion}}") == versions
    assert kubectl("diff -f -", stdin=MANIFESTS).code == 0


def test_an_autoscaler_applied_through_the_old_version(kubectl: Kubectl) -> None:
    old = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  targetCPUUtilizationPercentage: 70
"""
    for flags in ("", "--server-side --force-conflicts"):
        kubectl.ok(f"apply {flags} -f -", stdin=old)
        said = kubectl.ok(f"apply {flags} -f -", stdin=old.replace("70", "75"))
        assert "horizontalpodautoscaler.autoscaling/a" in said
        target = "-o jsonpath={.spec.metrics[0].resource.target.averageUtilization}"
        assert kubectl.ok(f"get hpa a {target}") == "75"
