"""helm 4 as its users use it: a chart with a CRD, hooks and a test, through a release's whole life."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.conftest import LAB, Lab
from tests.fakes.helm import helm

CHART = Path(__file__).parent / "chart"


class Helm:
    """helm in the namespace of a test."""

    def __init__(self, lab: Lab, home: Path):
        self._lab = lab
        self._environ = {**os.environ, "KUBECONFIG": str(LAB / "kubeconfig"), "HOME": str(home)}

    def __call__(self, *arguments: str) -> str:
        command = [helm(), "--namespace", self._lab.namespace, *arguments]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def history(self, release: str) -> list[tuple[int, str]]:
        rows: list[dict[str, Any]] = json.loads(self("history", release, "-o", "json"))
        return [(row["revision"], row["status"]) for row in rows]


def test_a_release_from_install_to_uninstall(lab: Lab, tmp_path: Path) -> None:
    run = Helm(lab, tmp_path)
    images = [f"--set=images.{name}={lab.image(name)}" for name in ("nginx", "busybox")]
    wait = ("--wait", "--timeout=120s")
    try:
        run("install", "shop", str(CHART), *images, *wait)
        assert lab.get("deployment", "shop")["status"]["readyReplicas"] == 1
        assert lab.get("shelf", "shop")["spec"] == {"boards": 1, "wood": "oak"}
        assert "before revision 1" in lab.ok("logs", "shop-before-1")
        run("test", "shop")

        run("upgrade", "shop", str(CHART), *images, "--set=replicas=2,page=second", *wait)
        assert lab.get("deployment", "shop")["status"]["readyReplicas"] == 2
        assert lab.get("shelf", "shop")["spec"]["boards"] == 2
        run("test", "shop")

        run("rollback", "shop", "1", *wait)
        assert lab.get("shelf", "shop")["spec"]["boards"] == 1
        assert lab.get("configmap", "shop-page")["data"]["index.html"] == "first"
        assert run.history("shop") == [(1, "superseded"), (2, "superseded"), (3, "deployed")]

        run("uninstall", "shop", *wait)
        for kind in ("deployment", "service", "configmap", "shelf"):
            name = "shop-page" if kind == "configmap" else "shop"
            assert lab.kubectl("get", kind, name).code != 0, kind
        assert json.loads(run("list", "-o", "json")) == []
    finally:
        lab.kubectl("delete", "crd", "shelves.shop.example.com", "--wait=false")
