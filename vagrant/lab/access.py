"""The way in from the host: the API server on a loopback port, a kubeconfig, .lab/ssh and .lab/image."""

import os
import subprocess
from pathlib import Path

import yaml

from lab import cgroups, machine, network
from lab.cluster import Cluster
from lab.paths import PROJECT, STATE, VAGRANT
from lab.step import LabError, try_run, wait_until

PROXY = "proxy"  # the name of the proxy's cgroup, beside those of the machines
ADMIN = "/etc/sampan/admin.conf"  # on the master
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
    [ -z "${{1:-}}" ] || echo "there is no image '$1'" >&2
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
    port = _free_port(cluster.api_port)
    log = (STATE / "proxy.log").open("ab")
    command = [
        *("systemd-socket-activate", "-l", f"127.0.0.1:{port}", "ip", "netns", "exec", network.SWITCH),
        *("/lib/systemd/systemd-socket-proxyd", f"{cluster.master.address}:6443"),
    ]
    # In a cgroup like a machine, so that `make lab-down` finds it without trusting a recorded process id.
    base = cgroups.ROOT if cgroups.unified() else cgroups.ROOT / "systemd"
    cgroup = base / f"{cgroups.PREFIX}{PROXY}"
    cgroup.mkdir(exist_ok=True)
    proxy = subprocess.Popen(
        ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(cgroup), *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    log.close()
    (STATE / "api-port").write_text(f"{port}\n")
    hint = f"look at {STATE}/proxy.log"

    def listening() -> bool:
        if proxy.poll() is not None:
            raise LabError(f"the proxy on 127.0.0.1:{port} ended at once: {hint}")
        return port in _listening()

    wait_until(f"the proxy on 127.0.0.1:{port}", listening, seconds=5, hint=hint)


def _free_port(first: int) -> int:
    """The first port that nobody listens on."""
    taken = _listening()
    return next(port for port in range(first, 65536) if port not in taken)


def _listening() -> set[int]:
    """TCP ports in use on the host, from the kernel's table: asking it does not wake the proxy."""
    lines = Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines()
    # Columns: number, local address:port (hexadecimal), remote, state (0A: listening), ...
    rows = [line.split() for line in lines]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


def has_kubeconfig(cluster: Cluster) -> bool:
    """Whether the control plane came far enough to be asked."""
    return try_run(machine.LAB / "enter", STATE, cluster.master.name, "test", "-s", ADMIN).returncode == 0


def write_kubeconfig(cluster: Cluster) -> None:
    """The admin's kubeconfig with the address that works on the host."""
    config = yaml.safe_load(machine.enter(cluster.master, "cat", ADMIN))
    for entry in config["clusters"]:
        entry["cluster"]["server"] = f"https://127.0.0.1:{(STATE / 'api-port').read_text().strip()}"
    KUBECONFIG.touch(mode=0o600)
    KUBECONFIG.write_text(yaml.safe_dump(config, sort_keys=False))
