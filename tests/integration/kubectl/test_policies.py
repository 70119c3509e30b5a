"""Policies as a user of kubectl meets them."""

from __future__ import annotations

from tests.integration.kubectl.conftest import Kubectl


def test_pod_security(kubectl: Kubectl) -> None:
    labels = "pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/warn=restricted"
    kubectl.ok("run calm --image=nginx")
    kubectl.ok(f"label namespace {kubectl.namespace} {labels}")
    made = kubectl("create deployment web --image=nginx")
    assert made.out == "deployment.apps/web created\n"
    assert made.err.startswith(
        'Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "nginx" '
        "must set securityContext.allowPrivilegeEscalation=false)"
    )
    refused = kubectl.refused("run loud --image=nginx --privileged")
    assert refused.strip() == (
        'Error from server (Forbidden): pods "loud" is forbidden: violates PodSecurity "baseline:latest": '
        'privileged (container "loud" must not set securityContext.privileged=true)'
    )
    tightened = kubectl(
        f"label --overwrite namespace {kubectl.namespace} pod-security.kubernetes.io/enforce=restricted"
    )
    assert (
        f'Warning: existing pods in namespace "{kubectl.namespace}" violate the new PodSecurity enforce level '
        '"restricted:latest"'
    ) in tightened.err
    assert "Warning: calm: allowPrivilegeEscalation != false, unrestricted capabilities" in tightened.err
    refused = kubectl.refused(f"label --overwrite namespace {kubectl.namespace} pod-security.kubernetes.io/enforce=x")
    assert 'Invalid value: "x": must be one of privileged, baseline, restricted' in refused
