"""The virtual machines are the lab's machines: same names, addresses, scripts and settings."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab import cluster
from lab.paths import VAGRANT

EVALUATE = Path(__file__).with_name("fake_vagrant.rb")


@pytest.fixture(params=["virtualbox", "libvirt"])
def machines(request: pytest.FixtureRequest) -> dict[str, Any]:
    command = ["ruby", str(EVALUATE), str(VAGRANT / "Vagrantfile"), request.param]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)["machines"]
    return found


def test_same_machines_the_master_first(machines: dict[str, Any]) -> None:
    lab = cluster.load()
    assert list(machines) == [lab.master.name, *(worker.name for worker in lab.workers)]
    for machine in lab.machines:
        vm = machines[machine.name]
        assert vm["hostname"] == [machine.name]
        assert vm["network"] == ["private_network", {"ip": machine.address, "netmask": "255.255.255.0"}]
        assert vm["synced_folder"][:2] == ["..", "/vagrant"]
        assert vm["provider"]["memory"][0] >= 1024
        assert vm["box"]


def test_same_scripts_with_the_same_settings(machines: dict[str, Any]) -> None:
    lab = cluster.load()
    for machine in lab.machines:
        provision = machines[machine.name]["provision"]
        assert [step["name"] for step in provision] == lab.provision[machine.role]
        assert all(step["env"] == lab.environment(machine) for step in provision)
        assert [step["inline"] for step in provision] == [
            f"sh /vagrant/vagrant/provision/{name}.sh" for name in lab.provision[machine.role]
        ]
