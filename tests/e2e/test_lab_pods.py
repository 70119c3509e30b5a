"""The life of pods: volumes, probes, restarts, images, logs, exec, and what survives a restart of the agent."""

from __future__ import annotations

import base64
from typing import Any

from tests.e2e.conftest import Lab

SLEEP = {"command": ["sleep", "3600"]}


def status_of(lab: Lab, name: str) -> dict[str, Any]:
    """The first container's status."""
    found: dict[str, Any] = lab.get("pod", name)["status"]["containerStatuses"][0]
    return found


def waiting_for(lab: Lab, name: str) -> str:
    reason: str = status_of(lab, name)["state"].get("waiting", {}).get("reason", "")
    return reason


def events(lab: Lab, name: str) -> list[str]:
    found = lab.get("events", f"--field-selector=involvedObject.name={name}")["items"]
    return [f"{event['reason']}: {event['message']}" for event in found]


def test_environment_and_volumes(lab: Lab) -> None:
    lab.ok("create", "configmap", "settings", "--from-literal=colour=blue")
    lab.ok("create", "secret", "generic", "password", "--from-literal=word=swordfish")
    pod = lab.pod(
        "volumes",
        container={
            "command": ["sleep", "3600"],
            "env": [
                {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
                {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "word"}}},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "BOTH", "value": "$(COLOUR)-$(WORD)"},
            ],
            "volumeMounts": [
                {"name": "settings", "mountPath": "/settings"},
                {"name": "password", "mountPath": "/password", "readOnly": True},
                {"name": "scratch", "mountPath": "/scratch"},
                {"name": "memory", "mountPath": "/memory"},
                {"name": "host", "mountPath": "/host", "readOnly": True},
            ],
        },
        volumes=[
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "password", "secret": {"secretName": "password"}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
            {"name": "host", "hostPath": {"path": "/etc", "type": "Directory"}},
        ],
    )
    lab.apply(pod)
    node = lab.ready("volumes")["spec"]["nodeName"]
    script = (
        "echo $BOTH $NODE; cat /settings/colour /password/word; echo; touch /scratch/a /memory/b; cat /host/hostname"
    )
    assert lab.ok("exec", "volumes", "--", "sh", "-c", script).split() == [
        "blue-swordfish",
        node,
        "blueswordfish",
        node,
    ]
    token = lab.ok("exec", "volumes", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
    claims = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
    assert f"system:serviceaccount:{lab.namespace}:default" in claims
    lab.ok("patch", "configmap", "settings", "--patch", '{"data": {"colour": "green"}}')
    lab.until("the changed config map", lambda: "green" in lab.ok("exec", "volumes", "--", "cat", "/settings/colour"))


def test_a_missing_image_says_so(lab: Lab) -> None:
    image = lab.image("busybox").rsplit("/", 1)[0] + "/no-such-image:1"
    lab.apply(lab.pod("missing", container={"image": image}))
    lab.until("ErrImagePull", lambda: waiting_for(lab, "missing") == "ErrImagePull")
    lab.until("ImagePullBackOff", lambda: waiting_for(lab, "missing") == "ImagePullBackOff")
    said = "\n".join(lab.until("the events", lambda: len(found := events(lab, "missing")) >= 4 and found))
    assert "Failed to pull image" in said and "not found" in said
    assert "Back-off pulling image" in said


def test_a_crashing_container_backs_off(lab: Lab) -> None:
    lab.apply(lab.pod("crash", container={"command": ["sh", "-c", "echo goodbye; exit 3"]}))
    lab.until("CrashLoopBackOff", lambda: waiting_for(lab, "crash") == "CrashLoopBackOff")
    status = lab.until("a restart", lambda: (one := status_of(lab, "crash"))["restartCount"] >= 1 and one)
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert "goodbye" in lab.ok("logs", "crash", "--previous")


def test_probes_decide(lab: Lab) -> None:
    lab.apply(
        lab.pod(
            "probed",
            container={
                "command": ["sh", "-c", "touch /tmp/alive /tmp/ready; sleep 3600"],
                "livenessProbe": {
                    "exec": {"command": ["test", "-e", "/tmp/alive"]},
                    "periodSeconds": 1,
                    "failureThreshold": 1,
                },
                "readinessProbe": {
                    "exec": {"command": ["test", "-e", "/tmp/ready"]},
                    "periodSeconds": 1,
                    "failureThreshold": 1,
                },
            },
        )
    )
    lab.ready("probed")
    lab.ok("exec", "probed", "--", "rm", "/tmp/ready")
    lab.until("not ready", lambda: not status_of(lab, "probed")["ready"])
    assert status_of(lab, "probed")["restartCount"] == 0
    lab.ok("exec", "probed", "--", "rm", "/tmp/alive")
    lab.until("a restart", lambda: status_of(lab, "probed")["restartCount"] == 1)
    assert any(event.startswith("Unhealthy: Liveness probe failed") for event in events(lab, "probed"))


def test_init_containers_run_first_and_in_order(lab: Lab) -> None:
    mounts = [{"name": "stage", "mountPath": "/stage"}]
    steps = [
        {
            "name": step,
            "image": lab.image("busybox"),
            "command": ["sh", "-c", f"echo {step} >>/stage/steps"],
            "volumeMounts": mounts,
        }
        for step in ("one", "two")
    ]
    main = {"command": ["sh", "-c", "cat /stage/steps; sleep 3600"], "volumeMounts": mounts}
    lab.apply(lab.pod("staged", container=main, initContainers=steps, volumes=[{"name": "stage", "emptyDir": {}}]))
    lab.ready("staged")
    lab.until("its log", lambda: lab.ok("logs", "staged").split() == ["one", "two"])


def test_exec_carries_input_output_and_the_exit_code(lab: Lab) -> None:
    lab.apply(lab.pod("shell", container=SLEEP))
    lab.ready("shell")
    assert lab.ok("exec", "-i", "shell", "--", "cat", stdin="one\ntwo\n") == "one\ntwo\n"
    done = lab.kubectl("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out) == (7, "out\n") and "err" in done.err
    big = "x" * 70 + "\n"
    assert lab.ok("exec", "-i", "shell", "--", "wc", "-c", stdin=big * 20000).strip() == str(len(big) * 20000)


def test_exec_where_nothing_runs_says_so(lab: Lab) -> None:
    reference = {"configMapRef": {"name": "missing"}}
    lab.apply(lab.pod("held", container={**SLEEP, "envFrom": [reference]}))
    lab.until("the reason", lambda: waiting_for(lab, "held") == "CreateContainerConfigError")
    assert 'container not found ("main")' in lab.kubectl("exec", "held", "--", "true").err


def test_containerd_tells_every_node_of_ends(lab: Lab) -> None:
    lab.apply(lab.pod("short", restartPolicy="Never", container={"command": ["true"]}))
    lab.until("Succeeded", lambda: lab.get("pod", "short")["status"]["phase"] == "Succeeded", seconds=20)
    for node in lab.machines():
        assert "tells no events" not in lab.on(node, "journalctl -u sampan-nodeagent --no-pager")


def test_logs_follow_until_the_end(lab: Lab) -> None:
    script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.3; done"
    lab.apply(lab.pod("talker", restartPolicy="Never", container={"command": ["sh", "-c", script]}))
    lab.until("a start", lambda: lab.get("pod", "talker")["status"]["phase"] in ("Running", "Succeeded"))
    assert lab.ok("logs", "-f", "talker").splitlines() == [f"line {i}" for i in range(1, 6)]
    assert lab.ok("logs", "--tail=2", "talker").splitlines() == ["line 4", "line 5"]
    lab.until("Succeeded", lambda: lab.get("pod", "talker")["status"]["phase"] == "Succeeded")


def test_termination_is_graceful(lab: Lab) -> None:
    script = "trap 'echo bye; sleep 1; echo done; exit 0' TERM; while :; do sleep 0.1; done"
    lab.apply(lab.pod("polite", terminationGracePeriodSeconds=20, container={"command": ["sh", "-c", script]}))
    node = lab.ready("polite")["spec"]["nodeName"]
    uid = lab.get("pod", "polite")["metadata"]["uid"]
    lab.ok("delete", "pod", "polite", "--wait=false")
    log = f"/var/log/pods/{lab.namespace}_polite_{uid}/main/0.log"
    lab.until("its last words", lambda: "bye" in lab.ssh(node, f"cat {log}").out, seconds=15)
    lab.ok("wait", "--for=delete", "pod/polite", "--timeout=30s")


def ready_since(lab: Lab, kind: str, name: str) -> tuple[str, str]:
    """The Ready condition's status, and since when it has been that."""
    conditions = lab.get(kind, name)["status"]["conditions"]
    ready = next(one for one in conditions if one["type"] == "Ready")
    return ready["status"], ready["lastTransitionTime"]


def test_pods_survive_restarts_of_agent_and_runtime(lab: Lab) -> None:
    """Neither the container nor anybody who watches the pod or its node sees anything."""
    node = lab.workers()[0]
    lab.apply(lab.pod("steady", nodeName=node, container=SLEEP))
    lab.ready("steady")
    lab.until("the node is ready", lambda: ready_since(lab, "node", node)[0] == "True")
    container, seen = status_of(lab, "steady"), (ready_since(lab, "node", node), ready_since(lab, "pod", "steady"))
    for unit in ("sampan-nodeagent", "containerd"):
        lab.on(node, f"systemctl restart {unit}")
        lab.until(f"{unit} active", lambda unit=unit: lab.ssh(node, f"systemctl is-active {unit}").code == 0)
        lab.until("exec again", lambda: lab.kubectl("exec", "steady", "--", "true").code == 0)
        after = status_of(lab, "steady")
        assert (after["containerID"], after["restartCount"]) == (container["containerID"], container["restartCount"])
    renewed = lab.get("lease", node, "-n", "kube-node-lease")["spec"]["renewTime"]
    lab.until(  # by then the agent has looked at the runtime at least once
        "a lease of the new agent",
        lambda: lab.get("lease", node, "-n", "kube-node-lease")["spec"]["renewTime"] != renewed,
        seconds=15,
    )
    assert (ready_since(lab, "node", node), ready_since(lab, "pod", "steady")) == seen


def test_a_static_pod_has_a_mirror(lab: Lab) -> None:
    node = lab.workers()[0]
    pod = lab.pod("static", container=SLEEP)
    pod["metadata"]["namespace"] = lab.namespace
    import json

    path = f"/etc/sampan/manifests/e2e-{lab.namespace}.json"
    lab.on(node, f"cat >{path} <<'END'\n{json.dumps(pod)}\nEND")
    try:
        name = f"static-{node}"
        lab.until("the mirror pod", lambda: lab.kubectl("get", "pod", name).code == 0)
        lab.ready(name)
        assert "kubernetes.io/config.mirror" in lab.get("pod", name)["metadata"]["annotations"]
        uid = lab.get("pod", name)["metadata"]["uid"]
        lab.ok("delete", "pod", name, "--grace-period=0", "--force")
        lab.until(
            "a new mirror",
            lambda: (
                (new := lab.kubectl("get", "pod", name, "-o", "jsonpath={.metadata.uid}")).code == 0
                and new.out not in ("", uid)
            ),
        )
    finally:
        lab.on(node, f"rm -f {path}")
    lab.until("the mirror to go", lambda: lab.kubectl("get", "pod", name).code != 0)


def test_limits_reach_the_cgroup(lab: Lab) -> None:
    hungry = {
        "command": ["dd", "if=/dev/zero", "of=/memory/fill", "bs=1M", "count=64"],
        "resources": {"limits": {"memory": "16Mi", "cpu": "100m"}},
        "volumeMounts": [{"name": "memory", "mountPath": "/memory"}],
    }
    volumes = [{"name": "memory", "emptyDir": {"medium": "Memory"}}]
    lab.apply(lab.pod("hungry", restartPolicy="Never", container=hungry, volumes=volumes))
    state = lab.until("its end", lambda: status_of(lab, "hungry")["state"].get("terminated"))
    assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)
