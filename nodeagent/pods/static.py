"""Static pods: manifests in a directory of the node, run whether or not there is an API server.

/etc/sampan/manifests/etcd.yaml   →   pod kube-system/etcd-NODE, whose UID is a digest of its content
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Pod
from controlplane.api.defaults import apply_defaults
from controlplane.api.resources import resource_of
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.inotify import DIRECTORY, Inotify
from nodeagent.pods import names

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 20.0  # upstream's fileCheckFrequency, for what inotify does not tell


class BadManifest(Exception):
    """A file that is no pod."""


def parse_manifest(text: str, path: str, node: str, seen: str) -> Pod:
    """Return the static pod that a manifest describes. Raises BadManifest."""
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadManifest(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "Pod" or not document.get("metadata", {}).get("name"):
        raise BadManifest(f"{path}: not a Pod with a name")
    digest = hashlib.md5(f"{node}\0{path}\0{text}".encode(), usedforsecurity=False)
    meta = document["metadata"]
    meta["name"] = f"{meta['name']}-{node}"
    meta["uid"] = str(uuid.UUID(bytes=digest.digest()))
    meta.setdefault("namespace", "default")
    annotations = meta.setdefault("annotations", {})
    annotations |= {names.CONFIG_SOURCE: "file", names.CONFIG_HASH: digest.hexdigest(), names.CONFIG_SEEN: seen}
    spec = document.setdefault("spec", {})
    spec["nodeName"] = node
    # Nothing that befalls the node may evict it.
    spec["tolerations"] = [*spec.get("tolerations", []), {"operator": "Exists", "effect": "NoExecute"}]
    try:
        apply_defaults(resource_of(Pod), document)
        return from_document(document, Pod)
    except (msgspec.ValidationError, ValueError, AttributeError, TypeError) as error:
        raise BadManifest(f"{path}: {error}") from error


class StaticPods:
    """Follows the directory and tells `on_change` when the pods in it are others."""

    def __init__(self, directory: Path, node: str, clock: Clock, inotify: Inotify, on_change: Callable[[], None]):
        self._directory, self._node, self._clock = directory, node, clock
        self._inotify, self._on_change = inotify, on_change
        self._bad: set[str] = set()
        self.pods: Mapping[str, Pod] = {}  # by UID

    async def run(self) -> None:
        """Follow until cancelled."""
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        changed = asyncio.Event()
        with self._inotify.watching(self._directory, DIRECTORY, changed.set):
            while True:
                changed.clear()
                self._look()
                await happens_within(changed, _LOOK_SECONDS, self._clock)

    def _look(self) -> None:
        found: dict[str, Pod] = {}
        for path in sorted(self._directory.iterdir()):
            if path.is_file() and not path.name.startswith(".") and path.suffix in (".yaml", ".yml", ".json"):
                pod = self._read(path)
                if pod is not None:
                    found[pod.metadata.uid] = self.pods.get(pod.metadata.uid, pod)
        if found.keys() != self.pods.keys():
            self.pods = found
            self._on_change()

    def _read(self, path: Path) -> Pod | None:
        try:
            text = path.read_text()
            if not text.strip():
                return None  # about to be written, which inotify will tell
            pod = parse_manifest(text, str(path), self._node, format_time(self._clock.now()))
        except (OSError, BadManifest) as error:
            if str(error) not in self._bad:
                self._bad.add(str(error))
                _log.error("static pod ignored: %s", error)
            return None
        return pod
