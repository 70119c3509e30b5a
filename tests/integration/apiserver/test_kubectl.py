"""kubectl against a real HTTPS server on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.testing import HttpsApi, https_api
from tests.fakes.manifests import NGINX

KUBECTL = Path(sys.executable).parent / "kubectl"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[HttpsApi]:
    async with https_api(tmp_path) as running:
        yield running


async def kubectl(api: HttpsApi, *arguments: str, stdin: str = "", user: Path | None = None) -> tuple[int, str]:
    """Run kubectl; return its exit code and everything it said."""
    flags = ("--kubeconfig", str(user or api.kubeconfig), "--cache-dir", str(api.directory / "cache"))
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL), *flags, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(30):
        said, _ = await process.communicate(stdin.encode())
    return process.returncode or 0, said.decode()


async def test_apply_twice_get_and_delete(api: HttpsApi) -> None:
    code, said = await kubectl(api, "apply", "-f", "-", stdin=NGINX)
    assert said.splitlines() == ["deployment.apps/nginx-deployment created", "service/nginx-service created"], code
    _, said = await kubectl(api, "apply", "-f", "-", stdin=NGINX)
    assert said.splitlines() == ["deployment.apps/nginx-deployment unchanged", "service/nginx-service unchanged"]
    changed = NGINX.replace("replicas: 3", "replicas: 5")
    _, said = await kubectl(api, "apply", "-f", "-", stdin=changed)
    assert said.splitlines()[0] == "deployment.apps/nginx-deployment configured"
    _, said = await kubectl(api, "get", "deployments,services")
    assert "nginx-deployment   0/5" in said
    assert "service/kubernetes" in said
    code, said = await kubectl(api, "delete", "-f", "-", stdin=NGINX)
    assert (code, len(said.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param("create namespace shop", 0, "namespace/shop created", id="create namespace"),
        pytest.param("create configmap c --from-literal=a=b", 0, "configmap/c created", id="create configmap"),
        pytest.param("create secret generic s --from-literal=a=b", 0, "secret/s created", id="create secret"),
        pytest.param("create serviceaccount a", 0, "serviceaccount/a created", id="create serviceaccount"),
        pytest.param("create role r --verb=get --resource=pods", 0, "role.rbac", id="create role"),
        pytest.param("create token nobody", 1, 'serviceaccounts "nobody" not found', id="token of nobody"),
        pytest.param("run web --image=nginx", 0, "pod/web created", id="run"),
        pytest.param("get pods", 0, "No resources found in default namespace.", id="nothing to get"),
        pytest.param("get pod none", 1, 'Error from server (NotFound): pods "none" not found', id="not found"),
        pytest.param("get nothing", 1, 'the server doesn\'t have a resource type "nothing"', id="no such type"),
        pytest.param("auth can-i list pods", 0, "yes", id="can-i"),
        pytest.param("auth whoami", 0, "admin", id="whoami"),
        pytest.param("version", 0, "Server Version: v1.37.", id="version"),
        pytest.param("api-resources", 0, "deployments", id="api-resources"),
        pytest.param("api-versions", 0, "coordination.k8s.io/v1", id="api-versions"),
        pytest.param("cluster-info", 0, "Kubernetes control plane", id="cluster-info"),
        pytest.param("get --raw /readyz?verbose", 0, "readyz check passed", id="readyz"),
        pytest.param("get namespaces -o name", 0, "namespace/kube-system", id="names"),
        pytest.param("describe namespace default", 0, "Active", id="describe"),
        pytest.param("events", 0, "No events found", id="events"),
        pytest.param("annotate namespace default a=b", 0, "namespace/default annotated", id="annotate"),
        pytest.param("label namespace default a=b", 0, "namespace/default labeled", id="label"),
    ],
)
async def test_commands(api: HttpsApi, arguments: str, code: int, says: str) -> None:
    got, said = await kubectl(api, *arguments.split())
    assert (got, says in said) == (code, True), said


async def test_strangers_and_expired_certificates(api: HttpsApi) -> None:
    jane = api.kubeconfig_of("jane", "dev")
    code, said = await kubectl(api, "get", "pods", user=jane)
    assert code == 1
    assert (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" '
        'in API group "" in the namespace "default"'
    ) in said
    old = api.kubeconfig_of("old", "system:masters", born=api.clock.now() - timedelta(days=3), days=1)
    code, said = await kubectl(api, "get", "pods", user=old)
    assert code == 1
    assert "Unauthorized" in said or "must be logged in" in said or "provide credentials" in said


async def test_impersonation(api: HttpsApi) -> None:
    code, said = await kubectl(api, "get", "pods", "--as=jane", "--as-group=dev")
    assert (code, 'User "jane" cannot list' in said) == (1, True)


async def test_watch_ends_with_its_timeout(api: HttpsApi) -> None:
    await kubectl(api, "create", "configmap", "c")
    code, said = await kubectl(api, "get", "configmaps", "--watch", "--request-timeout=2s")
    assert "c " in said, code


async def test_a_body_over_the_limit(api: HttpsApi) -> None:
    big = json.dumps({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "x" * (4 << 20)},
    })  # fmt: skip
    code, said = await kubectl(api, "create", "-f", "-", stdin=big)
    assert code == 1
    assert "Request entity too large: limit is 3145728" in said
