"""What the audit log says of webhooks and policies, and at which level."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.webhook import WebhookServer, patched
from tests.integration.apiserver.test_audit import CONFIG_MAPS, MINE, audited, config_map
from tests.integration.apiserver.test_policies import policy
from tests.integration.apiserver.test_webhooks import configure, hook

PATCH = {"op": "add", "path": "/data/secret", "value": "hidden"}


@pytest.mark.parametrize("level", ["Metadata", "Request"])
async def test_webhooks(tmp_path: Path, level: str) -> None:
    def answer(path: str, _: object) -> dict[str, object]:
        return {**(patched(PATCH) if path == "/patch" else {"allowed": True}), "auditAnnotations": {"why": path}}

    async with audited(tmp_path, MINE % level, "omitStages: [RequestReceived]\n") as server:
        async with WebhookServer.listening(answer) as webhook:
            nobody = {"url": "https://127.0.0.1:1/"}
            await configure(server.ask, "Mutating", hook(webhook.by_url("/patch"), name="a.example.com"))
            await configure(
                server.ask,
                "Validating",
                hook(webhook.by_url("/look"), name="b.example.com"),
                hook(nobody, name="c.example.com", failurePolicy="Ignore"),
            )
            server.events()
            assert (await server.ask("POST", CONFIG_MAPS, config_map())).status == 201
        (event,) = server.events()
    annotations = {key: text for key, text in event["annotations"].items() if not key.startswith("authorization")}
    patch = annotations.pop("patch.webhook.admission.k8s.io/round_0_index_0", None)
    assert annotations == {
        "a.example.com/why": "/patch",
        "b.example.com/why": "/look",
        "mutation.webhook.admission.k8s.io/round_0_index_0":
            '{"configuration":"policy","webhook":"a.example.com","mutated":true}',
        "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "c.example.com",
    }  # fmt: skip
    if level == "Metadata":
        assert patch is None  # it holds what the object does
    else:
        assert json.loads(patch or "")["patch"] == [PATCH]


async def test_policies(tmp_path: Path) -> None:
    async with audited(tmp_path, MINE % "Metadata", "omitStages: [RequestReceived]\n") as server:
        await policy(
            server.ask,
            "false",
            auditAnnotations=[
                {"key": "name", "valueExpression": "'name is ' + object.metadata.name"},
                {"key": "nothing", "valueExpression": "null"},
            ],
            binding={"validationActions": ["Audit"]},
        )
        server.events()
        assert (await server.ask("POST", CONFIG_MAPS, config_map("cm"))).status == 201
        (event,) = server.events()
    annotations = event["annotations"]
    assert annotations["p/name"] == "name is cm"
    assert "p/nothing" not in annotations
    (failure,) = json.loads(annotations["validation.policy.admission.k8s.io/validation_failure"])
    assert failure == {
        "message": "failed expression: false", "policy": "p", "binding": "p-binding", "expressionIndex": 0,
        "validationActions": ["Audit"],
    }  # fmt: skip
