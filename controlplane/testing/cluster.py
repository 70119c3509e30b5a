"""A cluster for Python programs and tests that block: `with cluster() as c: ...`.

    with cluster() as c:
        subprocess.run(["kubectl", "get", "namespaces"], env=c.environ, check=True)      # or helm, or any client
        c.run(lambda client: client.create(Namespace(metadata=ObjectMeta(name="shop"))))  # typed

The API server is the real one, over HTTPS on the loopback interface. Controllers and scheduler run beside it, so that a
Deployment gets its ReplicaSet and a deleted namespace goes. There are no nodes: pods stay Pending until somebody (a
test, a node agent) registers one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from controlplane.apiserver.server import ServerSettings
from controlplane.auth import service_account
from controlplane.auth.interface import User
from controlplane.client.client import Client
from controlplane.controllers import manager
from controlplane.controllers.certificates.authority import signers_of
from controlplane.kit.clock import Clock, SystemClock
from controlplane.kit.tasks import running
from controlplane.scheduler.run import run_all as run_scheduler
from controlplane.testing.background import Background, in_background
from controlplane.testing.https import HttpsApi, https_api
from controlplane.testing.memory import default_settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    background: Background[HttpsApi]

    @property
    def api(self) -> HttpsApi:
        """The server, for those who want to look inside."""
        return self.background.value

    @property
    def url(self) -> str:
        return self.api.url

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; `api.kubeconfig_of(user, *groups)` writes one for somebody else."""
        return self.api.kubeconfig

    @property
    def environ(self) -> dict[str, str]:
        """This process's environment with KUBECONFIG set, for programs to be run in."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def run(self, work: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: float = 30.0) -> T:
        """Do something with a client of the administrator's and return the result. Raises StatusError, TimeoutError."""
        return self.background.run(work(self.api.memory.client()), timeout)


@contextmanager
def cluster(
    directory: Path | None = None,
    *,
    controllers: bool = True,
    settings: ServerSettings | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Iterator[Cluster]:
    """Run a cluster until the block ends.

    Its files (certificates, kubeconfigs) are in `directory`, a temporary one by default. Without `controllers` nothing
    but the API server runs: an object stays as it was written.
    """
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sampan-")))
        directory.mkdir(parents=True, exist_ok=True)
        open_ = partial(_control_plane, directory, controllers, settings, clock or SystemClock(), random or Random())
        yield Cluster(stack.enter_context(in_background(open_)))


@asynccontextmanager
async def _control_plane(
    directory: Path, controllers: bool, settings: ServerSettings | None, clock: Clock, random: Random
) -> AsyncIterator[HttpsApi]:
    if settings is None:
        settings = default_settings()
        if controllers:  # they make the service accounts without which pods are refused
            settings = replace(settings, security=replace(settings.security, disabled_plugins=()))
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(https_api(directory, clock=clock, random=random, settings=settings))
        if controllers:
            await stack.enter_async_context(running(_controllers(api, random), _scheduler(api, random)))
        yield api


async def _controllers(api: HttpsApi, random: Random) -> None:
    ca = api.authority.certificate_pem.decode()
    without_nodes = ("*", "-node-ipam-controller")  # nobody here has a pod network to divide
    signers = signers_of(api.authority, api.clock)
    token_key = api.server.settings.security.signing_key
    settings = manager.Settings(controllers=without_nodes, root_ca=ca, signers=signers, token_key=token_key)

    def client_for(account: str) -> Client:
        name = service_account.username("kube-system", account)
        groups = (*service_account.groups("kube-system"), "system:authenticated")
        return api.memory.client(User(name, groups=groups))

    manager_user = User("system:kube-controller-manager", groups=("system:authenticated",))
    await manager.run_all(
        api.memory.client(manager_user),
        client_for,
        settings,
        clock=api.clock,
        random=random,
        registry=CollectorRegistry(),
    )


async def _scheduler(api: HttpsApi, random: Random) -> None:
    client = api.memory.client(User("system:kube-scheduler", groups=("system:authenticated",)))
    await run_scheduler(client, clock=api.clock, random=random, registry=CollectorRegistry())
