"""A config map's keys as files."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from controlplane.api.core_v1 import ConfigMap, KeyToPath
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.payload import Payload, pick


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
