"""What fails, each once: what must hold afterwards and within what time. Whatever failed, nothing may be left behind.

The table of outcomes is in docs/node.md. `pytest -rP` prints how long each recovery took.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from controlplane.kit.timestamps import parse_time
from tests.e2e.conftest import LAB, ROOT, Lab, run

SLEEP = {"command": ["sleep", "3600"]}
POD_TOKENS_OFF = {"automountServiceAccountToken": False}
PULLS = 4  # images that a node pulls at once, unless configured otherwise

# Everything that a pod makes a node hold, a line each: what it is, and its name.
LEFT = r"""
ctr -n k8s.io containers ls -q | sed 's/^/container /'
ps -eo args | sed -n 's/^[^ ]*containerd-shim-runc-v2 .*-id \([^ ]*\).*/shim \1/p'
awk '$5 ~ "^/var/lib/kubelet/" {print "mount", $5}' /proc/self/mountinfo
ls /var/lib/kubelet/pods 2>/dev/null | sed 's/^/directory /'
ls /var/log/pods 2>/dev/null | sed 's/^/log /'
ls /run/netns 2>/dev/null | sed 's/^/namespace /'
find /var/lib/cni/networks -type f -name '[0-9]*' -printf 'address %f\n' 2>/dev/null
find /sys/fs/cgroup/*/kubepods* -depth -type d -name '*pod*-*' -printf 'cgroup %p\n' 2>/dev/null
ip -o link show type veth | awk '$2 ~ "^veth" {print "link", $2}'
true
"""


def left_on(lab: Lab, machine: str) -> frozenset[str]:
    """What pods have on a machine: containers, shims, mounts, files, network namespaces, addresses, cgroups."""
    return frozenset(lab.on(machine, LEFT).splitlines())


@dataclass(frozen=True)
class Node:
    """A worker on which faults are made, and shorthand for its pods."""

    lab: Lab
    name: str

    def pod(self, name: str, container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
        return self.lab.pod(name, nodeName=self.name, container=container or SLEEP, **spec)

    def kill(self, unit: str, machine: str = "") -> None:
        """Kill a unit's main process, as the kernel would for want of memory."""
        pid = f"$(systemctl show --property MainPID --value {unit})"
        self.lab.on(machine or self.name, f"kill -KILL {pid}")

    def container(self, pod: str) -> tuple[str, int, bool]:
        """The id, number of restarts and readiness of a pod's container."""
        status = self.lab.get("pod", pod)["status"]["containerStatuses"][0]
        return status.get("containerID", ""), status["restartCount"], status["ready"]

    def gone(self, pod: str) -> bool:
        done = self.lab.kubectl("get", "pod", pod, "--ignore-not-found", "-o", "name")
        return done.code == 0 and not done.out

    def events(self, pod: str) -> str:
        found = self.lab.get("events", f"--field-selector=involvedObject.name={pod}")["items"]
        return "\n".join(f"{event['reason']}: {event['message']}" for event in found)

    def within(self, seconds: float, what: str, holds: Callable[[], Any]) -> Any:
        """Wait until something holds again after a fault, and print how long that took."""
        started = time.monotonic()
        found = self.lab.until(what, holds, seconds)
        print(f"{what}: {time.monotonic() - started:.1f} s (at most {seconds:.0f})")
        return found

    def ready(self, pod: str, seconds: float) -> None:
        def holds() -> bool:
            done = self.lab.kubectl("get", "pod", pod, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}")
            return done.out == "True"

        self.within(seconds, f"{pod} is Ready", holds)


@pytest.fixture(scope="module")
def empty_node() -> Iterator[str]:
    """A worker without pods of others: they go elsewhere meanwhile, and Deployments are spread again at the end."""
    if not (LAB / "kubeconfig").exists():
        pytest.fail("there is no lab: run `make lab` first")
    lab = Lab("default")
    name = lab.workers()[0]
    lab.ok("drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
    yield name
    lab.ok("uncordon", name)
    for deployment in lab.get("deployments", "-A")["items"]:
        which = (f"deployment/{deployment['metadata']['name']}", "-n", deployment["metadata"]["namespace"])
        lab.ok("rollout", "restart", *which)
        lab.ok("rollout", "status", *which, "--timeout=60s")


@pytest.fixture
def node(lab: Lab, empty_node: str) -> Iterator[Node]:
    """A worker; when the test's pods are deleted, all that they had there must go."""
    one = Node(lab, empty_node)
    before = left_on(lab, one.name)
    yield one
    lab.ok("delete", "pods", "--all", "--wait=false")
    one.within(30, "the pods are gone", lambda: not lab.get("pods")["items"])
    left: list[str] = []

    def nothing() -> bool:
        left[:] = sorted(left_on(lab, one.name) - before)
        return not left

    try:
        one.within(30, "nothing is left behind", nothing)
    finally:
        print("\n".join(["left:", *left]))


def test_the_agent_is_killed(node: Node) -> None:
    """Pods do not notice; what was asked of the node meanwhile is done by the next agent."""
    lab = node.lab
    lab.apply(node.pod("steady"), node.pod("doomed"))
    for name in ("steady", "doomed"):
        lab.ready(name)
    before = node.container("steady")
    node.kill("sampan-nodeagent")
    lab.apply(node.pod("new"))
    lab.ok("delete", "pod", "doomed", "--wait=false")
    node.ready("new", 20)
    node.within(10, "doomed is gone", lambda: node.gone("doomed"))
    assert node.container("steady") == before


def test_containerd_is_killed(node: Node) -> None:
    """Containers belong to their shims and go on; the node is not called NotReady for the seconds that it takes."""
    lab = node.lab
    lab.apply(node.pod("steady"), node.pod("doomed"))
    for name in ("steady", "doomed"):
        lab.ready(name)
    before, ready_since = node.container("steady"), condition(lab, "node", node.name)
    node.kill("containerd")
    lab.apply(node.pod("new"))
    lab.ok("delete", "pod", "doomed", "--wait=false")
    node.ready("new", 30)
    node.within(10, "doomed is gone", lambda: node.gone("doomed"))
    assert lab.ok("exec", "steady", "--", "echo", "here") == "here\n"
    assert node.container("steady") == before
    assert condition(lab, "node", node.name) == ready_since


def condition(lab: Lab, kind: str, name: str) -> tuple[str, str]:
    """The Ready condition's status, and since when it has been that."""
    conditions = lab.get(kind, name)["status"]["conditions"]
    ready = next(one for one in conditions if one["type"] == "Ready")
    return ready["status"], ready["lastTransitionTime"]


def test_a_shim_is_killed(node: Node) -> None:
    """It takes its pod's processes along: they start again, or not, as the pod's restart policy says."""
    lab = node.lab
    lab.apply(node.pod("always"), node.pod("never", restartPolicy="Never"))
    for name in ("always", "never"):
        lab.ready(name)
        uid = lab.get("pod", name)["metadata"]["uid"]
        label = f'labels."io.kubernetes.pod.uid"=={uid},labels."io.cri-containerd.kind"==sandbox'
        sandbox = lab.on(node.name, f"ctr -n k8s.io containers ls -q '{label}'").strip()
        lab.on(node.name, f"kill -KILL $(pgrep -f '[c]ontainerd-shim-runc-v2 .*-id {sandbox}')")
        if name == "always":
            node.within(20, "always runs again", lambda: node.container("always")[1:] == (1, True))
    node.within(20, "never has failed", lambda: lab.get("pod", "never")["status"]["phase"] == "Failed")


def test_the_api_server_is_killed(node: Node) -> None:
    """Nodes go on with what they were told, and hear of what comes next."""
    lab = node.lab
    lab.apply(node.pod("steady"), node.pod("doomed"))
    for name in ("steady", "doomed"):
        lab.ready(name)
    before = node.container("steady")
    node.kill("sampan-apiserver", "master")
    node.within(20, "the API server answers", lambda: lab.kubectl("get", "--raw", "/readyz").code == 0)
    lab.apply(node.pod("new"))
    lab.ok("delete", "pod", "doomed", "--wait=false")
    node.ready("new", 20)
    node.within(10, "doomed is gone", lambda: node.gone("doomed"))
    assert node.container("steady") == before


def test_a_stopped_process_is_deleted(node: Node) -> None:
    """SIGTERM waits for a process that does not run; SIGKILL does not."""
    lab = node.lab
    lab.apply(node.pod("stopped", terminationGracePeriodSeconds=3))
    lab.ready("stopped")
    container = node.container("stopped")[0].removeprefix("containerd://")
    lab.on(node.name, f"kill -STOP $(ctr -n k8s.io tasks ls | awk '$1 == \"{container}\" {{print $2}}')")
    lab.ok("delete", "pod", "stopped", "--wait=false")
    node.within(3 + 5, "stopped is gone", lambda: node.gone("stopped"))


@pytest.fixture
def silent(node: Node) -> Iterator[str]:
    """The address of a registry that accepts connections and says nothing."""
    # Its children end at once; systemd would wait for its patience's end to see that, without cgroup v2.
    run = "systemd-run --quiet --collect --property=KillSignal=SIGKILL --property=TimeoutStopSec=1 --unit=silent"
    node.lab.on(node.name, f"{run} socat TCP-LISTEN:5999,fork,reuseaddr EXEC:'sleep 600'")
    yield "127.0.0.1:5999"
    node.lab.on(node.name, "systemctl stop silent")


def test_a_registry_that_never_answers(node: Node, silent: str) -> None:
    """Fewer than the node pulls at once: who wants an image of another registry gets it."""
    lab, held = node.lab, hold_up(node, silent, 3)
    pulled = {"image": lab.image("tools"), "imagePullPolicy": "Always"}
    lab.apply(node.pod("pulled", {**SLEEP, **pulled}))
    node.ready("pulled", 15)
    lab.ok("delete", "pod", *held, "--wait=false")
    node.within(10, "the held pods are gone", lambda: all(node.gone(name) for name in held))


def test_a_registry_that_holds_up_every_pull(node: Node, silent: str) -> None:
    """Who needs no image from anywhere starts all the same."""
    lab, held = node.lab, hold_up(node, silent, 6)
    lab.apply(node.pod("present"))
    node.ready("present", 15)
    lab.ok("delete", "pod", *held, "--wait=false")
    node.within(10, "the held pods are gone", lambda: all(node.gone(name) for name in held))


def hold_up(node: Node, registry: str, pods: int) -> list[str]:
    """Make pods that want images of a registry; return their names once as many as can are waiting for it."""
    held = [f"held-{i}" for i in range(pods)]
    node.lab.apply(*(node.pod(name, {**SLEEP, "image": f"{registry}/{name}:1"}) for name in held))

    def pulling() -> int:
        return sum("Pulling" in node.events(name) for name in held)

    node.lab.until("they pull", lambda: pulling() >= min(pods, PULLS), seconds=15)
    return held


def test_the_disk_is_full(node: Node) -> None:
    """Pods say so and wait; they start when there is space again. Their directories are on a small disk for this."""
    lab = node.lab
    lab.ok("create", "configmap", "settings", "--from-literal=colour=blue")
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
    lab.on(node.name, "systemctl stop sampan-nodeagent")
    try:
        lab.apply(node.pod("volume", volumes=volumes, **POD_TOKENS_OFF), node.pod("plain", **POD_TOKENS_OFF))
        for name in ("volume", "plain"):
            directory = f"/var/lib/kubelet/pods/{lab.get('pod', name)['metadata']['uid']}"
            lab.on(node.name, f"mkdir -p {directory} && mount -t tmpfs -o size=64k small {directory}")
            lab.ssh(node.name, f"dd if=/dev/zero of={directory}/filler bs=4k 2>/dev/null")
    finally:
        lab.on(node.name, "systemctl start sampan-nodeagent")
    full = "No space left on device"
    node.within(20, "an event of the volume", lambda: has_line(node.events("volume"), "FailedMount", full))
    node.within(20, "an event of the container", lambda: has_line(node.events("plain"), "Failed", full))

    def waits() -> bool:
        waiting = lab.get("pod", "plain")["status"]["containerStatuses"][0]["state"].get("waiting", {})
        return waiting.get("reason") == "CreateContainerConfigError" and full in waiting["message"]

    node.within(10, "the reason in the status", waits)
    lab.on(node.name, "rm /var/lib/kubelet/pods/*/filler")
    node.ready("volume", 30)
    node.ready("plain", 30)


