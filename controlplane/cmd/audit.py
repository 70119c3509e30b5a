"""The --audit-* flags: from settings to what the API server audits, and where to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.cmd.settings import SettingsError, duration, read_file
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.audit import AuditSettings, Policy
    from controlplane.apiserver.audit.batch import BatchConfig
    from controlplane.apiserver.audit.log import LogSettings
    from controlplane.apiserver.audit.webhook import WebhookSettings

_log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def audit_settings(values: Values) -> AuditSettings | None:
    """Return what is audited; None if nothing is. Raises Explained."""
    from controlplane.apiserver.audit import AuditSettings

    if not values["audit-policy-file"]:
        if values["audit-log-path"] or values["audit-webhook-config-file"]:
            _log.warning(
                "--audit-log-path, --audit-webhook-config-file: nothing is audited without --audit-policy-file"
            )
        return None
    policy = _policy(values["audit-policy-file"])
    sinks = [sink for sink in (_log_settings(values), _webhook_settings(values)) if sink is not None]
    return AuditSettings(policy, tuple(sinks)) if sinks else None


def _policy(file: str) -> Policy:
    from controlplane.apiserver.audit import PolicyError, load_policy

    try:
        return load_policy(read_file("audit-policy-file", file))
    except PolicyError as error:
        raise Explained(f"--audit-policy-file: {error}: from file {file}") from error


def _log_settings(values: Values) -> LogSettings | None:
    from controlplane.apiserver.audit.log import FORMATS, MODES, LogSettings

    path = values["audit-log-path"]
    if not path:
        return None
    for name in ("maxage", "maxbackup", "maxsize"):
        if values[f"audit-log-{name}"] < 0:
            raise SettingsError(f"--audit-log-{name} {values[f'audit-log-{name}']} can't be a negative number")
    settings = LogSettings(
        path=path,
        max_age=values["audit-log-maxage"],
        max_backups=values["audit-log-maxbackup"],
        max_size=values["audit-log-maxsize"],
        format=_one_of(values, "audit-log-format", tuple(FORMATS)),
        mode=_one_of(values, "audit-log-mode", MODES),
        batch=_batch(values, "log"),
    )
    if path != "-":
        _make_sure_of(path)
    return settings


def _make_sure_of(path: str) -> None:
    """Find out now whether the log can be written. Raises Explained."""
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)
    except OSError as error:
        raise Explained(f"--audit-log-path: cannot write {path}: {error.strerror}") from error


def _webhook_settings(values: Values) -> WebhookSettings | None:
    from controlplane.apiserver.audit.webhook import WebhookSettings
    from controlplane.client.kubeconfig import load

    file = values["audit-webhook-config-file"]
    if not file:
        return None
    _one_of(values, "audit-webhook-mode", ("batch",))
    backoff = duration(values, "audit-webhook-initial-backoff")
    return WebhookSettings(load(Path(file)).connection(), backoff, _batch(values, "webhook"))


def _batch(values: Values, plugin: str) -> BatchConfig:
    from controlplane.apiserver.audit.batch import BatchConfig

    prefix = f"audit-{plugin}-batch"
    for name in ("buffer-size", "max-size", "throttle-burst"):
        if values[f"{prefix}-{name}"] < 1:
            raise SettingsError(f"--{prefix}-{name}: {values[f'{prefix}-{name}']} must be a positive number")
    throttled = values[f"{prefix}-throttle-enable"]
    return BatchConfig(
        buffer=values[f"{prefix}-buffer-size"],
        size=values[f"{prefix}-max-size"],
        wait=duration(values, f"{prefix}-max-wait"),
        qps=values[f"{prefix}-throttle-qps"] if throttled else 0.0,
        burst=values[f"{prefix}-throttle-burst"],
    )


def _one_of(values: Values, name: str, known: tuple[str, ...]) -> str:
    value: str = values[name]
    if value not in known:
        raise SettingsError(f"--{name}: {value!r} is not one of {', '.join(known)}")
    return value
