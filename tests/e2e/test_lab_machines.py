"""The machines: every unit runs, agent and containerd share mounts, the host's own network knows nothing of the lab."""

from __future__ import annotations

import json

from tests.e2e.conftest import Lab, run


def test_no_unit_failed(lab: Lab) -> None:
    assert {name: lab.ssh(name, "systemctl is-system-running").out.strip() for name in lab.machines()} == dict.fromkeys(
        lab.machines(), "running"
    )


def test_the_agent_shares_the_mount_namespace_with_containerd(lab: Lab) -> None:
    """Otherwise volumes that it mounts would be empty in containers."""
    for name in lab.machines():
        agent = lab.on(name, "systemctl show --property MainPID --value sampan-nodeagent").strip()
        containerd = lab.on(name, "systemctl show --property MainPID --value containerd").strip()
        assert lab.on(name, f"readlink /proc/{agent}/ns/mnt") == lab.on(name, f"readlink /proc/{containerd}/ns/mnt")


def test_the_hosts_own_network_knows_nothing_of_the_lab() -> None:
    links = json.loads(run("ip", "-j", "address").out)
    addresses = [address["local"] for link in links for address in link.get("addr_info", [])]
    routes = [route["dst"] for route in json.loads(run("ip", "-j", "route").out)]
    assert not [one for one in addresses + routes if one.startswith(("192.168.56.", "10.244.", "10.96."))]


def test_a_worker_reboots_and_its_pods_run_again(lab: Lab) -> None:
    worker = lab.workers()[0]
    lab.apply(lab.pod("steady", nodeName=worker, container={"command": ["sleep", "3600"]}))
    before = lab.ready("steady")

    def boot() -> str:
        return lab.on(worker, "systemctl show --property UserspaceTimestampMonotonic --value")

    booted = boot()
    lab.ssh(worker, "systemctl reboot")
    lab.until(f"{worker} reboots", lambda: boot() != booted)
    lab.until(f"{worker} has started", lambda: lab.on(worker, "systemctl is-system-running").strip() == "running")

    def restarted() -> bool:
        status = lab.get("pod", "steady")["status"]["containerStatuses"][0]
        return bool(status["ready"] and status["restartCount"] == 1)

    lab.until("the pod's container runs again", restarted)
    assert lab.get("pod", "steady")["metadata"]["uid"] == before["metadata"]["uid"]
    lab.ok("wait", "--for=condition=Ready", f"node/{worker}", "--timeout=30s")
