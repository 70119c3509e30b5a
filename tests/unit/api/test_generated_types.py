"""The committed API types are those that the facts give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import controlplane.api
from controlplane.api.base import wire_name
from controlplane.api.generate import MODULES, render_all, snake
from controlplane.api.resources import RESOURCES, Resource

FOLDER = Path(controlplane.api.__file__).parent


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every module generated anew and formatted as the committed ones are."""
    folder = tmp_path_factory.mktemp("api")
    for name, text in render_all().items():
        (folder / name).write_text(text)
    config = FOLDER.parents[1] / "pyproject.toml"
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", "--config", str(config), str(folder)], check=True)
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", "-q", "--fix", "--config", str(config), str(folder)], check=True
    )
    return folder


@pytest.mark.parametrize("module", sorted(MODULES.values()))
def test_committed_types_are_current(fresh: Path, module: str) -> None:
    assert (FOLDER / f"{module}.py").read_text() == (fresh / f"{module}.py").read_text(), "run: make generate"


@pytest.mark.parametrize(
    ("wire", "ours"),
    [
        ("podIP", "pod_ip"),
        ("podIPs", "pod_ips"),
        ("hostIPC", "host_ipc"),
        ("clusterIPs", "cluster_ips"),
        ("nonResourceURLs", "non_resource_urls"),
        ("setHostnameAsFQDN", "set_hostname_as_fqdn"),
        ("continue", "continue_"),
        ("apiVersion", "api_version"),
        ("systemUUID", "system_uuid"),
    ],
)
def test_names_go_both_ways(wire: str, ours: str) -> None:
    assert (snake(wire), wire_name(ours)) == (ours, wire)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.group_resource)
def test_every_resource_is_an_object(resource: Resource) -> None:
    assert {"api_version", "kind", "metadata"} <= set(resource.type.__struct_fields__)
    assert resource.type.__name__ == resource.kind
