"""The way in from the host: the API server on a loopback port, a kubeconfig, .lab/ssh and .lab/image."""

import os
import subprocess
from pathlib import Path

import yaml

from lab import cgroups, machine, network
from lab.cluster import Cluster
from lab.paths import PROJECT, STATE, VAGRANT
from lab.step import LabError, wait_until

PROXY = "proxy"  # the name of the proxy's cgroup, beside those of the machines
KUBECONFIG = STATE / "kubeconfig"
KUBECTL = PROJECT / ".venv" / "bin" / "kubectl"


def write_commands(cluster: Cluster) -> None:
    """.lab/ssh and .lab/image."""
    _script("ssh", f'exec "{VAGRANT}/lab/enter" "{STATE}" "$@"')
    images = f'"{PROJECT}/.cache/images"'
    _script(
        "image",
        f"""\
[ -f {images}/"${{1:-}}".tar ] || {{
    echo "usage: .lab/image NAME, where NAME is one of:" $(basename -s .tar {images}/*.tar) >&2
    exit 64
}}
case $1 in
    pause) echo localhost/pause:1 ;;
    *) echo "{cluster.registry}/$1:1" ;;
esac""",
    )


def _script(name: str, body: str) -> None:
    path = STATE / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def open_port(cluster: Cluster) -> None:
    """Listen on the host's loopback, connect from inside the switch's namespace: no lab address is used out here."""
    if cgroups.processes(PROXY):
        return
    log = (STATE / "proxy.log").open("ab")
    command = [
        "systemd-socket-activate", "-l", f"127.0.0.1:{cluster.api_port}",
        "ip", "netns", "exec", network.SWITCH, "/lib/systemd/systemd-socket-proxyd", f"{cluster.master.address}:6443",
    ]  # fmt: skip
    # In a cgroup like a machine, so that `make lab-down` finds it without trusting a recorded process id.
    base = cgroups.ROOT if cgroups.unified() else cgroups.ROOT / "systemd"
    cgroup = base / f"{cgroups.PREFIX}{PROXY}"
    cgroup.mkdir(exist_ok=True)
    enter_cgroup = ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(cgroup)]
    proxy = subprocess.Popen(
        [*enter_cgroup, *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    log.close()

    def listening() -> bool:
        if proxy.poll() is not None:
            raise LabError(
                f"cannot listen on 127.0.0.1:{cluster.api_port}, probably because something else does: end it, or "
                f"change api_port in vagrant/cluster.yaml\n{(STATE / 'proxy.log').read_text()[-500:]}"
            )
        return _listens(cluster.api_port)

    wait_until(f"the proxy on 127.0.0.1:{cluster.api_port}", listening, seconds=5, hint=f"look at {STATE}/proxy.log")


def _listens(port: int) -> bool:
    # Local address in hexadecimal, state 0A: listening. Asking the kernel's table does not wake the proxy.
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    return wanted in Path("/proc/net/tcp").read_text()


def write_kubeconfig(cluster: Cluster) -> None:
    """The admin's kubeconfig with the address that works on the host."""
    config = yaml.safe_load(machine.enter(cluster.master, "cat", "/etc/sampan/admin.conf"))
    for entry in config["clusters"]:
        entry["cluster"]["server"] = f"https://127.0.0.1:{cluster.api_port}"
    KUBECONFIG.touch(mode=0o600)
    KUBECONFIG.write_text(yaml.safe_dump(config, sort_keys=False))
