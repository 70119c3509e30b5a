"""Policies as their users meet them: applied with kubectl, heard of from kubectl."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane.testing import HttpsApi, https_api
from tests.fakes.manifests import NGINX
from tests.integration.apiserver.test_kubectl import kubectl

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas.example.com}
spec:
  failurePolicy: Fail
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  matchConditions:
  - name: not-masters
    expression: "!('system:masters' in request.userInfo.groups) || object.metadata.name != 'exempt'"
  variables:
  - name: most
    expression: "int(params.data.most)"
  - name: foreign
    expression: "object.spec.template.spec.containers.filter(c, !c.image.startsWith('nginx')).map(c, c.name)"
  validations:
  - expression: object.spec.replicas <= variables.most
    messageExpression: "'%d replicas are more than %d'.format([object.spec.replicas, variables.most])"
    reason: Forbidden
  - expression: variables.foreign.size() == 0
    messageExpression: "'only nginx, not: ' + variables.foreign.join(', ')"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas-everywhere}
spec:
  policyName: replicas.example.com
  validationActions: [Deny]
  paramRef: {name: limits, namespace: default, parameterNotFoundAction: Deny}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits}
data: {most: "4"}
"""

MUTATION = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: sidecar.example.com}
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
  - name: none-yet
    expression: "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh')"
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{
          spec: Object.spec{
            initContainers: [
              Object.spec.initContainers{name: "mesh", image: "mesh:1.0", restartPolicy: "Always"}
            ]
          }
        }
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: sidecar-everywhere}
spec: {policyName: sidecar.example.com}
"""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[HttpsApi]:
    async with https_api(tmp_path) as running:
        yield running


async def test_a_policy_from_apply_to_denial(api: HttpsApi) -> None:
    code, said = await kubectl(api, "apply", "-f", "-", stdin=POLICY)
    assert code == 0, said
    assert said.splitlines()[0] == "validatingadmissionpolicy.admissionregistration.k8s.io/replicas.example.com created"
    await kubectl(api, "get", "configmaps,validatingadmissionpolicies,validatingadmissionpolicybindings")

    code, said = await kubectl(api, "apply", "-f", "-", stdin=NGINX)
    assert code == 0, said
    code, said = await kubectl(api, "scale", "deployment", "nginx-deployment", "--replicas=5")
    assert code == 0, said  # the policy is for deployments, not for deployments/scale
    code, said = await kubectl(api, "apply", "-f", "-", stdin=NGINX.replace("replicas: 3", "replicas: 9"))
    by = "ValidatingAdmissionPolicy 'replicas.example.com' with binding 'replicas-everywhere' denied request: "
    assert code == 1
    assert by + "9 replicas are more than 4" in said
    code, said = await kubectl(api, "create", "deployment", "web", "--image=busybox")
    assert (code, said.strip()) == (
        1,
        f'error: failed to create deployment: deployments.apps "web" is forbidden: {by}only nginx, not: busybox',
    )
    code, said = await kubectl(api, "create", "deployment", "exempt", "--image=busybox")
    assert code == 0, said


async def test_a_policy_that_does_not_compile_is_shown_where(api: HttpsApi) -> None:
    broken = POLICY.replace("object.spec.replicas <= variables.most", "object.spec.replicas <= variables.least")
    code, said = await kubectl(api, "apply", "-f", "-", stdin=broken)
    assert code == 1
    assert "spec.validations[0].expression: Invalid value: " in said
    assert "compilation failed: ERROR: <input>:1:34: undefined field 'least'" in said


async def test_a_sidecar_for_every_pod(api: HttpsApi) -> None:
    code, said = await kubectl(api, "apply", "-f", "-", stdin=MUTATION)
    assert code == 0, said
    await kubectl(api, "get", "mutatingadmissionpolicies,mutatingadmissionpolicybindings")
    await kubectl(api, "create", "serviceaccount", "default")
    code, said = await kubectl(api, "run", "web", "--image=nginx")
    assert code == 0, said
    _, said = await kubectl(api, "get", "pod", "web", "-o", "jsonpath={.spec.initContainers[*].name}")
    assert said == "mesh"
