"""A server comes back whatever webhooks and policies say that its cluster holds."""

from __future__ import annotations

import subprocess
import sys
from random import Random

from controlplane.api.admissionregistration_v1 import (
    RuleWithOperations,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
    WebhookClientConfig,
)
from controlplane.api.core_v1 import Namespace
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.server import ApiServer
from controlplane.kit.clock import SystemClock
from controlplane.store.memory import MemoryStore
from controlplane.testing.memory import default_settings


def fails_closed_on_everything() -> ValidatingWebhookConfiguration:
    rule = RuleWithOperations(api_groups=["*"], api_versions=["*"], operations=["*"], resources=["*/*"])
    webhook = ValidatingWebhook(
        name="nobody.example.com", rules=[rule], client_config=WebhookClientConfig(url="https://127.0.0.1:1/"),
        failure_policy="Fail", side_effects="None", admission_review_versions=["v1"],
    )  # fmt: skip
    return ValidatingWebhookConfiguration(metadata=ObjectMeta(name="nobody"), webhooks=[webhook])


async def test_a_webhook_that_fails_closed_does_not_keep_the_server_from_starting() -> None:
    clock = SystemClock()
    async with MemoryStore.open(clock) as store:
        async with ApiServer.running(store, default_settings(), clock, Random(1)) as server:
            await server.client().create(fails_closed_on_everything())
        record = await store.get("/registry/namespaces/kube-public")
        assert record is not None
        await store.delete("/registry/namespaces/kube-public", expected=record.revision)
        async with ApiServer.running(store, default_settings(), clock, Random(2)) as server:
            assert (await server.client().get(Namespace, "kube-public")).metadata.uid


def test_a_server_without_expressions_does_not_load_the_language() -> None:
    program = (
        "import sys, controlplane.cmd.apiserver, controlplane.apiserver.server\n"
        "print([one for one in sys.modules if one.startswith(('controlplane.cel.', 're2'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
