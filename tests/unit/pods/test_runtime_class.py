"""Which of the runtime's handlers runs a pod, also while the API server does not say."""

from __future__ import annotations

import pytest

from controlplane.api.core_v1 import Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.node_v1 import RuntimeClass
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from nodeagent.pods.env import ConfigError
from nodeagent.pods.runtime_class import RuntimeClasses
from tests.fakes.api import FakeApi

_POD = Pod(spec=PodSpec(runtime_class_name="gvisor"))
_CLASS = RuntimeClass(metadata=ObjectMeta(name="gvisor"), handler="runsc")


async def test_a_class_that_was_seen_is_known_while_the_api_server_is_away() -> None:
    api = FakeApi(ManualClock())
    classes = RuntimeClasses(Client(api))
    api.unreachable = True
    with pytest.raises(ConfigError, match="failed to lookup RuntimeClass gvisor"):
        await classes.handler_of(_POD)
    api.unreachable = False
    api.add(_CLASS)
    assert await classes.handler_of(_POD) == "runsc"
    api.unreachable = True
    assert await classes.handler_of(_POD) == "runsc"


async def test_a_class_that_is_gone_is_forgotten() -> None:
    api = FakeApi(ManualClock())
    classes = RuntimeClasses(Client(api))
    api.add(_CLASS)
    assert await classes.handler_of(_POD) == "runsc"
    api.remove(RuntimeClass, "gvisor")
    with pytest.raises(ConfigError, match='"gvisor" not found'):
        await classes.handler_of(_POD)
    api.unreachable = True
    with pytest.raises(ConfigError, match="failed to lookup RuntimeClass gvisor"):
        await classes.handler_of(_POD)


async def test_a_pod_without_a_class_has_the_default() -> None:
    api = FakeApi(ManualClock())
    api.unreachable = True
    assert await RuntimeClasses(Client(api)).handler_of(Pod(spec=PodSpec())) == ""
