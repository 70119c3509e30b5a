"""A client for commands: whatever goes wrong on the way to the API server is told in one sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.client.client import Client


class CannotAsk(Explained):
    """The API server was not reached, or said no."""


@asynccontextmanager
async def open_client(kubeconfig_file: Path, clock: Clock, *, user_agent: str) -> AsyncIterator[Client]:
    """Open a client as the user of a kubeconfig file. Raises CannotAsk, also for failures of what is done with it."""
    from controlplane.api.status import StatusError
    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.credentials import BadCredentials
    from controlplane.client.transport import Unreachable

    try:
        async with kubeconfig.load(kubeconfig_file).connection().open(clock) as transport:
            yield Client(transport, user_agent=user_agent)
    except (kubeconfig.KubeconfigError, BadCredentials) as error:
        raise CannotAsk(f"{error}") from error
    except Unreachable as error:
        raise CannotAsk(f"the API server does not answer: {error}") from error
    except StatusError as error:
        raise CannotAsk(f"the API server refused: {error.message}") from error
