"""The configuration files that `controlplane init` writes.

One of them, init.yaml, says how this control plane is reached: certificates are renewed as they were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from controlplane.cmd.settings import Settings, Value
from controlplane.cmd.tables import APISERVER, CONTROLLER_MANAGER, SCHEDULER, STORE
from controlplane.kit.explained import Explained
from controlplane.pki.pin import pin_of_pem
from controlplane.pki.plan import Endpoint

FILE = "init.yaml"
USUAL_FOLDER = Path("/etc/sampan")


class NoCluster(Explained):
    """There is no control plane on this machine."""


def render_all(endpoint: Endpoint, pod_cidrs: Sequence[str], config_dir: Path, data_dir: Path) -> Mapping[str, str]:
    """Return every configuration file of a control plane, by name."""
    services = list(endpoint.service_cidrs)
    apiserver: dict[str, Value] = {
        "advertise-address": endpoint.advertise_address,
        "secure-port": endpoint.bind_port,
        "service-cluster-ip-range": services,
        "service-account-issuer": [f"https://kubernetes.default.svc.{endpoint.dns_domain}"],
        "data-dir": str(data_dir),
    }
    hosts = dict.fromkeys(("127.0.0.1", endpoint.advertise_address))
    store: dict[str, Value] = {"listen-client-urls": [f"https://{_bracketed(host)}:2379" for host in hosts]}
    # As kubeadm has it: these two sign cluster-info for join tokens, and delete the tokens that have ended.
    joining: dict[str, Value] = {"controllers": ["*", "bootstrapsigner", "tokencleaner"]}
    controllers: dict[str, Value] = {"cluster-cidr": list(pod_cidrs), "service-cluster-ip-range": services}
    return {
        "apiserver.yaml": _render(APISERVER, config_dir / "apiserver.yaml", apiserver, first=store),
        "controller-manager.yaml": _render(
            CONTROLLER_MANAGER, config_dir / "controller-manager.yaml", controllers, first=joining
        ),
        "scheduler.yaml": _render(SCHEDULER, config_dir / "scheduler.yaml", {}),
        # For who wants the store as a process of its own: sampan-store.service.
        "store.yaml": _render(STORE, config_dir / "store.yaml", {"data-dir": str(data_dir)}, first=store),
        FILE: render(endpoint),
    }


def _render(settings: Settings, path: Path, ours: Mapping[str, Value], *, first: Mapping[str, Value] = {}) -> str:
    """Return a file: what is set in it now stays, but for the cluster's addresses; `first` is for new files."""
    now = settings.load(path) if path.exists() else {}
    return settings.render({**moved(settings.defaults, path.parent), **first, **now, **ours})


def moved(values: Mapping[str, Value], config_dir: Path) -> dict[str, Value]:
    """Return the values with files of the usual folder taken from another one."""

    def place(text: str) -> str:
        path = Path(text)
        return str(config_dir / path.relative_to(USUAL_FOLDER)) if path.is_relative_to(USUAL_FOLDER) else text

    def placed(value: Value) -> Value:
        if isinstance(value, list):
            return [place(one) for one in value]
        return place(value) if isinstance(value, str) else value

    return {name: placed(value) for name, value in values.items()}


def render(endpoint: Endpoint) -> str:
    """Return init.yaml."""
    known = {name.replace("_", "-"): _plain(value) for name, value in asdict(endpoint).items()}
    return "# How this control plane is reached. Written by controlplane init, read by its other commands.\n" + str(
        yaml.safe_dump(known, sort_keys=False)
    )


def load(config_dir: Path) -> Endpoint:
    """Return what `controlplane init` wrote. Raises NoCluster."""
    path = config_dir / FILE
    try:
        loaded: dict[str, Any] = yaml.safe_load(path.read_text())
        values: dict[str, Any] = {
            name.replace("-", "_"): tuple(value) if isinstance(value, list) else value for name, value in loaded.items()
        }
        return Endpoint(**values)
    except FileNotFoundError:
        raise NoCluster(f"there is no control plane here ({path} is missing): run controlplane init first") from None
    except (OSError, ValueError, yaml.YAMLError, TypeError, AttributeError) as error:
        raise NoCluster(f"{path} cannot be used: {error}") from error


def join_command(endpoint: Endpoint, token: str, ca: bytes) -> str:
    """Return the command that makes a machine a node."""
    address = endpoint.server.removeprefix("https://")
    return f"nodeagent join {address} --token {token} --discovery-token-ca-cert-hash {pin_of_pem(ca)}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