def has_line(text: str, *parts: str) -> bool:
    return any(all(part in line for part in parts) for line in text.splitlines())


def test_the_power_is_cut(node: Node) -> None:
    """Every pod of the machine comes back: no address twice, one sandbox that runs for each, no allocation too many."""
    lab = node.lab
    names = [f"lit-{i}" for i in range(6)]
    lab.apply(*(node.pod(name) for name in names))
    for name in names:
        lab.ready(name)
    python, vagrant = str(ROOT / ".venv/bin/python"), str(ROOT / "vagrant")
    done = run("env", "-C", vagrant, f"PATH={os.environ['PATH']}", python, "-m", "lab", "cut", node.name)
    assert done.code == 0, done.out + done.err
    for name in names:
        node.within(45, f"{name} runs again", lambda name=name: node.container(name)[1:] == (1, True))
    lab.ok("wait", "--for=condition=Ready", f"node/{node.name}", "--timeout=30s")
    pods = [pod for pod in lab.get("pods", "-A")["items"] if pod["spec"].get("nodeName") == node.name]
    own = [pod for pod in pods if not pod["spec"].get("hostNetwork")]
    addresses = [pod["status"]["podIP"] for pod in own]
    assert len(set(addresses)) == len(own)
    held = [line.removeprefix("address ") for line in left_on(lab, node.name) if line.startswith("address ")]
    assert sorted(held) == sorted(addresses)
    assert sum(line.startswith("shim ") for line in left_on(lab, node.name)) == len(pods)
    assert all(lab.ok("exec", name, "--", "echo", name) == f"{name}\n" for name in names)


