"""What the ConfigMap should say."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.meta_v1 import ObjectMeta

NAME = "kube-root-ca.crt"
_DESCRIPTION = {
    "kubernetes.io/description": "The certificate authority by which pods recognise this cluster's API server. "
    "It vouches for no other server.",
}


def plan(namespace: str, root_ca: str, existing: ConfigMap | None) -> ConfigMap | None:
    """Return the ConfigMap to write; None if the one there is right."""
    data = {"ca.crt": root_ca}
    if existing is None:
        metadata = ObjectMeta(name=NAME, namespace=namespace, annotations=_DESCRIPTION)
        return ConfigMap(metadata=metadata, data=data)
    described = _DESCRIPTION.items() <= existing.metadata.annotations.items()
    if existing.data == data and not existing.binary_data and described:
        return None
    annotations = {**existing.metadata.annotations, **_DESCRIPTION}
    return replace(existing, metadata=replace(existing.metadata, annotations=annotations), data=data, binary_data={})
