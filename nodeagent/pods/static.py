"""Static pods: manifests in a directory of the node (or one file), run whether or not there is an API server.

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
from controlplane.api.core_v1 import Pod, Secret
from controlplane.api.defaults import apply_defaults
from controlplane.api.resources import resource_of
from controlplane.api.validation import validate
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.inotify import DIRECTORY, Inotify
from nodeagent.pods import names
from nodeagent.volumes.objects import references

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 20.0  # upstream's fileCheckFrequency, for what inotify does not tell


class BadManifest(Exception):
    """What is no pod that this node can run, and why."""


def parse_manifest(text: str, path: str, node: str, seen: str) -> Pod:
    """Return the static pod that a manifest describes. Raises BadManifest."""
    return static_pod(read_document(text, path), text, path, node, seen)


def read_document(text: str, origin: str) -> Any:
    """Return what a manifest says, in YAML or JSON. Raises BadManifest."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadManifest(f"{origin}: not YAML: {error}") from error


def static_pod(document: Any, text: str, origin: str, node: str, seen: str, *, source: str = "file") -> Pod:
    """Return the pod that `document` describes, as this node runs it; `text` is what its UID is made of.

    No API server has looked at it, so it is defaulted and validated here: what is in a pod's spec becomes paths on the
    node. Raises BadManifest.
    """
    digest = hashlib.md5(f"{node}\0{origin}\0{text}".encode(), usedforsecurity=False)
    try:
        document = _adopted(document, node)
        meta = document["metadata"]
        meta["uid"] = str(uuid.UUID(bytes=digest.digest()))
        own = {names.CONFIG_SOURCE: source, names.CONFIG_HASH: digest.hexdigest(), names.CONFIG_SEEN: seen}
        meta["annotations"] = {**(meta.get("annotations") or {}), **own}
        apply_defaults(resource_of(Pod), document)
        pod = from_document(document, Pod)
    except (msgspec.ValidationError, ValueError, AttributeError, TypeError, LookupError) as error:
        raise BadManifest(f"{origin}: {error}") from error
    wrong = [error.text for error in validate(resource_of(Pod), pod)]
    if wrong:
        raise BadManifest(f"{origin}: invalid pod: {'; '.join(wrong)}")
    named = referenced(pod)
    if named:
        raise BadManifest(f"{origin}: static pods may not reference {named}")
    return pod


def _adopted(document: Any, node: str) -> dict[str, Any]:
    """Return the manifest's pod as one of this node."""
    if not isinstance(document, dict) or document.get("kind") != "Pod":
        raise ValueError("not a Pod")
    meta, spec = document.get("metadata") or {}, document.get("spec") or {}
    if not meta.get("name"):
        raise ValueError("a Pod without a name")
    # Nothing that befalls the node may evict it.
    tolerations = [*(spec.get("tolerations") or []), {"operator": "Exists", "effect": "NoExecute"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**meta, "name": f"{meta['name']}-{node}", "namespace": meta.get("namespace") or "default"},
        # What a status says in a manifest is another pod's, from which the manifest was copied.
        "spec": {**spec, "nodeName": node, "tolerations": tolerations},
    }


def referenced(pod: Pod) -> str:
    """Return what kind of API object the pod names, if any: a static pod must start where there is no API server."""
    if pod.spec.service_account_name:
        return "serviceaccounts"
    if pod.spec.resource_claims:
        return "resourceclaims"
    kinds = {reference.type for reference in references(pod)}
    if kinds:
        return "secrets" if Secret in kinds else "configmaps"
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim or volume.ephemeral:
            return "persistentvolumeclaims"
        for source in volume.projected.sources if volume.projected else ():
            if source.service_account_token:
                return "serviceaccounts"
            if source.cluster_trust_bundle:
                return "clustertrustbundles"
            if source.pod_certificate:
                return "podcertificates"
    return ""


class StaticPods:
    """Follows a directory of manifests, or a single one, and tells `on_change` when the pods in it are others."""

    def __init__(self, path: Path, node: str, clock: Clock, inotify: Inotify, on_change: Callable[[], None]):
        self._path, self._node, self._clock = path, node, clock
        self._inotify, self._on_change = inotify, on_change
        self._bad: dict[Path, str] = {}  # what was said about a file, so as not to say it every 20 seconds
        self.pods: Mapping[str, Pod] = {}  # by UID

    async def run(self) -> None:
        """Follow until cancelled."""
        directory = self._path.parent if self._path.is_file() else self._path
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        changed = asyncio.Event()
        with self._inotify.watching(directory, DIRECTORY, changed.set):
            while True:
                changed.clear()
                self._look()
                await happens_within(changed, _LOOK_SECONDS, self._clock)

    def _look(self) -> None:
        found: dict[str, Pod] = {}
        for path in self._manifests():
            pod = self._read(path)
            if pod is not None:
                found[pod.metadata.uid] = self.pods.get(pod.metadata.uid, pod)
        if found.keys() != self.pods.keys():
            self.pods = found
            self._on_change()

    def _manifests(self) -> list[Path]:
        """Return the files to read: of a directory, as upstream, every one that is not hidden, whatever its suffix."""
        if not self._path.is_dir():
            return [self._path] if self._path.is_file() else []
        return sorted(path for path in self._path.iterdir() if path.is_file() and not path.name.startswith("."))

    def _read(self, path: Path) -> Pod | None:
        try:
            text = path.read_text()
            if not text.strip():
                return None  # about to be written, which inotify will tell
            pod = parse_manifest(text, str(path), self._node, format_time(self._clock.now()))
        except (OSError, UnicodeDecodeError, BadManifest) as error:
            if self._bad.get(path) != str(error):
                self._bad[path] = str(error)
                _log.error("static pod ignored: %s", error if isinstance(error, BadManifest) else f"{path}: {error}")
            return None
        self._bad.pop(path, None)
        return pod
