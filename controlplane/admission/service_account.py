"""ServiceAccount: every pod runs as an account, and gets a token for it unless it says no.

volumes:      kube-api-access-7xk2d = projected: token (an hour, renewed), ca.crt, namespace
volumeMounts: /var/run/secrets/kubernetes.io/serviceaccount, read-only, in every container without one
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.core_v1 import ServiceAccount as Account
from controlplane.api.reader import ObjectReader
from controlplane.kit.clock import Clock

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
MIRROR = "kubernetes.io/config.mirror"
TOKEN_SECONDS = 3607  # the number by which the token request recognizes injected tokens

# Without vowels, so that no suffix spells a word; without 0, 1 and 3, which look like letters. As for generated names.
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

# A new namespace gets its default account from a controller: wait for it rather than refuse the first pod.
_DEFAULT_ATTEMPTS, _ATTEMPT_SECONDS = 10, 0.1


class ServiceAccount(Plugin):
    """Gives a new pod its account, the token volume and the account's pull secrets."""

    name = "ServiceAccount"
    looks_at = frozenset({"pods"})

    def __init__(self, reader: ObjectReader, clock: Clock, random: Random):
        self._reader, self._clock, self._random = reader, clock, random

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        spec = pod.setdefault("spec", {})
        if MIRROR in (pod["metadata"].get("annotations") or {}):
            _check_mirror(attributes, spec)
            return
        name = spec.get("serviceAccountName") or "default"
        account = await self._find(attributes, name)
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        if _wants_token(spec, account):
            self._mount_token(spec)
        if not spec.get("imagePullSecrets") and account.image_pull_secrets:
            spec["imagePullSecrets"] = [{"name": secret.name} for secret in account.image_pull_secrets]

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is not None and attributes.is_for("pods", Operation.CREATE):
            if MIRROR in (pod["metadata"].get("annotations") or {}):
                _check_mirror(attributes, pod.get("spec") or {})
            elif not pod["spec"].get("serviceAccountName"):
                raise attributes.forbidden(
                    f"no service account specified for pod {attributes.namespace}/{pod['metadata'].get('name', '')}"
                )

    async def _find(self, attributes: Attributes, name: str) -> Account:
        namespace = attributes.namespace
        for attempt in range(_DEFAULT_ATTEMPTS if name == "default" else 2):
            if attempt:
                await self._clock.sleep(_ATTEMPT_SECONDS)
            if (account := self._reader.get(Account, namespace, name)) is not None:
                return account
        raise attributes.forbidden(
            f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        )

    def _mount_token(self, spec: Document) -> None:
        lacking = [container for container in _containers(spec) if not _has_mount(container)]
        if not lacking:
            return
        volumes = spec.get("volumes") or []
        existing = [volume["name"] for volume in volumes if volume.get("name", "").startswith(VOLUME_PREFIX)]
        name = existing[0] if existing else self._new_name()
        if not existing:
            spec["volumes"] = [*volumes, {"name": name, "projected": token_sources()}]
        for container in lacking:
            mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
            container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]

    def _new_name(self) -> str:
        return VOLUME_PREFIX + "".join(self._random.choice(_SUFFIX_ALPHABET) for _ in range(5))


def token_sources() -> dict[str, Any]:
    """Return the projected volume with all that a client in a pod needs to find and to trust the API server."""
    return {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [_namespace_file()]}},
        ],
    }


def _namespace_file() -> dict[str, Any]:
    return {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}


def _wants_token(spec: Document, account: Account) -> bool:
    said = spec.get("automountServiceAccountToken")
    if said is None:
        said = account.automount_service_account_token
    return said is not False


def _containers(spec: Document) -> Iterator[Document]:
    yield from spec.get("initContainers") or []
    yield from spec.get("containers") or []


def _has_mount(container: Document) -> bool:
    return any(mount.get("mountPath") == MOUNT_PATH for mount in container.get("volumeMounts") or [])


def _check_mirror(attributes: Attributes, spec: Document) -> None:
    """A mirror pod shows a file on a node: it must not be a way to get a token."""
    if spec.get("serviceAccountName"):
        raise attributes.forbidden("a mirror pod may not reference service accounts")
    for volume in spec.get("volumes") or []:
        if volume.get("secret"):
            raise attributes.forbidden("a mirror pod may not reference secrets")
        sources = (volume.get("projected") or {}).get("sources") or []
        if any(source.get("serviceAccountToken") for source in sources):
            raise attributes.forbidden("a mirror pod may not use ServiceAccountToken volume projections")
