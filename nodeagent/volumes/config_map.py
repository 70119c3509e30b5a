"""A config map's keys as files."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from controlplane.api.core_v1 import ConfigMap, ConfigMapVolumeSource, KeyToPath
from nodeagent.volumes import written
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.objects import Reference
from nodeagent.volumes.payload import Payload, mode_of, pick


def set_up(job: Job) -> Path:
    """Write the volume. Raises VolumeFailed, OSError."""
    source: ConfigMapVolumeSource = job.source
    found = job.objects[Reference(ConfigMap, job.pod.metadata.namespace, source.name)]
    assert found is None or isinstance(found, ConfigMap)
    mode, optional = mode_of(source.default_mode), bool(source.optional)
    files = payload(source.name, found, source.items, mode, optional=optional)
    return written.write(job, files, in_memory=False)


def payload(
    name: str, config_map: ConfigMap | None, items: Iterable[KeyToPath], default_mode: int, *, optional: bool
) -> Payload:
    """Return the files of config map `name` (None: it does not exist). Raises VolumeFailed."""
    if config_map is None:
        if optional:
            return {}
        raise VolumeFailed(f'configmap "{name}" not found')
    missing = None if optional else "configmap references non-existent config key"
    return pick(contents(config_map), items, default_mode, missing=missing)


def contents(config_map: ConfigMap) -> dict[str, bytes]:
    """Return a config map's text and binary data as bytes."""
    data = {key: value.encode() for key, value in config_map.data.items()}
    return data | {key: base64.b64decode(value) for key, value in config_map.binary_data.items()}
