"""Which of the runtime's handlers runs a pod: the one that its RuntimeClass names."""

from __future__ import annotations

from controlplane.api.core_v1 import Pod
from controlplane.api.node_v1 import RuntimeClass
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from nodeagent.pods.env import ConfigError


async def handler_of(pod: Pod, client: Client) -> str:
    """Return the handler, "" for the runtime's default. Raises ConfigError while the class is not to be had.

    The API server is asked each time, for few pods name a class and none may run under another's handler.
    """
    name = pod.spec.runtime_class_name
    if not name:
        return ""
    try:
        return (await client.get(RuntimeClass, name)).handler
    except NotFound as error:
        raise ConfigError(f'runtimeclass.node.k8s.io "{name}" not found') from error
    except (StatusError, Unreachable) as error:
        raise ConfigError(f"failed to lookup RuntimeClass {name}: {error}") from error
