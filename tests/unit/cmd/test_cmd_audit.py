"""The --audit-* flags, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controlplane.apiserver.audit.batch import BatchConfig
from controlplane.apiserver.audit.log import LogSettings
from controlplane.apiserver.audit.webhook import WebhookSettings
from controlplane.cmd.audit import audit_settings
from controlplane.cmd.tables import APISERVER
from controlplane.kit.explained import Explained

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
KUBECONFIG = """
clusters: [{name: a, cluster: {server: 'https://audit.example:8443/events'}}]
users: [{name: b, user: {token: t}}]
contexts: [{name: c, context: {cluster: a, user: b}}]
current-context: c
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "webhook.conf").write_text(KUBECONFIG)
    (tmp_path / "bad.yaml").write_text("apiVersion: v1")
    return tmp_path


def values(directory: Path, **given: Any) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in given.items()}
    paths = {name: str(directory / value) for name, value in named.items() if name.endswith(("-file", "-path"))}
    return APISERVER.defaults | named | paths


def test_nothing_is_audited_by_default(files: Path) -> None:
    assert audit_settings(APISERVER.defaults) is None
    assert audit_settings(values(files, audit_policy_file="policy.yaml")) is None, "there is nowhere to tell it"
    assert audit_settings(values(files, audit_log_path="policy.yaml/audit.log")) is None, "no policy, no file"


def test_a_log_with_upstreams_defaults(files: Path) -> None:
    settings = audit_settings(values(files, audit_policy_file="policy.yaml", audit_log_path="logs/audit.log"))
    assert settings is not None and settings.policy.rules[0].level == "Metadata"
    path = files / "logs" / "audit.log"
    assert settings.sinks == (
        LogSettings(str(path), 366, 100, 100, "json", "blocking", BatchConfig(10_000, 1, 30.0, 0.0, 15)),
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_webhook(files: Path) -> None:
    given = {"audit_policy_file": "policy.yaml", "audit_webhook_config_file": "webhook.conf"}
    settings = audit_settings(values(files, **given, audit_webhook_batch_max_wait="5s"))
    assert settings is not None
    (webhook,) = settings.sinks
    assert isinstance(webhook, WebhookSettings)
    assert (webhook.connection.server, webhook.connection.token) == ("https://audit.example:8443/events", "t")
    assert (webhook.initial_backoff, webhook.batch) == (10.0, BatchConfig(wait=5.0))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param({"audit_policy_file": "missing.yaml"}, "--audit-policy-file: cannot read ", id="no file"),
        pytest.param({"audit_policy_file": "bad.yaml"}, "unknown group version field v1, Kind=None", id="bad"),
        pytest.param({"audit_log_path": "policy.yaml/x"}, "--audit-log-path: cannot write ", id="no folder"),
        pytest.param({"audit_log_maxage": -1}, "--audit-log-maxage -1 can't be a negative number", id="negative"),
        pytest.param({"audit_log_format": "xml"}, "--audit-log-format: 'xml' is not one of json, legacy", id="format"),
        pytest.param({"audit_log_mode": "later"}, "--audit-log-mode: 'later' is not one of batch, blocking", id="mode"),
        pytest.param({"audit_log_batch_max_size": 0}, "--audit-log-batch-max-size: 0 must be a positive", id="size"),
        pytest.param({"audit_webhook_config_file": "webhook.conf", "audit_webhook_mode": "blocking"},
                     "--audit-webhook-mode: 'blocking' is not one of batch", id="blocking webhook"),
        pytest.param({"audit_webhook_config_file": "missing.conf"}, "cannot read ", id="no kubeconfig"),
    ],
)  # fmt: skip
def test_what_cannot_be(files: Path, given: dict[str, Any], why: str) -> None:
    complete = {"audit_policy_file": "policy.yaml", "audit_log_path": "audit.log"} | given
    with pytest.raises(Explained) as error:
        audit_settings(values(files, **complete))
    assert why in str(error.value)
