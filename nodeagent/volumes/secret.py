"""A secret's keys as files, which never touch a disk: the volume is memory."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from controlplane.api.core_v1 import KeyToPath, Secret, SecretVolumeSource
from nodeagent.volumes import written
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.objects import Reference
from nodeagent.volumes.payload import Payload, mode_of, pick


def set_up(job: Job) -> Path:
    """Write the volume. Raises VolumeFailed, OSError."""
    source: SecretVolumeSource = job.source
    found = job.objects[Reference(Secret, job.pod.metadata.namespace, source.secret_name)]
    assert found is None or isinstance(found, Secret)
    mode, optional = mode_of(source.default_mode), bool(source.optional)
    return written.write(job, payload(source.secret_name, found, source.items, mode, optional=optional))


def payload(
    name: str, secret: Secret | None, items: Iterable[KeyToPath], default_mode: int, *, optional: bool
) -> Payload:
    """Return the files of secret `name` (None: it does not exist). Raises VolumeFailed."""
    if secret is None:
        if optional:
            return {}
        raise VolumeFailed(f'secret "{name}" not found')
    missing = None if optional else "references non-existent secret key"
    return pick(contents(secret), items, default_mode, missing=missing)


def contents(secret: Secret) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in secret.data.items()}
