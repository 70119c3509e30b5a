"""What kubectl does with the OpenAPI documents: explain, and leave it to the server to find mistakes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane.testing import HttpsApi, https_api

KUBECTL = Path(sys.executable).parent / "kubectl"

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.14.2"}]}
"""
MISSPELT = MANIFEST.replace("replicas:", "replica:")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[HttpsApi]:
    async with https_api(tmp_path) as running:
        yield running


async def kubectl(api: HttpsApi, *arguments: str, stdin: str = "", editor: str = "true") -> tuple[int, str]:
    """Run kubectl; return its exit code and everything it said."""
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL), "--kubeconfig", str(api.kubeconfig), "--cache-dir", str(api.directory / "cache"), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "KUBE_EDITOR": editor, "TMPDIR": str(api.directory)},
    )  # fmt: skip
    async with asyncio.timeout(30):
        said, _ = await process.communicate(stdin.encode())
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param("pod.spec.containers", "FIELD: containers <[]Container>", id="a list of objects"),
        pytest.param("pod.spec.containers", "name\t<string> -required-", id="a required field"),
        pytest.param("service.spec.ports.targetPort", "FIELD: targetPort <IntOrString>", id="number or text"),
        pytest.param("pod.spec.containers.resources", "limits\t<map[string]Quantity>", id="quantities"),
        pytest.param("deployment --recursive", "matchLabels\t<map[string]string>", id="all the way down"),
        pytest.param("events --api-version=events.k8s.io/v1", "GROUP:      events.k8s.io", id="of one version"),
        pytest.param("pod.spec --output=plaintext-openapiv2", "RESOURCE: spec <Object>", id="read from v2"),
    ],
)
async def test_explain(api: HttpsApi, arguments: str, says: str) -> None:
    code, said = await kubectl(api, "explain", *arguments.split())
    assert code == 0, said
    assert says in said


@pytest.mark.parametrize("verb", ["apply", "create"])
async def test_the_server_finds_unknown_fields(api: HttpsApi, verb: str) -> None:
    code, said = await kubectl(api, verb, "-f", "-", stdin=MISSPELT)
    assert code == 1
    assert said == (
        'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as '
        'a Deployment: strict decoding error: unknown field "spec.replica"\n'
    )


async def test_warnings_where_only_they_are_wanted(api: HttpsApi) -> None:
    _, said = await kubectl(api, "apply", "--validate=warn", "-f", "-", stdin=MISSPELT)
    assert said == 'Warning: unknown field "spec.replica"\ndeployment.apps/web created\n'


async def test_apply_diff_and_edit_merge_by_the_schema(api: HttpsApi) -> None:
    await kubectl(api, "apply", "-f", "-", stdin=MANIFEST)
    assert (await kubectl(api, "apply", "-f", "-", stdin=MANIFEST))[1] == "deployment.apps/web unchanged\n"
    assert (await kubectl(api, "diff", "-f", "-", stdin=MANIFEST))[0] == 0
    code, said = await kubectl(api, "diff", "-f", "-", stdin=MANIFEST.replace("replicas: 3", "replicas: 7"))
    assert (code, "+  replicas: 7" in said) == (1, True)
    assert (await kubectl(api, "edit", "deployment/web"))[1] == "Edit cancelled, no changes made.\n"
    _, said = await kubectl(api, "edit", "deployment/web", editor="sed -i s/nginx:1.14.2/nginx:1.16.1/")
    assert said == "deployment.apps/web edited\n"


async def test_dry_run_leaves_nothing_behind(api: HttpsApi) -> None:
    _, said = await kubectl(api, "create", "--dry-run=server", "-f", "-", stdin=MANIFEST)
    assert said == "deployment.apps/web created (server dry run)\n"
    assert "NotFound" in (await kubectl(api, "get", "deployment/web"))[1]
