"""The cluster as vagrant/cluster.yaml describes it. The Vagrantfile reads the same file."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.paths import INSIDE, VAGRANT
from lab.step import LabError


@dataclass(frozen=True)
class Machine:
    name: str
    role: str  # "master" or "worker"
    address: str


@dataclass(frozen=True)
class Cluster:
    machines: tuple[Machine, ...]
    machine_network: ipaddress.IPv4Network
    pod_network: str
    service_network: str
    registry: str  # host:port
    api_port: int
    provision: dict[str, list[str]]  # role -> names of scripts, in order

    @property
    def master(self) -> Machine:
        return next(machine for machine in self.machines if machine.role == "master")

    @property
    def workers(self) -> tuple[Machine, ...]:
        return tuple(machine for machine in self.machines if machine.role == "worker")

    @property
    def gateway(self) -> str:
        """The address of the switch: the first of the machines' network."""
        return str(self.machine_network.network_address + 1)

    def machine(self, name: str) -> Machine:
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise LabError(
            f"no machine {name!r} in vagrant/cluster.yaml; there are {', '.join(m.name for m in self.machines)}"
        )

    def hosts(self) -> str:
        """Lines for /etc/hosts: every machine, and the registry on the master."""
        registry_host = self.registry.partition(":")[0]
        lines = [f"{self.master.address} {registry_host}"]
        return "\n".join(lines + [f"{machine.address} {machine.name}" for machine in self.machines])

    def environment(self, machine: Machine) -> dict[str, str]:
        """What the provision scripts are told. The Vagrantfile says the same; a test compares them."""
        return {
            "NODE_NAME": machine.name,
            "NODE_ROLE": machine.role,
            "NODE_IP": machine.address,
            "MASTER_IP": self.master.address,
            "POD_NETWORK": self.pod_network,
            "SERVICE_NETWORK": self.service_network,
            "REGISTRY": self.registry,
            "HOSTS": self.hosts(),
            "PROJECT": str(INSIDE),
        }


def load(path: Path = VAGRANT / "cluster.yaml") -> Cluster:
    document = yaml.safe_load(path.read_text())
    network = document["network"]
    cluster = Cluster(
        machines=tuple(Machine(m["name"], m["role"], m["address"]) for m in document["machines"]),
        machine_network=ipaddress.IPv4Network(network["machines"]),
        pod_network=network["pods"],
        service_network=network["services"],
        registry=document["registry"],
        api_port=document["api_port"],
        provision=document["provision"],
    )
    _check(cluster)
    return cluster


def _check(cluster: Cluster) -> None:
    """Refuse what would fail later with a worse message."""
    if [machine.role for machine in cluster.machines].count("master") != 1:
        raise LabError("vagrant/cluster.yaml: exactly one machine must have the role master")
    for what in ("name", "address"):
        values = [getattr(machine, what) for machine in cluster.machines]
        if twice := {value for value in values if values.count(value) > 1}:
            raise LabError(f"vagrant/cluster.yaml: {what} {', '.join(sorted(twice))} is used twice")
    for machine in cluster.machines:
        if machine.role not in cluster.provision:
            raise LabError(f"vagrant/cluster.yaml: {machine.name} has role {machine.role!r}; use master or worker")
        address = ipaddress.IPv4Address(machine.address)
        if address not in cluster.machine_network or str(address) == cluster.gateway:
            raise LabError(
                f"vagrant/cluster.yaml: {machine.name} cannot have {address}: it must be another address than "
                f"{cluster.gateway} in {cluster.machine_network}"
            )