SETTINGS = "/etc/sampan/nodeagent.yaml"


@pytest.fixture
def patient(node: Node) -> Iterator[None]:
    """The node lets its pods end before it goes down: 8 s, of which 3 s are for critical ones."""
    periods = "shutdown-grace-period: 8s\nshutdown-grace-period-critical-pods: 3s\n"
    node.lab.on(node.name, f"cp {SETTINGS} {SETTINGS}.before && sed -i '/^shutdown-grace/d' {SETTINGS}")
    node.lab.on(node.name, f"printf '{periods}' >>{SETTINGS} && systemctl restart sampan-nodeagent")
    node.within(
        15, "logind has our lock", lambda: "sampan-nodeagent" in node.lab.on(node.name, "systemd-inhibit --list")
    )
    yield
    node.lab.on(node.name, f"mv {SETTINGS}.before {SETTINGS} && systemctl restart sampan-nodeagent")


def test_a_node_is_shut_down(node: Node, patient: None) -> None:
    """Pods end first and say why, critical ones last; new ones are not taken; then the machine goes, and comes back."""
    lab = node.lab
    script = "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done"
    slow = {"command": ["sh", "-c", script]}
    quick = {"command": ["sh", "-c", script.replace("sleep 2; ", "")]}
    lab.apply(node.pod("slow", slow, terminationGracePeriodSeconds=30))
    lab.apply(node.pod("critical", quick, priorityClassName="system-node-critical"))
    for name in ("slow", "critical"):
        lab.ready(name)
    booted = lab.on(node.name, "systemctl show --property UserspaceTimestampMonotonic --value")
    lab.ssh(node.name, "systemctl reboot")
    node.within(5, "the node is not Ready", lambda: "shutting down" in lab.ok("get", "node", node.name, "-o", "yaml"))
    lab.apply(node.pod("late"))
    node.within(5, "a new pod is refused", lambda: lab.get("pod", "late")["status"].get("reason") == "NodeShutdown")

    def rebooted() -> bool:
        return lab.on(node.name, "systemctl show --property UserspaceTimestampMonotonic --value") != booted

    node.within(30, "it has rebooted", rebooted)
    ends = []
    for name in ("slow", "critical"):
        status = lab.get("pod", name)["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "Terminated")
        ended = status["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 0, "it was killed before its time"
        ends.append(parse_time(ended["finishedAt"]))
    assert ends == sorted(ends)
    lab.ok("wait", "--for=condition=Ready", f"node/{node.name}", "--timeout=30s")


CLOCK = """
install -d /run/systemd/system/sampan-nodeagent.service.d
cat >/run/systemd/system/sampan-nodeagent.service.d/clock.conf <<'END'
[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
Environment=FAKETIME_TIMESTAMP_FILE=/run/faketime FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
END
echo +0 >/run/faketime
systemctl daemon-reload
systemctl restart sampan-nodeagent
"""


@pytest.fixture
def clock(node: Node) -> Iterator[Callable[[str], object]]:
    """Sets the clock that the agent sees so far from the right one: faketime's +3600, -3600."""
    node.lab.on(node.name, CLOCK)
    yield lambda step: node.lab.on(node.name, f"echo {step} >/run/faketime")
    node.lab.on(node.name, "rm -r /run/systemd/system/sampan-nodeagent.service.d && systemctl daemon-reload")
    node.lab.on(node.name, "systemctl restart sampan-nodeagent")


def test_the_clock_steps(node: Node, clock: Callable[[str], object]) -> None:
    """An hour forth and back, under the running agent: nothing restarts, the node stays Ready, pods come and go."""
    lab = node.lab
    lab.apply(node.pod("steady"), node.pod("crashing", {"command": ["false"]}))
    lab.ready("steady")
    lab.until("it has crashed", lambda: node.container("crashing")[1] >= 1)
    before, ready_since = node.container("steady"), condition(lab, "node", node.name)
    for step in (3600, 0):
        crashes = node.container("crashing")[1]
        clock(f"+{step}")
        lab.apply(node.pod("new"))
        node.ready("new", 20)
        pod = lab.get("pod", "new")
        taken = parse_time(pod["status"]["startTime"]) - parse_time(pod["metadata"]["creationTimestamp"])
        assert step <= taken.total_seconds() < step + 20, "the agent's clock was not set"
        lab.ok("delete", "pod", "new", "--wait=false")
        node.within(10, "new is gone", lambda: node.gone("new"))
        node.within(30, "the back-off is over", lambda crashes=crashes: node.container("crashing")[1] > crashes)
    assert node.container("steady") == before
    assert condition(lab, "node", node.name) == ready_since


def test_twenty_pods_come_and_go(node: Node) -> None:
    """What a node holds afterwards is what it held before: the fixture compares."""
    lab = node.lab
    lab.ok("create", "configmap", "settings", "--from-literal=colour=blue")
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}, {"name": "scratch", "emptyDir": {}}]
    mounts = [{"name": "settings", "mountPath": "/settings"}, {"name": "scratch", "mountPath": "/scratch"}]
    names = [f"brief-{i}" for i in range(20)]
    lab.apply(*(node.pod(name, {**SLEEP, "volumeMounts": mounts}, volumes=volumes) for name in names))
    node.within(60, "twenty run", lambda: all(ready(pod) for pod in lab.get("pods")["items"]))
    holds = left_on(lab, node.name)
    for kind, least in {"container": 40, "shim": 20, "mount": 20, "namespace": 20, "address": 20, "cgroup": 20}.items():
        assert sum(line.startswith(f"{kind} ") for line in holds) >= least, f"the count misses every {kind}"


def ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def test_every_machine_is_as_it_was(lab: Lab) -> None:
    """No unit has failed, every node is Ready, and no stand-in of these tests still runs."""
    assert LAB.exists()
    for name in lab.machines():
        lab.until(f"{name} runs", lambda name=name: lab.ssh(name, "systemctl is-system-running").out == "running\n")
        lab.ok("wait", "--for=condition=Ready", f"node/{name}", "--timeout=30s")
        lab.until("no silent registry", lambda name=name: lab.ssh(name, "systemctl is-active silent").code != 0, 20)
