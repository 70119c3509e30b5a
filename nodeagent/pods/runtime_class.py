"""Which of the runtime's handlers runs a pod: the one that its RuntimeClass names."""

from __future__ import annotations

from controlplane.api.core_v1 import Pod
from controlplane.api.node_v1 import RuntimeClass
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from nodeagent.pods.env import ConfigError


class RuntimeClasses:
    """Looks handlers up, and remembers them for when the API server does not answer.

    It is asked each time, for few pods name a class, and a class of that name may have been made anew with another
    handler. While it is away the handler of before is right: that of a class never changes.
    """

    def __init__(self, client: Client):
        self._client = client
        self._known: dict[str, str] = {}  # handlers by the name of their class

    async def handler_of(self, pod: Pod) -> str:
        """Return the handler, "" for the runtime's default. Raises ConfigError while the class is not to be had."""
        name = pod.spec.runtime_class_name
        if not name:
            return ""
        try:
            self._known[name] = (await self._client.get(RuntimeClass, name)).handler
        except NotFound as error:
            self._known.pop(name, None)
            raise ConfigError(f'runtimeclass.node.k8s.io "{name}" not found') from error
        except (StatusError, Unreachable) as error:
            if name not in self._known:
                raise ConfigError(f"failed to lookup RuntimeClass {name}: {error}") from error
        return self._known[name]
