"""The file that --admission-control-config-file names: a section for every plug-in that is to be told something.

apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration: {...}          # or path: a file, seen from the one it is named in
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from controlplane.cmd.settings import SettingsError, read_file

if TYPE_CHECKING:
    from controlplane.admission.configuration import PluginConfiguration

_log = logging.getLogger(__name__)

_FLAG = "admission-control-config-file"
_VERSIONS = ("apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1")


class _Plugin(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    path: str = ""
    configuration: dict[str, Any] | None = None


class AdmissionConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """What the file holds."""

    plugins: list[_Plugin] = []


def plugin_configuration(file: str) -> PluginConfiguration:
    """Return what plug-ins are told. Raises SettingsError."""
    from controlplane.admission.configuration import CONFIGURABLE, PluginConfiguration, read_section
    from controlplane.api.configuration import ConfigurationError, decode_configuration

    if not file:
        return PluginConfiguration()
    told: dict[str, Any] = {}
    where = file
    try:
        plugins = decode_configuration(read_file(_FLAG, file), AdmissionConfiguration, _VERSIONS).plugins
        for plugin in plugins:
            where = f"{file}: {plugin.name}"
            if plugin.name not in CONFIGURABLE:
                _log.warning("--%s: %s is told nothing: it has no configuration here", _FLAG, plugin.name)
            elif (text := _section(plugin, Path(file))) is not None:
                told |= read_section(plugin.name, text)
    except ConfigurationError as error:
        raise SettingsError(f"--{_FLAG}: {where}: {error}") from error
    return PluginConfiguration(**told)


def _section(plugin: _Plugin, file: Path) -> bytes | None:
    if plugin.configuration is not None:
        return msgspec.json.encode(plugin.configuration)  # JSON is YAML
    return read_file(_FLAG, file.parent / plugin.path) if plugin.path else None
