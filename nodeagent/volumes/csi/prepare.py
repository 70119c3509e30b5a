"""What a driver is to be told of one volume: from the pod, the persistent volume, and objects that go with it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controlplane.api.core_v1 import CSIPersistentVolumeSource, CSIVolumeSource, PersistentVolume, Pod, Secret
from controlplane.api.status import NotFound, StatusError
from controlplane.api.storage_v1 import CSIDriver, CSIDriverSpec, VolumeAttachment
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.timestamps import format_time
from nodeagent.volumes.claims import Claimed
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.tokens import DEFAULT_SECONDS, Token

_ATTACHMENT_SECONDS = 5.0  # between looks for an attachment, which a node cannot watch


@dataclass(frozen=True, slots=True)
class Prepared:
    """One volume as its driver is told of it."""

    driver: str
    handle: str
    ephemeral: bool = False
    access_mode: str = ""  # the persistent volume's first; "" for an inline one
    fs_type: str = ""
    mount_options: tuple[str, ...] = ()
    read_only: bool = False
    fs_group_policy: str = ""
    attachment: str = ""
    publish_context: Mapping[str, str] = field(default_factory=dict)
    volume_context: Mapping[str, str] = field(default_factory=dict)
    stage_secrets: Mapping[str, str] = field(default_factory=dict)
    publish_secrets: Mapping[str, str] = field(default_factory=dict)
    token_requests: tuple[tuple[str, int], ...] = ()  # audience and seconds
    tokens_in_secrets: bool = False
    republish: bool = False  # whether the driver is to be asked again and again, to renew what it shows


class Preparer:
    """Asks the API, once for each volume of a pod."""

    def __init__(self, client: Client):
        self._client = client
        self._prepared: dict[str, dict[str, Prepared]] = {}  # by pod UID and volume

    async def prepare(self, pod: Pod, claimed: Mapping[str, Claimed]) -> dict[str, Prepared]:
        """Return what there is to say of each CSI volume of the pod. Raises VolumeFailed."""
        known = self._prepared.setdefault(pod.metadata.uid, {})
        for volume in pod.spec.volumes:
            if volume.name in known:
                continue
            behind = claimed.get(volume.name)
            try:
                if volume.csi is not None:
                    known[volume.name] = await self._inline(pod, volume.name, volume.csi)
                elif behind is not None and behind.volume.spec.csi is not None:
                    known[volume.name] = await self._persistent(pod, behind, behind.volume.spec.csi)
            except (StatusError, Unreachable, VolumeFailed) as error:
                retry = error.retry_after if isinstance(error, VolumeFailed) else None
                text = f'MountVolume.SetUp failed for volume "{volume.name}" : {error}'
                raise VolumeFailed(text, retry_after=retry) from error
        return dict(known)

    def forget(self, uid: str) -> None:
        self._prepared.pop(uid, None)

    async def _inline(self, pod: Pod, name: str, source: CSIVolumeSource) -> Prepared:
        driver = await self._driver(source.driver)
        if driver is None or "Ephemeral" not in driver.volume_lifecycle_modes:
            raise VolumeFailed(
                f"kubernetes.io/csi: mounter.SetUpAt failed to check volume lifecycle mode: volume mode "
                f'"Ephemeral" not supported by driver {source.driver}'
            )
        secret = source.node_publish_secret_ref
        return Prepared(
            driver=source.driver,
            handle=inline_handle(pod.metadata.uid, name),
            ephemeral=True,
            fs_type=source.fs_type,
            read_only=bool(source.read_only),
            volume_context={**source.volume_attributes, **about_the_pod(pod, driver, ephemeral=True)},
            publish_secrets=await self._secret(pod.metadata.namespace, secret.name) if secret else {},
            **wishes(driver),
        )

    async def _persistent(self, pod: Pod, claimed: Claimed, source: CSIPersistentVolumeSource) -> Prepared:
        driver = await self._driver(source.driver)
        needs_attachment = driver is None or driver.attach_required is not False
        name = attachment_name(source.volume_handle, source.driver, pod.spec.node_name) if needs_attachment else ""
        stage, publish = source.node_stage_secret_ref, source.node_publish_secret_ref
        spec = claimed.volume.spec
        return Prepared(
            driver=source.driver,
            handle=source.volume_handle,
            access_mode=access_mode(claimed.volume),
            fs_type=source.fs_type,
            mount_options=tuple(spec.mount_options),
            read_only=claimed.read_only or bool(source.read_only),
            attachment=name,
            publish_context=await self._attachment(name) if name else {},
            volume_context={**source.volume_attributes, **about_the_pod(pod, driver, ephemeral=False)},
            stage_secrets=await self._secret(stage.namespace, stage.name) if stage else {},
            publish_secrets=await self._secret(publish.namespace, publish.name) if publish else {},
            **wishes(driver),
        )

    async def _driver(self, name: str) -> CSIDriverSpec | None:
        try:
            return (await self._client.get(CSIDriver, name)).spec
        except NotFound:
            return None

    async def _attachment(self, name: str) -> Mapping[str, str]:
        try:
            found = (await self._client.get(VolumeAttachment, name)).status
        except NotFound as error:
            raise VolumeFailed(f"waiting for VolumeAttachment {name}", retry_after=_ATTACHMENT_SECONDS) from error
        if not found.attached:
            why = found.attach_error.message if found.attach_error else "not attached yet"
            raise VolumeFailed(f"waiting for VolumeAttachment {name}: {why}", retry_after=_ATTACHMENT_SECONDS)
        return found.attachment_metadata

    async def _secret(self, namespace: str, name: str) -> Mapping[str, str]:
        found = await self._client.get(Secret, name, namespace)
        return {key: base64.b64decode(value).decode() for key, value in found.data.items()}


def wishes(driver: CSIDriverSpec | None) -> dict[str, Any]:
    """Return what a driver wants for each of its volumes, as fields of a Prepared."""
    if driver is None:
        return {}
    requests = ((one.audience, one.expiration_seconds or DEFAULT_SECONDS) for one in driver.token_requests)
    return {
        "fs_group_policy": driver.fs_group_policy,
        "token_requests": tuple(requests),
        "tokens_in_secrets": bool(driver.service_account_token_in_secrets),
        "republish": bool(driver.requires_republish),
    }


def with_tokens(prepared: Prepared, tokens: Mapping[str, Token]) -> Prepared:
    """Return what the driver is told with the pod's tokens, by audience, where it looks for them."""
    told = {
        audience: {"token": token.text, "expirationTimestamp": format_time(token.expires)}
        for audience, token in tokens.items()
    }
    added = {"csi.storage.k8s.io/serviceAccount.tokens": json.dumps(told)}
    if prepared.tokens_in_secrets:
        return replace(prepared, publish_secrets={**prepared.publish_secrets, **added})
    return replace(prepared, volume_context={**prepared.volume_context, **added})


