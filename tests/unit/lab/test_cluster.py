"""vagrant/cluster.yaml: what is read, and which mistakes are named before anything is built."""

from pathlib import Path

import pytest
import yaml
from lab import cluster
from lab.step import LabError

DOCUMENT = {
    "network": {"machines": "10.9.8.0/24", "pods": "10.244.0.0/16", "services": "10.96.0.0/12"},
    "registry": "images.example:5000",
    "api_port": 16443,
    "machines": [
        {"name": "boss", "role": "master", "address": "10.9.8.10"},
        {"name": "hand", "role": "worker", "address": "10.9.8.11"},
    ],
    "provision": {"master": ["packages", "master"], "worker": ["packages"]},
}


def load(tmp_path: Path, **changes: object) -> cluster.Cluster:
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump({**DOCUMENT, **changes}))
    return cluster.load(path)


def test_environment_of_a_worker(tmp_path: Path) -> None:
    lab = load(tmp_path)
    assert lab.environment(lab.machine("hand")) == {
        "NODE_NAME": "hand",
        "NODE_ROLE": "worker",
        "NODE_IP": "10.9.8.11",
        "MASTER_IP": "10.9.8.10",
        "POD_NETWORK": "10.244.0.0/16",
        "SERVICE_NETWORK": "10.96.0.0/12",
        "REGISTRY": "images.example:5000",
        "HOSTS": "10.9.8.10 images.example\n10.9.8.10 boss\n10.9.8.11 hand",
        "PROJECT": "/vagrant",
    }


@pytest.mark.parametrize(
    ("machines", "message"),
    [
        pytest.param([], "exactly one machine must have the role master", id="no master"),
        pytest.param([("a", "master", 10), ("b", "master", 11)], "exactly one machine", id="two masters"),
        pytest.param([("a", "master", 10), ("a", "worker", 11)], "name a is used twice", id="same name"),
        pytest.param([("a", "master", 10), ("b", "worker", 10)], "address 10.9.8.10 is used twice", id="same address"),
        pytest.param([("a", "master", 10), ("b", "wroker", 11)], "b has role 'wroker'", id="unknown role"),
        pytest.param([("a", "master", 1)], "a cannot have 10.9.8.1", id="the switch's address"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, machines: list[tuple[str, str, int]], message: str) -> None:
    entries = [{"name": name, "role": role, "address": f"10.9.8.{last}"} for name, role, last in machines]
    with pytest.raises(LabError, match=message):
        load(tmp_path, machines=entries)


def test_every_provision_step_is_a_script() -> None:
    lab = cluster.load()
    scripts = {path.stem for path in (cluster.VAGRANT / "provision").glob("*.sh")}
    assert {step for steps in lab.provision.values() for step in steps} <= scripts
