"""Volumes of a pod: an unnamed source is an empty directory; files are 0644 unless said otherwise."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.containers import default_value_source, pull_policy

_MODE = 0o644
_TOKEN_SECONDS = 3600
_WITH_MODE = ("configMap", "secret", "downwardAPI", "projected")


def default_volume(volume: Document) -> None:
    if not any(name != "name" and source is not None for name, source in volume.items()):
        volume["emptyDir"] = {}
    for name in _WITH_MODE:
        source = volume.get(name)
        if source is not None and source.get("defaultMode") is None:
            source["defaultMode"] = _MODE
    for projection in (volume.get("projected") or {}).get("sources", ()):
        _default_projection(projection)
    _default_items(volume.get("downwardAPI"))
    _default_others(volume)


def _default_projection(projection: Document) -> None:
    token = projection.get("serviceAccountToken")
    if token is not None and token.get("expirationSeconds") is None:
        token["expirationSeconds"] = _TOKEN_SECONDS
    _default_items(projection.get("downwardAPI"))


def _default_items(downward: Document | None) -> None:
    for item in (downward or {}).get("items", ()):
        default_value_source(item)


def _default_others(volume: Document) -> None:
    image, iscsi, rbd = volume.get("image"), volume.get("iscsi"), volume.get("rbd")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = pull_policy(image.get("reference") or "")
    if iscsi is not None and not iscsi.get("iscsiInterface"):
        iscsi["iscsiInterface"] = "default"
    if rbd is not None:
        for name, value in {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}.items():
            rbd[name] = rbd.get(name) or value
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim is not None and not claim.setdefault("spec", {}).get("volumeMode"):
        claim["spec"]["volumeMode"] = "Filesystem"