def about_the_pod(pod: Pod, driver: CSIDriverSpec | None, *, ephemeral: bool) -> dict[str, str]:
    """Return what a driver that asks for it (podInfoOnMount) is told of the pod."""
    if driver is None or not driver.pod_info_on_mount:
        return {}
    prefix, meta = "csi.storage.k8s.io", pod.metadata
    return {
        f"{prefix}/pod.name": meta.name,
        f"{prefix}/pod.namespace": meta.namespace,
        f"{prefix}/pod.uid": meta.uid,
        f"{prefix}/serviceAccount.name": pod.spec.service_account_name,
        f"{prefix}/ephemeral": "true" if ephemeral else "false",
    }


def access_mode(volume: PersistentVolume) -> str:
    return volume.spec.access_modes[0] if volume.spec.access_modes else ""


def inline_handle(uid: str, name: str) -> str:
    """Return the handle of a volume that exists for one pod, the same each time it is asked for."""
    return f"csi-{hashlib.sha256(f'{uid}{name}'.encode()).hexdigest()}"


def attachment_name(handle: str, driver: str, node: str) -> str:
    """Return the name under which a volume's attachment to a node is known to all who deal with it."""
    return f"csi-{hashlib.sha256(f'{handle}{driver}{node}'.encode()).hexdigest()}"
